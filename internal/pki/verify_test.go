// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	"teiten/internal/pki"
)

func wantReason(t *testing.T, name string, err error, reason pki.Reason) {
	t.Helper()
	var r *pki.Refusal
	switch {
	case reason == "" && err != nil:
		t.Errorf("%s: refused: %v", name, err)
	case reason != "" && (!errors.As(err, &r) || r.Reason != reason):
		t.Errorf("%s: %v, want %q", name, err, reason)
	}
}

// maker issues certificates of every bad kind.
type maker struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// make issues what change makes of a good client's certificate; with no
// issuer it signs itself.
func (m *maker) make(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) *maker {
	t.Helper()
	serial := must(rand.Int(rand.Reader, big.NewInt(1<<62)))
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "c" + serial.String()},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(day), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(c)
	}
	by := &maker{c, key}
	if m != nil {
		by = m
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	return &maker{must(x509.ParseCertificate(der)), key}
}

func asCA(c *x509.Certificate) {
	c.IsCA, c.KeyUsage, c.ExtKeyUsage = true, x509.KeyUsageCertSign, nil
	c.NotAfter = now.AddDate(10, 0, 0)
}

// expiredCA was an authority until a minute ago.
func expiredCA(c *x509.Certificate) {
	asCA(c)
	c.NotAfter = now.Add(-time.Minute)
}

func TestVerify(t *testing.T) {
	own := newAuthority(t, "ISAC")
	key := must(pki.NewKey())
	client := must(own.Client("甲病院", key.Public(), 0, now))
	impostor := newAuthority(t, "ISAC")

	ec := func() crypto.Signer { return must(pki.NewKey()) }
	rsa1024, rsa2048 := must(rsa.GenerateKey(rand.Reader, 1024)), must(rsa.GenerateKey(rand.Reader, 2048))
	var nobody *maker
	root := nobody.make(t, ec(), asCA)
	above := root.make(t, ec(), asCA)
	bounded := root.make(t, ec(), func(c *x509.Certificate) { asCA(c); c.MaxPathLenZero = true })
	below := bounded.make(t, ec(), asCA)
	old := root.make(t, ec(), expiredCA)
	notCA := root.make(t, ec(), nil)
	shortCA := root.make(t, rsa1024, asCA)
	serverCA := root.make(t, ec(), func(c *x509.Certificate) { asCA(c); c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	roots := []*x509.Certificate{own.Certificate(), root.cert}
	chain := func(m ...*maker) (all []*x509.Certificate) {
		for _, m := range m {
			all = append(all, m.cert)
		}
		return all
	}
	usage := func(u ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtKeyUsage = u }
	}
	long := make([]*x509.Certificate, 11)
	for i := range long {
		long[i] = above.cert
	}
	renamed := &maker{&x509.Certificate{Subject: root.cert.Subject, RawSubject: root.cert.RawSubject}, ec()}

	for name, c := range map[string]struct {
		leaf  *x509.Certificate
		above []*x509.Certificate
		at    time.Time
		want  pki.Reason
	}{
		"own":                              {leaf: client},
		"own, on its last second":          {leaf: client, at: client.NotAfter},
		"own, over":                        {leaf: client, at: client.NotAfter.Add(time.Second), want: pki.Expired},
		"own, not yet":                     {leaf: client, at: client.NotBefore.Add(-time.Second), want: pki.NotYet},
		"of a trusted authority":           {leaf: root.make(t, ec(), nil).cert},
		"RSA 2048":                         {leaf: root.make(t, rsa2048, nil).cert},
		"through an intermediate":          {leaf: above.make(t, ec(), nil).cert, above: chain(above)},
		"the intermediate is missing":      {leaf: above.make(t, ec(), nil).cert, want: pki.Foreign},
		"with needless certificates":       {leaf: above.make(t, ec(), nil).cert, above: chain(old, root, above)},
		"the intermediate has expired":     {leaf: old.make(t, ec(), nil).cert, above: chain(old), want: pki.Expired},
		"of an authority of the same name": {leaf: must(impostor.Client("甲病院", key.Public(), 0, now)), want: pki.Foreign},
		"foreign with its own root":        {leaf: must(impostor.Client("甲病院", key.Public(), 0, now)), above: []*x509.Certificate{impostor.Certificate()}, want: pki.Foreign},
		"foreign and expired":              {leaf: must(impostor.Client("甲病院", key.Public(), 0, now)), at: now.AddDate(2, 0, 0), want: pki.Foreign},
		"under a trusted name, other key":  {leaf: renamed.make(t, ec(), nil).cert, want: pki.Foreign},
		"self-signed":                      {leaf: nobody.make(t, ec(), nil).cert, want: pki.SelfSigned},
		"self-signed authority":            {leaf: nobody.make(t, ec(), asCA).cert, want: pki.SelfSigned},
		"self-signed and expired":          {leaf: nobody.make(t, ec(), expiredCA).cert, want: pki.SelfSigned},
		"the root itself":                  {leaf: own.Certificate(), want: pki.Usage},
		"an authority as leaf":             {leaf: root.make(t, ec(), func(c *x509.Certificate) { asCA(c); c.ExtKeyUsage = usages(x509.ExtKeyUsageClientAuth) }).cert, want: pki.Usage},
		"for servers":                      {leaf: root.make(t, ec(), usage(x509.ExtKeyUsageServerAuth)).cert, want: pki.Usage},
		"for mail":                         {leaf: root.make(t, ec(), usage(x509.ExtKeyUsageEmailProtection)).cert, want: pki.Usage},
		"for nothing in particular":        {leaf: root.make(t, ec(), usage()).cert, want: pki.Usage},
		"for anything":                     {leaf: root.make(t, ec(), usage(x509.ExtKeyUsageAny)).cert, want: pki.Usage},
		"for clients and servers":          {leaf: root.make(t, ec(), usage(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)).cert},
		"a key that may not sign":          {leaf: root.make(t, ec(), func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }).cert, want: pki.Usage},
		"below an authority for servers":   {leaf: serverCA.make(t, ec(), nil).cert, above: chain(serverCA), want: pki.Usage},
		"below a leaf":                     {leaf: notCA.make(t, ec(), nil).cert, above: chain(notCA), want: pki.Foreign},
		"below too long a path":            {leaf: below.make(t, ec(), nil).cert, above: chain(below, bounded), want: pki.Foreign},
		"RSA 1024":                         {leaf: root.make(t, rsa1024, nil).cert, want: pki.Weak},
		"below RSA 1024":                   {leaf: shortCA.make(t, ec(), nil).cert, above: chain(shortCA), want: pki.Weak},
		"nothing":                          {leaf: nil, want: pki.Malformed},
		"too many certificates above":      {leaf: above.make(t, ec(), nil).cert, above: long, want: pki.Malformed},
		"an unknown critical extension": {leaf: root.make(t, ec(), func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}).cert, want: pki.Malformed},
	} {
		at := c.at
		if at.IsZero() {
			at = now
		}
		got, err := pki.Verify(c.leaf, c.above, roots, at)
		wantReason(t, name, err, c.want)
		if c.want == "" && (len(got) < 2 || !got[0].Equal(c.leaf)) {
			t.Errorf("%s: chain of %d", name, len(got))
		}
	}
}

