// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// spellings lists ways in which one thing is written.
var spellings = []struct {
	kind  Kind
	value string
	forms []string
}{
	{URL, "https://evil.example/path", []string{
		"https://evil.example/path", "HTTPS://EVIL.EXAMPLE/path", "https://evil.example:443/path",
		"https://evil.example./path", "https://evil.example/path#frag", "https://evil.example/a/../path",
		"https://evil.example/./path", "https://evil.example/%70ath", "https://evil.example/%70%61%74%68",
		"https://evil.example//../path", "https://evil.example/a/%2e%2E/path", "https://evil.example\\path",
		"https:\\\\evil.example\\path", "https:/evil.example/path", "https:///evil.example/path",
		"https:evil.example/path", "https//evil.example/path", "https;//evil.example/path",
		"hxxps://evil.example/path", "hXXps://evil.example/path", "HXXPS://evil[.]example/path",
		"h**ps://evil.example/path", "h__ps://evil.example/path", "htxps://evil.example/path",
		"h[tt]ps://evil.example/path", "http[s]://evil.example/path", "hxxp[s]://evil.example/path",
		"https[:]//evil.example/path", "https[://]evil.example/path", "hxxps[:]//evil[.]example/path",
		"https://evil[.]example/path", "https://evil(.)example/path", "https://evil{.}example/path",
		"https://evil[dot]example/path", "https://evil(dot)example/path", "https://evil{dot}example/path",
		"https://evil[DOT]example/path", "https://evil[ dot ]example/path", "https://evil [dot] example/path",
		"https://evil [.] example/path", "https://evil[.example/path", "https://evil.]example/path",
		"https://evil[.]example[/]path", "https://evil[。]example/path",
		"ｈｔｔｐｓ：／／ｅｖｉｌ．ｅｘａｍｐｌｅ／ｐａｔｈ", "https：//evil.example/path", "https:／／evil．example／path",
		"https://ｅｖｉｌ.example/path", "https://evil。example/path", "https://evil｡example/path",
		"https://evil\u00AD.example/path", "https://ev\u200Bil.example/path", "\uFEFFhttps://evil.example/path",
		"https://\uFEFFevil.example/path", "https://evil.example/pa\u2060th", "\u3000https://evil.example/path",
		"https://evil.example/path\u3000\u3000", " https://evil.example/path\r\n", "https://evil.exa\nmple/path",
		"https://evil.example/pa\r\n  th", "https://evil.example/pa\tth", "<https://evil.example/path>",
		"<URL:https://evil.example/path>", "「https://evil.example/path」", `"https://evil.example/path"`,
		"ttps://evil.example/path", "htps://evil.example/path", "hhttps://evil.example/path",
		"htttps://evil.example/path", "httpps://evil.example/path", "httsp://evil.example/path",
		"https://user@evil.example/path", "https://bank.example@evil.example/path", "https://a:b@evil.example/path",
		"https://a@b@evil.example/path", "https://bank.example[@]evil.example/path", "https://bank%2Eexample@evil.example/path",
		"https://%65vil.example/path", "https://evil%2Eexample/path", "https:\\/\\/evil.example\\/path",
		"https://evil.example:0443/path", "https://evil.example:/path", "https://ＥＶＩＬ．example/path",
	}},
	{URL, "http://evil.example/", []string{
		"http://evil.example", "http://evil.example/", "http://evil.example:80", "hxxp://evil[.]example", "ttp://evil.example",
		"http://evil.example#x", "http://evil.example/.", "http://evil.example/..", "evil.example/", "evil[.]example/",
	}},
	{URL, "http://127.0.0.1/", []string{
		"http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/",
		"http://0177.0.0.1/", "http://0177.0x0.0.01/", "http://127.0.0.1./", "http://[::ffff:127.0.0.1]/",
		"http://[::FFFF:7f00:1]/", "http://１２７．０．０．１/", "http://127[.]0[.]0[.]1/", "http://%31%32%37.0.0.1/",
	}},
	{URL, "http://23.94.0.27/", []string{"http://23.94.00.27/", "http://23.94.0.27", "http://23.94.000.27:80/"}},
	{URL, "http://[2001:db8::1]:8080/x", []string{
		"http://[2001:db8::1]:8080/x", "http://[2001:DB8:0:0:0:0:0:1]:8080/x", "http://[2001:0db8::0001]:08080/x",
		"hxxp://[2001[:]db8[:][:]1]:8080/x", "http://[2001:db8::0.0.0.1]:8080/x",
	}},
	{URL, "https://xn--wgv71a119e.jp/%E3%81%82?q=%E3%81%84", []string{
		"https://日本語.jp/あ?q=い", "https://日本語。ＪＰ/%e3%81%82?q=%E3%81%84", "https://XN--WGV71A119E.jp/あ?q=い",
		"https://%E6%97%A5%E6%9C%AC%E8%AA%9E.jp/あ?q=い", "hxxps://日本語[.]jp/あ?q=い#う",
	}},
	{URL, "https://faß.example/", nil},
	{URL, "https://a_b.evil.example/a%20b%25?x=%5B%5D%7B%7D&y=%2F/", []string{
		"https://a_b.evil.example/a b%?x=[]{}&y=%2f/", "https://a_b.evil.example/a%20b%25?x=%5b%5d%7b%7d&y=%2F/",
	}},
	{Domain, "evil.example", []string{
		"evil.example", "EVIL.example", "evil.example.", "evil[.]example", "evil(dot)example", "evil。example", "ｅｖｉｌ．ｅｘａｍｐｌｅ",
		"ev\u00ADil.example", " evil.example\n", "evil [dot] example", "「evil.example」",
	}},
	{IPv4, "192.0.2.1", []string{
		"192.0.2.1", "192[.]0[.]2[.]1", "192.0.2[.]1", "192.0.2.1.", "0xc0.0.2.1", "3221225985", "192.0.513", "１９２．０．２．１",
		"192(.)0(.)2(.)1", "0300.0.2.1", "::ffff:192.0.2.1", "[::ffff:c000:201]",
	}},
	{IPv6, "2001:db8::1", []string{
		"2001:db8::1", "2001:DB8::1", "2001:0db8:0000:0000:0000:0000:0000:0001", "[2001:db8::1]", "2001[:]db8[:][:]1", "2001:db8:0::0:1",
	}},
	{CIDR, "192.0.2.0/24", []string{"192.0.2.0/24", "192.0.2.77/24", "192[.]0[.]2[.]0/24", "192.0.2.0 / 24", "192.0.2.0[/]24", "::ffff:192.0.2.0/120"}},
	{CIDR, "2001:db8::/32", []string{"2001:db8::/32", "2001:DB8:1::/32", "2001[:]db8[:][:]/32"}},
	{Email, "user@evil.example", []string{
		"user@evil.example", "User@EVIL.example", "user[@]evil[.]example", "user[at]evil.example", "user (at) evil (dot) example",
		"mailto:user@evil.example", "<user@evil.example>", "ｕｓｅｒ＠ｅｖｉｌ．ｅｘａｍｐｌｅ", "user@evil.example.", "us\u200Ber@evil.example",
	}},
	{MD5, md5Text, []string{md5Text, strings.ToUpper(md5Text), "md5:" + md5Text, " MD5: " + md5Text}},
	{SHA1, sha1Text, []string{strings.ToUpper(sha1Text), "sha-1:" + sha1Text}},
	{SHA256, sha256Text, []string{strings.ToUpper(sha256Text), "SHA-256: " + sha256Text, "「" + sha256Text + "」"}},
}

