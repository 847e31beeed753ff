// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package httpd

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"teiten/internal/storetest"
)

// BenchmarkKeys shows what the second key costs: full handshakes and requests on
// kept connections, with a client's certificate that is held against the
// register each time, beside plain TLS in the same run. Client and server share
// the machine's processors.
func BenchmarkKeys(b *testing.B) {
	for _, engine := range []struct {
		name string
		with func(testing.TB) *installation
	}{
		{"sqlite", func(t testing.TB) *installation { return install(t, storetest.SQLite(t)) }},
		{"postgres", func(t testing.TB) *installation { return install(t, storetest.Postgres(t)) }},
	} {
		b.Run(engine.name, func(b *testing.B) {
			i := engine.with(b)
			cert, _ := i.certificate()
			answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") })
			certificate := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return i.server, nil }
			plain := TLS(tls.VersionTLS13, nil, certificate)
			plain.ClientAuth = tls.NoClientCert
			one := listen(b, answer, plain)
			two := listen(b, i.peers(false).Handler(answer), TLS(tls.VersionTLS13, i.roots(), certificate))
			bare, keyed := i.roots(), i.roots()
			for b.Loop() {
				alone := handshakes(b, one, &tls.Config{RootCAs: bare, ServerName: "localhost"})
				both := handshakes(b, two, &tls.Config{RootCAs: keyed, ServerName: "localhost", Certificates: []tls.Certificate{cert}})
				b.ReportMetric(both, "handshakes/s")
				b.ReportMetric(alone/both, "×plain-handshake")
				quick := requests(b, one, bare, nil)
				held := requests(b, two, keyed, &cert)
				b.ReportMetric(held, "requests/s")
				b.ReportMetric(quick/held, "×plain-request")
				b.Logf("full handshakes: %.0f/s with a client certificate, %.0f/s without: %.2f times; requests on kept connections: %.0f/s, %.0f/s: %.2f times",
					both, alone, alone/both, held, quick, quick/held)
			}
		})
	}
}

const (
	sides    = 4 // clients at a time
	measured = 2 * time.Second
)

// rate runs do on several goroutines for a while and returns how often a second
// it was done.
func rate(b *testing.B, do func(side int) error) float64 {
	b.Helper()
	var wg sync.WaitGroup
	done := make([]int, sides)
	errs := make([]error, sides)
	begin := time.Now()
	for side := range sides {
		wg.Go(func() {
			for time.Since(begin) < measured {
				if errs[side] = do(side); errs[side] != nil {
					return
				}
				done[side]++
			}
		})
	}
	wg.Wait()
	sum := 0
	for side := range sides {
		if errs[side] != nil {
			b.Fatal(errs[side])
		}
		sum += done[side]
	}
	return float64(sum) / time.Since(begin).Seconds()
}

// handshakes counts full ones: no ticket is kept. A byte is read after each,
// because in TLS 1.3 the client is done before the server has its certificate.
func handshakes(b *testing.B, addr string, settings *tls.Config) float64 {
	return rate(b, func(int) error {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", addr, settings)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
			return err
		}
		_, err = io.ReadAll(c)
		return err
	})
}

func requests(b *testing.B, addr string, roots *x509.CertPool, cert *tls.Certificate) float64 {
	clients := make([]http.Client, sides)
	for i := range clients {
		settings := &tls.Config{RootCAs: roots, ServerName: "localhost"}
		if cert != nil {
			settings.Certificates = []tls.Certificate{*cert}
		}
		transport := &http.Transport{TLSClientConfig: settings}
		b.Cleanup(transport.CloseIdleConnections)
		clients[i].Transport = transport
	}
	return rate(b, func(side int) error {
		resp, err := clients[side].Get("https://" + addr + "/")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	})
}
