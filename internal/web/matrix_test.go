// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/indicator"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// TestMatrix asks every route as everybody for everything, and holds each
// answer, and what it did to the database, against an oracle that was written
// from the words and shares nothing with the program. Cells are
// requests × things that must or must not show in their answers. With
// TEITEN_MATRIX=small fewer things are asked for, by fewer people.
func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMatrix(t, db)
		visitors := m.visitors(t.Context())
		m.watch(t.Context())
		for i, o := range m.things {
			if place := places[o.kind]; place != "" {
				m.where[place+itoa(o.id)] = i
			}
		}
		m.lines()
		begun := time.Now()
		for _, p := range visitors {
			if m.small() && !slices.Contains(few, p.name) {
				continue
			}
			m.signedIn(p)
			for _, l := range sheet {
				m.phase1(p, l)
			}
		}
		refusals := time.Since(begun)
		for _, l := range sheet {
			if l.asked == 0 {
				t.Errorf("%s was never asked: its line fits nothing", l.route)
			}
		}
		if !m.small() {
			m.phase2()
		}
		t.Logf("%d requests of %d visitors to %d routes, %d cells, in %v and %v", m.sent, len(visitors), len(m.routes()), m.cells, refusals.Round(time.Second), (time.Since(begun) - refusals).Round(time.Second))
	})
}

// few are those whom the small matrix asks: each differs from the others in
// what stands between them and a hole.
var few = []string{"isac analyst", "a contact", "b staff", "b machine", "o contact",
	"a ward's device", "a ward's device that may check", "a device without a session", "a stolen session on another's device", "an operator's session without a device", "a tampered token"}

func (m *matrix) small() bool { return os.Getenv("TEITEN_MATRIX") == "small" }

// knows is the oracle: whether somebody may know of a thing.
func (m *matrix) knows(p *somebody, o thing) bool {
	expert, own := p.name == "isac operator" || p.name == "isac analyst", p.caller.Org == o.org
	switch {
	case o.kind == "device" && o.id == p.cert.ID:
		return true // whoever holds the device reads its label at the door
	case p.sees < 0:
		return false
	case o.holder == p.name:
		return true
	case o.private:
		return false
	case o.inside:
		return own && (o.roles == nil || slices.Contains(o.roles, p.caller.Role))
	case o.kind == "group":
		return p.name == "isac operator" || slices.Contains(o.group, p.caller.Org)
	case o.tlp >= 0 && slices.Contains([]string{"advisory", "indicator", "comment", "waiting", "discarded"}, o.kind):
		shared := o.tlp <= p.sees && (o.group == nil || slices.Contains(o.group, p.caller.Org))
		return own || shared && (!o.waiting || expert)
	case p.name == "isac operator", o.experts && expert:
		return true
	default:
		return own && (o.roles == nil || slices.Contains(o.roles, p.caller.Role))
	}
}

// letters of the sheet; who is none of them has none.
var letters = map[caller.Role]string{caller.Operator: "O", caller.Analyst: "A", caller.Contact: "C", caller.Staff: "S", caller.Executive: "E", caller.Machine: "M"}

// admitted is the oracle for the route alone.
func (l *line) admitted(p *somebody) bool {
	who, inInstitution := strings.CutSuffix(l.who, "@")
	switch {
	case who == "*":
		return true
	case who == "+":
		return p.cert.ID != 0 && p.caller.Role != caller.Machine
	case p.ward:
		return l.ward
	case p.sees < 0, p.caller.Role == caller.Machine && !l.machine():
		return false
	case inInstitution && p.caller.OrgKind != caller.Institution && p.caller.Role != caller.Operator:
		return false
	}
	return strings.Contains(strings.ToUpper(who), letters[p.caller.Role])
}

// entitled is the oracle for the route and a thing, nil for none.
func (m *matrix) entitled(p *somebody, l *line, o *thing) bool {
	switch {
	case !l.admitted(p):
		return false
	case o == nil || l.who == "*" || l.who == "+":
		return true
	case !m.knows(p, *o) || o.kind == "org" && o.id != p.caller.Org && p.name != "isac operator":
		return false
	case strings.HasPrefix(l.who, "="):
		return o.holder == p.name
	case strings.Contains(l.who, letters[p.caller.Role]):
		return true
	}
	return o.org == p.caller.Org && (o.author == "" || o.author == p.name)
}

