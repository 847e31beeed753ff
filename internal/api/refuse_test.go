// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
	"teiten/internal/token"
)

// Every kind of bad input has its status, its code and the place where it is.
func TestBadInput(t *testing.T) {
	const list, find, look = "/api/v1/advisories", "/api/v1/advisories/search", "/api/v1/lookup"
	const good = `"category":"phishing","tlp":"GREEN","title":"x","body":"y"`
	long := func(n int) string { return strings.Repeat("長", n) }
	tests := []struct {
		name, method, target, body string
		status                     int
		code, field                string
	}{
		{"no body", "POST", list, "", 400, "api.body_empty", ""},
		{"broken JSON", "POST", list, `{"category":`, 400, "api.json", "body"},
		{"two documents", "POST", list, `{} {}`, 400, "api.json", "body"},
		{"comment", "POST", list, `{} // x`, 400, "api.json", "body"},
		{"deep", "POST", list, strings.Repeat("[", 100_000), 400, "api.json", "body"},
		{"not UTF-8", "POST", list, "{\"title\":\"\x83e\x83X\x83g\"}", 400, "api.utf8", "body"},
		{"array for object", "POST", list, `[]`, 422, "api.object", "body"},
		{"null", "POST", list, `null`, 422, "api.object", "body"},
		{"string for object", "POST", list, `"x"`, 422, "api.object", "body"},
		{"unknown field", "POST", list, `{` + good + `,"colour":"red"}`, 422, "api.unknown_field", "body.colour"},
		{"other case", "POST", list, `{` + good + `,"Brand":"x"}`, 422, "api.unknown_field", "body.Brand"},
		{"unknown field inside", "POST", list, `{` + good + `,"indicators":[{"value":"a.example","x":1}]}`, 422, "api.unknown_field", "body.indicators[0].x"},
		{"missing field", "POST", list, `{"category":"phishing","tlp":"GREEN"}`, 422, "api.required", "body.title"},
		{"null for required", "POST", list, `{"category":null,"tlp":"GREEN","title":"x"}`, 422, "api.string", "body.category"},
		{"number for string", "POST", list, `{"category":"phishing","tlp":"GREEN","title":5}`, 422, "api.string", "body.title"},
		{"string for array", "POST", list, `{` + good + `,"techniques":"T1566"}`, 422, "api.array", "body.techniques"},
		{"string for integer", "POST", list, `{` + good + `,"duplicate_of":"1"}`, 422, "api.integer", "body.duplicate_of"},
		{"fraction for integer", "POST", list, `{` + good + `,"duplicate_of":1.5}`, 422, "api.integer", "body.duplicate_of"},
		{"huge integer", "POST", list, `{` + good + `,"related":[9223372036854775808]}`, 422, "api.maximum", "body.related[0]"},
		{"negative id", "POST", list, `{` + good + `,"related":[-1]}`, 422, "api.minimum", "body.related[0]"},
		{"unknown category", "POST", list, `{"category":"spam","tlp":"GREEN","title":"x"}`, 422, "api.enum", "body.category"},
		{"unknown level", "POST", list, `{"category":"phishing","tlp":"WHITE","title":"x"}`, 422, "api.enum", "body.tlp"},
		{"impossible state", "POST", list, `{` + good + `,"state":"withdrawn"}`, 422, "api.enum", "body.state"},
		{"empty title", "POST", list, `{"category":"phishing","tlp":"GREEN","title":""}`, 422, "api.short", "body.title"},
		{"blank title", "POST", list, `{"category":"phishing","tlp":"GREEN","title":"　"}`, 422, "advisory.title_empty", "body.title"},
		{"long title", "POST", list, `{"category":"phishing","tlp":"GREEN","title":"` + long(201) + `"}`, 422, "api.long", "body.title"},
		{"long body", "POST", list, `{"category":"phishing","tlp":"GREEN","title":"x","body":"` + long(20_001) + `"}`, 422, "api.long", "body.body"},
		{"NUL", "POST", list, `{"category":"phishing","tlp":"GREEN","title":"a\u0000b","body":"y"}`, 422, "advisory.text", "body.title"},
		{"no text for review", "POST", list, `{"category":"phishing","tlp":"GREEN","title":"x"}`, 422, "advisory.body_empty", "body.body"},
		{"notice of no kind", "POST", list, `{"category":"notice","tlp":"GREEN","title":"x","body":"y"}`, 422, "category.notice_unknown", "body.notice_kind"},
		{"two lines in a product", "POST", list, `{` + good + `,"products":["a\nb"]}`, 422, "api.pattern", "body.products[0]"},
		{"no date", "POST", list, `{` + good + `,"observed_at":"yesterday"}`, 422, "api.date_time", "body.observed_at"},
		{"future", "POST", list, `{` + good + `,"observed_at":"2999-01-01T00:00:00Z"}`, 422, "advisory.future", "body.observed_at"},
		{"unknown technique", "POST", list, `{` + good + `,"techniques":["T0"]}`, 422, "advisory.technique", "body.techniques"},
		{"unknown original", "POST", list, `{` + good + `,"duplicate_of":99}`, 422, "advisory.link", "body.duplicate_of"},
		{"unknown link", "POST", list, `{` + good + `,"related":[99]}`, 422, "advisory.link", "body.related[0]"},
		{"no indicator", "POST", list, `{` + good + `,"indicators":[{"value":"a.example"},{"value":"こんにちは"}]}`, 422, "api.value", "body.indicators[1].value"},
		{"wrong kind", "POST", list, `{` + good + `,"indicators":[{"kind":"md5","value":"a.example"}]}`, 422, "indicator.hash_character", "body.indicators[0].value"},
		{"many techniques", "POST", list, `{` + good + `,"techniques":[` + strings.TrimSuffix(strings.Repeat(`"T1566",`, 41), ",") + `]}`, 422, "api.many", "body.techniques"},
		{"large body", "POST", list, `{"title":"` + strings.Repeat("x", maxBody) + `"}`, 413, "api.too_large", ""},

		{"unknown parameter", "GET", list + "?colour=red", "", 422, "api.unknown_parameter", "query.colour"},
		{"text in the address", "GET", list + "?text=x", "", 422, "api.unknown_parameter", "query.text"},
		{"broken escape", "GET", list + "?source=%zz", "", 400, "api.query", ""},
		{"semicolon", "GET", list + "?a=1;b=2", "", 400, "api.query", ""},
		{"twice", "GET", list + "?limit=1&limit=2", "", 400, "api.repeated", "query.limit"},
		{"no number", "GET", list + "?limit=many", "", 422, "api.integer", "query.limit"},
		{"limit 0", "GET", list + "?limit=0", "", 422, "api.minimum", "query.limit"},
		{"limit 201", "GET", list + "?limit=201", "", 422, "api.maximum", "query.limit"},
		{"bad cursor", "GET", list + "?cursor=!", "", 400, "api.cursor", "query.cursor"},
		{"cursor of zeros", "GET", list + "?cursor=" + strings.Repeat("A", cursorText), "", 400, "api.cursor", "query.cursor"},
		{"long cursor", "GET", list + "?cursor=" + strings.Repeat("A", 101), "", 422, "api.long", "query.cursor"},
		{"bad category", "GET", list + "?category=spam", "", 422, "api.enum", "query.category"},
		{"bad state", "GET", list + "?state=published&state=gone", "", 422, "api.enum", "query.state[1]"},
		{"bad level", "GET", list + "?tlp=PURPLE", "", 422, "tlp.unknown", "query.tlp"},
		{"bad date", "GET", list + "?from=2026-02-30", "", 422, "api.date", "query.from"},
		{"backwards", "GET", list + "?from=2026-03-02&to=2026-03-01", "", 422, "api.dates", "query.to"},
		{"no boolean", "GET", list + "?concerns=maybe", "", 422, "api.boolean", "query.concerns"},
		{"not UTF-8", "GET", list + "?brand=%ff", "", 422, "advisory.text", ""},
		{"no id", "GET", list + "/abc", "", 422, "api.integer", "path.id"},
		{"id 0", "GET", list + "/0", "", 422, "api.minimum", "path.id"},
		{"huge id", "GET", list + "/99999999999999999999", "", 422, "api.integer", "path.id"},
		{"unknown id", "GET", list + "/99", "", 404, "fault.not_found", ""},

		{"search for nothing", "POST", find, `{"text":" 　 "}`, 422, "api.no_words", "body.text"},
		{"search without text", "POST", find, `{}`, 422, "api.required", "body.text"},
		{"long search", "POST", find, `{"text":"` + long(700) + `"}`, 413, "search.long", "body.text"},
		{"many words", "POST", find, `{"text":"` + strings.Repeat("a ", 21) + `"}`, 413, "search.words", "body.text"},
		{"search with a bad cursor", "POST", find, `{"text":"x","cursor":"x"}`, 400, "api.cursor", "body.cursor"},

		{"nothing to look up", "GET", look, "", 422, "api.required_parameter", "query.value"},
		{"look up no indicator", "GET", look + "?value=hello", "", 422, "api.value", "query.value"},
		{"look up NUL", "GET", look + "?value=%00", "", 422, "api.value", "query.value"},
		{"look up too much", "GET", look + "?value=" + strings.Repeat("a", 10_001), "", 422, "api.long", "query.value"},
		{"empty batch", "POST", look, `{"values":[]}`, 422, "api.few", "body.values"},
		{"large batch", "POST", look, `{"values":[` + strings.TrimSuffix(strings.Repeat(`"a",`, 1001), ",") + `]}`, 422, "api.many", "body.values"},
		{"batch of numbers", "POST", look, `{"values":[1]}`, 422, "api.string", "body.values[0]"},

		{"unknown series", "GET", "/api/v1/trends?series=x", "", 422, "api.enum", "query.series"},
		{"series without dimension", "GET", "/api/v1/trends?series=observation&dimension=technique", "", 422, "trend.dimension", "query.dimension"},
		{"trend backwards", "GET", "/api/v1/trends?from=2026-02-01&to=2026-01-01", "", 422, "trend.period", "query.from"},
		{"before all time", "GET", "/api/v1/trends?from=1960-01-01&to=1961-01-01", "", 422, "trend.period", "query.from"},
		{"many days", "GET", "/api/v1/trends?from=2020-01-01&to=2026-01-01", "", 422, "api.days", "query.from"},
		{"many years", "GET", "/api/v1/trends?from=1980-01-01&to=2026-01-01&monthly=true", "", 422, "trend.period", "query.from"},

		{"no operation", "GET", "/api/v1/nothing", "", 404, "api.route", ""},
		{"no version", "GET", "/api/v2/advisories", "", 404, "api.route", ""},
		{"no method", "DELETE", list, "", 405, "api.method", ""},
		{"no method on one", "PUT", list + "/1", "{}", 405, "api.method", ""},
	}
	each(t, func(t *testing.T, p *portal) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				p.t = t
				before := p.audited(`action <> 'denied'`)
				got := p.do(p.StaffA, tt.method, tt.target, tt.body).refused(tt.status, tt.code)
				if got.Field != tt.field {
					t.Errorf("field %q, want %q", got.Field, tt.field)
				}
				if p.audited(`action <> 'denied'`) != before {
					t.Error("something was written")
				}
			})
		}
		p.t = t
		for _, media := range []string{"text/plain", "application/xml", "multipart/form-data; boundary=x"} {
			p.do(p.StaffA, "POST", list, `{}`, "Content-Type", media).refused(415, "api.media_type")
		}
		p.do(p.StaffA, "POST", list, `{`+good+`,"state":"draft"}`, "Content-Type", "application/json; charset=utf-8").ok(201, &Advisory{})
		p.do(p.StaffA, "POST", list, "\xef\xbb\xbf{"+good+`,"state":"draft"}`).ok(201, &Advisory{})
		exact := `{` + good + `,"state":"draft"}`
		p.do(p.StaffA, "POST", list, exact+strings.Repeat(" ", maxBody-len(exact))).ok(201, &Advisory{})
		p.do(p.StaffA, "POST", list, exact+strings.Repeat(" ", maxBody-len(exact)+1)).refused(413, "api.too_large")

		a := p.do(p.StaffA, "DELETE", list, "")
		if allow := a.Header().Get("Allow"); allow != "GET, HEAD, POST" {
			t.Errorf("Allow %q", allow)
		}
		// Several faults are told together, in the same order each time.
		for range 5 {
			got := p.do(p.StaffA, "POST", list, `{"zeta":1,"alpha":2,"category":"x"}`).refused(422, "api.unknown_field")
			var at []string
			for _, e := range got.Errors {
				at = append(at, e.Code+" "+e.Location)
			}
			if s := strings.Join(at, ", "); got.Field != "" ||
				s != "api.unknown_field body.alpha, api.enum body.category, api.required body.title, api.required body.tlp, api.unknown_field body.zeta" {
				t.Errorf("errors %s, field %q", s, got.Field)
			}
		}
		got := p.do(p.StaffA, "POST", look, `{"values":[`+strings.TrimSuffix(strings.Repeat(`1,`, 900), ",")+`]}`).refused(422, "api.string")
		if len(got.Errors) != maxDetails {
			t.Errorf("%d errors are told", len(got.Errors))
		}
	})
}

