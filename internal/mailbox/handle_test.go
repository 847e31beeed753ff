// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"teiten/internal/job"
	"teiten/internal/locale"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// answering is a world whose answers go to a sink.
func answering(t *testing.T, db *store.DB, limits Limits) (*world, *sink) {
	t.Helper()
	s := newSink(t)
	w := newWorld(t, db, t.TempDir(), func(p *Parts, c *Config) {
		p.Mail = s.mailer(t, p.Log)
		c.Limits = limits
	})
	w.runner = newRunner(w)
	return w, s
}

func newRunner(w *world) *job.Runner {
	return job.NewRunner(w.db, slog.New(slog.NewTextHandler(w.log, nil)), w.box.Workers())
}

func eachAnswering(t *testing.T, limits Limits, fn func(w *world, s *sink)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, s := answering(t, db, limits)
		w.serve()
		fn(w, s)
	})
}

// drain does what is due.
func (w *world) drain() {
	w.t.Helper()
	if _, err := w.runner.Drain(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// mustDeliver delivers a mail that is taken.
func (w *world) mustDeliver(from, text string) {
	w.t.Helper()
	if got := w.deliver(from, w.address.Address, text); !strings.HasPrefix(got, "250") {
		w.t.Fatal(got)
	}
}

// linkLike finds what mail programs make links, addresses or telephone calls of.
var linkLike = regexp.MustCompile(`(?i)https?:|www\.|ftp:|mailto:|[a-z0-9_-]\.(?:jp|com|example|test|net|org)\b|[\pL\pN._-]@[\pL\pN]|tel:|<a |<html`)

func TestReportAndAnswer(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, s *sink) {
		canary := "すぐに 03-1234-5678 へ電話"
		original := strings.Replace(hostile("Renew now www.bank-secure.example"), "Your account", canary+" Your account", 1)
		text := forward(hanako, "x", original)
		w.mustDeliver(hanako, text)
		w.drain()
		m := w.mails()[0]
		if m.State != Reported || m.Report == 0 || m.Verdict == "" || m.Reply != Sent || m.blob != "" || m.Reason != "" || len(m.sender) != 0 {
			w.t.Fatalf("%+v\n%s", m, w.log)
		}
		if n := w.count(`SELECT COUNT(*) FROM mail_report WHERE id = $1 AND channel = 'mailbox' AND account_id = $2 AND organisation_id = $3`,
			m.Report, w.p.StaffA.Account, w.p.StaffA.Org); n != 1 {
			w.t.Errorf("%d reports", n)
		}
		all := s.all()
		if len(all) != 1 {
			w.t.Fatalf("%d answers; %s", len(all), w.log)
		}
		a := all[0]
		if want := fmt.Sprintf("定点: ご報告への回答 (受付番号 %d)", m.Report); a.subject != want {
			w.t.Errorf("subject %q, want %q", a.subject, want)
		}
		if a.to != hanako || a.from != "teiten@portal.example.jp" {
			w.t.Errorf("from %q to %q", a.from, a.to)
		}
		id := regexp.MustCompile(`Message-ID: (<.*>)`).FindStringSubmatch(text)[1]
		for name, want := range map[string]string{"Auto-Submitted": "auto-replied", "In-Reply-To": id, "References": id, "Precedence": "bulk",
			"Content-Type": "text/plain; charset=UTF-8", "To": "<" + hanako + ">", "Content-Language": "ja"} {
			if got := a.header.Get(name); got != want {
				w.t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if !w.box.isAnswer(a.header.Get(AnswerField)) {
			w.t.Errorf("the answer is not known as one of ours: %q", a.header.Get(AnswerField))
		}
		if found := linkLike.FindString(a.body); found != "" {
			w.t.Errorf("something like a link, %q, in\n%s", found, a.body)
		}
		for _, never := range []string{canary, "03-1234", "Your account", "login.bank"} {
			if strings.Contains(a.body, never) {
				w.t.Errorf("the answer repeats %q", never)
			}
		}
		for _, want := range []string{fmt.Sprintf("受付番号は %d です", m.Report), "■ 判定", "■ していただきたいこと", "portal . example . jp", "リンクも添付ファイルもありません"} {
			if !strings.Contains(a.body, want) {
				w.t.Errorf("%q is missing in\n%s", want, a.body)
			}
		}
		// Nothing of it is left in clear, and no second time is answered.
		if n := w.count(`SELECT COUNT(*) FROM job WHERE args LIKE '%hanako%'`); n != 0 {
			w.t.Errorf("%d jobs name the sender", n)
		}
		if err := w.box.handle(ctx, m.ID); err != nil {
			w.t.Error(err)
		}
		w.drain()
		if n := len(s.all()); n != 1 {
			w.t.Errorf("%d answers after handling it again", n)
		}
	})
}

func TestEnglishAnswer(t *testing.T) {
	w, s := answering(t, storetest.SQLite(t), Limits{})
	w.serve()
	w.mustDeliver(hanako, "Content-Language: en-US\n"+forward(hanako, "x", hostile("x")))
	w.drain()
	if all := s.all(); len(all) != 1 || !strings.HasPrefix(all[0].subject, "Teiten: answer to your report") || all[0].header.Get("Content-Language") != "en" ||
		linkLike.MatchString(all[0].body) {
		t.Errorf("%+v", all)
	}
}

// What becomes of each kind of mail, and whether it is answered.
func TestKinds(t *testing.T) {
	with := func(field, text string) string { return field + "\n" + text }
	report := forward(hanako, "x", hostile("x"))
	bounce := "From: MAILER-DAEMON@mx.example\nSubject: Undelivered\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" +
		"--b\nContent-Type: text/plain\n\nno\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n--b\nContent-Type: message/rfc822\n\n" +
		hostile("x") + "\n--b--\n"
	question := "From: " + hanako + "\nSubject: ?\nMessage-ID: <q@kou-byouin.example.jp>\n\nthis mail here, is it dangerous?\n"
	for _, c := range []struct {
		name, from, text string
		state            State
		reason           Refusal
		answers          int
	}{
		{"report", hanako, report, Reported, "", 1},
		{"of nobody registered", taro, report, Reported, "", 1},
		{"below the domain", "x@ward.kou-byouin.example.jp", report, Reported, "", 1},
		{"passed on as it was", hanako, hostile("x"), Reported, "", 1},
		{"question", hanako, question, Question, "", 1},
		{"outside", "info@bank.example", report, Outside, NotInside, 0},
		{"outside, alike", "x@evil-kou-byouin.example.jp", report, Outside, NotInside, 0},
		{"empty sender", "", report, Automatic, NullSender, 0},
		{"bounce", "", bounce, Bounce, NullSender, 0},
		{"bounce with a sender", hanako, bounce, Bounce, "", 0},
		{"out of office", hanako, with("Auto-Submitted: auto-replied", question), Automatic, AutoSubmitted, 0},
		{"report by a rule", hanako, with("Auto-Submitted: auto-forwarded (rule)", report), Reported, AutoSubmitted, 0},
		{"nothing automatic", hanako, with("Auto-Submitted: no", report), Reported, "", 1},
		{"list", hanako, with("List-Id: <staff.kou-byouin.example.jp>", report), Reported, ListMail, 0},
		{"bulk", hanako, with("Precedence: Bulk", report), Reported, BulkMail, 0},
		{"suppressed", hanako, with("X-Auto-Response-Suppress: All", report), Reported, Suppressed, 0},
		{"nobody reads", "no-reply@kou-byouin.example.jp", report, Reported, RoleSender, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, s := answering(t, storetest.SQLite(t), Limits{})
			w.serve()
			w.mustDeliver(c.from, c.text)
			w.drain()
			m := w.mails()[0]
			if m.State != c.state || m.Reason != string(c.reason) {
				t.Errorf("%s because of %q, want %s because of %q\n%s", m.State, m.Reason, c.state, c.reason, w.log)
			}
			if n := len(s.all()); n != c.answers {
				t.Errorf("%d answers, want %d", n, c.answers)
			}
			if reports := w.count(`SELECT COUNT(*) FROM mail_report`); (reports == 1) != (c.state == Reported) {
				t.Errorf("%d reports", reports)
			}
			if c.state == Question {
				if body := s.all()[0].body; !strings.Contains(body, "Outlook") || !strings.Contains(body, "Thunderbird") || linkLike.MatchString(body) {
					t.Errorf("the guide is %s", body)
				}
			}
		})
	}
}

// A loop: our own answer comes back, as it is or by a rule that forwards it.
func TestOwnAnswerComesBack(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, s *sink) {
		w.mustDeliver(hanako, forward(hanako, "x", hostile("x")))
		w.drain()
		answer := strings.ReplaceAll(s.all()[0].raw, "\r\n", "\n")
		w.mustDeliver(hanako, "Resent-From: "+hanako+"\n"+answer)
		w.drain()
		if m := w.mails()[0]; m.State != Automatic || m.Reason != string(OwnAnswer) || len(s.all()) != 1 {
			w.t.Errorf("%+v, %d answers", m, len(s.all()))
		}
		// Somebody else's field of that name means nothing.
		forged := regexp.MustCompile(`(?m)^Teiten-Answer: .*$`).ReplaceAllString(answer, "Teiten-Answer: abc def")
		forged = regexp.MustCompile(`(?m)^(Auto-Submitted|Precedence|X-Auto-Response-Suppress): .*\n`).ReplaceAllString(forged, "")
		w.mustDeliver(hanako, forged)
		w.drain()
		if m := w.mails()[0]; m.Reason == string(OwnAnswer) {
			w.t.Errorf("%+v", m)
		}
	})
}

