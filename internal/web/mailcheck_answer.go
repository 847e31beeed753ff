// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/permit"
	"teiten/internal/report"
	"teiten/internal/wave"
)

const (
	topReasons = 3   // are shown at once, the others folded
	mostLinks  = 500 // of a mail that are shown
	mostFiles  = 100 // likewise
)

// answerPage says what is known of a mail and what to do now.
type answerPage struct {
	Head
	ID         int64
	Until      time.Time // the mail is held
	Verdict    mailcheck.Verdict
	Did        []didChoice
	Advice     advice
	Top, More  []reasonRow
	Seen       seenRow
	Mail       mailView
	Links      []linkRow
	MoreLinks  int // that are not shown
	Files      []mailcheck.File
	MoreFiles  int // likewise
	Incomplete []string
	Rules      string
	Reported   int64 // the caller's report of this mail
	MayReport  bool
	Opinions   advisory.Opinions
}

// Question asks whether the answer helped to decide.
func (p *answerPage) Question() question { return newQuestion("/search/helped", p.Opinions) }

// didChoice is something that the person may have done already.
type didChoice struct {
	Text, Href string
	Current    bool
}

// advice is what to do now: one line, then steps.
type advice struct {
	First string
	Steps []string
}

// reasonRow is one finding in words.
type reasonRow struct {
	What, Why string
	Places    []placeRow
	Advisory  int64
	Against   bool // it speaks for the mail
}

// placeRow is where in the mail something is, and what stands there.
type placeRow struct{ Where, Text string }

// seenRow says who else received the mail.
type seenRow struct {
	Text     string
	Advisory int64
}

// linkRow is an address in the mail and what is known of it.
type linkRow struct {
	indicator.Value
	Shown  string
	Href   string // of the page about it, "" if nothing is known
	Known  bool
	Active bool
	Where  []string
}

func (s *Server) checkAnswer(w http.ResponseWriter, r *http.Request, q *Request) error {
	held, err := report.Open(r.Context(), s.DB, s.Blobs, s.Checker, q.Caller, number64(r.PathValue("id")), nil)
	if err != nil {
		return err
	}
	page, err := s.answerPage(r.Context(), q, held)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "answer", page)
}

func (s *Server) answerPage(ctx context.Context, q *Request, held *report.Held) (*answerPage, error) {
	a := held.Answer
	page := &answerPage{
		Head: q.Head(q.T("checking.verdict."+string(a.Verdict)), Crumb{"/check", q.T("checking.title")}),
		ID:   held.ID, Until: held.Until, Verdict: a.Verdict, Rules: a.Rules, Reported: held.Report,
		MayReport: permit.May(q.Caller, permit.MailReport) != permit.None, Mail: q.mailView(a), Seen: q.seenRow(a.Wave),
	}
	did, err := actionOf(q.Get("did"))
	if err != nil {
		return nil, err
	}
	for _, action := range mailcheck.Actions {
		page.Did = append(page.Did, didChoice{action.Name(q.Lang), q.With("did", string(action)), action == did})
	}
	what := a.Advice
	if page.Reported != 0 {
		what = a.AdviceReported
	}
	page.Advice = q.advice(what(did))
	reasons := q.mailReasons(a)
	page.Top, page.More = reasons[:min(topReasons, len(reasons))], reasons[min(topReasons, len(reasons)):]
	for _, key := range a.Incomplete {
		page.Incomplete = append(page.Incomplete, q.T(key))
	}
	var links []mailcheck.Link
	links, page.MoreLinks = first(a.Links, mostLinks)
	for _, l := range links {
		page.Links = append(page.Links, s.linkRow(q, l))
	}
	page.Files, page.MoreFiles = first(a.Files, mostFiles)
	if q.Caller.Account != 0 {
		page.Opinions, err = advisory.ReadOpinions(ctx, s.DB, q.Caller, 0)
	}
	return page, err
}

// first returns what is shown of a list, and how many are not.
func first[T any](all []T, most int) (shown []T, more int) {
	shown = all[:min(most, len(all))]
	return shown, len(all) - len(shown)
}

// actionOf reads what the person did.
func actionOf(written string) (mailcheck.Action, error) {
	did := mailcheck.Action(written)
	if !slices.Contains(mailcheck.Actions, did) {
		return "", fault.New(fault.Invalid, "checking.did.unknown").At("did")
	}
	return did, nil
}

