// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/locale"
)

func TestLanguage(t *testing.T) {
	p := newPortal(t)
	for _, c := range []struct{ accept, cookie, lang string }{
		{"", "", "ja"}, {"ja,en;q=0.8", "", "ja"}, {"en-US,en;q=0.9,ja;q=0.8", "", "ja"}, {"en", "en", "en"},
		{"en", "ja", "ja"}, {"ja", "en", "en"}, {"ja", "xx", "ja"},
	} {
		resp := p.do("GET", "/style", "", "Accept-Language", c.accept, "Cookie", "teiten-lang="+c.cookie)
		if !strings.Contains(text(t, resp), `<html lang="`+c.lang+`"`) || resp.Header.Get("Content-Language") != c.lang {
			t.Errorf("%+v: answered in %q", c, resp.Header.Get("Content-Language"))
		}
	}
	resp := p.do("POST", "/language", form("lang", "en", "next", "/style?a=1"))
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/style?a=1" || cookie(resp, "teiten-lang") != "en" {
		t.Errorf("status %d to %q, %v", resp.StatusCode, resp.Header.Get("Location"), resp.Cookies())
	}
}

// TestNext holds that a form cannot lead to another site.
func TestNext(t *testing.T) {
	for next, to := range map[string]string{
		"/": "/", "/a?b=c": "/a?b=c", "/a%2F%2Fb": "/a%2F%2Fb",
		"": "/", "//attacker.example": "/", "https://attacker.example/": "/", `/\attacker.example`: "/", `\/attacker.example`: "/",
		"/\t/attacker.example": "/", "javascript:alert(1)": "/", "a": "/", "/%zz": "/", "/a\r\nSet-Cookie: x": "/", "///attacker.example": "/",
	} {
		if got := local(next); got != to {
			t.Errorf("local(%q) = %q, want %q", next, got, to)
		}
	}
}

func FuzzNext(f *testing.F) {
	for _, s := range []string{"/", "//a", `/\a`, "http://a", "/a?b#c", "/\x00", "/.//a", "/ /a"} {
		f.Add(s)
	}
	base, _ := url.Parse("http://localhost:8080/x/y")
	f.Fuzz(func(t *testing.T, next string) {
		got, err := base.Parse(local(next))
		if err != nil {
			t.Fatalf("local(%q) cannot be followed: %v", next, err)
		}
		if got.Host != base.Host || got.Scheme != base.Scheme {
			t.Errorf("local(%q) leads to %s", next, got)
		}
	})
}

func TestPersona(t *testing.T) {
	p := newPortal(t)
	resp := p.do("POST", "/persona", form("account", "1", "next", "/style"))
	c := resp.Cookies()[0]
	if resp.StatusCode != 303 || c.Value != "1" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure {
		t.Errorf("status %d, cookie %+v", resp.StatusCode, c)
	}
	want(t, p.do("GET", "/style", "", "Cookie", "teiten-persona=1"), 200, "佐藤 花子", "分析担当")
	want(t, p.do("POST", "/persona", form("account", "99")), 404)
	want(t, p.do("POST", "/persona", form("account", "x")), 400, "選び直してください")
	want(t, p.do("GET", "/persona", ""), 200, "みなと総合病院", "田中 美咲")

	nobody := newPortal(t, func(c *Config) { c.Default = 0 })
	want(t, nobody.do("GET", "/style", "", "Cookie", "teiten-persona=99"), 200, "利用者を選ぶ")

	secure := newPortal(t, func(c *Config) { c.Secure = true })
	c = secure.do("POST", "/persona", form("account", "1")).Cookies()[0]
	if c.Name != "__Host-teiten-persona" || !c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %+v", c)
	}
}

func TestPersonaAddress(t *testing.T) {
	p := newPortal(t, func(c *Config) { c.Default = 0 }).with(
		on("GET", "/thing", Portal, anyRole, func(http.ResponseWriter, *http.Request, *Request) error { return nil }),
		on("POST", "/thing", Portal, anyRole, func(http.ResponseWriter, *http.Request, *Request) error { return nil }),
	)
	if to := p.do("GET", "/thing?a=b", "").Header.Get("Location"); to != "/persona?next=%2Fthing%3Fa%3Db" {
		t.Errorf("to %q", to)
	}
	if to := p.do("POST", "/thing", "a=b").Header.Get("Location"); to != "/persona" {
		t.Errorf("to %q", to)
	}
}

func TestFlash(t *testing.T) {
	p := newPortal(t)
	resp := p.do("POST", "/style", form("url", "https://a.example/"))
	sealed := cookie(resp, "teiten-done")
	if resp.StatusCode != 303 || sealed == "" {
		t.Fatalf("status %d", resp.StatusCode)
	}
	shown := p.do("GET", "/style", "", "Cookie", "teiten-done="+sealed)
	if !strings.Contains(strings.Join(shown.Header.Values("Set-Cookie"), ";"), "teiten-done=; Path=/; Max-Age=0") {
		t.Errorf("the message stays: %q", shown.Header.Values("Set-Cookie"))
	}
	want(t, shown, 200, "受け付けました。18 文字です。", `action="/style/withdraw"`, "元に戻す")

	for _, forged := range []string{"", "AAAA", sealed[1:], sealed[:len(sealed)-2] + "AA", "e30" + sealed[3:]} {
		if body := text(t, p.do("GET", "/style", "", "Cookie", "teiten-done="+forged)); strings.Contains(body, `class="flash"`) {
			t.Errorf("a forged message is shown: %q", forged)
		}
	}
	other := newPortal(t)
	if body := text(t, other.do("GET", "/style", "", "Cookie", "teiten-done="+sealed)); strings.Contains(body, `class="flash"`) {
		t.Error("the seal of another start is accepted")
	}
}

