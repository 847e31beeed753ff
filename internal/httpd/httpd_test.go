// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package httpd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"teiten/internal/blob"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/membertest"
	"teiten/internal/pki"
	"teiten/internal/program"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

// installation is a store with an authority and people.
type installation struct {
	t      testing.TB
	db     *store.DB
	office *device.Office
	people *membertest.People
	server *tls.Certificate
}

func install(t testing.TB, db *store.DB) *installation {
	t.Helper()
	keys, err := blob.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	i := &installation{t: t, db: db, people: membertest.Register(t, db)}
	if i.office, err = device.Create(ctx, db, keys, i.people.Operator, "見本 CA"); err != nil {
		t.Fatal(err)
	}
	if i.server, err = i.office.IssueServer(ctx, db, i.people.Operator, []string{"127.0.0.1", "localhost"}); err != nil {
		t.Fatal(err)
	}
	return i
}

// certificate issues one to a hospital's contact.
func (i *installation) certificate() (tls.Certificate, device.Certificate) {
	i.t.Helper()
	c := i.people.ContactA
	p12, row, err := i.office.Issue(ctx, i.db, i.people.Operator, device.Request{Purpose: device.Person, Org: c.Org, Account: c.Account}, "one-time-password", pki.Modern)
	if err != nil {
		i.t.Fatal(err)
	}
	key, leaf, _, err := pkcs12.DecodeChain(p12, "one-time-password")
	if err != nil {
		i.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, row
}

func (i *installation) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range i.office.Roots() {
		pool.AddCert(c)
	}
	return pool
}

// seen is what the handler behind the door knows.
type seen struct {
	ID      int64
	Account int64
	Code    string
	Header  string
}

// tell answers with the peer that the door found.
func tell(w http.ResponseWriter, r *http.Request) {
	peer, ok := device.PeerOf(r.Context())
	s := seen{Code: fault.Code(peer.Err), Header: r.Header.Get("Client-Cert") + r.Header.Get("Client-Cert-Chain")}
	if !ok {
		s.Code = "nobody looked"
	}
	if peer.Certificate != nil {
		s.ID, s.Account = peer.Certificate.ID, peer.Certificate.Account
	}
	json.NewEncoder(w).Encode(s)
}

func (i *installation) peers(proxied bool, proxies ...string) *Peers {
	p := &Peers{DB: i.db, Office: i.office, Proxied: proxied, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, n := range proxies {
		p.Proxies = append(p.Proxies, netip.MustParsePrefix(n))
	}
	return p
}

// listen serves h on a free loopback port, with TLS if there are settings for it.
func listen(t testing.TB, h http.Handler, settings *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, TLSConfig: settings, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	t.Cleanup(func() { server.Close() })
	if settings == nil {
		go server.Serve(l)
	} else {
		go server.ServeTLS(l, "", "")
	}
	return l.Addr().String()
}

// ask sends one request, with the certificate if there is one, and returns what
// the handler saw.
func (i *installation) ask(url string, cert *tls.Certificate, header ...string) seen {
	i.t.Helper()
	settings := &tls.Config{RootCAs: i.roots()}
	if cert != nil {
		// Shown even when the server would not have asked for this one.
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: settings, DisableKeepAlives: true}}
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	for n := 0; n+1 < len(header); n += 2 {
		r.Header.Add(header[n], header[n+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		i.t.Fatal(err)
	}
	defer resp.Body.Close()
	var s seen
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		i.t.Fatalf("status %d: %v", resp.StatusCode, err)
	}
	return s
}

// TestDoor shows each kind of certificate to the portal's own end of TLS.
func TestDoor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		i := install(t, db)
		door := TLS(tls.VersionTLS13, i.roots(), func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return i.server, nil })
		url := "https://" + listen(t, i.peers(false).Handler(http.HandlerFunc(tell)), door) + "/"
		good, row := i.certificate()
		want := func(what string, got seen, code string) {
			t.Helper()
			if got.Code != code || (got.ID == row.ID) != (code == "" && what != "none") || got.Header != "" {
				t.Errorf("%s: %+v, want %q", what, got, code)
			}
		}
		want("none", i.ask(url, nil), "")
		want("good", i.ask(url, &good), "")
		header := http.Header{}
		pki.EncodeClientCert(header, good.Leaf)
		want("a forged header", i.ask(url, nil, "Client-Cert", header.Get("Client-Cert")), "httpd.forged")
		want("a forged chain", i.ask(url, &good, "Client-Cert-Chain", header.Get("Client-Cert")), "httpd.forged")

		for what, made := range foreign(t) {
			want(what, i.ask(url, &made.cert), made.code)
		}
		want("the server's own", i.ask(url, i.server), "device.usage")
		if err := device.Revoke(ctx, db, i.people.Operator, row.ID, device.Lost); err != nil {
			t.Fatal(err)
		}
		want("revoked", i.ask(url, &good), "device.revoked")
	})
}

type made struct {
	cert tls.Certificate
	code string
}

// foreign makes certificates that are wrong before the register is asked.
func foreign(t *testing.T) map[string]made {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "another authority"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a client"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	sign := func(template, parent *x509.Certificate) tls.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	return map[string]made{
		"foreign":     {sign(leaf, root), "device.foreign"},
		"self-signed": {sign(leaf, leaf), "device.self_signed"},
	}
}

