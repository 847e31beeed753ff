// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"mime"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/guard"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/mailcheck"
	"teiten/internal/member"
	"teiten/internal/report"
	"teiten/internal/store"
)

// wave is one attack by mail, and who reported it. Times are minutes after the
// first report; 0 means that it has not happened.
type wave struct {
	Key                       string
	Day                       int
	Time                      string // of the first report
	Name, From, Reply         string // of the sender
	Subject, Body             string // with {name}, {address}, {token} and {link}
	Link, Words, File, Reason string
	Reports, Fetches          []moment
	Take, Publish, Dismiss    int
}

// moment is what somebody did, and when.
type moment struct {
	By    string
	After int
	Did   mailcheck.Action
}

// mails reports waves of mails to a store that Load filled.
type mails struct {
	*loader
	blobs   *blob.Store
	checker *mailcheck.Checker
	domains map[int64][]string // of each organisation
}

// Mails adds the mails that members reported, and what became of them.
func Mails(ctx context.Context, db *store.DB, blobs *blob.Store, checker *mailcheck.Checker, guards *intel.Guards, now time.Time) error {
	l, err := people(ctx, db, guards, now)
	if err != nil {
		return err
	}
	var waves []wave
	if err := read("data/mails.json", &waves); err != nil {
		return err
	}
	m := &mails{loader: l, blobs: blobs, checker: checker}
	if m.domains, err = member.Domains(ctx, db, 0); err != nil {
		return err
	}
	for _, w := range waves {
		if err := m.tell(ctx, w); err != nil {
			return fmt.Errorf("demo: mail %s: %w", w.Key, err)
		}
	}
	return nil
}

// people finds those whom Load registered, by their keys.
func people(ctx context.Context, db *store.DB, guards *intel.Guards, now time.Time) (*loader, error) {
	l := &loader{db: db, guards: guards, now: now, people: map[string]caller.Caller{}}
	accounts, err := member.Accounts(ctx, db)
	if err != nil {
		return nil, err
	}
	var register struct {
		ISAC         organisation
		Institutions []organisation
		Others       []organisation
	}
	if err := read("data/organisations.json", &register); err != nil {
		return nil, err
	}
	keys := map[string]string{} // of the organisation's short name and the person's
	for _, o := range append(append(register.Institutions, register.Others...), register.ISAC) {
		for _, p := range o.People {
			keys[o.Short+"\x00"+p.Name] = p.Key
		}
	}
	for _, a := range accounts {
		c, err := member.Caller(ctx, db, a.ID, "demo")
		if err != nil {
			return nil, err
		}
		l.people[keys[c.OrgName+"\x00"+c.Name]] = c
		if c.Role == caller.Analyst && c.OrgKind == caller.ISAC {
			l.analysts = append(l.analysts, c)
		}
	}
	return l, nil
}

func (m *mails) tell(ctx context.Context, w wave) error {
	clock, err := time.Parse("15:04", w.Time)
	if err != nil {
		return err
	}
	y, mo, d := m.now.In(locale.Tokyo).Date()
	start := time.Date(y, mo, d+w.Day, clock.Hour(), clock.Minute(), 0, 0, locale.Tokyo)
	if latest := m.now.Add(-90 * time.Minute); start.After(latest) { // a demo that starts before breakfast
		start = latest
	}
	at := func(minutes int) context.Context { return store.At(ctx, start.Add(time.Duration(minutes)*time.Minute)) }
	var reported int64
	for i, r := range w.Reports {
		c, ok := m.people[r.By]
		if !ok {
			return fmt.Errorf("no person %q", r.By)
		}
		sent := start.Add(time.Duration(r.After-7) * time.Minute)
		id, _, err := report.SubmitRaw(at(r.After), m.db, m.blobs, m.checker, c, w.mail(c, m.domains[c.Org][0], i, sent), report.Submission{Did: r.Did, Channel: report.Web})
		if err != nil {
			return err
		}
		reported = id
	}
	analyst := m.analysts[0]
	one, err := report.Get(ctx, m.db, analyst, reported)
	if err != nil {
		return err
	}
	if w.Take != 0 {
		if err := report.Take(at(w.Take), m.db, analyst, one.Case); err != nil {
			return err
		}
	}
	switch {
	case w.Dismiss != 0:
		return m.decide(ctx, one.Case, func(revision int64) error {
			return report.Dismiss(at(w.Dismiss), m.db, analyst, one.Case, revision, w.Reason)
		})
	case w.Publish != 0:
		if err := m.decide(ctx, one.Case, func(revision int64) error {
			return m.publish(at(w.Publish), analyst, one.Case, revision)
		}); err != nil {
			return err
		}
	}
	for _, f := range w.Fetches {
		when := start.Add(time.Duration(f.After) * time.Minute)
		if err := report.Fetched(store.At(ctx, when), m.db, m.db, m.people[f.By], when); err != nil {
			return err
		}
	}
	return nil
}