// A sentence that the framework says and this package does not know would be
// answered as an internal error, and logged. None of the others may be.
func TestEverySentenceIsTranslated(t *testing.T) {
	for _, s := range sentences {
		for _, lang := range locale.Langs {
			if text := lang.T(s.code, "name", "n", "least", 1, "most", 2, "values", "v", "offset", 3); strings.ContainsAny(text, "[{") {
				t.Errorf("%s: %s", s.code, text)
			}
		}
	}
}

func TestLanguages(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		for header, want := range map[string]string{"": "取り下げられた", "ja": "取り下げられた", "en-GB,en;q=0.9": "withdrawn", "fr": "取り下げられた"} {
			a := p.do(p.StaffA, "GET", "/api/v1/advisories/99", "", "Accept-Language", header)
			if got := a.refused(404, "fault.not_found"); !strings.Contains(got.Detail, want) || a.Header().Get("Vary") != "Accept-Language" {
				t.Errorf("%q: %q, Vary %q", header, got.Detail, a.Header().Get("Vary"))
			}
			a = p.do(p.StaffA, "GET", "/api/v1/advisories?limit=x", "", "Accept-Language", header)
			if got := a.refused(422, "api.integer"); strings.Contains(got.Detail, "whole number") != strings.Contains(want, "w") || a.Header().Get("Vary") != "Accept-Language" {
				t.Errorf("%q: %q, Vary %q", header, got.Detail, a.Header().Get("Vary"))
			}
		}
	})
}

