// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"teiten/internal/fault"
	"teiten/internal/pki"
	"teiten/internal/program"
)

var now = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func want(t *testing.T, err error, code string) {
	t.Helper()
	if fault.Code(err) != code || code == "" && err != nil {
		t.Errorf("error %v, want %q", err, code)
	}
}

func newAuthority(t testing.TB, name string) *pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority(name, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthority(t *testing.T) {
	a := newAuthority(t, "見本ISAC")
	c := a.Certificate()
	if !c.IsCA || !c.BasicConstraintsValid || c.MaxPathLen != 0 || !c.MaxPathLenZero {
		t.Errorf("constraints: CA %v, path length %d", c.IsCA, c.MaxPathLen)
	}
	if c.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign || len(c.SubjectKeyId) != 20 {
		t.Errorf("usage %b, key id %x", c.KeyUsage, c.SubjectKeyId)
	}
	if got := c.NotAfter; !got.Equal(now.AddDate(10, 0, 0)) {
		t.Errorf("ends on %s", got)
	}
	if c.SerialNumber.BitLen() != 129 || c.PublicKey.(*ecdsa.PublicKey).Curve != elliptic.P256() {
		t.Errorf("serial %x, key %T", c.SerialNumber, c.PublicKey)
	}
	if err := c.CheckSignatureFrom(c); err != nil {
		t.Error(err)
	}
	other := newAuthority(t, "見本ISAC")
	if bytes.Equal(other.Certificate().RawSubject, c.RawSubject) {
		t.Error("two authorities of one name cannot be told apart")
	}
	key := must(a.Key())
	again, err := pki.LoadAuthority(c.Raw, key)
	if err != nil || !again.Certificate().Equal(c) {
		t.Errorf("loaded: %v", err)
	}
	_, err = pki.LoadAuthority(other.Certificate().Raw, key)
	want(t, err, "pki.authority")
	_, err = pki.LoadAuthority(c.Raw, key[:20])
	want(t, err, "pki.authority")
	_, err = pki.NewAuthority(" ", now)
	want(t, err, "pki.authority_name")
	if s := strings.Repeat("長", 100); pki.Fingerprint(newAuthority(t, s).Certificate()) == "" {
		t.Error("a long name")
	}
}

func TestClient(t *testing.T) {
	a := newAuthority(t, "ISAC")
	key := must(pki.NewKey())
	c := must(a.Client("甲病院", key.Public(), 0, now))
	if c.IsCA || len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth || c.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("CA %v, usages %v %v", c.IsCA, c.ExtKeyUsage, c.KeyUsage)
	}
	if got := c.NotAfter.Sub(now); got != 365*day {
		t.Errorf("lives %s", got)
	}
	if len(c.Subject.CommonName) != 32 || len(c.URIs) != 1 || c.URIs[0].String() != "urn:teiten:certificate:"+c.Subject.CommonName || len(c.Subject.Names) != 2 {
		t.Errorf("named %s, %v", c.Subject, c.URIs)
	}
	if len(c.Subject.Organization) != 1 || c.Subject.Organization[0] != "甲病院" {
		t.Errorf("organisation %v", c.Subject.Organization)
	}
	if !bytes.Equal(c.AuthorityKeyId, a.Certificate().SubjectKeyId) || len(c.SubjectKeyId) != 20 {
		t.Error("key ids do not fit")
	}
	if _, err := pki.Verify(c, nil, []*x509.Certificate{a.Certificate()}, now); err != nil {
		t.Error(err)
	}
	// Nothing outlives the authority, and nothing is issued outside of its life.
	late := now.AddDate(10, 0, -1)
	if c := must(a.Client("x", key.Public(), 0, late)); !c.NotAfter.Equal(a.Certificate().NotAfter) {
		t.Errorf("ends on %s, the authority on %s", c.NotAfter, a.Certificate().NotAfter)
	}
	for _, at := range []time.Time{now.AddDate(10, 0, 0), now.Add(-2 * time.Hour)} {
		_, err := a.Client("x", key.Public(), 0, at)
		want(t, err, "pki.authority_time")
	}
	for _, valid := range []time.Duration{-1, time.Second, 4 * 366 * day} {
		_, err := a.Client("x", key.Public(), valid, now)
		want(t, err, "pki.valid")
	}
}

