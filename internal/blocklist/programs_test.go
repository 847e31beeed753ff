// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package blocklist_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"teiten/internal/blocklist"
	"teiten/internal/indicator"
	"teiten/internal/program"
)

// The tests of this file load the lists into the programs they are for. Only
// made-up names under .example and .test are ever asked for, on loopback, from
// programs that can reach nothing else; the real hosts among the entries are
// only parsed.

// hostileSample is what the checkers are given: the sample and everything
// hostile.
func hostileSample() []blocklist.Entry {
	entries := append(sample(), good...)
	for _, h := range hostile {
		for _, blocked := range []bool{true, false} {
			entries = append(entries, blocklist.Entry{Kind: indicator.Kind(h.kind), Value: h.value, Host: h.host,
				HostBlocked: blocked, Category: "phishing"})
		}
	}
	return entries
}

// alsoReal runs a test with made-up entries, and with real ones beside them:
// how many there are and how they are written is nothing that we made up.
func alsoReal(t *testing.T, entries []blocklist.Entry, test func(t *testing.T, entries []blocklist.Entry)) {
	t.Run("made up", func(t *testing.T) { test(t, entries) })
	t.Run("real", func(t *testing.T) { test(t, slices.Concat(entries, realEntries(t))) })
}

// realEntries reads 20,000 hosts and URLs of real phishing sites as they were
// published.
func realEntries(t *testing.T) []blocklist.Entry {
	t.Helper()
	const limit = 20_000
	files, err := filepath.Glob(filepath.Join(program.RealData(t, "jpcert-phishurl"), "*", "*.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	var entries []blocklist.Entry
	once := map[string]bool{} // as a source gives them
	for _, file := range slices.Backward(files) {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(z).ReadAll()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows[1:] {
			u, err := url.Parse(strings.TrimSpace(row[1]))
			if err != nil || once[u.String()] {
				continue
			}
			once[u.String()] = true
			entries = append(entries, blocklist.Entry{Kind: indicator.URL, Value: u.String(),
				Host: strings.ToLower(u.Hostname()), HostBlocked: i%2 == 0, Category: "phishing", Brand: row[2]})
			if len(entries) == limit {
				return entries
			}
		}
	}
	t.Fatalf("only %d real entries", len(entries))
	return nil
}

// file writes the list of a format into dir.
func file(t *testing.T, dir, slug string, entries []blocklist.Entry) string {
	t.Helper()
	f, err := blocklist.Find(slug)
	if err != nil {
		t.Fatal(err)
	}
	text, sum := write(t, f, header, entries)
	if len(readBack(t, f, text)) != sum.Written || sum.Written == 0 {
		t.Fatalf("%s: %+v", slug, sum)
	}
	t.Logf("%s: %d of %d entries, covered %d, skipped %v", slug, sum.Written, sum.Read, sum.Covered, sum.Skipped)
	return program.WriteFile(t, dir, f.File, []byte(text))
}

func run(t *testing.T, dir, path string, args ...string) string {
	t.Helper()
	out, err := program.Run(t, program.Cmd{Path: path, Args: args, Dir: dir})
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(path), err, out)
	}
	return out
}

func TestDnsmasqAccepts(t *testing.T) {
	alsoReal(t, hostileSample(), func(t *testing.T, entries []blocklist.Entry) {
		dnsmasq, dir := program.Need(t, "dnsmasq"), program.Dir(t)
		list := file(t, dir, "dnsmasq", entries)
		if out := run(t, dir, dnsmasq, "--test", "--conf-file="+list); !strings.Contains(out, "syntax check OK") {
			t.Errorf("dnsmasq: %s", out)
		}
	})
}

func TestUnboundAccepts(t *testing.T) {
	alsoReal(t, hostileSample(), func(t *testing.T, entries []blocklist.Entry) {
		check, dir := program.Need(t, "unbound-checkconf"), program.Dir(t)
		list := file(t, dir, "unbound", entries)
		// Both ways of the set-up: a file of its own, and an include in the clause.
		run(t, dir, check, program.WriteFile(t, dir, "inside.conf", fmt.Appendf(nil,
			"server:\n\tdirectory: %q\n\tchroot: \"\"\n\tusername: \"\"\n\tinclude: %q\n", dir, list)))
		run(t, dir, check, program.WriteFile(t, dir, "after.conf", fmt.Appendf(nil,
			"server:\n\tdirectory: %q\n\tchroot: \"\"\n\tusername: \"\"\nremote-control:\n\tcontrol-enable: no\ninclude: %q\n", dir, list)))
	})
}