// machine reports whether the route is at the door for machines.
func (l *line) machine() bool {
	return strings.Contains(l.route, " /api/") || strings.Contains(l.route, " /blocklists/")
}

// answered is what came back, with all that reaches a browser in text.
type answered struct {
	status int
	text   string
	to     string // where it leads
	head   string // all that the header says
}

// signedIn opens a session whose factors were just shown.
func (m *matrix) signedIn(p *somebody) {
	switch {
	case p.victim != "":
		victim := *m.named(p.victim)
		m.signIn(m.t.Context(), &victim)
		p.cookie = victim.cookie
	case p.cert.ID != 0 && p.caller.Account != 0 && p.caller.Role != caller.Machine:
		m.signIn(m.t.Context(), p)
	}
}

// steal takes another session, because one that is shown on a device that is
// not its own ends.
func (m *matrix) steal(p *somebody) {
	if p.victim != "" && p.cert.ID != 0 {
		m.signedIn(p)
	}
}

// ask sends a request as somebody.
func (m *matrix) ask(p *somebody, method, target, form, cookie string) answered {
	r := httptest.NewRequest(method, target, strings.NewReader(form))
	r.Host = matrixHost
	switch {
	case strings.HasPrefix(form, "--"+boundary):
		r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	case strings.HasPrefix(form, "From: "):
		r.Header.Set("Content-Type", "message/rfc822")
	case strings.HasPrefix(form, "{"):
		r.Header.Set("Content-Type", "application/json")
	case method == "POST":
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if p.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-teiten-session", Value: p.cookie})
	}
	if name, value, ok := strings.Cut(cookie, "="); ok {
		r.AddCookie(&http.Cookie{Name: "__Host-teiten-" + name, Value: value})
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	peer := device.Peer{Addr: netip.MustParseAddrPort("192.0.2.7:4000")}
	if p.cert.ID != 0 {
		peer.Certificate = &p.cert
	}
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r.WithContext(device.WithPeer(r.Context(), peer)))
	m.sent++
	h := w.Header()
	text := w.Body.String() + "\n" + h.Get("Location") + "\n" + h.Get("Content-Disposition")
	return answered{w.Code, strings.ReplaceAll(text, h.Get("X-Request-Id"), "REQUEST"), h.Get("Location"), fmt.Sprint(h)}
}

// refusal reports whether somebody was turned away.
func (a answered) refusal() bool {
	return a.status == 401 || a.status == 403 || a.status == 404 || a.status == 303 && strings.HasPrefix(a.to, "/sign-in")
}

// phase1 asks a route as somebody for all things that fit it. What would change
// the world is sent only by those who must not.
func (m *matrix) phase1(p *somebody, l *line) {
	method, pattern, _ := strings.Cut(l.route, " ")
	at := strings.Fields(l.at)
	if len(at) == 0 {
		at = []string{pattern}
	}
	for _, address := range at {
		for _, o := range m.fitting(l, address) {
			if entitled := m.entitled(p, l, o); method == "GET" || l.reads || !entitled {
				m.cell(p, l, method, address, o, entitled)
			}
		}
	}
}

// fitting are the things whose ids an address or its form takes.
func (m *matrix) fitting(l *line, address string) []*thing {
	if !strings.Contains(address+l.form, "{") || l.kind == "" {
		return []*thing{nil}
	}
	var all []*thing
	for i := range m.things {
		o := &m.things[i]
		if !slices.Contains(strings.Fields(l.kind), o.kind) {
			continue
		}
		if m.small() && o.tlp != 0 && !slices.Contains([]string{"kanariaamberstrict", "kanariagreen", "kanariaavgreen", "kanaribred", "kanarivamber", "kanaricommenta", "kanariawaiting1", "kanaribwaiting1", "kanariadiscarded", "kanaricamberstrict"}, o.canary) {
			continue
		}
		all = append(all, o)
	}
	return all
}