// Neither the log nor an answer says what was asked.
func TestNothingIsTold(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		const secret = "himitsu.example"
		p.get(p.StaffA, "/api/v1/lookup?value="+secret).ok(200, &lookupResult{})
		p.get(p.MachineA, "/api/v1/lookup?value="+secret+"%20x").refused(422, "api.value")
		p.get(p.StaffA, "/api/v1/lookup?valeu="+secret)
		p.get(p.StaffA, "/api/v1/lookup?value="+secret+"&x=%zz")
		for _, body := range []string{`{"values":[{"x":"` + secret + `"}]}`, `{"values":["` + secret + `"`, `{"values":"` + secret + `"}`} {
			if a := p.do(p.StaffA, "POST", "/api/v1/lookup", body); strings.Contains(a.Body.String(), secret) {
				t.Errorf("the answer quotes what was sent: %s", a.Body)
			}
		}
		if strings.Contains(p.log.String(), secret) {
			t.Errorf("the log tells what was looked up: %s", p.log)
		}
		if n := p.audited(`detail LIKE '%` + secret + `%' OR object LIKE '%` + secret + `%'`); n != 0 {
			t.Error("the audit record tells what was looked up")
		}
	})
}

// The cause of a failure is for the log, under the id that the answer names.
func TestCauseIsHidden(t *testing.T) {
	p := newPortal(t, storetest.SQLite(t))
	p.server.Caller = func(*http.Request, token.Scope) (caller.Caller, error) {
		return caller.Caller{}, errors.New("disk on fire")
	}
	r := httptest.NewRequest("GET", "/api/v1/advisories", nil)
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "ABC")
	p.ServeHTTP(w, r)
	got := answer{w, t}.refused(500, "fault.internal")
	if strings.Contains(w.Body.String(), "fire") || got.Instance != "urn:teiten:request:ABC" {
		t.Errorf("%s", w.Body)
	}
	if log := p.log.String(); !strings.Contains(log, "disk on fire") || !strings.Contains(log, "request=ABC") {
		t.Errorf("log: %s", log)
	}

	p.server.Caller = func(*http.Request, token.Scope) (caller.Caller, error) { panic("unthinkable") }
	w = httptest.NewRecorder()
	p.ServeHTTP(w, r)
	answer{w, t}.refused(500, "fault.internal")
	if strings.Contains(w.Body.String(), "unthinkable") || !strings.Contains(p.log.String(), "unthinkable") {
		t.Errorf("%s", w.Body)
	}
}