func TestNamedAcceptsZone(t *testing.T) {
	alsoReal(t, hostileSample(), func(t *testing.T, entries []blocklist.Entry) {
		check, dir := program.Need(t, "named-checkzone"), program.Dir(t)
		list := file(t, dir, "rpz", entries)
		longest := strings.Repeat("abcdefghi.", 4) + "abcdefghij" // 50 bytes, what the set-up allows
		for _, zone := range []string{"rpz.teiten", longest} {
			out := run(t, dir, check, "-i", "none", "-k", "fail", "-n", "fail", zone, list)
			if !strings.Contains(out, "OK") || strings.Contains(out, "ignoring") {
				t.Errorf("named-checkzone %s: %s", zone, out)
			}
		}
	})
}

func TestSquidAccepts(t *testing.T) {
	alsoReal(t, hostileSample(), func(t *testing.T, entries []blocklist.Entry) {
		squid, dir := program.Need(t, "squid"), program.Dir(t)
		conf := program.WriteFile(t, dir, "squid.conf", fmt.Appendf(nil, `
acl teiten_domains dstdomain -n %q
acl teiten_urls url_regex %q
http_access deny teiten_domains
http_access deny teiten_urls
http_port 127.0.0.1:3128
cache_log %s/cache.log
access_log none
pid_filename none
visible_hostname proxy.test
`, file(t, dir, "squid-domains", entries), file(t, dir, "squid-urls", entries), dir))
		out := run(t, dir, squid, "-k", "parse", "-f", conf)
		for line := range strings.Lines(out) {
			// Squid goes on after most faults of a list and only says so. Two
			// warnings are of size alone: with more than 100 expressions it joins
			// them, and with some 3,000 or more it may try them one by one.
			if strings.Contains(line, "optimisation of regular expressions failed") ||
				strings.Contains(line, "more than 100 regular expressions") {
				continue
			}
			if strings.Contains(line, "WARNING") || strings.Contains(line, "ERROR") || strings.Contains(line, "FATAL") {
				t.Errorf("squid: %s", line)
			}
		}
	})
}

// served are the names that the tests below ask for. The lists hold the first
// three; the rest are neighbours that must go on working.
var served = []struct {
	host   string
	listed bool
}{
	{"evil.example", true}, {"deep.below.evil.example", true}, {"under_score.test", true},
	{"notevil.example", false}, {"evil.example.test", false}, {"example", false}, {"forms.test", false},
}

func TestUnboundRefuses(t *testing.T) {
	alsoReal(t, sample(), func(t *testing.T, entries []blocklist.Entry) {
		unbound, dir, port := program.Need(t, "unbound"), program.Dir(t), program.FreePort(t)
		list := file(t, dir, "unbound", entries)
		var local strings.Builder
		for _, s := range served {
			fmt.Fprintf(&local, "\tlocal-data: \"%s. A 192.0.2.80\"\n", s.host)
		}
		// Only loopback is ever used, and no query leaves: "." itself is local.
		conf := program.WriteFile(t, dir, "unbound.conf", fmt.Appendf(nil, `
server:
	directory: %q
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	interface: 127.0.0.1
	outgoing-interface: 127.0.0.1
	port: %d
	do-daemonize: no
	do-not-query-localhost: yes
	module-config: "iterator"
	local-zone: "." static
%sinclude: %q
remote-control:
	control-enable: no
`, dir, port, local.String(), list))
		p := program.Start(t, program.Cmd{Path: unbound, Args: []string{"-d", "-p", "-c", conf}, Dir: dir})
		resolves(t, p, port)
	})
}

func TestDnsmasqRefuses(t *testing.T) {
	alsoReal(t, sample(), func(t *testing.T, entries []blocklist.Entry) {
		dnsmasq, dir, port := program.Need(t, "dnsmasq"), program.Dir(t), program.FreePort(t)
		list := file(t, dir, "dnsmasq", entries)
		args := []string{"--keep-in-foreground", "--no-resolv", "--no-hosts", "--no-poll", "--listen-address=127.0.0.1",
			"--bind-interfaces", fmt.Sprintf("--port=%d", port), "--pid-file=", "--log-facility=-", "--user=", "--group=", "--conf-file=" + list}
		for _, s := range served {
			if !s.listed {
				args = append(args, "--address=/"+s.host+"/192.0.2.80")
			}
		}
		p := program.Start(t, program.Cmd{Path: dnsmasq, Args: args, Dir: dir})
		resolves(t, p, port)
	})
}

