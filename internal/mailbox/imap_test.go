// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os/user"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/outbound"
	"teiten/internal/program"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

const (
	imapUser     = "houkoku"
	imapPassword = "imap-pässword"
)

// dovecot is a real IMAP server with one empty mailbox.
type dovecot struct {
	plain, tls int // ports
	roots      *x509.CertPool
}

func startDovecot(t *testing.T) *dovecot {
	t.Helper()
	path := program.Need(t, "dovecot")
	d := &dovecot{plain: program.FreePort(t), tls: program.FreePort(t)}
	dir := program.Dir(t)
	identity, roots := program.Identity(t)
	d.roots = roots
	certificate, key := program.PEM(t, identity)
	chain, secret := program.WriteFile(t, dir, "cert.pem", certificate), program.WriteFile(t, dir, "key.pem", key)
	owner := ownerOf(t, dir)
	conf := program.WriteFile(t, dir, "dovecot.conf", fmt.Appendf(nil, `
protocols = imap
mail_max_userip_connections = 200
listen = 127.0.0.1
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
default_internal_user = %[2]s
default_login_user = %[2]s
auth_failure_delay = 0
default_internal_group = %[3]s
first_valid_uid = 1
ssl = required
ssl_cert = <%[4]s
ssl_key = <%[5]s
mail_location = maildir:%[1]s/mail
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[6]d
  }
  inet_listener imaps {
    port = %[7]d
    ssl = yes
  }
}
service stats {
  chroot =
}
passdb {
  driver = static
  args = password=%[8]s
}
userdb {
  driver = static
  args = uid=%[2]s gid=%[3]s home=%[1]s/home
}
namespace inbox {
  inbox = yes
}
`, dir, owner.Username, groupOf(t, owner), chain, secret, d.plain, d.tls, imapPassword))
	p := program.Start(t, program.Cmd{Path: path, Args: []string{"-F", "-c", conf}, Dir: dir})
	p.WaitTCP(d.tls, 20*time.Second)
	return d
}