// A body that breaks off and a caller who goes away have answers of their own,
// for the log if for nobody else.
func TestBrokenOff(t *testing.T) {
	p := newPortal(t, storetest.SQLite(t))
	r := httptest.NewRequest("POST", "/api/v1/lookup", io.MultiReader(strings.NewReader(`{"values":`), broken{}))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(accountHeader, "1")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	answer{w, t}.refused(500, "api.body_read")

	ctx, cancel := context.WithCancel(context.Background())
	p.server.Caller = func(*http.Request, token.Scope) (caller.Caller, error) { cancel(); return p.StaffA, nil }
	w = httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/advisories", nil).WithContext(ctx))
	answer{w, t}.refused(503, "fault.interrupted")
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// A caller of no organisation has no "own".
func TestNobodysOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPortal(t, db)
		p.server.Caller = func(*http.Request, token.Scope) (caller.Caller, error) {
			return caller.Caller{Account: 1, Name: "x", OrgKind: caller.Institution, Role: caller.Staff, Channel: "api"}, nil
		}
		p.get(caller.Caller{}, "/api/v1/advisories?concerns=true").refused(403, "fault.forbidden")
		p.get(caller.Caller{}, "/api/v1/trends?mine=true").refused(403, "fault.forbidden")
	})
}

func TestStatusOfEveryKind(t *testing.T) {
	s := newServer(Deps{Log: slog.New(slog.DiscardHandler)})
	q := &request{lang: locale.English, in: "body"}
	for kind := fault.Internal; kind.String() != "internal" || kind == fault.Internal; kind++ {
		if p := s.problem(context.Background(), q, fault.New(kind, "fault.internal")); p.Status < 400 || p.Title == locale.English.T("api.problem.other") {
			t.Errorf("%v: status %d, title %q", kind, p.Status, p.Title)
		}
	}
}