func TestGuideOnceADay(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, s *sink) {
		for i := range 3 {
			w.mustDeliver(hanako, fmt.Sprintf("From: %s\nSubject: %d\n\nhello?\n", hanako, i))
			w.drain()
		}
		w.mustDeliver(taro, "From: "+taro+"\nSubject: x\n\nhello?\n")
		w.drain()
		if n := len(s.all()); n != 2 {
			w.t.Errorf("%d guides, want one for each", n)
		}
		if m := w.mails()[1]; m.State != Question || m.Reason != string(GuidedAlready) {
			w.t.Errorf("%+v", m)
		}
		w.exec("UPDATE mailbox_answer SET made_at = made_at - $1", (24 * time.Hour).Microseconds())
		w.mustDeliver(hanako, "From: "+hanako+"\nSubject: again\n\nhello?\n")
		w.drain()
		if n := len(s.all()); n != 3 {
			w.t.Errorf("%d guides after a day", n)
		}
	})
}

// A flood is stored whole and answered once.
func TestFlood(t *testing.T) {
	t.Parallel()
	flood := 1000
	if testing.Short() {
		flood = 100
	}
	eachAnswering(t, Limits{PerNetwork: 10 * flood, PerSender: 10 * flood}, func(w *world, s *sink) {
		c := w.hello()
		for i := range flood {
			c.say("MAIL FROM:<"+hanako+">", "250")
			c.say("RCPT TO:<"+w.address.Address+">", "250")
			c.say("DATA", "354")
			c.send("%s\r\n.\r\n", strings.ReplaceAll(forward(hanako, "x", hostile(fmt.Sprint("flood ", i))), "\n", "\r\n"))
			c.want("250")
		}
		w.drain()
		if n := w.count(`SELECT COUNT(*) FROM mailbox_mail WHERE state = 'reported' AND answer = 'grouped'`); n != flood || len(s.all()) != 0 {
			w.t.Fatalf("%d wait to be answered together, %d answers\n%s", n, len(s.all()), w.log.String()[:min(2000, len(w.log.String()))])
		}
		w.exec("UPDATE job SET run_at = 1 WHERE state = 'available'") // the pause is over
		w.drain()
		all := s.all()
		if len(all) != 1 || all[0].subject != "定点: ご報告への回答 ("+locale.Number(int64(flood))+" 件)" || linkLike.MatchString(all[0].body) {
			w.t.Fatalf("%d answers: %+v", len(all), all)
		}
		if n := w.count(`SELECT COUNT(*) FROM mailbox_mail WHERE answer = 'sent'`); n != flood {
			w.t.Errorf("%d of %d are answered", n, flood)
		}
		// What comes later waits for the next hour.
		w.mustDeliver(hanako, forward(hanako, "x", hostile("later")))
		w.drain()
		var at int64
		if err := w.db.QueryRow(ctx, `SELECT run_at FROM job WHERE kind = $1 AND state = 'available'`, groupJob).Scan(&at); err != nil {
			w.t.Fatal(err)
		}
		if wait := time.Until(store.Time(at)); wait < 55*time.Minute || wait > time.Hour {
			w.t.Errorf("the next answer comes in %v", wait)
		}
	})
}