func TestSpellings(t *testing.T) {
	n := 0
	for _, s := range spellings {
		for _, form := range s.forms {
			n++
			v, err := Normalise(s.kind, form)
			if err != nil || v.Value != s.value || v.Written != form {
				t.Errorf("%s %q: %q, %v; want %q", s.kind, form, v.Value, err, s.value)
			}
			holds(t, s.kind, form)
		}
	}
	t.Logf("%d spellings", n)
	if n < 120 {
		t.Errorf("%d spellings, want 120", n)
	}
	if v, err := Normalise(URL, "https://faß.example/"); err != nil || v.Host != "xn--fa-hia.example" {
		t.Errorf("the sharp s is not kept: %q, %v", v.Host, err)
	}
}

// holds checks what must be true of every written form that can be read.
func holds(t *testing.T, kind Kind, written string) {
	t.Helper()
	v, err := Normalise(kind, written)
	if err != nil {
		var f *fault.Error
		if !errors.As(err, &f) || !locale.Has(f.Code) {
			t.Errorf("%s %q: %v is not a fault with a sentence", kind, written, err)
		}
		return
	}
	again, err := Normalise(v.Kind, v.Value)
	if err != nil || again.Value != v.Value || again.Kind != v.Kind || again.Host != v.Host {
		t.Errorf("%s %q: %q is not stable: %q, %v", kind, written, v.Value, again.Value, err)
	}
	fanged := Defang(v.Kind, v.Value)
	back, err := Normalise(v.Kind, fanged)
	if err != nil || back.Value != v.Value || back.Kind != v.Kind {
		t.Errorf("%s %q: defanged %q is %q, %v", kind, v.Value, fanged, back.Value, err)
	}
	if live.MatchString(fanged) {
		t.Errorf("%s %q: defanged %q could be followed", kind, v.Value, fanged)
	}
	if Defang(v.Kind, fanged) != fanged {
		t.Errorf("%s %q: defanging twice gives %q", kind, v.Value, Defang(v.Kind, fanged))
	}
	if v.Kind != URL {
		return
	}
	if u, err := url.Parse(v.Value); err != nil || u.Hostname() != v.Host {
		t.Errorf("%q: net/url reads the normal form as %v, %v", v.Value, u, err)
	}
	if value, host, ok := fastURL(written); ok {
		slow, err := parseURL(written)
		if err != nil || slow.value != value || slow.host != host {
			t.Errorf("%q: fast %q, slow %q, %v", written, value, slow.value, err)
		}
	}
}

