// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/job"
	"teiten/internal/locale"
	"teiten/internal/membertest"
	"teiten/internal/program"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

const to = "hanako@kou-byouin.example.jp"

func config(s *server, security Security) Config {
	return Config{Server: s.address, Security: security, User: user, Password: password,
		From: "定点 <teiten@portal.example.jp>", Host: "portal.example.jp", RootCAs: s.roots}
}

func open(t testing.TB, cfg Config) (*Mailer, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	m, err := New(cfg, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return m, log
}

// world is a portal whose StaffA has a mail address.
type world struct {
	t  *testing.T
	db *store.DB
	p  *membertest.People
	s  *server
	*Mailer
	log    *bytes.Buffer
	runner *job.Runner
}

func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{t: t, db: db, p: membertest.Register(t, db), s: start(t, StartTLS)}
		w.Mailer, w.log = open(t, config(w.s, StartTLS))
		w.runner = job.NewRunner(db, slog.New(slog.NewTextHandler(w.log, nil)), map[string]job.Worker{SendJob: w.Worker(db)})
		w.exec("UPDATE account SET mail = $1 WHERE id = $2", to, w.p.StaffA.Account)
		fn(w)
	})
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	storetest.Exec(w.t, w.db, query, args...)
}

func (w *world) notify(m *Mailer, c caller.Caller, key string, pairs ...any) (sent bool, err error) {
	w.t.Helper()
	err = w.db.Keep(ctx, func(tx *store.Tx) error {
		sent, err = m.Notify(ctx, tx, c.Account, key, pairs...)
		return err
	})
	return sent, err
}

// drain does what is due, and says how many jobs that were.
func (w *world) drain() int {
	w.t.Helper()
	n, err := w.runner.Drain(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) states() string {
	w.t.Helper()
	all, err := job.Counts(ctx, w.db)
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprint(all)
}

func TestNotice(t *testing.T) {
	each(t, func(w *world) {
		until := time.Date(2026, 12, 1, 3, 4, 0, 0, time.UTC)
		if sent, err := w.notify(w.Mailer, w.p.StaffA, CertificateRenewal, "until", until, "days", 14); !sent || err != nil {
			w.t.Fatalf("%v, %v", sent, err)
		}
		var args string
		if err := w.db.QueryRow(ctx, `SELECT args FROM job`).Scan(&args); err != nil || strings.Contains(args, "@") {
			w.t.Errorf("the job holds %s, %v", args, err)
		}
		if n := w.drain(); n != 1 {
			w.t.Errorf("%d jobs", n)
		}
		all := w.s.taken()
		if len(all) != 1 {
			w.t.Fatalf("%d letters; %s", len(all), w.log)
		}
		got := all[0]
		if got.from != "teiten@portal.example.jp" || len(got.to) != 1 || got.to[0] != to || !got.encrypted || got.user != user {
			w.t.Errorf("%+v", got)
		}
		header, subject, body := read(w.t, got.text)
		if subject != "証明書の期限が近づいています（あと 14 日）" {
			w.t.Errorf("subject %q", subject)
		}
		if !strings.Contains(body, "2026年12月1日 12:04") || !strings.Contains(body, "リンクも添付ファイルもありません") {
			w.t.Errorf("body %s", body)
		}
		for name, want := range map[string]string{
			"To": "<" + to + ">", "Auto-Submitted": "auto-generated", "MIME-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8",
			"Content-Transfer-Encoding": "base64", "Content-Language": "ja", "User-Agent": "", "X-Mailer": "", "Cc": "", "Bcc": "",
		} {
			if got := header.Get(name); got != want {
				w.t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if id := header.Get("Message-ID"); !regexp.MustCompile(`^<[a-z0-9]{26}@portal\.example\.jp>$`).MatchString(id) {
			w.t.Errorf("Message-ID %q", id)
		}
		if from, err := header.AddressList("From"); err != nil || len(from) != 1 || from[0].Name != "定点" {
			w.t.Errorf("From %v, %v", from, err)
		}
		if date, err := header.Date(); err != nil || time.Since(date).Abs() > time.Minute {
			w.t.Errorf("Date %v, %v", date, err)
		}
		if w.states() != "map[done:1]" {
			w.t.Errorf("jobs %s", w.states())
		}
	})
}

// read takes a letter apart as a reader's program does.
func read(t *testing.T, text string) (mail.Header, string, string) {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, msg.Body))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return msg.Header, subject, string(body)
}

func TestTakenLater(t *testing.T) {
	each(t, func(w *world) {
		busy := &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "later, " + to}
		w.s.answers = []error{busy, busy}
		if _, err := w.notify(w.Mailer, w.p.StaffA, Recovery, "at", time.Now()); err != nil {
			w.t.Fatal(err)
		}
		for try := range 2 {
			if n := w.drain(); n != 1 || len(w.s.taken()) != 0 {
				w.t.Fatalf("try %d: %d jobs", try, n)
			}
			var wait int64
			if err := w.db.QueryRow(ctx, `SELECT run_at FROM job WHERE state = 'available'`).Scan(&wait); err != nil {
				w.t.Fatal(err)
			}
			if left := time.Until(store.Time(wait)); left < pauses[try]-time.Minute || left > pauses[try] {
				w.t.Errorf("try %d: again in %v", try, left)
			}
			w.exec("UPDATE job SET run_at = 1 WHERE state = 'available'")
		}
		w.drain()
		if all := w.s.taken(); len(all) != 1 || w.states() != "map[done:3]" || w.s.asked() != 3 {
			w.t.Errorf("%d letters, %s, %d asked", len(all), w.states(), w.s.asked())
		}
		if strings.Contains(w.log.String(), "hanako") || !strings.Contains(w.log.String(), "450") {
			w.t.Errorf("the log says %s", w.log)
		}
	})
}

