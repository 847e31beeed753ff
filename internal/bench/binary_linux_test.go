// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"teiten/internal/auth"
	"teiten/internal/device"
	"teiten/internal/member"
	"teiten/internal/store"
	"teiten/internal/trend"
)

// BenchmarkBinary builds the program as make build does, starts it as its users
// do and measures how long it takes to the first answer and how much memory is
// resident. It is compared with a Go program that only answers HTTP.
func BenchmarkBinary(b *testing.B) {
	teiten := build(b, "teiten/cmd/teiten")
	bare := startBare(b)
	least := bare.memory(b)
	b.Run("empty", func(b *testing.B) {
		for b.Loop() {
			p := serving(b, teiten, b.TempDir())
			m := p.memory(b)
			b.Logf("an empty store: first answer after %s, %s; a bare server: %s, %s; ratio %.1f",
				short(p.ready), m, short(bare.ready), least, m.resident/least.resident)
			report(b, milliseconds(p.ready), "ready-ms", m.resident, "MB", m.resident/least.resident, "×bare-MB")
		}
	})
	b.Run("demo", func(b *testing.B) {
		for b.Loop() {
			p := start(b, teiten, "demo", "--listen", "127.0.0.1:0")
			m := p.memory(b)
			b.Logf("the sample portal: first answer after %s, %s; a bare server: %s; ratio %.0f",
				short(p.ready), m, short(bare.ready), ratio(p.ready, bare.ready))
			report(b, milliseconds(p.ready), "ready-ms", m.resident, "MB", ratio(p.ready, bare.ready), "×bare-ready")
		}
	})
	b.Run("million", func(b *testing.B) {
		dir := b.TempDir()
		n, m := scaled(hosts), scaled(others)
		db, err := store.Open(context.Background(), store.Options{Data: dir})
		if err != nil {
			b.Fatal(err)
		}
		loadDemo(b, db)
		fillIndicators(b, db, n, m)
		// What the import leaves to be counted is done, so that the look-ups below
		// are measured without it.
		if err := errors.Join(trend.Refresh(context.Background(), db), db.Close()); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			million(b, serving(b, teiten, dir), n, least)
		}
	})
}

// million looks 20 URLs up and fetches a list from a program with n hosts.
func million(b *testing.B, p *running, n int, least memory) {
	b.Helper()
	ctx := context.Background()
	before := p.memory(b)
	search := page{"search", func(i int) (string, string, string) { return "POST", "/search", value(2*i + 1).Value }}
	for i := range 20 {
		if _, err := p.ask(ctx, search, i); err != nil {
			b.Fatal(err)
		}
	}
	searched := p.memory(b)
	list := page{"list", func(int) (string, string, string) { return "GET", "/blocklists/domains", "" }}
	size, err := p.ask(ctx, list, 0)
	if err != nil {
		b.Fatal(err)
	}
	listed := p.memory(b)
	b.Logf("%d hosts: first answer after %s, %s; after 20 look-ups %s; after a list of %.1f MB, compressed, %s; a bare server: %s; ratio %.1f",
		n, short(p.ready), before, searched, float64(size)/1e6, listed, least, listed.resident/least.resident)
	report(b, milliseconds(p.ready), "ready-ms", before.resident, "MB", listed.resident, "MB-after-list", listed.anonymous, "own-MB-after-list",
		listed.resident/least.resident, "×bare-MB")
}

// build makes a program as make build does and returns its path.
func build(b *testing.B, pkg string) string {
	b.Helper()
	out := filepath.Join(b.TempDir(), "program")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v\n%s", pkg, err, text)
	}
	info, err := os.Stat(out)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%s: %.1f MB", pkg, float64(info.Size())/1e6)
	return out
}

// running is a started program.
type running struct {
	*portal
	pid   int
	ready time.Duration // from its start to its first whole answer
}

var address = regexp.MustCompile(`https?://[0-9.:]+/`)