// decide hands the case's present revision on.
func (m *mails) decide(ctx context.Context, id int64, do func(revision int64) error) error {
	c, err := report.GetCase(ctx, m.db, m.analysts[0], id)
	if err != nil {
		return err
	}
	return do(c.Revision)
}

func (m *mails) publish(ctx context.Context, analyst caller.Caller, id, revision int64) error {
	var g *guard.Guard
	g, err := m.guards.Current(ctx)
	if err != nil {
		return err
	}
	suggestion, err := report.Suggest(ctx, m.db, analyst, g, id)
	if err != nil {
		return err
	}
	_, err = report.Publish(ctx, m.db, nil, analyst, g, id, revision, suggestion.Content, advisory.Published)
	return err
}

// mail is the wave's mail as one person received it.
func (w *wave) mail(to caller.Caller, domain string, n int, sent time.Time) []byte {
	token := fmt.Sprintf("%08x%08x", uint32(n+1)*2654435761, uint32(to.Account)*2246822519)
	address := fmt.Sprintf("shokuin%d@%s", to.Account, domain)
	fill := strings.NewReplacer("{name}", to.Name, "{address}", address, "{token}", token, "{link}", w.Words)
	link := strings.NewReplacer("{address}", address, "{token}", token).Replace(w.Link)
	page := strings.ReplaceAll(html.EscapeString(fill.Replace(w.Body)), "\n", "<br>\n")
	if w.Link != "" {
		page = strings.Replace(page, w.Words, `<a href="`+html.EscapeString(link)+`">`+w.Words+`</a>`, 1)
	}
	var b bytes.Buffer
	host := w.From[strings.IndexByte(w.From, '@')+1:]
	fmt.Fprintf(&b, "Received: from mail.%s (mail.%s [203.0.113.%d]) by mx.%s; %s\r\n", host, host, 10+len(w.Key), domain, sent.Format(time.RFC1123Z))
	fmt.Fprintf(&b, "From: %s <%s>\r\nTo: %s <%s>\r\n", mime.BEncoding.Encode("utf-8", w.Name), w.From, mime.BEncoding.Encode("utf-8", to.Name), address)
	if w.Reply != "" {
		fmt.Fprintf(&b, "Reply-To: %s\r\n", w.Reply)
	}
	fmt.Fprintf(&b, "Subject: %s\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\nMIME-Version: 1.0\r\n", mime.BEncoding.Encode("utf-8", w.Subject), sent.Format(time.RFC1123Z), token, host)
	part := func(kind, text string) {
		fmt.Fprintf(&b, "--part\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n", kind, folded([]byte(text)))
	}
	b.WriteString("Content-Type: multipart/mixed; boundary=part\r\n\r\n")
	part("text/html", "<html><body>"+page+"</body></html>")
	if w.File != "" {
		fmt.Fprintf(&b, "--part\r\nContent-Type: application/zip; name=\"%s\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n",
			mime.BEncoding.Encode("utf-8", w.File), folded(archive()))
	}
	b.WriteString("--part--\r\n")
	return b.Bytes()
}

// folded is base64 in lines of 76 characters.
func folded(b []byte) string {
	text := base64.StdEncoding.EncodeToString(b)
	var lines strings.Builder
	for len(text) > 76 {
		lines.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	return lines.String() + text
}

// archive is a harmless zip whose file has a telling name.
func archive() []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if w, err := z.Create("請求書_11月分.pdf.js"); err == nil {
		_, _ = w.Write([]byte("// 見本: 害のない文字だけのファイル\n")) // into memory
	}
	_ = z.Close() // into memory
	return b.Bytes()
}
