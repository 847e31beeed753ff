// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package program_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"teiten/internal/program"
)

// end is how a test ended for which something was asked.
type end struct {
	testing.TB
	failed, skipped bool
}

func (e *end) Helper()               {}
func (e *end) Fatalf(string, ...any) { e.failed = true; panic(e) }
func (e *end) Skipf(string, ...any)  { e.skipped = true; panic(e) }

func ended(fn func(testing.TB)) (e *end) {
	e = &end{}
	defer func() {
		if r := recover(); r != nil && r != any(e) {
			panic(r)
		}
	}()
	fn(e)
	return e
}

func TestRealDataIsSkippedOnlyOutsideCI(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TEITEN_SHARED", dir)
	there := filepath.Join(dir, "data", "list")
	if err := os.MkdirAll(there, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, ci := range []string{"", "true"} {
		t.Setenv("CI", ci)
		got := ""
		if e := ended(func(tb testing.TB) { got = program.RealData(tb, "list") }); e.failed || e.skipped || got != there {
			t.Errorf("CI %q: what is there: %q, %+v", ci, got, e)
		}
		if e := ended(func(tb testing.TB) { program.RealData(tb, "list", "nothing") }); e.failed != (ci != "") || e.skipped == e.failed {
			t.Errorf("CI %q: what is not there: %+v", ci, e)
		}
	}
}

func TestIdentity(t *testing.T) {
	identity, roots := program.Identity(t)
	address := serveTLS(t, identity)
	for _, name := range []string{"localhost", "127.0.0.1"} {
		if err := dialTLS(address, name, roots); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if dialTLS(address, "other.example", roots) == nil {
		t.Error("it is good for another name")
	}
	_, strangers := program.Identity(t)
	if dialTLS(address, "localhost", strangers) == nil {
		t.Error("others vouch for it")
	}
	certificate, key := program.PEM(t, identity)
	again, err := tls.X509KeyPair(certificate, key)
	if err != nil || !again.Leaf.Equal(identity.Leaf) {
		t.Errorf("from its files: %v", err)
	}
}

func serveTLS(t *testing.T, identity tls.Certificate) string {
	t.Helper()
	l, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{identity}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				c.(*tls.Conn).Handshake()
				c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func dialTLS(address, name string, roots *x509.CertPool) error {
	c, err := tls.Dial("tcp4", address, &tls.Config{RootCAs: roots, ServerName: name})
	if err != nil {
		return err
	}
	return c.Close()
}
