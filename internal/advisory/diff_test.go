// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"teiten/internal/category"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

// marked writes chunks as [-taken out-] and {+put in+}.
func marked(chunks []Chunk) string {
	var b strings.Builder
	for _, c := range chunks {
		switch {
		case c.Inserted:
			b.WriteString("{+" + c.Text + "+}")
		case c.Deleted:
			b.WriteString("[-" + c.Text + "-]")
		default:
			b.WriteString(c.Text)
		}
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	old := Content{Category: category.Phishing, TLP: tlp.Green, Title: "宅配業者をかたる不在通知", Body: "本日届きました。",
		Techniques: []string{"T1566.001", "T1566.002"},
		Indicators: []indicator.Value{{Kind: indicator.URL, Value: "https://a.example/x"}, {Kind: indicator.IPv4, Value: "192.0.2.1"}}}
	if got := Diff(old, old, locale.Japanese); got != nil {
		t.Errorf("no change gives %+v", got)
	}
	changed := old
	changed.Category, changed.TLP, changed.Title, changed.Body = category.Targeted, tlp.Amber, "宅配業者を装う不在通知", "昨日届きました。"
	changed.Techniques = []string{"T1566.002"}
	changed.Indicators = []indicator.Value{{Kind: indicator.URL, Value: "https://a.example/y"}, {Kind: indicator.IPv4, Value: "192.0.2.1"}}
	want := map[string]string{
		"category":   "[-フィッシング\n-]{+標的型\n+}",
		"tlp":        "[-GREEN\n-]{+AMBER\n+}",
		"title":      "宅配業者を[-かたる-]{+装う+}不在通知",
		"body":       "[-本-]{+昨+}日届きました。",
		"techniques": "[-T1566.001\n-]T1566.002\n",
		"indicators": "[-hxxps://a[.]example/x\n-]{+hxxps://a[.]example/y\n+}192[.]0[.]2[.]1\n",
	}
	for _, c := range Diff(old, changed, locale.Japanese) {
		if got := marked(c.Chunks); got != want[c.Field] {
			t.Errorf("%s: %q, want %q", c.Field, got, want[c.Field])
		}
		delete(want, c.Field)
	}
	for field := range want {
		t.Errorf("%s is not among the changes", field)
	}
}

// What was kept and taken out is the old text, what was kept and put in the new one.
func TestDiffLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		var b strings.Builder
		for range r.IntN(40) {
			b.WriteString([]string{"病院", "メ", "ール", "a", "1,2", "\n", "𠮷", "👩‍⚕️", "が", "か\u3099", " "}[r.IntN(11)])
		}
		return b.String()
	}
	lines := func() string {
		var s []string
		for range r.IntN(300) { // more lines than fit into one byte
			s = append(s, fmt.Sprintf("h%d[.]example", r.IntN(400)))
		}
		return strings.Join(s, "\n")
	}
	for i := range 400 {
		a, b, byLine := text(), text(), i%8 == 0
		if byLine {
			a, b = lines(), lines()
		}
		var before, after strings.Builder
		for _, c := range chunks(a, b, byLine) {
			if !utf8.ValidString(c.Text) || byLine && !strings.HasSuffix(c.Text, "\n") {
				t.Fatalf("a chunk cuts a character or a line: %q", c.Text)
			}
			if !c.Inserted {
				before.WriteString(c.Text)
			}
			if !c.Deleted {
				after.WriteString(c.Text)
			}
		}
		end := ""
		if byLine {
			end = "\n"
		}
		if before.String() != a+end || after.String() != b+end {
			t.Fatalf("from %q to %q: %q and %q", a, b, before.String(), after.String())
		}
	}
}