func (m *matrix) cell(p *somebody, l *line, method, address string, o *thing, entitled bool) {
	target, form := m.write(address, p, o), m.write(l.form, p, o)
	l.asked++
	m.steal(p)
	changed, denied := m.touched(p)
	a := m.ask(p, method, target, form, m.kept(l.kept, p, o))
	after, deniedAfter := m.touched(p)
	wrong := func(format string, args ...any) {
		defer func() {
			if m.small() { // it is asked whether there is a hole, not how many
				m.t.FailNow()
			}
		}()
		m.t.Errorf("%s: %s %s %.80s of %s: status %d: %s", p.name, method, target, form, o, a.status, fmt.Sprintf(format, args...))
	}
	m.leaks(p, l, address, o, a, wrong)
	if after != changed {
		wrong("the database changed: %s", m.changes())
	}
	person := p.sees >= 0 && !p.ward && (p.caller.Role != caller.Machine || l.machine())
	if a.status == http.StatusForbidden && person && !l.off && deniedAfter == denied {
		wrong("the audit knows of no denial")
	}
	known := o == nil || m.knows(p, *o)
	switch {
	case l.who == "*" || l.off && l.admitted(p):
	case !l.admitted(p):
		if !a.refusal() {
			wrong("the route is not for them")
		}
	case entitled && a.status >= 400:
		wrong("refused: %s", gist(a.text))
	case !known && !l.soft && !a.refusal() && !(strings.Contains(l.form, "{") && a.status == http.StatusUnprocessableEntity):
		wrong("not for them to know of")
	case known && !entitled && !l.soft && !a.refusal():
		wrong("not for them to do")
	}
	if !known && !l.repeats {
		m.sameAsNothing(p, l, method, address, o, a, wrong)
	}
}

// String names a thing in a failure.
func (o *thing) String() string {
	if o == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s %s of organisation %d", o.kind, o.canary, o.org)
}

// canaries finds the words that only one thing each contains.
var canaries = regexp.MustCompile(`kanari[a-z0-9]+`)

// links finds what leads to one thing; places are where things have their pages.
var (
	links  = regexp.MustCompile(`/(?:advisories|people|devices|groups|tokens|import|members|check|reports|consents|cases)/[0-9]+`)
	places = map[string]string{"advisory": "/advisories/", "waiting": "/advisories/", "discarded": "/advisories/", "account": "/people/",
		"device": "/devices/", "group": "/groups/", "token": "/tokens/", "import": "/import/", "org": "/members/", "hold": "/check/", "report": "/reports/", "opened": "/reports/", "reported": "/reports/",
		"consent": "/consents/", "consented": "/consents/", "case": "/cases/", "casetwo": "/cases/", "caseold": "/cases/", "caseshut": "/cases/"}
)

// leaks holds an answer against all things: what somebody may not know must
// not show, and on a list what she may know must.
func (m *matrix) leaks(p *somebody, l *line, address string, asked *thing, a answered, wrong func(string, ...any)) {
	shown := map[string]bool{}
	for _, word := range canaries.FindAllString(strings.ToLower(a.text+a.head), -1) {
		shown[word] = true
	}
	echo := asked != nil && strings.Contains(address+l.form, "{word}") // what one asks about is told back
	for i := range m.things {
		o := &m.things[i]
		m.cells++
		if o.canary == "" || echo && o.canary == asked.canary {
			continue
		}
		knows := m.knows(p, *o)
		if shown[o.canary] && !knows {
			wrong("shows %s", o)
		}
		if l.lists != "" && l.lists == o.kind && knows && !shown[o.canary] && l.admitted(p) && l.tells == "" {
			wrong("lacks %s", o)
		}
	}
	for _, link := range links.FindAllString(a.text, -1) {
		if i, ok := m.where[link]; ok && !m.knows(p, m.things[i]) && !strings.Contains(m.write(address, p, asked), link) {
			wrong("leads to %s", &m.things[i])
		}
	}
	if l.tells != "" && asked != nil && l.admitted(p) {
		want, got := m.knows(p, *asked), strings.Contains(a.text, strings.NewReplacer("{number}", itoa(asked.id), "{word}", asked.canary).Replace(l.tells))
		if want != got {
			wrong("tells of it: %v, want %v", got, want)
		}
	}
}

const (
	ghost     = "999999937"
	ghostWord = "kanarinothing"
)