// ownerOf is the user as whom programs run.
func ownerOf(t *testing.T, dir string) *user.User {
	t.Helper()
	out, err := program.Run(t, program.Cmd{Path: program.Need(t, "id"), Args: []string{"-u"}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	u, err := user.LookupId(strings.TrimSpace(out))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func groupOf(t *testing.T, u *user.User) string {
	t.Helper()
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	return g.Name
}

// session is the owner's own program at his mailbox.
func (d *dovecot) session(t *testing.T) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialTLS(net.JoinHostPort("127.0.0.1", strconv.Itoa(d.tls)), &imapclient.Options{TLSConfig: &tls.Config{RootCAs: d.roots}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Login(imapUser, imapPassword).Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (d *dovecot) put(t *testing.T, text string, at time.Time) {
	t.Helper()
	text = strings.ReplaceAll(text, "\n", "\r\n")
	c := d.session(t).Append("INBOX", int64(len(text)), &imap.AppendOptions{Time: at})
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wait(); err != nil {
		t.Fatal(err)
	}
}

// holds is how many mails lie in a folder.
func (d *dovecot) holds(t *testing.T, folder string) uint32 {
	t.Helper()
	s, err := d.session(t).Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	return s.NumMessages
}

// reach lets a world reach the server.
func (d *dovecot) reach(_ *Parts, c *Config) {
	c.MaxBytes = 100_000
	c.IMAP = IMAPConfig{RootCAs: d.roots, Client: outbound.New(outbound.Policy{
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, AllowPorts: []uint16{uint16(d.plain), uint16(d.tls)}})}
}

func (w *world) imap() IMAP {
	w.t.Helper()
	all, err := IMAPs(ctx, w.db, w.p.ContactA)
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%v, %v", all, err)
	}
	return all[0]
}

// fetch lets the mailbox be asked once.
func (w *world) fetch() {
	w.t.Helper()
	w.exec("UPDATE mailbox_imap SET next_run = 0")
	if n, err := w.box.Schedule(ctx); n != 1 || err != nil {
		w.t.Fatalf("%d are due, %v", n, err)
	}
	w.drain()
}

func TestFetch(t *testing.T) {
	t.Parallel()
	d := startDovecot(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newSink(t)
		w := newWorld(t, db, t.TempDir(), func(p *Parts, c *Config) {
			d.reach(p, c)
			p.Mail = s.mailer(t, p.Log)
		})
		w.runner = newRunner(w)
		c := d.session(t) // both engines begin with an empty mailbox
		for _, folder := range []string{"INBOX", "Teiten"} {
			if selected, err := c.Select(folder, nil).Wait(); err == nil && selected.NumMessages > 0 {
				if err := c.Store(imap.SeqSet{{Start: 1, Stop: 0}}, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Expunge().Collect(); err != nil {
					t.Fatal(err)
				}
			}
		}
		path := "Return-Path: <" + hanako + ">\n"
		d.put(t, path+forward(hanako, "old", hostile("old")), time.Now().Add(-72*time.Hour))
		d.put(t, path+forward(hanako, "a", hostile("a")), time.Now())
		d.put(t, forward("\"花子\" <"+taro+">", "b", hostile("b")), time.Now())
		d.put(t, "Return-Path: <info@bank.example>\n"+hostile("c"), time.Now())
		settings := IMAP{Org: w.p.ContactA.Org, Server: fmt.Sprint("127.0.0.1:", d.tls), Security: TLS, Login: imapUser, Password: imapPassword, Enabled: true}
		if err := w.box.SetIMAP(ctx, w.p.ContactA, settings); err != nil {
			t.Fatal(err)
		}
		if n, err := w.box.TestIMAP(ctx, w.p.ContactA, settings.Org); n != 4 || err != nil {
			t.Errorf("%d mails, %v", n, err)
		}
		w.fetch()
		if i := w.imap(); i.ErrorCode != "" || i.Fetched != 3 || i.LastOK.IsZero() {
			t.Fatalf("%#v %+v %s", i, i.Failure(), w.log)
		}
		all := w.mails() // the newest first
		if len(all) != 3 || all[0].State != Outside || all[1].State != Reported || all[2].State != Reported || all[2].account != w.p.StaffA.Account || !all[2].Fetched {
			t.Fatalf("%+v\n%s", all, w.log)
		}
		if n := len(s.all()); n != 2 {
			t.Errorf("%d answers", n)
		}
		// What was there before is left alone; what is stored is moved, not deleted.
		if in, done := d.holds(t, "INBOX"), d.holds(t, "Teiten"); in != 1 || done != 3 {
			t.Errorf("%d in INBOX, %d in Teiten", in, done)
		}
		w.fetch()
		if n := len(w.mails()); n != 3 {
			t.Errorf("%d mails after nothing came", n)
		}
		// A crash between storing and moving: the next run moves.
		d.put(t, path+forward(hanako, "d", hostile("d")), time.Now())
		w.exec("UPDATE mailbox_imap SET uid_last = uid_last + 1")
		w.fetch()
		if n, in := len(w.mails()), d.holds(t, "INBOX"); n != 3 || in != 1 {
			t.Errorf("%d mails, %d in INBOX", n, in)
		}
		// One that is too large stays, and people see why.
		d.put(t, path+forward(hanako, "e", hostile("e")+strings.Repeat("long line\n", 11_000)), time.Now())
		d.put(t, path+forward(hanako, "f", hostile("f")), time.Now())
		w.fetch()
		if i := w.imap(); i.ErrorCode != "mailbox.imap_large" || len(w.mails()) != 4 || d.holds(t, "INBOX") != 2 {
			t.Errorf("%v, %d mails, %d in INBOX", i.Failure(), len(w.mails()), d.holds(t, "INBOX"))
		}
		w.fetch()
		if i := w.imap(); i.ErrorCode != "" || i.Failures != 0 || len(w.mails()) != 4 {
			t.Errorf("%v, %d mails", i.Failure(), len(w.mails()))
		}
		// The same by STARTTLS, with the password kept.
		settings.Server, settings.Security, settings.Password = fmt.Sprint("127.0.0.1:", d.plain), StartTLS, ""
		if err := w.box.SetIMAP(ctx, w.p.ContactA, settings); fault.Code(err) != "mailbox.imap_password" {
			t.Errorf("another server without a password: %v", err)
		}
		settings.Password = imapPassword
		if err := w.box.SetIMAP(ctx, w.p.ContactA, settings); err != nil {
			t.Fatal(err)
		}
		if _, err := w.box.TestIMAP(ctx, w.p.Operator, settings.Org); err != nil {
			t.Error(err)
		}
		w.fetch()
		if i := w.imap(); i.ErrorCode != "" && i.ErrorCode != "mailbox.imap_large" {
			t.Errorf("%v", i.Failure())
		}
		// The new server begins with yesterday: what is known by its content is
		// known, and what is too large is told again.
		if n := len(w.mails()); n != 4 {
			t.Errorf("%d mails after the server changed", n)
		}
		settings.Password = "wrong"
		if err := w.box.SetIMAP(ctx, w.p.ContactA, settings); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 3; n++ {
			w.fetch()
			i := w.imap()
			if i.ErrorCode != "mailbox.imap_login" || i.Failures != n || time.Until(i.NextRun) < pause(n)-time.Minute {
				t.Errorf("%v after %d failures, again in %v", i.Failure(), i.Failures, time.Until(i.NextRun))
			}
		}
		if strings.Contains(w.log.String(), imapPassword) || w.count(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%pässword%' OR detail LIKE '%"houkoku"%'`) != 0 {
			t.Error("login or password are in the log")
		}
	})
}

// Servers inside networks, and ports of other services, are not reached.
func TestFetchIsGuarded(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t), t.TempDir(), func(_ *Parts, c *Config) { c.IMAP.Client = outbound.New(outbound.Policy{}) })
	for server, code := range map[string]string{
		"127.0.0.1:993": "outbound.address", "169.254.169.254:143": "outbound.address", "10.0.0.1:993": "outbound.address", "192.0.2.1:25": "outbound.port",
	} {
		i := IMAP{Org: w.p.ContactA.Org, Server: server, Security: TLS, Login: "a", Password: "b", Enabled: true}
		if err := w.box.SetIMAP(ctx, w.p.ContactA, i); err != nil {
			t.Fatal(err)
		}
		if _, err := w.box.TestIMAP(ctx, w.p.ContactA, i.Org); fault.Code(err) != code {
			t.Errorf("%s: %v", server, err)
		}
	}
	for _, wrong := range []IMAP{
		{Server: "imap.example.jp", Security: TLS, Login: "a", Password: "b"}, {Server: "imap.example.jp:0", Security: TLS, Login: "a", Password: "b"},
		{Server: "imap.example.jp:993", Security: "none", Login: "a", Password: "b"}, {Server: "imap.example.jp:993", Security: TLS, Password: "b"},
		{Server: "imap.example.jp:993", Security: TLS, Login: "a\r\nb", Password: "b"}, {Server: "i.example.jp:993", Security: TLS, Login: "a", Password: "b", DoneFolder: "inbox"},
	} {
		wrong.Org = w.p.ContactA.Org
		if err := w.box.SetIMAP(ctx, w.p.ContactA, wrong); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", wrong.Server, err)
		}
	}
}

// Who may: the institution's contact for her own, operators for all.
func TestWhoMayManage(t *testing.T) {
	each(t, func(w *world) {
		org := w.p.ContactA.Org
		w.p.Each(func(name string, c caller.Caller) {
			may := c.Account == w.p.ContactA.Account || c.Account == w.p.Operator.Account
			check := func(what string, err error) {
				w.t.Helper()
				if denied := fault.Is(err, fault.Forbidden) || fault.Is(err, fault.NotFound); denied == may && !(may && err == nil) {
					w.t.Errorf("%s: %s: %v", name, what, err)
				}
			}
			a, err := w.box.AddAddress(ctx, c, org)
			check("add", err)
			if err != nil {
				a = w.address
			}
			b, err := w.box.RotateAddress(ctx, c, a.ID, time.Hour)
			check("rotate", err)
			if err != nil {
				b = w.address
			}
			check("stop", StopAddress(ctx, w.db, c, b.ID))
			check("imap", w.box.SetIMAP(ctx, c, IMAP{Org: org, Server: "imap.example.jp:993", Security: TLS, Login: "a", Password: "b"}))
			check("remove", RemoveIMAP(ctx, w.db, c, org))
			all, err := Addresses(ctx, w.db, c)
			for _, x := range all {
				if x.Org == org && !may {
					w.t.Errorf("%s sees %s", name, x.Address)
				}
			}
			if err != nil && may {
				w.t.Error(err)
			}
		})
		if w.count(`SELECT COUNT(*) FROM mailbox_address WHERE ends_at = 0`) != 1 {
			w.t.Error("more than the world's address take mail")
		}
	})
}