func usages(u ...x509.ExtKeyUsage) []x509.ExtKeyUsage { return u }

// withSHA1 signs a certificate again, truly, with SHA-1, which crypto/x509
// refuses to do.
func withSHA1(t *testing.T, der []byte, key crypto.Signer) *x509.Certificate {
	t.Helper()
	type tbs struct {
		Version    int `asn1:"optional,explicit,tag:0"`
		Serial     *big.Int
		Algorithm  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		Validity   asn1.RawValue
		Subject    asn1.RawValue
		Key        asn1.RawValue
		Extensions asn1.RawValue `asn1:"optional,tag:3"`
	}
	var c struct {
		TBS       tbs
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &c); err != nil || len(rest) > 0 {
		t.Fatalf("%d bytes left: %v", len(rest), err)
	}
	c.Algorithm.Algorithm = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1} // ecdsa-with-SHA1
	c.TBS.Algorithm = c.Algorithm
	sum := sha1.Sum(must(asn1.Marshal(c.TBS)))
	c.Signature.Bytes = must(key.Sign(rand.Reader, sum[:], crypto.SHA1))
	c.Signature.BitLength = 8 * len(c.Signature.Bytes)
	return must(x509.ParseCertificate(must(asn1.Marshal(c))))
}

func TestVerifySHA1(t *testing.T) {
	var nobody *maker
	root := nobody.make(t, must(pki.NewKey()), asCA)
	above := root.make(t, must(pki.NewKey()), asCA)
	roots := []*x509.Certificate{root.cert}
	leaf := withSHA1(t, root.make(t, must(pki.NewKey()), nil).cert.Raw, root.key)
	if leaf.SignatureAlgorithm != x509.ECDSAWithSHA1 {
		t.Fatalf("signed with %s", leaf.SignatureAlgorithm)
	}
	_, err := pki.Verify(leaf, nil, roots, now)
	wantReason(t, "leaf with SHA-1", err, pki.Weak)
	old := withSHA1(t, above.cert.Raw, root.key)
	_, err = pki.Verify(above.make(t, must(pki.NewKey()), nil).cert, []*x509.Certificate{old}, roots, now)
	wantReason(t, "intermediate with SHA-1", err, pki.Weak)
	// What is trusted is trusted for itself, not for the signature on it.
	anchor := withSHA1(t, root.cert.Raw, root.key)
	_, err = pki.Verify(root.make(t, must(pki.NewKey()), nil).cert, nil, []*x509.Certificate{anchor}, now)
	wantReason(t, "root with SHA-1", err, "")
}

func BenchmarkVerify(b *testing.B) {
	own := newAuthority(b, "ISAC")
	client := must(own.Client("甲病院", must(pki.NewKey()).Public(), 0, now))
	roots := []*x509.Certificate{own.Certificate()}
	for b.Loop() {
		if _, err := pki.Verify(client, nil, roots, now); err != nil {
			b.Fatal(err)
		}
	}
}
