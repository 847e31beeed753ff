// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"teiten/internal/mail"
	"teiten/internal/mailcorpus"
)

// Whatever the HTML is, places lie inside the text, nothing grows beyond the
// limits, and rendering twice gives the same.
func FuzzHTML(f *testing.F) {
	for _, s := range []string{
		`<p>x<a href="https://evil.example/">https://good.example/</a>`, `<div style="display:none">a</div>b`, `<table><tr><td bgcolor=black colspan=3>`,
		`<style>.a{font-size:0}@media x{.b{display:none}}</style><b class="a">x</b>`, `<!--[if mso]><a href="//x.example">y</a><![endif]-->`, `<a href="`,
		`<iframe srcdoc="<iframe srcdoc='<p>x'>">`, `<pre> a  b </pre><br>c`, `<a><a><a></a>`, `<form><input type=password>`, "<a href='\x00ht\ntp://x.example'>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := renderHTML(s)
		if len(r.Text) > maxRender+len(s) || len(r.Links) > maxTargets || len(r.Hidden) > maxTargets {
			t.Fatalf("too much: %d bytes, %d links, %d hidden", len(r.Text), len(r.Links), len(r.Hidden))
		}
		for _, l := range r.Links {
			if l.Start < 0 || l.Start > l.End || l.End > len(r.Text) {
				t.Fatalf("link at %d to %d of %d", l.Start, l.End, len(r.Text))
			}
			if l.Scheme == "" || strings.ContainsAny(l.URL, "\t\r\n") {
				t.Fatalf("%q is no address", l.URL)
			}
		}
		for _, h := range r.Hidden {
			if h.At < 0 || h.At > len(r.Text) || h.Why == "" {
				t.Fatalf("hidden text at %d of %d", h.At, len(r.Text))
			}
		}
		if again := renderHTML(s); again.Text != r.Text || len(again.Links) != len(r.Links) {
			t.Fatal("it renders differently again")
		}
	})
}

// Whatever a mail is, it is judged the same twice, by the documented arithmetic,
// with places that lie in it; and what the text says is not found without it.
func FuzzJudge(f *testing.F) {
	n := 0
	for s := range mailcorpus.Phishing(5, 40) {
		if len(s.Raw) < 20_000 {
			f.Add(s.Raw)
		}
		n++
	}
	for _, e := range examples {
		f.Add(e.yes[0].raw())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 64<<10 {
			return
		}
		m, err := mail.Read(raw, mail.Limits{})
		if err != nil {
			return
		}
		m, _ = m.Original()
		facts := Facts{Own: []string{"hosp.example"}, Now: time.Unix(1_772_000_000, 0)}
		a := Judge(m, facts)
		b := Judge(m, facts)
		if a.Verdict != b.Verdict || a.Score != b.Score || len(a.Findings) != len(b.Findings) || len(a.Links) != len(b.Links) {
			t.Fatalf("judged differently: %s %d %v, %s %d %v", a.Verdict, a.Score, a.rules(), b.Verdict, b.Score, b.rules())
		}
		if !a.ordered() || a.Score < 0 || (a.Verdict == Unknown) != (a.Score < SuspiciousScore) {
			t.Fatalf("%s %d %v", a.Verdict, a.Score, a.rules())
		}
		for _, f := range a.Findings {
			for _, p := range f.Places {
				if p.Where == "" || p.Start < 0 || p.Start > p.End || len(p.Text) > maxShown+8 || p.Where == "subject" && p.End > len(m.Subject) {
					t.Fatalf("%s at %+v", f.Rule, p)
				}
			}
			if s := f.Explain("ja"); strings.HasPrefix(s, "[") {
				t.Fatalf("%s says nothing", f.Rule)
			}
		}
		if len(a.Links) > maxLinks || len(a.Files) > maxFiles {
			t.Fatalf("%d links, %d files", len(a.Links), len(a.Files))
		}
	})
}

// Folding keeps places in order and inside, and is valid.
func FuzzFold(f *testing.F) {
	for _, s := range []string{"ｶﾞ ﾊﾟ", "お 支 払", "Amаzon", "a\u200bb", "\xff\xfe", "账户 漢字", "①㌔"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g := foldText(s)
		if len(g.at) != len(g.text)+1 || !utf8.ValidString(g.text) && utf8.ValidString(s) {
			t.Fatalf("%q becomes %q", s, g.text)
		}
		for i := range g.text {
			if g.at[i] > g.at[i+1] || int(g.at[i]) > len(s) {
				t.Fatalf("%q: places %v", s, g.at)
			}
		}
	})
}

// No mail makes looking at it take long: each repeats what costs most.
func TestHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	for _, unit := range []string{
		"<a href=http://a.example/", "<a>", "<div style='display:none'>", "<table><tr><td>", "<p", "<!--[if", "<style>.a{", "&#x26;", "<b class='a b c'>", "</x>",
		"<a href='https://a.example/?u=https%3A%2F%2Fb.example%2F%3Fu%3D'>x</a>", "aHR0c", "<iframe srcdoc='", "お 支 ", "\u200b", "amazon ", "url(", "{}", "<input type=password>",
	} {
		m := &mail.Message{Format: mail.EML, Root: &mail.Part{MediaType: "text/html", Path: "1"}}
		m.Root.Text = strings.Repeat(unit, (2<<20)/len(unit))
		start := time.Now()
		Judge(m, Facts{})
		if d := time.Since(start); d > 8*time.Second {
			t.Errorf("2 MiB of %q took %v", unit, d)
		}
	}
	for _, unit := range []string{"/URI(https://a.example/)", "stream\nx\x9c", "/J#61", "PK\x03\x04", "PK\x01\x02", "Rar!", "\x11\x01\x00\x00", "(((((", "\\objdata", "<Relationship "} {
		for _, head := range []string{"%PDF-1.4\n", "PK\x03\x04", "7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07\x00", "Rar!\x1a\x07\x01\x00", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "{\\rtf", "<svg"} {
			data := []byte(head + strings.Repeat(unit, (2<<20)/len(unit)))
			m := &mail.Message{Format: mail.EML, Root: &mail.Part{MediaType: "application/octet-stream", Path: "1", Name: "a.bin", Disposition: "attachment", Data: data}}
			start := time.Now()
			Judge(m, Facts{})
			if d := time.Since(start); d > 8*time.Second {
				t.Errorf("2 MiB of %q behind %q took %v", unit, head, d)
			}
		}
	}
}
