// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"net"
	"net/smtp"
	"slices"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/job"
	"teiten/internal/mailbox"
	"teiten/internal/report"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

const checked = "From: a@example.net\r\nSubject: A\r\n\r\nhttp://check.example.org/\r\n"

// mailLines are the routes about mails. A case has a kind of its own where the
// line that decides it must find it in a certain state.
var mailLines = []*line{
	{route: "GET /check", who: every, ward: true},
	{route: "POST /check", who: every, ward: true, form: part("file", "a.eml", checked), did: "a staff"},
	{route: "GET /check/{id}", who: own, ward: true, kind: "hold", at: "/check/{id} /check/{id}?did=clicked"},
	{route: "GET /check/{id}/report", who: own, ward: true, kind: "hold"},
	{route: "POST /check/{id}/report", who: own, ward: true, kind: "hold", form: "did=clicked&hide=A", did: "a staff", with: "kanariholdastaff"},

	{route: "GET /reports", who: every, lists: "report"},
	{route: "GET /reports", who: every, at: "/reports?whose=mine"},
	{route: "GET /reports/{id}", who: every, ward: true, kind: "report opened reported"},
	{route: "GET /reports/{id}/original", who: "oacs", kind: "report"},
	{route: "GET /reports/{id}/original", who: "OAcs", kind: "opened"},
	{route: "POST /reports/{id}/withdraw", who: "oacse", kind: "report", form: "confirm=yes", did: "a staff", with: "kanarireportone"},
	{route: "POST /reports/{id}/ask", who: "OA", kind: "report", form: "reason=A", did: "isac analyst", with: "kanarireportthree"},
	{route: "POST /consents/{id}", who: "oc", kind: "consent", form: "answer=yes&reason-{id}=A&days-{id}=7", did: "a contact", with: "kanariconsentasked"},
	{route: "POST /consents/{id}/revoke", who: "oc", kind: "consented", form: "reason-{id}=A", did: "b contact", with: "kanariconsentgiven"},
	{route: "POST /notices/read", who: own, kind: "notice", form: "notice={id}", soft: true, did: "b staff", with: "b staff"},

	{route: "GET /cases", who: "OA", at: "/cases /cases?state=dismissed /cases?state=published /cases?whose=mine"},
	{route: "GET /cases/{id}", who: "OA", kind: "case casetwo caseold caseshut"},
	{route: "POST /cases/{id}/take", who: "OA", kind: "case", did: "isac analyst", with: "kanaricase"},
	{route: "POST /cases/{id}/split", who: "OA", kind: "casetwo", form: "report={of}", did: "isac analyst", with: "kanaricasetwo"},
	{route: "POST /cases/{id}/merge", who: "OA", kind: "case", form: "other={of}", did: "isac operator", with: "kanaricase"},
	{route: "POST /cases/{id}/draft", who: "OA", kind: "casetwo", form: "revision={revision}", did: "isac analyst", with: "kanaricasetwo"},
	{route: "POST /cases/{id}/link", who: "OA", kind: "caseold", form: "advisory={of}", did: "isac analyst", with: "kanaricaseold"},
	{route: "POST /cases/{id}/reopen", who: "OA", kind: "caseshut", form: "reason=A", did: "isac analyst", with: "kanaricaseshut"},
	{route: "POST /cases/{id}/dismiss", who: "OA", kind: "caseshut", form: "revision={revision}&reason=A", did: "isac analyst", with: "kanaricaseshut"},

	{route: "GET /mailbox", who: "OC"},
	{route: "GET /mailbox", who: "Oc", kind: "org", at: "/mailbox?org={id}"},
	{route: "POST /mailbox/settings", who: "Oc", kind: "org", at: "/mailbox/settings?org={id}", form: "days=30&authserv=mx.example.jp", did: "a contact", with: "a"},
	{route: "POST /mailbox/addresses", who: "Oc", kind: "org", at: "/mailbox/addresses?org={id}", did: "a contact", with: "a"},
	{route: "POST /mailbox/addresses/{id}/rotate", who: "Oc", kind: "inbox", did: "b contact", with: "kanariinboxb"},
	{route: "POST /mailbox/addresses/{id}/stop", who: "Oc", kind: "inbox", form: "confirm=yes", did: "a contact", with: "kanariinboxa"},
	{route: "GET /mailbox/mails/{id}", who: "oc", kind: "stray"},
	{route: "POST /mailbox/mails/{id}/accept", who: "Oc", kind: "stray", did: "a contact", with: "kanaristraya"},
	{route: "POST /mailbox/mails/{id}/discard", who: "Oc", kind: "stray", form: "confirm=yes", did: "b contact", with: "kanaristrayb"},
	{route: "POST /mailbox/imap", who: "Oc", kind: "org", at: "/mailbox/imap?org={id}", form: "server=imap.example.jp:993&security=tls&login=a&password=b&enabled=yes", did: "a contact", with: "a"},
	{route: "POST /mailbox/imap/test", who: "Oc", kind: "org", at: "/mailbox/imap/test?org={id}", shown: "TestMailboxPage"},
	{route: "POST /mailbox/imap/remove", who: "Oc", kind: "org", at: "/mailbox/imap/remove?org={id}", form: "confirm=yes", did: "a contact", with: "a"},

	{route: "POST /api/v1/mail-checks", who: every + "M", kind: "indicator", form: strings.Replace(checked, "check.example.org/", "{word}.example.org/x", 1), reads: true, soft: true, tells: `"rule":"known.`},
	{route: "POST /api/v1/mail-checks", who: every + "M", kind: "wave", form: "{mail}", reads: true, soft: true, repeats: true, tells: `"first":"`},
	{route: "POST /api/v1/mail-reports", who: every + "M", form: strings.ReplaceAll(checked, "A", "B"), did: "a machine"},
}