// TestMinimum holds the version of TLS.
func TestMinimum(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		i := install(t, db)
		for minimum, old := range map[uint16]bool{tls.VersionTLS13: false, tls.VersionTLS12: true} {
			addr := listen(t, http.HandlerFunc(tell), TLS(minimum, i.roots(), func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return i.server, nil }))
			c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: i.roots(), ServerName: "localhost", MaxVersion: tls.VersionTLS12, MinVersion: tls.VersionTLS12})
			if (err == nil) != old {
				t.Errorf("minimum %s: TLS 1.2: %v", tls.VersionName(minimum), err)
			}
			if err == nil {
				c.Close()
			}
		}
	})
}

// TestProxy puts a real haproxy in front, which ends TLS and hands the
// certificate on as RFC 9440 says.
func TestProxy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		i := install(t, db)
		good, row := i.certificate()
		backend := listen(t, i.peers(true, "127.0.0.1/32").Handler(http.HandlerFunc(tell)), nil)
		stranger := listen(t, i.peers(true, "192.0.2.1/32").Handler(http.HandlerFunc(tell)), nil)
		header := http.Header{}
		pki.EncodeClientCert(header, good.Leaf)

		url := "https://" + i.haproxy(backend) + "/"
		if got := i.ask(url, &good); got.ID != row.ID || got.Account != row.Account || got.Code != "" {
			t.Errorf("through the proxy: %+v", got)
		}
		if got := i.ask(url, nil); got != (seen{}) {
			t.Errorf("through the proxy without a certificate: %+v", got)
		}
		if got := i.ask(url, nil, "Client-Cert", header.Get("Client-Cert")); got != (seen{}) {
			t.Errorf("a header forged at the proxy: %+v", got)
		}
		for name, made := range foreign(t) {
			if got := i.ask(url, &made.cert); got.ID != 0 || got.Code != made.code {
				t.Errorf("%s through the proxy: %+v, want %s", name, got, made.code)
			}
		}
		// Who reaches the portal beside its proxy is not believed.
		if got := i.ask("http://"+stranger+"/", nil, "Client-Cert", header.Get("Client-Cert")); got.ID != 0 || got.Code != "httpd.not_proxy" {
			t.Errorf("a stranger's header: %+v", got)
		}
		for what, value := range map[string]string{
			"no bytes": "x", "no certificate": ":AAAA:", "with parameters": header.Get("Client-Cert") + ";a=1", "empty": "",
			"two": header.Get("Client-Cert") + ", " + header.Get("Client-Cert"), "huge": ":" + strings.Repeat("A", 40000) + ":",
		} {
			if got := i.ask("http://"+backend+"/", nil, "Client-Cert", value); got.ID != 0 || !strings.HasPrefix(got.Code, "pki.") {
				t.Errorf("%s: %+v", what, got)
			}
		}
	})
}

// haproxy starts one before the backend and returns its address.
func (i *installation) haproxy(backend string) string {
	t := i.t
	t.Helper()
	dir := program.Dir(t)
	var chain []byte
	for _, der := range i.server.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	key, err := x509.MarshalPKCS8PrivateKey(i.server.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	port := program.FreePort(t)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	program.WriteFile(t, dir, "server.pem", chain)
	program.WriteFile(t, dir, "ca.pem", pki.EncodePEM(i.office.Authority()))
	// The portal explains what is wrong with a certificate: the proxy lets all
	// of them pass, and takes away what a client writes by itself.
	settings := program.WriteFile(t, dir, "haproxy.cfg", fmt.Appendf(nil, `global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend portal
    bind %s ssl crt %s/server.pem ca-file %s/ca.pem verify optional crt-ignore-err all ca-ignore-err all
    http-request del-header Client-Cert
    http-request del-header Client-Cert-Chain
    http-request set-header Client-Cert ":%%[ssl_c_der,base64]:" if { ssl_c_used }
    default_backend teiten
backend teiten
    server here %s
`, addr, dir, dir, backend))
	program.Start(t, program.Cmd{Path: program.Need(t, "haproxy"), Args: []string{"-db", "-f", settings}, Dir: dir}).WaitTCP(port, 20*time.Second)
	return addr
}

// TestLimit opens more connections than are held.
func TestLimit(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	limited := Limit(l, 3, 1, nil)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Listener.Close()
	server.Listener = limited
	server.Start()
	defer server.Close()
	var open []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	full := func() bool {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		b, _ := io.ReadAll(c)
		return len(b) == 0
	}
	if !full() {
		t.Error("a fourth connection was held")
	}
	open[0].Close()
	for begin := time.Now(); full(); {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("a closed connection is still counted")
		}
	}

	far := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	l2 := Limit(nil, 5, 1, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}).(*limitedListener)
	first := l2.admit(far("192.0.2.1:1"))
	if first == nil || l2.admit(far("192.0.2.1:2")) != nil || l2.admit(far("[::ffff:192.0.2.1]:3")) != nil {
		t.Error("one address has more than its share")
	}
	if l2.admit(far("192.0.2.2:1")) == nil || l2.admit(far("10.0.0.1:1")) == nil || l2.admit(far("10.0.0.1:2")) == nil {
		t.Error("another address, or a proxy, was kept out")
	}
	first()
	if l2.admit(far("192.0.2.1:4")) == nil || l2.admit(far("192.0.2.3:1")) == nil || l2.admit(far("192.0.2.4:1")) != nil {
		t.Error("the count in all is wrong")
	}
}