func TestServer(t *testing.T) {
	a := newAuthority(t, "ISAC")
	key := must(pki.NewKey())
	c := must(a.Server([]string{"Portal.Example.JP.", "192.0.2.1", "[2001:db8::1]", "定点.example.jp", "portal.example.jp", "::ffff:192.0.2.1"}, key.Public(), now))
	if strings.Join(c.DNSNames, " ") != "portal.example.jp xn--mbt840c.example.jp" || len(c.IPAddresses) != 2 {
		t.Errorf("names %v, addresses %v", c.DNSNames, c.IPAddresses)
	}
	if len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth || c.NotAfter.Sub(now) != 397*day || c.NotAfter.Sub(c.NotBefore) >= 398*day {
		t.Errorf("usage %v, life %s", c.ExtKeyUsage, c.NotAfter.Sub(c.NotBefore))
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	for _, host := range []string{"portal.example.jp", "192.0.2.1", "2001:db8::1", "xn--mbt840c.example.jp"} {
		if _, err := c.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: now}); err != nil {
			t.Error(err)
		}
	}
	_, err := pki.Verify(c, nil, []*x509.Certificate{a.Certificate()}, now)
	wantReason(t, "server certificate", err, pki.Usage)
	for _, bad := range []string{"", "a b", "-a.jp", "a..jp", "a_b.jp", "*.example.jp", "http://a.jp", "a.jp:443", "1.2.3.4.5", "fe80::1%eth0", strings.Repeat("a", 64) + ".jp"} {
		_, err := pki.Hosts([]string{bad})
		want(t, err, "pki.host")
	}
	_, err = pki.Hosts(nil)
	want(t, err, "pki.hosts_none")
	var many []string
	for i := range 51 {
		many = append(many, "h"+big.NewInt(int64(i)).String())
	}
	_, err = pki.Hosts(many)
	want(t, err, "pki.hosts_many")
}

func request(key crypto.Signer, algorithm x509.SignatureAlgorithm) []byte {
	return must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "operator", Organization: []string{"乙病院"}}, DNSNames: []string{"portal.example.jp"},
		SignatureAlgorithm: algorithm,
		ExtraExtensions:    []pkix.Extension{{Id: []int{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 3, 1, 1, 0xff}}}, // CA
	}, key))
}

func asPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestRequest(t *testing.T) {
	p256 := must(pki.NewKey())
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	strong, short := must(rsa.GenerateKey(rand.Reader, 2048)), must(rsa.GenerateKey(rand.Reader, 1024))
	good := request(p256, 0)
	forged := bytes.Clone(good)
	forged[len(forged)-1] ^= 1
	for name, c := range map[string]struct {
		csr  []byte
		code string
	}{
		"P-256":           {good, ""},
		"P-256 as PEM":    {asPEM("CERTIFICATE REQUEST", good), ""},
		"the old name":    {asPEM("NEW CERTIFICATE REQUEST", good), ""},
		"text before":     {append([]byte("Certificate Request:\n"), asPEM("CERTIFICATE REQUEST", good)...), ""},
		"P-384":           {request(p384, 0), ""},
		"Ed25519":         {request(ed, 0), ""},
		"RSA 2048":        {request(strong, 0), ""},
		"RSA 1024":        {request(short, 0), "pki.key_rsa"},
		"P-521":           {request(p521, 0), "pki.key_kind"},
		"forged":          {forged, "pki.csr_signature"},
		"a certificate":   {asPEM("CERTIFICATE", newAuthority(t, "x").Certificate().Raw), "pki.csr_format"},
		"two":             {append(asPEM("CERTIFICATE REQUEST", good), asPEM("CERTIFICATE REQUEST", good)...), "pki.csr_one"},
		"garbage behind":  {append(asPEM("CERTIFICATE REQUEST", good), "x"...), "pki.csr_one"},
		"DER with a tail": {append(bytes.Clone(good), 0), "pki.csr_format"},
		"nothing":         {nil, "pki.csr_format"},
		"broken PEM":      {[]byte("-----BEGIN CERTIFICATE REQUEST-----\n!\n-----END CERTIFICATE REQUEST-----\n"), "pki.csr_format"},
		"large":           {make([]byte, 16<<10+1), "pki.csr_large"},
	} {
		t.Run(name, func(t *testing.T) {
			public, err := pki.ParseRequest(c.csr)
			want(t, err, c.code)
			if (public == nil) != (c.code != "") {
				t.Errorf("key %v with error %v", public, err)
			}
		})
	}
	// What the request asks for beside its key is not granted.
	a := newAuthority(t, "ISAC")
	c := must(a.Client("甲病院", must(pki.ParseRequest(good)), 0, now))
	if c.IsCA || len(c.DNSNames) != 0 || strings.Contains(c.Subject.String(), "operator") || c.Subject.Organization[0] != "甲病院" {
		t.Errorf("granted: %s, CA %v, %v", c.Subject, c.IsCA, c.DNSNames)
	}
}