// ward is a shared PC of an institution on which nobody is signed in.
func (m *matrix) ward(short string) caller.Caller {
	return caller.Caller{Org: m.orgs[short], OrgKind: caller.Institution, Role: caller.Staff, Device: m.wards[short].ID, Channel: "web"}
}

// lure is a mail that came to somebody. Its words other than the two are those
// of its wave alone.
func lure(word, to, domain string, wave int) string {
	topic, host := strings.Repeat(string(rune('亜'+wave*3)), 3), fmt.Sprintf("wave%d.example", wave)
	text := ""
	for i := range 12 {
		text += topic + "について、" + string(rune('丂'+wave*50+i)) + string(rune('並'+wave*70+i)) + "のとおりご連絡します。"
	}
	return "From: " + word + " <info@" + host + ">\r\nTo: " + to + " <" + to + "@" + domain + ">\r\nSubject: " + topic + "の手続きを本日中にお済ませください " + word +
		"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + to + " 様\r\n" + word + " " + text + "\r\nhttp://" + host + "/in?mail=" + to + "%40" + domain + "\r\n"
}

// told reports a mail as somebody and adds the things that come of it: what is
// shared of it, and who got it, which nobody outside may learn.
func (m *matrix) told(ctx context.Context, c caller.Caller, holder, domain, word string, wave int) *report.Report {
	t, to := m.t, "kanarirecipient"+strings.TrimPrefix(word, "kanarireport")
	id, _, err := report.SubmitRaw(ctx, m.db, m.server.Blobs, m.server.Checker, c, []byte(lure(word, to, domain, wave)), report.Submission{Channel: report.Web})
	must(t, err)
	r, err := report.Get(ctx, m.db, m.named("isac analyst").caller, id)
	must(t, err)
	m.things = append(m.things,
		thing{kind: "report", org: c.Org, id: id, canary: word, roles: contacts, holder: holder, experts: true},
		thing{kind: "recipient", org: c.Org, id: id, canary: to, roles: contacts, holder: holder, inside: true})
	return r
}