func TestRefusedForGood(t *testing.T) {
	each(t, func(w *world) {
		unknown := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody is called " + to}
		w.s.answers = []error{unknown}
		if _, err := w.notify(w.Mailer, w.p.StaffA, NewDevice, "at", time.Now()); err != nil {
			w.t.Fatal(err)
		}
		w.drain()
		if w.states() != "map[dead:1]" || w.s.asked() != 1 {
			w.t.Errorf("%s after %d attempts", w.states(), w.s.asked())
		}
		var reason string
		if err := w.db.QueryRow(ctx, `SELECT last_error FROM job`).Scan(&reason); err != nil || !strings.Contains(reason, "550") {
			w.t.Errorf("%q, %v", reason, err)
		}
		if strings.Contains(reason+w.log.String(), "hanako") {
			w.t.Errorf("the address is kept: %s %s", reason, w.log)
		}
	})
}

func TestGivenUpAfterADay(t *testing.T) {
	each(t, func(w *world) {
		w.s.data = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "disk full"}
		n, err := newNotice(w.p.StaffA.Account, Recovery, []any{"at", time.Now()})
		if err != nil {
			w.t.Fatal(err)
		}
		var total time.Duration
		for _, pause := range pauses {
			total += pause
		}
		if total < 20*time.Hour || total > 30*time.Hour {
			w.t.Errorf("given up after %v", total)
		}
		work := w.Worker(w.db)
		for n.Try = range len(pauses) + 1 {
			args, err := json.Marshal(n)
			if err != nil {
				w.t.Fatal(err)
			}
			err = work(ctx, job.Job{Kind: SendJob, Args: args})
			var f *Failure
			if last := n.Try == len(pauses); last != (errors.As(err, &f) && f.Permanent()) {
				w.t.Errorf("try %d: %v", n.Try, err)
			}
		}
	})
}