func TestP12(t *testing.T) {
	a := newAuthority(t, "ISAC")
	key := must(pki.NewKey())
	leaf := must(a.Client("甲病院", key.Public(), 0, now))
	chain := []*x509.Certificate{a.Certificate()}
	for _, f := range []pki.Format{pki.Modern, pki.Legacy, ""} {
		password := pki.OneTimePassword()
		p12, err := pki.P12(f, key, leaf, chain, password)
		if err != nil {
			t.Fatal(err)
		}
		k, c, above, err := pkcs12.DecodeChain(p12, password)
		if err != nil || !key.Equal(k) || !c.Equal(leaf) || len(above) != 1 || !above[0].Equal(a.Certificate()) {
			t.Errorf("%s: read back: %v", f, err)
		}
		if _, _, _, err := pkcs12.DecodeChain(p12, pki.OneTimePassword()); !errors.Is(err, pkcs12.ErrIncorrectPassword) {
			t.Errorf("%s: with a wrong password: %v", f, err)
		}
		// What other programs make of it: OpenSSL reads modern files as they are.
		openssl := program.Need(t, "openssl")
		file := filepath.Join(t.TempDir(), "a.p12")
		if err := os.WriteFile(file, p12, 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"pkcs12", "-in", file, "-passin", "stdin", "-nodes", "-info"}
		if f == pki.Legacy {
			args = append(args, "-legacy")
		}
		cmd := exec.Command(openssl, args...)
		cmd.Stdin = strings.NewReader(password + "\n")
		out, err := cmd.CombinedOutput()
		says := "PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256"
		if f == pki.Legacy {
			says = "pbeWithSHA1And3-KeyTripleDES-CBC"
		}
		if err != nil || bytes.Count(out, []byte("BEGIN CERTIFICATE")) != 2 || !bytes.Contains(out, []byte("BEGIN PRIVATE KEY")) || !bytes.Contains(out, []byte(says)) {
			t.Errorf("%s: openssl: %v\n%s", f, err, out)
		}
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", 33), "パスワードパスワードパスワード", "tab\tinside-it"} {
		_, err := pki.P12(pki.Modern, key, leaf, chain, bad)
		want(t, err, "pki.password")
	}
	_, err := pki.P12("best", key, leaf, chain, pki.OneTimePassword())
	want(t, err, "pki.format")
}

func TestOneTimePassword(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		p := pki.OneTimePassword()
		if len(p) != 24 || seen[p] || strings.ContainsAny(p, "0O1I2Z5S8BQUVl") || strings.Count(p, "-") != 4 {
			t.Fatalf("password %q", p)
		}
		seen[p] = true
	}
}

func TestCRL(t *testing.T) {
	a := newAuthority(t, "ISAC")
	der := must(a.CRL(7, []pki.Revoked{{Serial: big.NewInt(12), At: now.Add(-time.Hour), Reason: pki.KeyCompromise}, {Serial: big.NewInt(13), At: now}}, now))
	list := must(x509.ParseRevocationList(der))
	if err := list.CheckSignatureFrom(a.Certificate()); err != nil {
		t.Error(err)
	}
	if list.Number.Int64() != 7 || list.NextUpdate.Sub(list.ThisUpdate) != 7*day || len(list.RevokedCertificateEntries) != 2 {
		t.Errorf("number %d, %s to %s, %d entries", list.Number, list.ThisUpdate, list.NextUpdate, len(list.RevokedCertificateEntries))
	}
	if e := list.RevokedCertificateEntries[0]; e.SerialNumber.Int64() != 12 || e.ReasonCode != 1 || !e.RevocationTime.Equal(now.Add(-time.Hour)) {
		t.Errorf("entry %+v", e)
	}
	if list := must(x509.ParseRevocationList(must(a.CRL(1, nil, now)))); len(list.RevokedCertificateEntries) != 0 {
		t.Error("an empty list is not empty")
	}
}

func TestHeaderRoundTrip(t *testing.T) {
	a := newAuthority(t, "ISAC")
	leaf := must(a.Client("甲病院", must(pki.NewKey()).Public(), 0, now))
	h := http.Header{}
	pki.EncodeClientCert(h, leaf, a.Certificate(), a.Certificate())
	got, above, err := pki.ClientCert(h)
	if err != nil || !got.Equal(leaf) || len(above) != 2 || !above[1].Equal(a.Certificate()) {
		t.Errorf("read back %d above: %v", len(above), err)
	}
	if got, above, err := pki.ClientCert(http.Header{}); got != nil || above != nil || err != nil {
		t.Errorf("without fields: %v %v %v", got, above, err)
	}
}
