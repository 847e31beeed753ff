// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"teiten/internal/store"
)

// BenchmarkBinary builds the program as make build does, starts it as its users
// do and measures how long it takes to the first answer and how much memory is
// resident. It is compared with a Go program that only answers HTTP.
func BenchmarkBinary(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Fatal("resident memory is read from /proc, which only Linux has")
	}
	teiten := build(b, "teiten/cmd/teiten")
	b.Run("empty", func(b *testing.B) {
		for b.Loop() {
			p := start(b, teiten, "serve", "--data", b.TempDir(), "--listen", "127.0.0.1:0")
			bare := startBare(b)
			b.Logf("an empty store: first answer after %s, %.0f MB resident; a bare server: %s, %.0f MB; ratio %.1f",
				short(p.ready), p.resident(b), short(bare.ready), bare.resident(b), p.resident(b)/bare.resident(b))
			report(b, milliseconds(p.ready), "ready-ms", p.resident(b), "MB", p.resident(b)/bare.resident(b), "×bare-MB")
		}
	})
	b.Run("demo", func(b *testing.B) {
		for b.Loop() {
			p, bare := start(b, teiten, "demo", "--listen", "127.0.0.1:0"), startBare(b)
			b.Logf("the sample portal: first answer after %s, %.0f MB resident; a bare server: %s; ratio %.0f",
				short(p.ready), p.resident(b), short(bare.ready), ratio(p.ready, bare.ready))
			report(b, milliseconds(p.ready), "ready-ms", p.resident(b), "MB", ratio(p.ready, bare.ready), "×bare-ready")
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
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			p := start(b, teiten, "serve", "--data", dir, "--listen", "127.0.0.1:0")
			before := p.resident(b)
			search := page{"search", func(i int) (string, string, string) { return "POST", "/search", value(i).Value }}
			for i := range 20 {
				if _, err := p.ask(context.Background(), search, i); err != nil {
					b.Fatal(err)
				}
			}
			searched := p.resident(b)
			size, err := p.ask(context.Background(), page{"list", func(int) (string, string, string) { return "GET", "/blocklists/domains", "" }}, 0)
			if err != nil {
				b.Fatal(err)
			}
			listed, bare := p.resident(b), startBare(b).resident(b)
			b.Logf("%d indicators: first answer after %s, %.0f MB resident, %.0f MB after 20 look-ups, %.0f MB after a list (%.1f MB compressed); a bare server: %.0f MB; ratio %.1f",
				n+m, short(p.ready), before, searched, listed, float64(size)/1e6, bare, listed/bare)
			report(b, milliseconds(p.ready), "ready-ms", before, "MB", listed, "MB-after-list", listed/bare, "×bare-MB")
		}
	})
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

var address = regexp.MustCompile(`http://[0-9.:]+/`)

// start runs a program that prints its address, and asks for its first page.
func start(b *testing.B, name string, args ...string) *running {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = io.Discard
	return first(b, cmd)
}

func first(b *testing.B, cmd *exec.Cmd) *running {
	b.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
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
	p := &portal{url: strings.TrimSuffix(url, "/"), client: &http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{DisableCompression: true}}}
	if _, err := p.ask(context.Background(), page{"home", func(int) (string, string, string) { return "GET", "/", "" }}, 0); err != nil {
		b.Fatal(err)
	}
	return &running{p, cmd.Process.Pid, time.Since(begin)}
}

// resident is the memory that the program holds, in MB.
func (r *running) resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib * 1024 / 1e6
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

// bareEnv makes this test program the bare server.
const bareEnv = "TEITEN_BENCH_BARE"

func startBare(b *testing.B) *running {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^$")
	cmd.Env = append(os.Environ(), bareEnv+"=1")
	return first(b, cmd)
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
