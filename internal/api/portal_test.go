// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"teiten/internal/advisory"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/mailcheck"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
	"teiten/internal/token"
)

// portal is the API over a real store, called by whom a test says.
type portal struct {
	t testing.TB
	*server
	*membertest.People
	log   *syncBuffer
	woken int
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

const accountHeader = "Test-Account"

func newPortal(t testing.TB, db *store.DB) *portal {
	p := &portal{t: t, People: membertest.Register(t, db), log: &syncBuffer{}}
	guards := intel.NewGuards(db)
	checker, err := mailcheck.New(guards)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p.server = newServer(Deps{
		DB: db, Guards: guards, Blobs: blobs, Checker: checker, Wake: func() { p.woken++ },
		Log: slog.New(slog.NewTextHandler(p.log, nil)),
		Caller: func(r *http.Request, _ token.Scope) (caller.Caller, error) {
			id, err := strconv.ParseInt(r.Header.Get(accountHeader), 10, 64)
			if err != nil {
				return caller.Caller{}, fault.Wrap(err, fault.Forbidden, "fault.forbidden")
			}
			return member.Caller(r.Context(), db, id, "api")
		},
	})
	t.Cleanup(func() {
		if log := p.log.String(); strings.Contains(log, "message is not known") {
			t.Errorf("what the framework says has no sentence: %s", log)
		}
	})
	// Tests hold answers to what is documented, and nothing more.
	for _, s := range p.api.OpenAPI().Components.Schemas.Map() {
		s.AdditionalProperties = false
		s.PrecomputeMessages()
	}
	return p
}

func each(t *testing.T, fn func(t *testing.T, p *portal)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newPortal(t, db)) })
}

// answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

func (p *portal) do(c caller.Caller, method, target, body string, headers ...string) answer {
	p.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, in)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.Account != 0 {
		r.Header.Set(accountHeader, strconv.FormatInt(c.Account, 10))
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	p.conforms(r, w)
	return answer{w, p.t}
}

// conforms holds every answer against the document.
func (p *portal) conforms(r *http.Request, w *httptest.ResponseRecorder) {
	p.t.Helper()
	where := r.Method + " " + r.URL.Path
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		p.t.Errorf("%s: Cache-Control %q", where, got)
	}
	_, pattern := p.mux.Handler(r)
	doc := p.api.OpenAPI()
	schema := doc.Components.Responses["Internal"].Content["application/problem+json"].Schema
	media := "application/problem+json"
	if pattern != "" && w.Code != http.StatusMethodNotAllowed {
		_, path, _ := strings.Cut(pattern, " ")
		o := doc.Paths[path].Get
		if r.Method == http.MethodPost {
			o = doc.Paths[path].Post
		}
		answer := o.Responses[strconv.Itoa(w.Code)]
		if answer == nil {
			p.t.Errorf("%s: the answer %d is not documented: %s", where, w.Code, w.Body)
			return
		}
		for m, c := range answer.Content {
			media, schema = m, c.Schema
		}
	}
	if got := w.Header().Get("Content-Type"); got != media {
		p.t.Errorf("%s: %d with Content-Type %q, want %q", where, w.Code, got, media)
		return
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	var v any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		p.t.Errorf("%s: %v: %s", where, err, w.Body)
		return
	}
	res := &huma.ValidateResult{}
	huma.Validate(doc.Components.Schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, res)
	for _, err := range res.Errors {
		e := err.(*huma.ErrorDetail)
		p.t.Errorf("%s: the answer is not what is documented: %s: %s", where, e.Location, e.Message)
	}
	if w.Code >= 400 {
		pr := v.(map[string]any)
		for _, key := range []string{"title", "detail"} {
			if text := pr[key].(string); strings.HasPrefix(text, "[") || strings.Contains(text, "{") {
				p.t.Errorf("%s: %s is no sentence: %s", where, key, text)
			}
		}
		if pr["status"] != float64(w.Code) || pr["type"] != "urn:teiten:fault:"+pr["code"].(string) {
			p.t.Errorf("%s: status %v, type %v, code %v", where, pr["status"], pr["type"], pr["code"])
		}
	}
}

// ok reads the body of a success.
func (a answer) ok(status int, into any) {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("status %d, want %d: %s", a.Code, status, a.Body)
	}
	reflect.ValueOf(into).Elem().SetZero() // of the answer before
	if err := json.Unmarshal(a.Body.Bytes(), into); err != nil {
		a.t.Fatal(err)
	}
}

// refused reads the body of a problem.
func (a answer) refused(status int, code string) Problem {
	a.t.Helper()
	var p Problem
	if err := json.Unmarshal(a.Body.Bytes(), &p); err != nil {
		a.t.Fatalf("%v: %s", err, a.Body)
	}
	if a.Code != status || p.Code != code {
		a.t.Errorf("status %d, code %q, want %d, %q: %s", a.Code, p.Code, status, code, a.Body)
	}
	return p
}

func (p *portal) get(c caller.Caller, target string) answer {
	p.t.Helper()
	return p.do(c, "GET", target, "")
}

func (p *portal) post(c caller.Caller, target string, body any) answer {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.do(c, "POST", target, string(text))
}

// publish stores a published advisory of c's organisation.
func (p *portal) publish(c caller.Caller, level tlp.Level, title string, urls ...string) int64 {
	p.t.Helper()
	return p.submit(c, advisory.Published, level, title, urls...)
}

func (p *portal) submit(c caller.Caller, state advisory.State, level tlp.Level, title string, urls ...string) int64 {
	p.t.Helper()
	ctx := context.Background()
	g, err := p.Guards.Current(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	sub := advisory.Submission{State: state, Content: advisory.Content{
		Category: category.Phishing, TLP: level, Title: title, Body: title + " の本文", Techniques: []string{"T1566.002"},
	}}
	for _, u := range urls {
		v, err := indicator.Normalise(indicator.URL, u)
		if err != nil {
			p.t.Fatal(err)
		}
		sub.Indicators = append(sub.Indicators, v)
	}
	publish := state == advisory.Published && !advisory.MayReview(c)
	if publish {
		sub.State = advisory.InReview
	}
	id, err := advisory.Submit(ctx, p.DB, c, g, sub)
	if err == nil && publish {
		err = advisory.Publish(ctx, p.DB, p.Analyst, g, id, 1)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// audited counts the audit records of an action.
func (p *portal) audited(where string, args ...any) (n int) {
	p.t.Helper()
	if err := p.DB.QueryRow(context.Background(), `SELECT COUNT(*) FROM audit WHERE `+where, args...).Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

func ids(page advisoryPage) string {
	var b strings.Builder
	for _, a := range page.Items {
		fmt.Fprintf(&b, "%d ", a.ID)
	}
	return strings.TrimSpace(b.String())
}