// The first few are answered one by one.
func TestAnswersPerSender(t *testing.T) {
	eachAnswering(t, Limits{Answers: 3}, func(w *world, s *sink) {
		for i := range 5 {
			w.mustDeliver(hanako, forward(hanako, "x", hostile(fmt.Sprint("mail ", i))))
			w.drain()
		}
		if n := len(s.all()); n != 3 {
			w.t.Errorf("%d answers, want 3", n)
		}
		w.mustDeliver(taro, forward(taro, "x", hostile("mail x")))
		w.drain()
		if n := len(s.all()); n != 4 {
			w.t.Errorf("%d answers, want 4", n)
		}
		if n := w.count(`SELECT COUNT(*) FROM mailbox_mail WHERE answer = 'grouped'`); n != 2 {
			w.t.Errorf("%d wait", n)
		}
	})
}

func TestReportsPerInstitution(t *testing.T) {
	eachAnswering(t, Limits{Single: 3}, func(w *world, s *sink) {
		for i := range 5 {
			from := fmt.Sprintf("p%d@kou-byouin.example.jp", i)
			w.mustDeliver(from, forward(from, "x", hostile(fmt.Sprint("mail ", i))))
			w.drain()
		}
		if n := len(s.all()); n != 3 {
			w.t.Errorf("%d answers, want 3", n)
		}
		w.exec("UPDATE job SET run_at = 1 WHERE state = 'available'")
		w.drain()
		if n := len(s.all()); n != 5 {
			w.t.Errorf("%d answers, want 5", n)
		}
	})
}

