// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"teiten/internal/fault"
	"teiten/internal/pki"
)

func faultCode(err error) string { return fault.Code(err) }

func keyPEM(key crypto.Signer) []byte {
	return asPEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
}

// write replaces a file in one step, as programs that renew certificates do.
func write(t *testing.T, path string, b []byte) {
	t.Helper()
	tmp := path + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		t.Fatal(err)
	}
}

func TestServerFiles(t *testing.T) {
	dir := t.TempDir()
	chainFile, keyFile := filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")
	a := newAuthority(t, "ISAC")
	issue := func(host string) (*x509.Certificate, crypto.Signer) {
		key := must(pki.NewKey())
		return must(a.Server([]string{host}, key.Public(), now)), key
	}
	_, err := pki.OpenServerFiles(chainFile, keyFile, now)
	want(t, err, "pki.file_absent")

	first, key := issue("first.example.jp")
	write(t, chainFile, pki.EncodePEM(first, a.Certificate()))
	write(t, keyFile, keyPEM(key))
	f, err := pki.OpenServerFiles(chainFile, keyFile, now)
	if err != nil {
		t.Fatal(err)
	}
	is := func(c *x509.Certificate) {
		t.Helper()
		if got := f.Certificate(); !got.Leaf.Equal(c) || len(got.Certificate) != 2 {
			t.Fatalf("serves %v with %d certificates", got.Leaf.DNSNames, len(got.Certificate))
		}
	}
	is(first)
	if changed, err := f.Reload(now); changed || err != nil {
		t.Errorf("without a change: %v %v", changed, err)
	}

	// Chain first, key after: between them they do not fit, and the old pair stays.
	second, key2 := issue("second.example.jp")
	write(t, chainFile, pki.EncodePEM(second, a.Certificate()))
	changed, err := f.Reload(now)
	want(t, err, "pki.server_key")
	is(first)
	if _, err := f.Reload(now); changed || err != nil {
		t.Errorf("said twice: %v", err)
	}
	write(t, keyFile, keyPEM(key2))
	if changed, err := f.Reload(now); !changed || err != nil {
		t.Errorf("with both: %v %v", changed, err)
	}
	is(second)

	// Old files of every bad kind leave the second in place.
	other, otherKey := issue("other.example.jp")
	var nobody *maker
	client := must(a.Client("甲病院", key.Public(), 0, now))
	root := nobody.make(t, otherKey, asCA)
	expired := root.make(t, key, func(c *x509.Certificate) {
		c.ExtKeyUsage, c.DNSNames, c.NotAfter = nil, []string{"a.example.jp"}, now.Add(-time.Minute)
	})
	for name, c := range map[string]struct {
		chain, key []byte
		code       string
	}{
		"an empty chain":    {nil, keyPEM(key), "pki.file_content"},
		"a damaged chain":   {pki.EncodePEM(other)[:300], keyPEM(otherKey), "pki.file_content"},
		"a wrong order":     {pki.EncodePEM(a.Certificate(), other), keyPEM(otherKey), "pki.file_content"},
		"no key":            {pki.EncodePEM(other), pki.EncodePEM(other), "pki.server_key"},
		"another's key":     {pki.EncodePEM(other), keyPEM(key), "pki.server_key"},
		"a locked key":      {pki.EncodePEM(other), asPEM("ENCRYPTED PRIVATE KEY", []byte{1}), "pki.server_key_locked"},
		"a client's":        {pki.EncodePEM(client), keyPEM(key), "pki.server_usage"},
		"an authority's":    {pki.EncodePEM(root.cert), keyPEM(otherKey), "pki.server_usage"},
		"one that is over":  {pki.EncodePEM(expired.cert), keyPEM(key), "pki.server_time"},
		"a very large file": {make([]byte, 1<<20+1), keyPEM(key), "pki.file_large"},
	} {
		write(t, chainFile, c.chain)
		write(t, keyFile, c.key)
		changed, err := f.Reload(now)
		if fault.Code(err) != c.code || changed {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
		is(second)
	}
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	_, err = f.Reload(now)
	want(t, err, "pki.file_absent")
	is(second)

	// One file for both, the key between the certificates.
	both := bytes.Join([][]byte{pki.EncodePEM(other), keyPEM(otherKey), pki.EncodePEM(a.Certificate())}, nil)
	write(t, chainFile, both)
	write(t, keyFile, both)
	if changed, err := f.Reload(now); !changed || err != nil {
		t.Fatalf("one file: %v %v", changed, err)
	}
	is(other)
	handshake(t, f, a)
}

// handshake shows the certificate at a real TLS connection.
func handshake(t *testing.T, f *pki.ServerFiles, a *pki.Authority) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return f.Certificate(), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.(*tls.Conn).Handshake() // its failure is the client's too
	}()
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	d := net.Dialer{Timeout: 10 * time.Second}
	c, err := tls.DialWithDialer(&d, "tcp", l.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "other.example.jp", Time: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestBundleFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "authorities.pem")
	_, err := pki.OpenBundleFile(path)
	want(t, err, "pki.file_absent")
	a, b := newAuthority(t, "甲"), newAuthority(t, "乙")
	write(t, path, pki.EncodePEM(a.Certificate()))
	f, err := pki.OpenBundleFile(path)
	if err != nil || len(f.Authorities()) != 1 {
		t.Fatal(err)
	}
	leaf := must(a.Client("x", must(pki.NewKey()).Public(), 0, now))
	write(t, path, pki.EncodePEM(a.Certificate(), leaf))
	_, err = f.Reload(now)
	want(t, err, "pki.file_content")
	want(t, fault.From(err).Args["reason"].(error), "pki.bundle_leaf")
	if len(f.Authorities()) != 1 {
		t.Error("the old list is gone")
	}
	write(t, path, pki.EncodePEM(a.Certificate(), b.Certificate()))
	if changed, err := f.Reload(now); !changed || err != nil || len(f.Authorities()) != 2 {
		t.Errorf("reloaded: %v %v", changed, err)
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	a := newAuthority(t, "ISAC")
	for _, s := range []string{a.String(), a.GoString()} {
		if block, _ := pem.Decode([]byte(s)); block != nil || len(s) > 100 {
			t.Errorf("printed as %q", s)
		}
	}
}