func (q *Request) advice(keys []string) advice {
	var all advice
	for i, key := range keys {
		if i == 0 {
			all.First = q.T(key)
		} else {
			all.Steps = append(all.Steps, q.T(key))
		}
	}
	return all
}

// mailReasons are the findings in words, in their order.
func (q *Request) mailReasons(a *mailcheck.Answer) (rows []reasonRow) {
	for _, f := range a.Findings {
		row := reasonRow{What: harmless(f.Explain(q.Lang)), Why: f.Why(q.Lang), Advisory: f.Advisory, Against: f.Weight < 0}
		for _, p := range f.Places {
			row.Places = append(row.Places, placeRow{q.placeName(p), harmless(p.Text)})
		}
		rows = append(rows, row)
	}
	return rows
}

// placeName says where in a mail something is, as its reader would.
func (q *Request) placeName(p mailcheck.Place) string {
	name, field, ok := strings.Cut(p.Where, ":")
	if ok { // header:From
		return q.T("checking.place.header", "field", field)
	}
	return q.T("checking.place." + name)
}

// seenRow says that others reported the wave, and since when.
func (q *Request) seenRow(seen *wave.Seen) (row seenRow) {
	if seen == nil {
		return row
	}
	row.Advisory = seen.Advisory
	day := q.Lang.Date(seen.First)
	switch {
	case seen.Institutions.Hidden():
		row.Text = q.T("checking.seen.hidden", "n", seen.Institutions.Text(q.Lang), "day", day)
	case seen.Institutions.Some():
		row.Text = q.T("checking.seen", "n", seen.Institutions.N, "day", day)
	}
	if seen.Own > 0 {
		row.Text += q.T("checking.seen.own", "n", seen.Own)
	}
	return row
}

func (s *Server) linkRow(q *Request, l mailcheck.Link) linkRow {
	row := linkRow{Value: l.Value, Shown: indicator.Defang(l.Kind, l.Value.Value), Known: l.Hit.Known, Active: l.Hit.Active}
	if row.Known {
		row.Href = indicatorAddress(s.DB.Key(string(l.Kind), l.Value.Value))
	}
	for _, p := range l.Places {
		if name := q.placeName(p); !slices.Contains(row.Where, name) {
			row.Where = append(row.Where, name)
		}
	}
	return row
}

// mailView is the mail as text: nothing in it is loaded, and nothing can be
// followed.
type mailView struct {
	Found   mail.Found
	Subject string
	Fields  []fieldRow
	Texts   []textView
	Repairs []string
	Empty   bool
}

type fieldRow struct{ Name, Value string }

func (q *Request) mailView(a *mailcheck.Answer) mailView {
	m := a.Mail
	v := mailView{Found: a.Found, Subject: harmless(clipped(m.Subject))}
	add := func(name, value string) {
		if value != "" {
			v.Fields = append(v.Fields, fieldRow{q.T("checking.field." + name), harmless(clipped(value))})
		}
	}
	add("from", persons(m.From))
	add("reply_to", persons(m.ReplyTo))
	add("return_path", m.ReturnPath.Address)
	add("to", persons(m.To))
	add("cc", persons(m.Cc))
	if !m.Date.IsZero() {
		add("date", q.Lang.DateTime(m.Date))
	}
	v.Texts = q.textViews(a)
	v.Empty = len(v.Texts) == 0
	for _, repair := range m.Repairs {
		line := q.T(repair.Code)
		if repair.What != "" {
			line += " (" + harmless(repair.What) + ")"
		}
		if !slices.Contains(v.Repairs, line) {
			v.Repairs = append(v.Repairs, line)
		}
	}
	return v
}

// mostField bounds what is shown of one field of a mail, in characters.
const mostField = 1000

func clipped(text string) string {
	n := mostField
	for i := range text {
		if n--; n < 0 {
			return text[:i] + "…"
		}
	}
	return text
}

func persons(all []mail.Address) (text string) {
	for i, a := range all {
		if i > 0 {
			text += ", "
		}
		switch {
		case a.Name == "":
			text += a.Address
		case a.Address == "":
			text += a.Name
		default:
			text += a.Name + " <" + a.Address + ">"
		}
	}
	return text
}
