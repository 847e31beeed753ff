// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package blocklist_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"teiten/internal/blocklist"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/program"
)

// suricataConf is as little as Suricata 7 starts with.
const suricataConf = `%YAML 1.1
---
vars:
  address-groups:
    HOME_NET: "[192.168.0.0/16,fd00::/8]"
app-layer:
  protocols:
    tls:
      enabled: yes
    http:
      enabled: yes
    dns:
      udp:
        enabled: yes
        detection-ports:
          dp: 53
stats:
  enabled: no
outputs:
  - eve-log:
      enabled: yes
      filename: eve.json
      types:
        - alert
`

// suricataTest has Suricata load rules as "suricata -T" does, without a
// complaint, and returns how many it loaded.
func suricataTest(t *testing.T, dir, rules string) string {
	t.Helper()
	// From another directory: what a rule loads lies beside the rule.
	out, err := program.Run(t, program.Cmd{Path: program.Rare(t, "suricata"), Dir: program.Dir(t),
		Args: []string{"-T", "-S", rules, "-c", program.WriteFile(t, dir, "suricata.yaml", []byte(suricataConf)), "-l", dir}})
	if err != nil {
		t.Fatalf("suricata: %v\n%s", err, out)
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "Error") || strings.Contains(line, "Warning") {
			t.Errorf("suricata: %s", line)
		}
	}
	loaded := regexp.MustCompile(`(\d+) rules successfully loaded, 0 rules failed`).FindStringSubmatch(out)
	if loaded == nil {
		t.Fatalf("suricata: %s", out)
	}
	return loaded[1]
}

func TestSuricataAccepts(t *testing.T) {
	alsoReal(t, hostileSample(), func(t *testing.T, entries []blocklist.Entry) {
		dir := program.Dir(t)
		// Loading takes time that grows with the square of their number.
		rules := file(t, dir, "suricata", entries[:min(len(entries), 2000)])
		text, err := os.ReadFile(rules)
		if err != nil {
			t.Fatal(err)
		}
		if loaded := suricataTest(t, dir, rules); loaded != fmt.Sprint(bytes.Count(text, []byte("\nalert "))) {
			t.Errorf("%s rules loaded", loaded)
		}
	})
}

func TestSuricataAcceptsDataset(t *testing.T) {
	alsoReal(t, hostileSample(), func(t *testing.T, entries []blocklist.Entry) {
		dir := program.Dir(t)
		if loaded := suricataTest(t, dir, datasetRules(t, dir, entries)); loaded != "3" {
			t.Errorf("%s rules loaded", loaded)
		}
	})
}

// datasetRules writes the list suricata-hosts and, beside it, the rules that
// the set-up gives, and returns where these are.
func datasetRules(t *testing.T, dir string, entries []blocklist.Entry) string {
	t.Helper()
	f, err := blocklist.Find("suricata-hosts")
	if err != nil {
		t.Fatal(err)
	}
	text, sum := write(t, f, header, entries)
	if len(readBack(t, f, text)) != sum.Written || sum.Written == 0 {
		t.Fatalf("%+v", sum)
	}
	program.WriteFile(t, dir, "teiten-hosts.lst", []byte(text))
	var rules []string
	for line := range strings.Lines(f.Setup(locale.Japanese, "https://portal.test/")) {
		if strings.HasPrefix(line, "alert ") {
			rules = append(rules, line)
		}
	}
	if len(rules) != 3 {
		t.Fatalf("%d rules in the set-up", len(rules))
	}
	for _, line := range rules {
		if !strings.Contains(f.Setup(locale.English, "https://portal.test/"), line) {
			t.Errorf("the set-up differs in English: %s", line)
		}
	}
	return program.WriteFile(t, dir, "teiten-hosts.rules", []byte(strings.Join(rules, "")))
}

// seen is one thing that a sensor sees, and whether it is to raise an alert.
type seen struct {
	what    string // dns, tls, http, or an address
	host    string
	path    string // of http
	rules   bool   // with the list suricata
	dataset bool   // with suricata-hosts
}