// become makes a report one of another kind: opened is one whose original
// analysts may see, who then know who got it too; reported became an advisory.
func (m *matrix) become(kind string, id int64) {
	for i := range m.things {
		o := &m.things[i]
		if o.id == id && o.kind == "report" {
			o.kind = kind
		} else if o.id == id && o.kind == "recipient" && kind == "opened" {
			o.inside, o.experts = false, true
		}
	}
}

// mails makes what is held, reported and decided about mails.
func (m *matrix) mails(ctx context.Context) {
	t, analyst := m.t, m.named("isac analyst").caller
	as := func(name string) caller.Caller { return m.named(name).caller }
	const shared = "a ward's device that may check"
	for i, holder := range []string{"a staff", "a contact", "b staff", shared} {
		c, word := m.ward("a"), "kanariholdward"
		if holder != shared {
			c, word = as(holder), "kanarihold"+strings.ReplaceAll(holder, " ", "")
		}
		id, err := report.Hold(ctx, m.db, m.server.Blobs, m.server.Checker, c, []byte(lure(word, word+"to", "hospital.example.jp", 30+i)))
		must(t, err)
		own := thing{kind: "hold", org: c.Org, id: id, canary: word, holder: holder, private: true}
		m.things = append(m.things, own)
		own.kind, own.canary = "recipient", word+"to"
		m.things = append(m.things, own)
	}

	now := time.Now()
	one := m.told(store.At(ctx, now.AddDate(0, 0, -3)), as("a staff"), "a staff", "kanaridomaina.example.jp", "kanarireportone", 1)
	two := m.told(ctx, as("a contact"), "a contact", "kanaridomaina.example.jp", "kanarireporttwo", 2)
	other := m.told(ctx, as("b staff"), "b staff", "hospital.example.jp", "kanarireportothertwo", 2)
	three := m.told(ctx, as("b contact"), "b contact", "kanaridomainb.example.jp", "kanarireportthree", 3)
	m.told(ctx, m.ward("a"), shared, "kanaridomaina.example.jp", "kanarireportward", 4)
	old := m.told(ctx, as("v staff"), "v staff", "vendor.example.jp", "kanarireportold", 5)
	shut := m.told(ctx, as("b staff"), "b staff", "kanaridomainb.example.jp", "kanarireportshut", 6)
	public := m.told(ctx, as("o staff"), "o staff", "outside.example.jp", "kanarireportpublic", 7)
	if two.Case != other.Case || slices.Contains([]int64{two.Case, three.Case, old.Case, shut.Case, public.Case}, one.Case) {
		t.Fatalf("the waves are not as they were meant: %d %d %d %d", one.Case, two.Case, other.Case, three.Case)
	}
	m.things = append(m.things, thing{kind: "wave", org: one.Org, experts: true, mail: lure("another", "somebody", "hospital.example.jp", 1)})

	advice := int64(0)
	for _, o := range m.things {
		if o.canary == "kanariclear" || o.canary == "kanariisacclear" && o.kind == "advisory" {
			advice = o.id
		}
	}
	kept := func(kind, word string, id, of int64) {
		m.things = append(m.things, thing{kind: kind, org: m.orgs["isac"], id: id, of: of, canary: word, roles: []caller.Role{caller.Analyst}})
	}
	kept("case", "kanaricase", one.Case, three.Case)
	kept("casetwo", "kanaricasetwo", two.Case, other.ID)
	kept("caseold", "kanaricaseold", old.Case, advice)
	must(t, report.Dismiss(ctx, m.db, analyst, shut.Case, 1, "kanaricaseshut"))
	kept("caseshut", "kanaricaseshut", shut.Case, 0)

	m.consents(ctx, two.ID, other.ID)
	m.published(ctx, public.Case)
	m.become("reported", public.ID)
	for _, name := range []string{"b staff", "o staff"} {
		notices, err := report.Notices(ctx, m.db, as(name), true, 10)
		must(t, err)
		if len(notices) == 0 {
			t.Fatalf("%s was told nothing", name)
		}
		m.things = append(m.things, thing{kind: "notice", org: as(name).Org, id: notices[0].ID, holder: name, private: true})
	}
	for _, short := range []string{"a", "b"} {
		var a mailbox.Address
		a, err := m.server.Mailbox.AddAddress(ctx, as(short+" contact"), m.orgs[short])
		must(t, err)
		m.things = append(m.things, thing{kind: "inbox", org: m.orgs[short], id: a.ID, canary: "kanariinbox" + short, roles: contacts})
		m.strays(ctx, short, a.Address, "kanaristray"+short)
	}
}

