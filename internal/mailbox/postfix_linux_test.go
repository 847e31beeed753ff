// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"teiten/internal/mailer"
	"teiten/internal/program"
	"teiten/internal/storetest"
)

// postfix is a real mail relay with a queue of its own. What is for the
// mailbox's domain goes to the mailbox, by STARTTLS and only if its certificate
// can be trusted; everything else goes to the sink.
type postfix struct {
	t    testing.TB
	dir  string
	port int
}

const postfixMain = `
compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file_prefixes = %[1]s
maillog_file = %[1]s/log
myhostname = relay.kou-byouin.example.jp
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_bind_address = 127.0.0.1
relayhost = [127.0.0.1]:%[2]s
transport_maps = texthash:%[1]s/transport
smtp_tls_security_level = none
smtp_tls_policy_maps = texthash:%[1]s/policy
smtp_tls_CAfile = %[1]s/ca.pem
smtp_tls_loglevel = 1
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
`

// postfixMaster has no service in a changed root: the queue has no files for one.
const postfixMaster = `
127.0.0.1:%d inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// newPostfix prepares a relay, so that its port is known before it runs. Its
// master program refuses everybody but root, and gives its rights away itself.
func newPostfix(t *testing.T) *postfix {
	t.Helper()
	program.Root(t, "the master program of postfix gives each of its parts other rights")
	program.Need(t, "postfix")
	dir, err := os.MkdirTemp("", "teiten-postfix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil { // its parts are other users
		t.Fatal(err)
	}
	return &postfix{t: t, dir: dir, port: program.FreePort(t)}
}

func (p *postfix) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// command runs one of Postfix's programs on this queue.
func (p *postfix) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(program.Need(p.t, name), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "LANG=C.UTF-8", "MAIL_CONFIG=" + p.dir}
	return cmd
}

// start runs the relay until the test ends.
func (p *postfix) start(domain, mailbox, sink string, certificate []byte) {
	t := p.t
	t.Helper()
	_, sinkPort, _ := net.SplitHostPort(sink)
	_, mailboxPort, _ := net.SplitHostPort(mailbox)
	p.write("main.cf", fmt.Sprintf(postfixMain, p.dir, sinkPort))
	p.write("master.cf", fmt.Sprintf(postfixMaster, p.port))
	p.write("transport", fmt.Sprintf("%s smtp:[localhost]:%s\n", domain, mailboxPort))
	p.write("policy", fmt.Sprintf("[localhost]:%s secure match=localhost\n", mailboxPort))
	p.write("ca.pem", string(certificate))
	for _, folder := range []string{"queue", "data"} {
		if err := os.Mkdir(filepath.Join(p.dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("chown", "postfix", filepath.Join(p.dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	master := p.command("postfix", "-c", p.dir, "start-fg")
	var said strings.Builder
	master.Stdout, master.Stderr = &said, &said
	master.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	master.WaitDelay = 5 * time.Second
	ended := make(chan error, 1)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel ends it when this thread ends (prctl(2), PR_SET_PDEATHSIG)
		err := master.Start()
		started <- err
		if err == nil {
			ended <- master.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if out, err := p.command("postfix", "-c", p.dir, "stop").CombinedOutput(); err != nil {
			t.Logf("postfix stop: %v\n%s", err, out)
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Error("postfix did not stop and was killed")
			_ = master.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("postfix says\n%s%s", said.String(), p.log())
		}
	})
	p.until("postfix listens", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("postfix ended: %v\n%s%s", err, said.String(), p.log())
		default:
		}
		c, err := net.Dial("tcp4", p.address())
		if err != nil {
			return false
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second))
		greeting := make([]byte, 4)
		_, err = c.Read(greeting)
		return err == nil && string(greeting) == "220 "
	})
}

func (p *postfix) address() string { return fmt.Sprint("127.0.0.1:", p.port) }

func (p *postfix) log() string {
	text, err := os.ReadFile(filepath.Join(p.dir, "log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.t.Error(err)
	}
	return string(text)
}

// until waits for something to come true.
func (p *postfix) until(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%s: not within 30 s\n%s", what, p.log())
		}
	}
}

// flush asks the relay each second to try what is deferred, until it is told to
// stop. By itself it leaves a mail for much later whose first attempt was just
// ending when it looked.
func (p *postfix) flush() (stop func()) {
	p.t.Helper()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Second):
				_ = p.command("postqueue", "-f").Run() // the test waits for what comes of it
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(done); <-ended })
	p.t.Cleanup(stop)
	return stop
}

// logged waits until the log has a line of the kind so many times.
func (p *postfix) logged(n int, line string) {
	p.t.Helper()
	re := regexp.MustCompile(line)
	p.until(line, func() bool { return len(re.FindAllString(p.log(), -1)) >= n })
}

// swaks hands a mail to the relay.
func (p *postfix) swaks(from, to, text string) {
	p.t.Helper()
	file := program.WriteFile(p.t, program.Dir(p.t), "mail.eml", []byte(strings.ReplaceAll(text, "\n", "\r\n")))
	out, err := program.Run(p.t, program.Cmd{Path: program.Need(p.t, "swaks"), Args: []string{"--server", "127.0.0.1", "--port", fmt.Sprint(p.port),
		"--from", from, "--to", to, "--data", "@" + file}})
	if err != nil {
		p.t.Fatalf("swaks: %v\n%s", err, out)
	}
}

// The way it is in a hospital: the relay takes the mail from people's programs,
// hands it to the mailbox, and brings the answers back to them.
func TestPostfix(t *testing.T) {
	t.Parallel()
	p := newPostfix(t)
	identity, _ := program.Identity(t)
	certificate, _ := program.PEM(t, identity)
	s := newSink(t)
	w := newWorld(t, storetest.SQLite(t), t.TempDir(), func(parts *Parts, c *Config) {
		c.RequireTLS = true
		var err error
		parts.Mail, err = mailer.New(mailer.Config{Server: p.address(), Security: mailer.None, From: "定点 <teiten@portal.example.jp>", Host: "portal.example.jp"}, parts.Log)
		if err != nil {
			t.Fatal(err)
		}
	})
	w.runner = newRunner(w)
	w.serveTLS(&tls.Config{Certificates: []tls.Certificate{identity}, MinVersion: tls.VersionTLS12})
	domain := strings.SplitN(w.address.Address, "@", 2)[1]
	p.start(domain, w.server, s.address, certificate)
	arrived := func(n int) []Mail {
		t.Helper()
		p.until(fmt.Sprint(n, " mails"), func() bool { return len(w.mails()) >= n })
		if all := w.mails(); len(all) == n {
			return all
		}
		t.Fatalf("%d mails, want %d", len(w.mails()), n)
		return nil
	}
	letters := func(n int) taken {
		t.Helper()
		p.until(fmt.Sprint(n, " letters"), func() bool { return len(s.all()) >= n })
		if all := s.all(); len(all) == n {
			return all[n-1]
		}
		t.Fatalf("%d letters, want %d", len(s.all()), n)
		return taken{}
	}

	// By sendmail, as programs on the relay itself send.
	send := p.command("sendmail", "-i", "-f", hanako, w.address.Address)
	send.Stdin = strings.NewReader(forward(hanako, "a", hostile("a")))
	if out, err := send.CombinedOutput(); err != nil {
		t.Fatalf("sendmail: %v\n%s", err, out)
	}
	m := arrived(1)[0]
	p.logged(1, `Verified TLS connection established to localhost`)
	if m.account != w.p.StaffA.Account {
		t.Errorf("it is not known as hanako's: %+v", m)
	}
	w.drain()
	if a := letters(1); a.to != hanako || !strings.Contains(a.body, "■ 判定") || !w.box.isAnswer(a.header.Get(AnswerField)) {
		t.Errorf("the answer that came back is to %s\n%s", a.to, a.raw)
	}

	// A disk that is full for a while: the relay keeps the mail, tries again,
	// and it arrives once.
	incoming := filepath.Join(w.blobsFolder(), "incoming")
	breakDisk(w)
	p.swaks(taro, w.address.Address, forward(taro, "b", hostile("b")))
	stop := p.flush()
	p.logged(2, `status=deferred \(.*452 4\.3\.1`)
	if n := len(w.mails()); n != 1 {
		t.Fatalf("%d mails while the disk is full", n)
	}
	if err := errors.Join(os.Remove(incoming), os.Mkdir(incoming, 0o700)); err != nil {
		t.Fatal(err)
	}
	arrived(2)
	p.logged(2, `status=sent \(250 2\.0\.0`)
	stop()

	// An address that has ended: the relay tells the sender, the mailbox nobody.
	ended, err := w.box.RotateAddress(ctx, w.p.ContactA, w.address.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	before := len(s.all())
	p.swaks(hanako, w.address.Address, forward(hanako, "c", hostile("c")))
	if b := letters(before + 1); b.from != "" || b.to != hanako || !strings.Contains(b.raw, "Status: 5.1.1") || !strings.Contains(b.raw, "No such address here") {
		t.Errorf("from %q to %q\n%s", b.from, b.to, b.raw)
	}
	w.drain()
	if a := letters(before + 2); a.to != taro {
		t.Errorf("the answer to the mail that was deferred is to %s\n%s", a.to, a.raw)
	}

	// A real delivery status notification that comes to the mailbox is known as
	// one, and not answered: two machines would write to each other for ever.
	before = len(s.all())
	s.mu.Lock()
	s.answers = []error{&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}}
	s.mu.Unlock()
	p.swaks(ended.Address, "nobody@elsewhere.example.jp", hostile("d"))
	all := arrived(3)
	w.drain()
	if m := w.mails()[0]; m.ID != all[0].ID || m.State != Bounce || m.Reason != string(NullSender) || m.Reply != NoReply {
		t.Errorf("the notification is %+v", m)
	}
	time.Sleep(1500 * time.Millisecond) // the relay would have tried again by now what it still has
	if n, l := len(w.mails()), len(s.all()); n != 3 || l != before {
		t.Errorf("%d mails, and %d letters after %d", n, l, before)
	}
	queue := p.command("postqueue", "-p")
	if out, err := queue.CombinedOutput(); err != nil || !strings.Contains(string(out), "Mail queue is empty") {
		t.Errorf("%v\n%s", err, out)
	}
}