// The mail server is away for a while, and refuses for good.
func TestAnswerLater(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, s *sink) {
		s.answers = []error{&smtp.SMTPError{Code: 451, Message: "later, " + hanako}}
		w.mustDeliver(hanako, forward(hanako, "x", hostile("x")))
		w.drain()
		if m := w.mails()[0]; m.Reply != Waiting || m.State != Reported {
			w.t.Errorf("%+v", m)
		}
		w.exec("UPDATE job SET run_at = 1 WHERE state = 'available'")
		w.drain()
		if m := w.mails()[0]; m.Reply != Sent || len(s.all()) != 1 {
			w.t.Errorf("%+v, %d", m, len(s.all()))
		}
		s.mu.Lock()
		s.answers = []error{&smtp.SMTPError{Code: 550, Message: "nobody is called " + hanako}}
		s.mu.Unlock()
		w.mustDeliver(hanako, forward(hanako, "x", hostile("y")))
		w.drain()
		if m := w.mails()[0]; m.Reply != Unsent || m.State != Reported {
			w.t.Errorf("%+v", m)
		}
		if strings.Contains(w.log.String(), "hanako") {
			w.t.Errorf("the log names the sender: %s", w.log)
		}
		if n := w.count(`SELECT COUNT(*) FROM mailbox_answer WHERE LENGTH(letter) > 0`); n != 0 {
			w.t.Errorf("%d answers are kept after their end", n)
		}
	})
}

func TestSweep(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, s *sink) {
		w.mustDeliver("info@bank.example", forward(hanako, "x", hostile("x")))
		w.drain()
		if m := w.mails()[0]; m.blob == "" {
			w.t.Fatalf("%+v", m)
		}
		if _, err := w.box.Sweep(ctx); err != nil || w.mails()[0].blob == "" {
			w.t.Errorf("%v, %+v", err, w.mails()[0])
		}
		w.exec("UPDATE mailbox_mail SET received_at = received_at - $1", keepFor.Microseconds())
		if n, err := w.box.Sweep(ctx); n != 1 || err != nil {
			w.t.Errorf("%d, %v", n, err)
		}
		if m := w.mails()[0]; m.blob != "" || len(m.sender) != 0 || w.count(`SELECT COUNT(*) FROM blob`) != 0 {
			w.t.Errorf("%+v", m)
		}
		w.exec("UPDATE mailbox_mail SET received_at = received_at - $1", logFor.Microseconds())
		if n, err := w.box.Sweep(ctx); n < 1 || err != nil || len(w.mails()) != 0 {
			w.t.Errorf("%d, %v", n, err)
		}
	})
}