// strays brings a mail from outside to an institution's mailbox. Operators may
// decide about it; what is in it only the institution may read.
func (m *matrix) strays(ctx context.Context, short, to, word string) {
	t, box := m.t, m.server.Mailbox
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- box.Serve(serving, l, nil) }()
	from, text := word+"from", word+"text"
	must(t, smtp.SendMail(l.Addr().String(), nil, from+"@freemail.example", []string{to}, []byte(lure(text, text+"to", "hospital.example.jp", 40))))
	stop()
	must(t, <-ended)
	newest := mailbox.Filter{Org: m.orgs[short], Limit: 1}
	page, err := mailbox.Recent(ctx, m.db, m.named(short+" contact").caller, newest)
	must(t, err)
	// Not by a runner, which would take the jobs of others too.
	must(t, box.Workers()[mailbox.HandleJob](ctx, job.Job{Args: fmt.Appendf(nil, `{"mail":%d}`, page.Items[0].ID)}))
	page, err = mailbox.Recent(ctx, m.db, m.named(short+" contact").caller, newest)
	must(t, err)
	if page.Items[0].Until.IsZero() {
		t.Fatalf("no mail from outside: %+v", page.Items[0])
	}
	m.things = append(m.things, thing{kind: "stray", org: m.orgs[short], id: page.Items[0].ID, canary: word, roles: contacts})
	for _, inside := range []string{from, text} {
		m.things = append(m.things, thing{kind: "letter", org: m.orgs[short], canary: inside, roles: contacts, inside: true})
	}
}

// consents lets analysts ask for two originals. One institution has not
// answered yet.
func (m *matrix) consents(ctx context.Context, asked, given int64) {
	t, analyst := m.t, m.named("isac analyst").caller
	ask := func(kind, word, who string, id int64) int64 {
		n, err := report.AskOriginal(ctx, m.db, nil, analyst, id, word)
		must(t, err)
		c := m.named(who).caller
		m.things = append(m.things, thing{kind: kind, org: c.Org, id: n, canary: word, roles: contacts, holder: who, experts: true})
		return n
	}
	ask("consent", "kanariconsentasked", "a contact", asked)
	n := ask("consented", "kanariconsentgiven", "b staff", given)
	must(t, report.AnswerConsent(ctx, m.db, nil, m.named("b contact").caller, n, true, "kanariconsentanswer", time.Time{}))
	m.things = append(m.things, thing{kind: "answer", org: m.orgs["b"], canary: "kanariconsentanswer", roles: contacts, holder: "b staff", experts: true})
	m.become("opened", given)
}

// published makes an advisory of a case, for everybody.
func (m *matrix) published(ctx context.Context, id int64) {
	t, word := m.t, "kanarioutcome"
	g, err := m.server.Guards.Current(ctx)
	must(t, err)
	content := advisory.Content{Category: category.Phishing, TLP: tlp.Green, Title: "題 " + word, Body: "本文 " + word, Brand: word,
		Indicators: marksOf(t, fmt.Sprintf("http://%s.example.org/x", word))}
	a := thing{kind: "advisory", org: m.orgs["isac"], canary: word, tlp: tlp.Green}
	a.id, err = report.Publish(ctx, m.db, nil, m.named("isac analyst").caller, g, id, 1, content, advisory.Published)
	must(t, err)
	m.things = append(m.things, a)
}