// live matches what a mail program or browser makes a link.
var live = regexp.MustCompile(`(?i)(https?|ftp|wss?)://|www\.[a-z0-9]|[a-z0-9]@[a-z0-9]`)

func TestReasons(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		kind          Kind
		written, code string
	}{
		{URL, "", "indicator.empty"},
		{URL, " \u3000", "indicator.empty"},
		{URL, "javascript:alert(1)", "indicator.url_scheme"},
		{URL, "gopher://evil.example/", "indicator.url_scheme"},
		{URL, "tp://evil.example/", "indicator.url_scheme"},
		{URL, "evil.example", "indicator.url_scheme_missing"},
		{URL, "hello/world", "indicator.url_scheme_missing"},
		{URL, "3/4", "indicator.url_scheme_missing"},
		{URL, "://evil.example/", "indicator.url_scheme"},
		{URL, "https://", "indicator.host_missing"},
		{URL, "https://?x", "indicator.host_missing"},
		{URL, "https://a..example/", "indicator.host_empty_label"},
		{URL, "https://.example/", "indicator.host_empty_label"},
		{URL, "https://a b.example/", "indicator.host_character"},
		{URL, "https://a*b.example/", "indicator.host_character"},
		{URL, "https://a%00.example/", "indicator.host_character"},
		{URL, "https://a%ff.example/", "indicator.host_encoding"},
		{URL, "https://xn--a-\u00e4.example/", "indicator.host_idn"},
		{URL, "https://" + long + ".example/", "indicator.host_label_long"},
		{URL, "https://" + strings.Repeat("a.", 127) + "example/", "indicator.host_long"},
		{URL, "https://1.2.3.256/", "indicator.ipv4"},
		{URL, "https://1.2.3.4.5/", "indicator.ipv4"},
		{URL, "https://09.1/", "indicator.ipv4"},
		{URL, "https://[::1%25eth0]/", "indicator.ipv6"},
		{URL, "https://[::1/", "indicator.host_bracket"},
		{URL, "https://a:b:1/", "indicator.host_colon"},
		{URL, "https://evil.example:65536/", "indicator.port"},
		{URL, "https://evil.example:8x/", "indicator.port"},
		{URL, "https://evil.example/\nhttps://evil.example/", "indicator.several"},
		{URL, "https://evil.example/" + strings.Repeat("a", MaxURL), "indicator.too_long"},
		{URL, "https://evil.example/" + strings.Repeat(" ", MaxURL/2) + "a", "indicator.too_long"},
		{URL, strings.Repeat("a", 3*MaxURL+1), "indicator.too_long"},
		{Domain, "localhost", "indicator.domain_label"},
		{Domain, "192.0.2.1", "indicator.domain_address"},
		{Domain, "2001:db8::1", "indicator.domain_address"},
		{Domain, "user@evil.example", "indicator.userinfo"},
		{Domain, "evil.example/a", "indicator.domain_path"},
		{Domain, "https://evil.example", "indicator.domain_path"},
		{Domain, "evil.example:80", "indicator.domain_port"},
		{Domain, "*.evil.example", "indicator.host_wildcard"},
		{IPv4, "192.0.2.1/24", "indicator.ipv4"},
		{IPv4, "2001:db8::1", "indicator.ipv4"},
		{IPv6, "192.0.2.1", "indicator.ipv6"},
		{IPv6, "2001:db8::g", "indicator.ipv6"},
		{CIDR, "192.0.2.1", "indicator.cidr_slash"},
		{CIDR, "192.0.2.1/33", "indicator.cidr_length"},
		{CIDR, "192.0.2.1/x", "indicator.cidr_length"},
		{CIDR, "0.0.0.0/0", "indicator.cidr_everything"},
		{CIDR, "::ffff:192.0.2.1/64", "indicator.cidr_mapped"},
		{Email, "evil.example", "indicator.email_at"},
		{Email, "@evil.example", "indicator.email_local"},
		{Email, ".a@evil.example", "indicator.email_dot"},
		{Email, "a b@evil.example", "indicator.email_character"},
		{Email, strings.Repeat("a", 65) + "@evil.example", "indicator.email_local_long"},
		{Email, "a@localhost", "indicator.domain_label"},
		{Email, "a@192.0.2.1", "indicator.domain_address"},
		{MD5, "abc", "indicator.hash_length"},
		{MD5, strings.Repeat("g", 32), "indicator.hash_character"},
		{Kind("phone"), "1", "indicator.kind"},
	} {
		_, err := Normalise(c.kind, c.written)
		if fault.Code(err) != c.code {
			t.Errorf("%s %.60q: %v, want %s", c.kind, c.written, err, c.code)
			continue
		}
		for _, lang := range locale.Langs {
			if text := lang.Fault(err); strings.HasPrefix(text, "[indicator") || strings.ContainsAny(text, "{}") {
				t.Errorf("%s: %s", c.code, text)
			}
		}
	}
}