// serving sets up an installation in a folder, unless that is done, and serves
// it to its operator: on her device, signed in.
func serving(b *testing.B, teiten, dir string) *running {
	b.Helper()
	ctx := context.Background()
	out, err := exec.Command(teiten, "init", "--json", "--data", dir, "--name", "ISAC", "--operator", "operator", "--login", "operator", "--host", "127.0.0.1").Output()
	if err != nil {
		b.Fatalf("init: %v\n%s", err, out)
	}
	var made struct{ Certificate, Authority, Password string }
	if err := json.Unmarshal(out, &made); err != nil {
		b.Fatal(err)
	}
	p12, err := os.ReadFile(made.Certificate)
	if err != nil {
		b.Fatal(err)
	}
	key, leaf, chain, err := pkcs12.DecodeChain(p12, made.Password)
	if err != nil {
		b.Fatal(err)
	}
	db, err := store.Open(ctx, store.Options{Data: dir})
	if err != nil {
		b.Fatal(err)
	}
	c, err := member.LocalOperator(ctx, db, "cli")
	if err != nil {
		b.Fatal(err)
	}
	certs, err := device.List(ctx, db, c, device.Filter{Purpose: device.Person, State: device.Valid, Limit: 1})
	if err != nil || len(certs) != 1 {
		b.Fatalf("%d certificates, %v", len(certs), err)
	}
	session, _, err := auth.Open(ctx, db, auth.Device{ID: certs[0].ID, Account: certs[0].Account, Org: certs[0].Org}, certs[0].Account, auth.ByPasskey, "")
	if err := errors.Join(err, db.Close()); err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(chain[0])
	cmd := exec.Command(teiten, "serve", "--data", dir, "--listen", "127.0.0.1:0")
	cmd.Stderr = io.Discard
	return first(b, cmd, withSession{session, &http.Transport{DisableCompression: true, TLSClientConfig: &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}}})
}

// withSession sends a session's cookie with each request.
type withSession struct {
	token string
	http.RoundTripper
}

func (s withSession) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.AddCookie(&http.Cookie{Name: "__Host-teiten-session", Value: s.token})
	return s.RoundTripper.RoundTrip(r)
}

// start runs a program that prints its address, and asks for its first page.
func start(b *testing.B, name string, args ...string) *running {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = io.Discard
	return first(b, cmd, &http.Transport{DisableCompression: true})
}

func first(b *testing.B, cmd *exec.Cmd, transport http.RoundTripper) *running {
	b.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it does not outlive this program
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	url := ""
	for url == "" && lines.Scan() {
		url = address.FindString(lines.Text())
	}
	if url == "" {
		b.Fatalf("%s printed no address: %v", cmd.Path, lines.Err())
	}
	go io.Copy(io.Discard, out)
	p := &portal{url: strings.TrimSuffix(url, "/"), client: &http.Client{Timeout: 5 * time.Minute, Transport: transport}}
	if _, err := p.ask(context.Background(), page{"home", func(int) (string, string, string) { return "GET", "/", "" }}, 0); err != nil {
		b.Fatal(err)
	}
	return &running{p, cmd.Process.Pid, time.Since(begin)}
}

// memory is what a program holds, in MB.
type memory struct {
	resident  float64 // all of it, as top shows it
	anonymous float64 // without the program's and the store's mapped files, which the kernel may drop
}

func (m memory) String() string {
	return fmt.Sprintf("%.0f MB resident (%.0f MB of it its own)", m.resident, m.anonymous)
}

func (r *running) memory(b *testing.B) (m memory) {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		into := map[string]*float64{"VmRSS": &m.resident, "RssAnon": &m.anonymous}[name]
		if into == nil {
			continue
		}
		kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
		if err != nil {
			b.Fatal(err)
		}
		*into = kib * 1024 / 1e6
	}
	if m.resident == 0 {
		b.Fatal("no VmRSS")
	}
	return m
}

// bareEnv makes this test program the bare server.
const bareEnv = "TEITEN_BENCH_BARE"

func startBare(b *testing.B) *running {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^$")
	cmd.Env = append(os.Environ(), bareEnv+"=1")
	return first(b, cmd, &http.Transport{DisableCompression: true})
}

// TestMain is the bare server when the benchmarks start it as one: net/http and
// what the runtime needs. It lives until it is interrupted.
func TestMain(m *testing.M) {
	if os.Getenv(bareEnv) == "" {
		os.Exit(m.Run())
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	fmt.Println(s.URL + "/")
	select {}
}