func TestRefusedForm(t *testing.T) {
	p := newPortal(t)
	want(t, p.do("POST", "/style", form("url", "", "note", "<b>note</b>")), 422,
		`<a href="#f-url">URL を入力してください。</a>`, `aria-invalid="true"`, `aria-describedby="f-url-hint f-url-error"`, "&lt;b&gt;note")
	want(t, p.do("POST", "/style/preview", form("url", "https://a.example/<b>")), 200, "hxxps://a[.]example/")
	if body := text(t, p.do("POST", "/style/preview", form("url", "x"))); strings.Contains(body, "<html") {
		t.Error("the fragment is a whole page")
	}
}

func TestConfirm(t *testing.T) {
	p := newPortal(t)
	want(t, p.do("POST", "/style/withdraw", form("id", `"><script>`)), 200,
		"取り下げますか", `name="confirm" value="yes"`, `name="id" value="&#34;&gt;&lt;script&gt;"`, `action="/style/withdraw"`)
	if resp := p.do("POST", "/style/withdraw", form("confirm", "yes")); resp.StatusCode != 303 || cookie(resp, "teiten-done") == "" {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestRefuse(t *testing.T) {
	q := sampleRequest(locale.Japanese)
	a, b := Field{Name: "a"}, Field{Name: "b"}
	list, ok := q.Refuse(fault.New(fault.Invalid, "web.bad_form").At("b"), &a, &b)
	if !ok || len(list) != 1 || list[0].ID != "f-b" || b.Error == "" || a.Error != "" {
		t.Errorf("%v %+v", ok, list)
	}
	if list, ok = q.Refuse(fault.New(fault.Conflict, "web.bad_form"), &a); !ok || list[0].ID != "" {
		t.Errorf("%v %+v", ok, list)
	}
	for _, err := range []error{nil, errors.New("disk"), fault.New(fault.Forbidden, "fault.forbidden")} {
		if _, ok := q.Refuse(err, &a); ok {
			t.Errorf("%v is taken for bad input", err)
		}
	}
}

func TestAddresses(t *testing.T) {
	q := sampleRequest(locale.Japanese)
	q.Path, q.Query = "/advisories", url.Values{"q": {"病院"}, "category": {"phishing"}, "after": {"17"}}
	for _, c := range []struct{ got, want string }{
		{q.With(), "/advisories?category=phishing&q=%E7%97%85%E9%99%A2"},
		{q.With("q", "", "category", ""), "/advisories"},
		{q.With("category", "targeted", "q", ""), "/advisories?category=targeted"},
		{q.With("after", "42", "q", ""), "/advisories?after=42&category=phishing"},
		{q.Here(), "/advisories?after=17&category=phishing&q=%E7%97%85%E9%99%A2"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
	if pager := q.Pager(20, 100, "37"); pager.First != q.With() || pager.Next != q.With("after", "37") {
		t.Errorf("%+v", pager)
	}
	if pager := q.Pager(3, 3, ""); pager.Next != "" {
		t.Errorf("%+v", pager)
	}
	q.Query = url.Values{"n": {"12"}, "bad": {"x"}, "day": {"2026-03-04"}}
	if q.Int("n", 1) != 12 || q.Int("bad", 1) != 1 || q.Int("none", 5) != 5 {
		t.Error("Int")
	}
	if !q.Day("day").Equal(time.Date(2026, 3, 4, 0, 0, 0, 0, locale.Tokyo)) || !q.Day("bad").IsZero() {
		t.Error("Day")
	}
}

func TestFuncs(t *testing.T) {
	now := testNow
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{now, "たった今"}, {now.Add(-59 * time.Second), "たった今"}, {now.Add(-time.Minute), "1 分前"}, {now.Add(-59 * time.Minute), "59 分前"},
		{now.Add(-time.Hour), "1 時間前"}, {now.Add(-24 * time.Hour), "1 日前"}, {now.Add(-7 * 24 * time.Hour), "2026年2月25日"},
		{now.Add(time.Hour), "2026年3月4日 10:05"}, {time.Time{}, ""},
	} {
		if got := ago(locale.Japanese, c.at, now); got != c.want {
			t.Errorf("ago(%v) = %q, want %q", c.at, got, c.want)
		}
	}
	for _, c := range []struct {
		n    any
		want string
	}{{1234567, "1,234,567"}, {int64(-1000), "-1,000"}, {12.0, "12"}, {1234.56, "1,234.6"}, {0.95, "1"}, {2.04, "2"}} {
		if got, err := number(c.n); err != nil || got != c.want {
			t.Errorf("number(%v) = %q, %v, want %q", c.n, got, err, c.want)
		}
	}
	if _, err := number("1"); err == nil {
		t.Error("number takes a string")
	}
	if percent(1, 3) != "33.3%" || percent(0, 0) != "–" {
		t.Error("percent")
	}
	for _, c := range []struct {
		v    any
		want string
	}{
		{"https://a.example/x", "hxxps://a[.]example/x"},
		{indicator.Value{Kind: indicator.Domain, Value: "a.example"}, "a[.]example"},
		{"203.0.113.7", "203[.]0[.]113[.]7"},
	} {
		if got, err := defang(c.v); err != nil || got != c.want {
			t.Errorf("defang(%v) = %q, %v", c.v, got, err)
		}
	}
	if got, _ := defang("2001:db8::1"); strings.Contains(got, "db8::") {
		t.Errorf("defang of an IPv6 address: %q", got)
	}
	if _, err := icon("no such"); err == nil {
		t.Error("an unknown icon is no error")
	}
}