func TestNobodyToWriteTo(t *testing.T) {
	each(t, func(w *world) {
		for _, c := range []caller.Caller{w.p.OtherA, {Account: 4711}} { // no address, no account
			if sent, err := w.notify(w.Mailer, c, Recovery, "at", time.Now()); !sent || err != nil {
				w.t.Errorf("%v, %v", sent, err)
			}
		}
		for _, change := range []string{"active = FALSE", "active = TRUE, left_at = 5", "left_at = 0, expires_at = 5"} {
			w.exec("UPDATE account SET "+change+" WHERE id = $1", w.p.StaffA.Account)
			if _, err := w.notify(w.Mailer, w.p.StaffA, Recovery, "at", time.Now()); err != nil {
				w.t.Error(err)
			}
			w.drain()
		}
		if w.states() != "map[done:5]" || len(w.s.taken()) != 0 {
			w.t.Errorf("%s, %v", w.states(), w.s.taken())
		}
		// An address that would be two, or a command, is none.
		w.exec("UPDATE account SET active = TRUE, expires_at = 0")
		for _, address := range []string{"a@x.jp, b@x.jp", "a@x.jp\r\nBcc: b@x.jp", "a@x.jp>\r\nRCPT TO:<b@x.jp", "花子 <a@x.jp>", "a", "<a@x.jp>",
			"花子@x.jp", strings.Repeat("a", 250) + "@x.jp"} {
			w.exec("DELETE FROM job")
			w.exec("UPDATE account SET mail = $1 WHERE id = $2", address, w.p.StaffA.Account)
			if _, err := w.notify(w.Mailer, w.p.StaffA, Recovery, "at", time.Now()); err != nil {
				w.t.Error(err)
			}
			w.drain()
			if w.states() != "map[dead:1]" || w.s.asked() != 0 {
				w.t.Errorf("%q: %s, %d recipients", address, w.states(), w.s.asked())
			}
		}
	})
}

func TestWithoutConfiguration(t *testing.T) {
	db := storetest.SQLite(t)
	w := &world{t: t, db: db, p: membertest.Register(t, db)}
	sent, err := w.notify(nil, w.p.StaffA, Recovery, "at", time.Now())
	if sent || err != nil || w.states() != "map[]" {
		t.Errorf("%v, %v, %s", sent, err, w.states())
	}
	var none *Mailer
	if err := none.Worker(db)(ctx, job.Job{Args: []byte("{}")}); fault.Code(err) != "mailer.off" {
		t.Error(err)
	}
}

// A mistake of ours shows when the notice is made, not when it is sent.
func TestMistakes(t *testing.T) {
	for name, pairs := range map[string][]any{
		Recovery:               {},
		NewDevice:              {"at"},
		"no_such_text":         {"at", time.Now()},
		CertificateRenewal:     {"until", time.Now(), "days", "http://evil.example"}, // words of others
		"certificate_renewal ": {1, 2},
	} {
		if n, err := newNotice(1, name, pairs); err == nil {
			t.Errorf("%s: %+v", name, n)
		}
	}
}

