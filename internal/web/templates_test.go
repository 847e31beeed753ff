// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"io/fs"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"teiten/internal/caller"
	"teiten/internal/locale"
)

func init() {
	sample("error", &errorPage{Status: 404, Reason: "理由", Next: "次に"})
	sample("persona", &personaPage{Next: "/", Groups: []personaGroup{{Org: "みなと総合病院", People: testPeople}}})
	sample("persona", &personaPage{})
	sample("confirm", &confirmPage{Question: "続けますか", Button: "はい", Danger: true, Back: "/", Hidden: []hidden{{"a", "<b>"}}})
	q := sampleRequest(locale.Japanese)
	refused := newStylePage(q)
	refused.Form.URL.Error = "URL を入力してください。"
	refused.Errors = Summary(refused.Form.fields()...)
	sample("style", newStylePage(q))
	sample("style", refused)
}

func sampleRequest(lang locale.Lang) *Request {
	return &Request{
		Caller: testPeople[1], Lang: lang, ID: "ABCDEFGHJKLM", Now: testNow, Path: "/style",
		Query: url.Values{"q": {"a"}}, Flash: &Flash{Key: "web.style.sent", Args: map[string]string{"n": "3"}, Undo: "/undo"},
		method: "GET", personas: testPeople,
	}
}

// TestEveryTemplate executes each page's template with each of its samples in
// each language: a field or a function that is missing fails here, as does an
// unknown sentence, a page without a sample, an inline script or style.
func TestEveryTemplate(t *testing.T) {
	p := newPortal(t)
	for _, lang := range locale.Langs {
		for _, name := range pageNames() {
			if len(samples[name]) == 0 {
				t.Errorf("templates/%s.html has no sample: call sample(%q, …) in an init of its test file", name, name)
			}
			for i, page := range samples[name] {
				t.Run(fmt.Sprintf("%s/%s/%d", lang, name, i), func(t *testing.T) {
					q := sampleRequest(lang)
					q.can = p.Server.routes
					head := page.head()
					kept := *head
					defer func() { *head = kept }()
					head.Request = q
					if head.Title == "" {
						head.Title = "題"
					}
					w := httptest.NewRecorder()
					if err := p.render(w, q, 200, name, page); err != nil {
						t.Fatal(err)
					}
					lintPage(t, w.Body.String(), lang)
				})
			}
		}
	}
	for name := range samples {
		if p.pages[locale.Japanese].Lookup(mainOf(name)) == nil {
			t.Errorf("sample of %q, which has no template", name)
		}
	}
}

// lintPage holds what every page must be.
func lintPage(t *testing.T, page string, lang locale.Lang) {
	t.Helper()
	if m := regexp.MustCompile(`\[[a-z_]+\.[a-z_.0-9-]+\]`).FindString(page); m != "" && !locale.Has(strings.Trim(m, "[]")) {
		t.Errorf("sentence %s is missing", m)
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("html/template refused a value")
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	if lang != locale.Japanese {
		for _, text := range unmarked(doc) {
			t.Errorf("%q is not marked as Japanese", text)
		}
	}
	ids, headings, labels := map[string]bool{}, []string{}, map[string]bool{}
	var controls, refers []*html.Node
	walk(doc, func(n *html.Node) {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s=…>: the content security policy forbids it", n.Data, a.Key)
			}
		}
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("id %q stands twice", id)
			}
			ids[id] = true
		}
		switch n.Data {
		case "html":
			if attr(n, "lang") != string(lang) {
				t.Errorf("lang=%q", attr(n, "lang"))
			}
		case "style":
			t.Error("inline style sheet")
		case "script":
			if attr(n, "src") == "" {
				t.Error("inline script")
			}
		case "h1", "h2", "h3", "h4":
			headings = append(headings, n.Data)
		case "label":
			labels[attr(n, "for")] = true
		case "input", "select", "textarea":
			if attr(n, "type") != "hidden" {
				controls = append(controls, n)
			}
		case "form":
			if m := attr(n, "method"); m != "post" && m != "get" {
				t.Errorf("form without method: %v", n.Attr)
			}
		case "a":
			if u, err := url.Parse(attr(n, "href")); err != nil || u.Scheme == "http" || u.Scheme == "javascript" || u.Scheme == "data" {
				t.Errorf("link to %q", attr(n, "href"))
			}
		}
		for _, key := range []string{"aria-labelledby", "aria-describedby", "for"} {
			if attr(n, key) != "" {
				refers = append(refers, n)
			}
		}
	})
	for _, n := range refers {
		for _, key := range []string{"aria-labelledby", "aria-describedby", "for"} {
			for id := range strings.FieldsSeq(attr(n, key)) {
				if !ids[id] {
					t.Errorf("<%s %s=%q> points at nothing", n.Data, key, id)
				}
			}
		}
	}
	for _, n := range controls {
		inLabel := n.Parent != nil && n.Parent.Data == "label"
		if !inLabel && !labels[attr(n, "id")] && attr(n, "aria-label") == "" {
			t.Errorf("<%s name=%q> has no label", n.Data, attr(n, "name"))
		}
	}
	if n := slices.Index(headings, "h1"); n < 0 || slices.Contains(headings[n+1:], "h1") {
		t.Errorf("headings %v: exactly one h1 is wanted", headings)
	}
}

// TestSentences finds keys in templates and in Go files that no message has.
func TestSentences(t *testing.T) {
	inTemplate := regexp.MustCompile(`\bt "([a-z][a-z0-9_.-]*)"`)
	inGo := regexp.MustCompile(`\b(?:q|lang|Lang)\.T\("([a-z][a-z0-9_.-]*)"[,)]|fault\.(?:New|Wrap)\([^"\n]*"([a-z0-9_.-]+)"`)
	check := func(file string, source []byte, pattern *regexp.Regexp) {
		for _, m := range pattern.FindAllStringSubmatch(string(source), -1) {
			if key := m[1] + strings.Join(m[2:], ""); !locale.Has(key) {
				t.Errorf("%s: no sentence %q", file, key)
			}
		}
	}
	names, _ := fs.Glob(templateFiles, "templates/*.html")
	for _, name := range names {
		b, err := templateFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		check(name, b, inTemplate)
	}
	sources, _ := filepath.Glob("*.go")
	for _, name := range sources {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") && name != "doc.go" {
			check(name, b, inGo)
		}
	}
	if len(names) == 0 || len(sources) == 0 {
		t.Fatal("nothing was read")
	}
	for _, role := range caller.Roles {
		if !locale.Has("web.role."+string(role)) || !locale.Has("web.role."+string(role)+".about") {
			t.Errorf("role %s has no name", role)
		}
	}
	for _, rt := range newPortal(t).Server.routes {
		if rt.nav != "" && !locale.Has("web.nav."+rt.nav) {
			t.Errorf("%s: no sentence web.nav.%s", rt.pattern, rt.nav)
		}
	}
}