// TestSentences holds that every code in the source has a sentence, and that no
// sentence is left over.
func TestSentences(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	used := map[string]bool{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range regexp.MustCompile(`"(indicator\.[a-z0-9_]+)"`).FindAllStringSubmatch(string(source), -1) {
			used[code[1]] = true
			if !locale.Has(code[1]) {
				t.Errorf("%s: %s has no sentence", name, code[1])
			}
		}
	}
	var own map[string]locale.Message
	if _, err := toml.DecodeFile(filepath.Join("..", "locale", "messages", "indicator.toml"), &own); err != nil {
		t.Fatal(err)
	}
	for key := range own {
		if !used[key] {
			t.Errorf("%s is not used", key)
		}
	}
}

// TestNetworkOfOne holds the two cases in which the kind changes.
func TestNetworkOfOne(t *testing.T) {
	for written, want := range map[string]Kind{"192.0.2.1/32": IPv4, "2001:db8::1/128": IPv6, "::ffff:192.0.2.1/128": IPv4} {
		v, err := Normalise(CIDR, written)
		if err != nil || v.Kind != want || v.Host != v.Value {
			t.Errorf("%s: %+v, %v", written, v, err)
		}
	}
}

func TestRepaired(t *testing.T) {
	for written, want := range map[string]Repair{
		"https://evil.example/":         "",
		"hxxps://evil[.]example/":       "",
		"ttps://evil.example/":          RepairedScheme,
		"https:///evil.example/":        RepairedScheme,
		"evil.example/a":                AssumedScheme,
		"\u3000https://evil.example/":   RepairedSpace,
		"https://evil\u00AD.example/":   RepairedSpace,
		"https://evil.example/a b":      RepairedEncoding,
		"https://bank@evil.example/":    DroppedUserinfo,
		"https://cannot..be.example/ x": "",
	} {
		var got Repair
		if r := Repaired(written); len(r) > 0 {
			got = r[0]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", written, got, want)
		}
		if got != "" && !locale.Has(string(got)) {
			t.Errorf("%s has no sentence", got)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for i, kind := range Kinds {
		for _, s := range spellings {
			if s.kind == kind && len(s.forms) > 0 {
				for _, form := range s.forms {
					f.Add(uint8(i), form)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, written string) {
		holds(t, Kinds[int(kind)%len(Kinds)], written)
		holds(t, URL, written)
		if v, ok := Recognise(written); ok {
			holds(t, v.Kind, v.Value)
		}
	})
}

const ordinary = "https://login.evil-bank.example.com/account/signin.php?next=%2Fhome&session=0a1b2c"

func BenchmarkNormaliseURL(b *testing.B) {
	for b.Loop() {
		if _, err := Normalise(URL, ordinary); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNormaliseURLSlow(b *testing.B) {
	for b.Loop() {
		if _, err := parseURL(ordinary); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNormaliseURLDefanged(b *testing.B) {
	fanged := Defang(URL, ordinary)
	for b.Loop() {
		if _, err := Normalise(URL, fanged); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNetURLParse is the yardstick.
func BenchmarkNetURLParse(b *testing.B) {
	for b.Loop() {
		if _, err := url.Parse(ordinary); err != nil {
			b.Fatal(err)
		}
	}
}