func TestSecurity(t *testing.T) {
	_, strangers := program.Identity(t)
	for _, c := range []struct {
		name   string
		server Security
		change func(c *Config)
		code   string // "" for taken
	}{
		{"STARTTLS", StartTLS, func(*Config) {}, ""},
		{"TLS", TLS, func(c *Config) { c.Security = TLS }, ""},
		{"neither, on this machine", None, func(c *Config) { c.Security, c.User, c.Password = None, "", "" }, ""},
		{"neither, by name", None, func(c *Config) {
			c.Security, c.User, c.Password = None, "", ""
			_, port, _ := net.SplitHostPort(c.Server)
			c.Server = "localhost:" + port
		}, ""},
		{"STARTTLS is missing", None, func(*Config) {}, "mailer.protocol"},
		{"STARTTLS is missing and nobody signs in", None, func(c *Config) { c.User, c.Password = "", "" }, "mailer.protocol"},
		{"STARTTLS is missing, as by default", None, func(c *Config) { c.Security = "" }, "mailer.protocol"},
		{"TLS is missing", StartTLS, func(c *Config) { c.Security = TLS }, "mailer.protocol"},
		{"another's authority", StartTLS, func(c *Config) { c.RootCAs = strangers }, "mailer.certificate"},
		{"another's authority with TLS", TLS, func(c *Config) { c.Security, c.RootCAs = TLS, strangers }, "mailer.certificate"},
		{"the system's authorities", StartTLS, func(c *Config) { c.RootCAs = nil }, "mailer.certificate"},
		{"wrong password", StartTLS, func(c *Config) { c.Password = "guess" }, "mailer.signin"},
		{"nobody listens", StartTLS, func(c *Config) { c.Server = closed(t) }, "mailer.down"},
	} {
		s := start(t, c.server)
		cfg := config(s, StartTLS)
		c.change(&cfg)
		m, _ := open(t, cfg)
		failed := m.send(ctx, "id", to, "件名", "本文")
		if c.code == "" {
			if failed != nil || len(s.taken()) != 1 || s.taken()[0].encrypted != (c.server != None) {
				t.Errorf("%s: %v, %+v", c.name, failed, s.taken())
			}
			if err := m.Probe(ctx); err != nil || len(s.taken()) != 1 {
				t.Errorf("%s: probe: %v", c.name, err)
			}
			continue
		}
		if failed == nil || fault.Code(failed) != c.code || failed.Permanent() || s.asked() != 0 {
			t.Errorf("%s: %v, %d recipients", c.name, failed, s.asked())
			continue
		}
		if err := m.Probe(ctx); fault.Code(err) != c.code {
			t.Errorf("%s: probe: %v", c.name, err)
		}
		if text := failed.Error(); strings.Contains(text, password) || strings.Contains(text, "no such user") || !locale.Has(c.code) {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A server that says nothing does not hold a worker for ever.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, _ := open(t, config(&server{address: l.Addr().String()}, StartTLS))
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	failed := m.send(short, "id", to, "件名", "本文")
	if failed == nil || failed.Permanent() || time.Since(begun) > timeout/2 {
		t.Errorf("%v after %v", failed, time.Since(begun))
	}
}

func TestLimits(t *testing.T) {
	s := start(t, StartTLS)
	m, _ := open(t, config(s, StartTLS))
	for _, c := range []struct{ to, subject, body, code string }{
		{to, "a\r\nBcc: b@x.jp", "本文", "mailer.subject"},
		{to, "a\nb", "本文", "mailer.subject"},
		{to, strings.Repeat("a", maxSubject+1), "本文", "mailer.size"},
		{to, "件名", strings.Repeat("a", maxBody+1), "mailer.size"},
		{"a@x.jp\r\n", "件名", "本文", "mailer.address"},
		{"", "件名", "本文", "mailer.address"},
	} {
		if f := m.send(ctx, "id", c.to, c.subject, c.body); f == nil || fault.Code(f) != c.code || !f.Permanent() {
			t.Errorf("%q %q: %v", c.to, c.subject, f)
		}
	}
	// Lines of one dot and bare line ends arrive as they are.
	body := "一行目\n.\n..\r\nBcc: b@x.jp\n\n" + strings.Repeat("長", 3000)
	if f := m.send(ctx, "id", to, "件名", body); f != nil {
		t.Fatal(f)
	}
	all := s.taken()
	header, _, got := read(t, all[0].text)
	if len(all) != 1 || strings.ReplaceAll(got, "\r\n", "\n") != strings.ReplaceAll(body, "\r\n", "\n") || header.Get("Bcc") != "" {
		t.Errorf("%q", got)
	}
	for line := range strings.SplitSeq(all[0].text, "\r\n") {
		if len(line) > 78 || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
			t.Errorf("line %q", line)
		}
	}
}

// No text can be mistaken for phishing: no link, no address, no host name.
func TestTexts(t *testing.T) {
	link := regexp.MustCompile(`(?i)https?:|www\.|@|[a-z0-9-]+\.(jp|com|net|org|example)\b`)
	for _, key := range []string{CertificateRenewal, Recovery, NewDevice} {
		n, err := newNotice(1, key, []any{"at", time.Now(), "until", time.Now(), "days", 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range locale.Langs {
			subject, body, err := n.text(l)
			if err != nil || link.MatchString(subject+body) || len(subject) > maxSubject || len(body) > maxBody {
				t.Errorf("%s %s: %v\n%s\n%s", key, l, err, subject, body)
			}
			portal := map[locale.Lang]string{locale.Japanese: "「自分の設定」", locale.English: "My account"}[l]
			if !strings.Contains(body, portal) {
				t.Errorf("%s %s does not say where to look", key, l)
			}
		}
	}
}

func TestConfig(t *testing.T) {
	good := Config{Server: "mail.example.jp:587", User: "u", Password: "very secret", From: "teiten@example.jp", Host: "portal.example.jp"}
	for _, c := range []struct {
		change func(c *Config)
		code   string
	}{
		{func(c *Config) {}, ""},
		{func(c *Config) { c.User, c.Password = "", "" }, ""},
		{func(c *Config) { c.Server = "mail.example.jp" }, "mailer.config_server"},
		{func(c *Config) { c.Server = ":587" }, "mailer.config_server"},
		{func(c *Config) { c.Server = "mail.example.jp:smtp" }, "mailer.config_server"},
		{func(c *Config) { c.Server = "mail\r\n.example.jp:25" }, "mailer.config_server"},
		{func(c *Config) { c.Security = "ssl" }, "mailer.config_security"},
		{func(c *Config) { c.Security, c.User, c.Password = None, "", "" }, "mailer.config_loopback"},
		{func(c *Config) { c.Security, c.Server = None, "127.0.0.1:25" }, "mailer.config_user"},
		{func(c *Config) { c.Password = "" }, "mailer.config_user"},
		{func(c *Config) { c.From = "" }, "mailer.config_from"},
		{func(c *Config) { c.From = "a@x.jp, b@x.jp" }, "mailer.config_from"},
		{func(c *Config) { c.From = "a@x.jp\r\nBcc: b@x.jp" }, "mailer.config_from"},
		{func(c *Config) { c.Host = "" }, "mailer.config_host"},
		{func(c *Config) { c.Host = "a> b" }, "mailer.config_host"},
		{func(c *Config) { c.Host = "a\r\nRSET" }, "mailer.config_host"},
	} {
		cfg := good
		c.change(&cfg)
		if _, err := New(cfg, slog.Default()); fault.Code(err) != c.code || c.code != "" && !locale.Has(c.code) {
			t.Errorf("%+v: %v, want %q", cfg, err, c.code)
		}
	}
	text, err := json.Marshal(good)
	if all := fmt.Sprintf("%v %+v %#v %s", good, good, good, text); err != nil || strings.Contains(all, "very secret") {
		t.Errorf("%s, %v", all, err)
	}
}

// FuzzCompose: whatever stands in the register and in a text, a mail has one
// recipient and the header lines that we gave it.
func FuzzCompose(f *testing.F) {
	f.Add(to, "件名", "本文")
	f.Add("a@x.jp\r\nBcc: b@x.jp", "a\r\nb", "\r\n.\r\n")
	f.Add("\"a b\"@x.jp", "=?utf-8?q?=0d=0a?=", "\x00")
	m, _ := open(f, Config{Server: "127.0.0.1:25", Security: None, From: "定点 <teiten@example.jp>", Host: "portal.example.jp"})
	f.Fuzz(func(t *testing.T, to, subject, body string) {
		msg, err := m.compose("id", to, subject, body)
		if err != nil {
			if fault.Code(err) == "" {
				t.Errorf("no fault: %v", err)
			}
			return
		}
		var text bytes.Buffer
		if _, err := msg.WriteTo(&text); err != nil {
			t.Fatal(err)
		}
		read, err := mail.ReadMessage(&text)
		if err != nil {
			t.Fatalf("%q %q: %v", to, subject, err)
		}
		if all, err := read.Header.AddressList("To"); err != nil || len(all) != 1 || all[0].Address != to {
			t.Errorf("%q became %v, %v", to, all, err)
		}
		if len(read.Header) != 11 {
			t.Errorf("%q %q: %v", to, subject, read.Header)
		}
	})
}