var traffic = []seen{
	{"dns", "evil.example", "", true, true},
	{"dns", "eViL.exAmple", "", true, true}, // as resolvers write it (draft-vixie-dnsext-dns0x20)
	{"dns", "deep.below.evil.example", "", true, false},
	{"dns", "www.evil.example", "", true, true}, // listed by itself
	{"dns", "under_score.test", "", true, true},
	{"dns", "notevil.example", "", false, false},
	{"dns", "evil.example.test", "", false, false},
	{"dns", "example", "", false, false},
	{"dns", "forms.test", "", false, false},
	{"tls", "evil.example", "", true, true},
	{"tls", "deep.below.evil.example", "", true, false},
	{"tls", "notevil.example", "", false, false},
	{"tls", "evil.example.test", "", false, false},
	{"tls", "forms.test", "", false, false},
	{"http", "evil.example", "/", true, true},
	{"http", "evil.example:8080", "/any?x=1", true, true},
	{"http", "EVIL.example", "/any?x=1", true, true},
	// No browser sends this. Suricata 7 leaves the case as it is where a port
	// follows; to_lowercase in rules would need Suricata 7.
	{"http", "EVIL.example:8080", "/any?x=1", false, true},
	{"http", "deep.below.evil.example", "/", true, false},
	{"http", "notevil.example", "/", false, false},
	{"http", "forms.test", "/d/1.html", true, false},
	{"http", "forms.test:8080", "/d/1.html", true, false},
	{"http", "forms.test", "/d/1xhtml", false, false},
	{"http", "forms.test", "/d/1.html/more", false, false},
	{"http", "forms.test", "/D/1.html", false, false},
	{"http", "forms.test", "/", false, false},
	{"http", "forms.test", "/d/(2)?x=[1]*", true, false},
	{"http", "forms.test", `/d/%3b";a:|41|!\`, true, false},
	{"http", "other.test", "/d/1.html", false, false},
	{"192.0.2.10", "", "", true, false},
	{"192.0.2.11", "", "", false, false},
	{"198.51.100.200", "", "", true, false},
	{"198.51.101.1", "", "", false, false},
	{"2001:db8::1", "", "", true, false},
	{"2001:db8::2", "", "", false, false},
}

// TestSuricataAlerts replays traffic to Suricata: it alerts for what is listed
// and for nothing beside it.
func TestSuricataAlerts(t *testing.T) {
	entries := append(sample(), blocklist.Entry{Kind: indicator.URL, Value: `https://forms.test/d/%3b";a:|41|!\`, Host: "forms.test"})
	for name, list := range map[string]struct {
		rules func(dir string) string
		want  func(seen) bool
	}{
		"rules":   {func(dir string) string { return file(t, dir, "suricata", entries) }, func(s seen) bool { return s.rules }},
		"dataset": {func(dir string) string { return datasetRules(t, dir, entries) }, func(s seen) bool { return s.dataset }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := program.Dir(t)
			rules := list.rules(dir)
			suricataTest(t, dir, rules)
			out, err := program.Run(t, program.Cmd{Path: program.Rare(t, "suricata"), Dir: dir, Args: []string{
				"-r", program.WriteFile(t, dir, "traffic.pcap", capture(t, traffic)), "-k", "none",
				"-S", rules, "-c", filepath.Join(dir, "suricata.yaml"), "-l", dir, "--runmode", "single"}})
			if err != nil {
				t.Fatalf("suricata: %v\n%s", err, out)
			}
			eve, err := os.ReadFile(filepath.Join(dir, "eve.json"))
			if err != nil {
				t.Fatal(err)
			}
			alerts := map[int][]string{} // by the client's port
			for line := range bytes.Lines(eve) {
				var e struct {
					Src   int `json:"src_port"`
					Dest  int `json:"dest_port"`
					Alert struct{ Signature string }
				}
				if err := json.Unmarshal(line, &e); err != nil {
					t.Fatal(err)
				}
				port := max(e.Src, e.Dest)
				alerts[port] = append(alerts[port], e.Alert.Signature)
			}
			for i, s := range traffic {
				got := alerts[firstPort+i]
				if list.want(s) != (len(got) > 0) || len(slices.Compact(slices.Sorted(slices.Values(got)))) > 1 {
					t.Errorf("%s %s%s: alerts %q, want any: %v", s.what, s.host, s.path, got, list.want(s))
				}
			}
		})
	}
}

// firstPort is the client's port of the first flow in a capture; the others
// follow.
const firstPort = 40000