// resolves asks a resolver for all served names.
func resolves(t *testing.T, p *program.Process, port int) {
	t.Helper()
	p.Wait(10*time.Second, func(context.Context) error {
		_, _, err := program.Resolve(port, "forms.test")
		return err
	})
	for _, s := range served {
		code, addr, err := program.Resolve(port, s.host)
		if err != nil {
			t.Fatal(err)
		}
		if s.listed && (code != dnsmessage.RCodeNameError || addr.IsValid()) {
			t.Errorf("%s is listed and answers %v %v", s.host, code, addr)
		}
		if !s.listed && (code != dnsmessage.RCodeSuccess || addr != netip.MustParseAddr("192.0.2.80")) {
			t.Errorf("%s is not listed and answers %v %v", s.host, code, addr)
		}
	}
}

func TestSquidRefuses(t *testing.T) {
	squid, dir, port := program.Need(t, "squid"), program.Dir(t), program.FreePort(t)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "origin") }))
	defer origin.Close()
	_, originPort, _ := net.SplitHostPort(strings.TrimPrefix(origin.URL, "http://"))
	page := func(path string) blocklist.Entry {
		return blocklist.Entry{Kind: indicator.URL, Value: "http://forms.test:" + originPort + path, Host: "forms.test", Category: "phishing"}
	}
	entries := append(sample(), page("/d/evil.html"), page("/d/(1)?q=[a].*"), page("/~x"),
		blocklist.Entry{Kind: indicator.IPv4, Value: "127.0.0.1", Host: "127.0.0.1", HostBlocked: true})

	hosts := "127.0.0.1 localhost"
	for _, s := range served {
		hosts += " " + s.host
	}
	conf := program.WriteFile(t, dir, "squid.conf", fmt.Appendf(nil, `
http_port 127.0.0.1:%d
acl teiten_domains dstdomain -n %q
http_access deny teiten_domains
acl teiten_urls url_regex %q
http_access deny teiten_urls
acl origin dst 127.0.0.1
http_access allow origin
http_access deny all
hosts_file %s
dns_nameservers 127.0.0.1
cache deny all
cache_log %s/cache.log
access_log none
pid_filename none
pinger_enable off
shutdown_lifetime 0 seconds
visible_hostname proxy.test
coredump_dir %s
`, port, file(t, dir, "squid-domains", entries), file(t, dir, "squid-urls", entries),
		program.WriteFile(t, dir, "hosts", []byte(hosts+"\n")), dir, dir))
	p := program.Start(t, program.Cmd{Path: squid, Args: []string{"-N", "-f", conf}, Dir: dir})
	p.WaitTCP(port, 20*time.Second)

	type request struct {
		host, target string
		want         int
	}
	var requests []request
	for _, s := range served {
		want := 200
		if s.listed {
			want = 403
		}
		requests = append(requests, request{s.host, "/some/page?x=1", want})
	}
	requests = append(requests,
		request{"forms.test", "/d/evil.html", 403},
		request{"forms.test", "/d/evilxhtml", 200}, // the dot is a dot
		request{"forms.test", "/d/evil.html/more", 200},
		request{"forms.test", "/x/d/evil.html", 200},
		request{"forms.test", "/d/(1)?q=[a].*", 403},
		request{"forms.test", "/d/1?q=abc", 200},
		request{"forms.test", "/~x", 403},
		request{"forms.test", "/", 200},
		request{"127.0.0.1", "/", 403},
	)
	for _, r := range requests {
		if got := fetch(t, port, r.host+":"+originPort, r.target); got != r.want {
			t.Errorf("%s%s: status %d, want %d", r.host, r.target, got, r.want)
		}
	}
	if t.Failed() {
		log, _ := os.ReadFile(filepath.Join(dir, "cache.log"))
		t.Logf("cache.log:\n%s", log)
	}
}

// fetch asks a proxy on loopback for a page, with the target as it is: no
// client library tidies it.
func fetch(t *testing.T, port int, host, target string) int {
	t.Helper()
	conn, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", port), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "GET http://%s%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host, target, host)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