func FuzzCursor(f *testing.F) {
	level := tlp.Green
	filter := advisory.Filter{Category: category.Phishing, TLP: &level, Text: "検索"}
	for _, p := range []int64{1, 1772583300123456, 1<<63 - 1} {
		f.Add(cursor(p, filter))
	}
	f.Add("")
	f.Add("AQ==")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := position(text, filter)
		switch {
		case err != nil && (fault.Code(err) != "api.cursor" || p != 0):
			t.Errorf("%q: position %d, %v", text, p, err)
		case err == nil && cursor(p, filter) != text:
			t.Errorf("%q and %q are the same place", text, cursor(p, filter))
		case err == nil && text != "":
			if _, err := position(text, advisory.Filter{}); err == nil {
				t.Errorf("%q fits another list", text)
			}
		}
	})
}

// Whatever a body is, the answer is what is documented, and never an internal
// error.
func FuzzBody(f *testing.F) {
	p := newPortal(f, storetest.SQLite(f))
	targets := []string{"/api/v1/advisories", "/api/v1/advisories/search", "/api/v1/lookup"}
	for _, body := range []string{
		`{`, `[]`, `{"text":"x","limit":1e400}`, `{"text":"検索","state":[{}]}`, "\xff", `{"text":"\ud800"}`, `{"":{}}`, `{"text":null,"x":1}`,
		`{"values":["hxxp://evil[.]example/","x"]}`, `{"category":"phishing","tlp":"GREEN","title":"x","state":"draft","text":"http://a.example/","related":[1]}`,
	} {
		for n := range targets {
			f.Add(uint8(n), body)
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, body string) {
		p.t = t
		if a := p.do(p.StaffA, "POST", targets[int(n)%len(targets)], body); a.Code >= 500 {
			t.Errorf("status %d: %s", a.Code, a.Body)
		}
	})
}