// capture writes what is seen as a file of packets (libpcap's format, link
// type 101: IP without a frame). Checksums are zero; Suricata is told so.
func capture(t *testing.T, traffic []seen) []byte {
	t.Helper()
	le := binary.LittleEndian
	file := le.AppendUint32(nil, 0xa1b2c3d4)
	file = le.AppendUint16(le.AppendUint16(file, 2), 4)
	file = append(file, make([]byte, 8)...)
	file = le.AppendUint32(le.AppendUint32(file, 65535), 101)
	at := made
	packet := func(ip []byte) {
		at = at.Add(time.Millisecond)
		file = le.AppendUint32(file, uint32(at.Unix()))
		file = le.AppendUint32(file, uint32(at.Nanosecond()/1000))
		file = le.AppendUint32(le.AppendUint32(file, uint32(len(ip))), uint32(len(ip)))
		file = append(file, ip...)
	}
	for i, s := range traffic {
		client, server := netip.MustParseAddr("192.168.0.5"), netip.MustParseAddr("203.0.113.80")
		port, to := uint16(firstPort+i), uint16(443)
		var data []byte
		switch s.what {
		case "dns":
			query := dnsmessage.Message{Header: dnsmessage.Header{ID: port, RecursionDesired: true}, Questions: []dnsmessage.Question{
				{Name: dnsmessage.MustNewName(s.host + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
			text, err := query.Pack()
			if err != nil {
				t.Fatal(err)
			}
			udp := binary.BigEndian.AppendUint16(nil, port)
			udp = binary.BigEndian.AppendUint16(udp, 53)
			udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(text)))
			packet(datagram(client, server, 17, append(append(udp, 0, 0), text...)))
			continue
		case "tls":
			data = clientHello(t, s.host)
		case "http":
			to, data = 80, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: test\r\n\r\n", s.path, s.host)
		default:
			server = netip.MustParseAddr(s.what)
			if server.Is6() {
				client = netip.MustParseAddr("fd00::5")
			}
			data = []byte("hello")
		}
		const syn, ack, push, fin = 2, 16, 8, 1
		n := uint32(len(data))
		packet(datagram(client, server, 6, segment(port, to, 100, 0, syn, nil)))
		packet(datagram(server, client, 6, segment(to, port, 500, 101, syn|ack, nil)))
		packet(datagram(client, server, 6, segment(port, to, 101, 501, ack, nil)))
		packet(datagram(client, server, 6, segment(port, to, 101, 501, push|ack, data)))
		packet(datagram(server, client, 6, segment(to, port, 501, 101+n, ack, nil)))
		packet(datagram(client, server, 6, segment(port, to, 101+n, 501, fin|ack, nil)))
		packet(datagram(server, client, 6, segment(to, port, 501, 102+n, fin|ack, nil)))
		packet(datagram(client, server, 6, segment(port, to, 102+n, 502, ack, nil)))
	}
	return file
}

// datagram is an IP packet (RFC 791 section 3.1, RFC 8200 section 3).
func datagram(from, to netip.Addr, protocol byte, payload []byte) []byte {
	be := binary.BigEndian
	if from.Is6() || to.Is6() {
		b := be.AppendUint16([]byte{0x60, 0, 0, 0}, uint16(len(payload)))
		b = append(b, protocol, 64)
		b = append(append(b, from.AsSlice()...), to.AsSlice()...)
		return append(b, payload...)
	}
	b := be.AppendUint16([]byte{0x45, 0}, uint16(20+len(payload)))
	b = append(b, 0, 1, 0x40, 0, 64, protocol, 0, 0)
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	return append(b, payload...)
}

// segment is a TCP segment (RFC 9293 section 3.1).
func segment(from, to uint16, seq, acked uint32, flags byte, data []byte) []byte {
	be := binary.BigEndian
	b := be.AppendUint16(be.AppendUint16(nil, from), to)
	b = be.AppendUint32(be.AppendUint32(b, seq), acked)
	b = append(b, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	return append(b, data...)
}

// clientHello is what a TLS client sends first.
func clientHello(t *testing.T, host string) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	// It fails when the pipe is closed; only what it sends first is wanted.
	go tls.Client(client, &tls.Config{ServerName: host}).Handshake()
	if err := server.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := server.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}