// write puts ids into an address or a form; nil is what does not exist.
func (m *matrix) write(s string, p *somebody, o *thing) string {
	if !strings.Contains(s, "{") {
		return s
	}
	mine, draft, there, id, of, word, raw := ghost, ghost, ghost, ghost, ghost, ghostWord, ""
	for _, a := range m.things {
		switch {
		case a.org != p.caller.Org:
		case a.kind == "advisory":
			mine = itoa(a.id)
		case a.kind == "waiting" && draft == ghost:
			draft = itoa(a.id)
		}
	}
	if o != nil {
		there, id, of, word, raw = itoa(o.org), o.key, itoa(o.of), o.canary, o.mail
		if id == "" {
			id = itoa(o.id)
		}
	}
	revision := int64(1) // of a case
	if o != nil && strings.Contains(s, "{revision}") {
		must(m.t, m.db.QueryRow(m.t.Context(), `SELECT revision FROM mail_case WHERE id = $1`, o.id).Scan(&revision))
	}
	return strings.NewReplacer("{mail}", raw, "{revision}", itoa(revision), "{id}", id, "{of}", of, "{word}", word, "{there}", there, "{mine}", mine, "{draft}", draft, "{own}", itoa(p.caller.Org),
		"{group}", itoa(m.groups["av"]), "{other}", itoa(m.orgs["o"]), "{machine}", itoa(m.machineOf(p)),
		"{guard}", m.list, "{overruled}", m.server.keyOf(indicator.Value{Kind: indicator.Domain, Value: "o.example.com"}),
		"{soon}", time.Now().AddDate(0, 1, 0).Format(time.DateOnly)).Replace(s)
}

// sameAsNothing asks for what does not exist: the answer must be the same.
func (m *matrix) sameAsNothing(p *somebody, l *line, method, address string, o *thing, a answered, wrong func(string, ...any)) {
	key := l.route + address + l.form
	if m.refused[p] == nil {
		m.refused[p] = map[string]answered{}
	}
	none, asked := m.refused[p][key]
	if !asked {
		m.steal(p)
		none = m.ask(p, method, m.write(address, p, nil), m.write(l.form, p, nil), m.kept(l.kept, p, nil))
		m.refused[p][key] = none
	}
	if none.status != a.status {
		wrong("what does not exist has status %d", none.status)
	} else if a.text == none.text {
		return
	} else if x, y := m.nameless(p, address, o, a.text), m.nameless(p, address, o, none.text); x != y {
		wrong("what does not exist differs: %s", difference(x, y))
	}
}

// nameless takes out of an answer what the request itself named.
func (m *matrix) nameless(p *somebody, address string, o *thing, text string) string {
	text = digests.ReplaceAllString(strings.ReplaceAll(text, "%2F", "/"), "DIGEST")
	for _, s := range []string{m.write(address, p, nil), m.write(address, p, o)} { // the one may begin like the other
		for _, form := range []string{s, url.QueryEscape(s), html.EscapeString(s), html.EscapeString(url.QueryEscape(s))} {
			text = strings.ReplaceAll(text, form, "ADDRESS")
		}
	}
	for _, s := range []string{m.write("{id}", p, o), m.write("{of}", p, o), m.write("{there}", p, o), ghost, "999,999,937", o.canary, ghostWord} {
		text = without(text, s)
	}
	return text
}

// digests finds the digest of what was sent and where something ends in it, which
// are others for each word in it.
var digests = regexp.MustCompile(`"(?:sha256":"[0-9a-f]{64}"|end":[0-9]+)`)

// without writes N for a word or a number that is not part of another.
func without(text, s string) string {
	if s == "" || !strings.Contains(text, s) {
		return text
	}
	var b strings.Builder
	part := func(i int) bool {
		return i >= 0 && i < len(text) && (text[i] >= '0' && text[i] <= '9' || text[i] >= 'a' && text[i] <= 'z' || text[i] == '.' && s[0] <= '9')
	}
	for at := 0; ; {
		i := strings.Index(text[at:], s)
		if i < 0 {
			b.WriteString(text[at:])
			return b.String()
		}
		i += at
		b.WriteString(text[at:i])
		if part(i-1) || part(i+len(s)) {
			b.WriteString(s)
		} else {
			b.WriteString("N")
		}
		at = i + len(s)
	}
}

func difference(x, y string) string {
	i := 0
	for i < min(len(x), len(y)) && x[i] == y[i] {
		i++
	}
	part := func(s string) string { return s[max(0, i-60):min(len(s), i+100)] }
	return fmt.Sprintf("%q, not %q", part(x), part(y))
}
