// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"teiten/internal/blob"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/mailcheck"
	"teiten/internal/store"
)

// The program under test is this test program again, as a process of its own
// that is killed with SIGKILL at a moment.
const (
	killData   = "TEITEN_TEST_MAILBOX_DATA"
	killMoment = "TEITEN_TEST_MAILBOX_MOMENT" // named in Box.halt
)

func TestMain(m *testing.M) {
	if data := os.Getenv(killData); data != "" {
		if err := child(data, os.Getenv(killMoment)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child receives and handles mails until it is killed.
func child(data, moment string) error {
	db, err := store.Open(ctx, store.Options{Data: data})
	if err != nil {
		return err
	}
	blobs, err := blob.Open(data)
	if err != nil {
		return err
	}
	checker, err := mailcheck.New(intel.NewGuards(db))
	if err != nil {
		return err
	}
	box := New(Parts{DB: db, Blobs: blobs, Checker: checker, Log: slog.New(slog.NewTextHandler(io.Discard, nil))},
		Config{Domain: "houkoku.portal.example.jp", Host: "portal.example.jp"})
	box.halt = func(m string) {
		if m == moment {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if moment == "reported" {
		runner := job.NewRunner(db, box.Log, box.Workers())
		box.Wake = runner.Wake
		go runner.Run(ctx, 1)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return box.Serve(context.Background(), l, nil)
}

// start runs the child over a store.
func start(t *testing.T, data, moment string) (address string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), killData+"="+data, killMoment+"="+moment)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	kill = func() {
		if !ended {
			ended = true
			_ = cmd.Process.Kill() // it may have killed itself
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), kill
}

// What is acknowledged is there after a crash, and what is sent again because
// the acknowledgement was lost is no second report.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, moment string
		acknowledged bool
	}{
		{"right after 250", "", true},
		{"between commit and 250", "stored", false},
		{"between report and the end of its file", "reported", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := t.TempDir()
			db, err := store.Open(ctx, store.Options{Data: data})
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, db, data, func(*Parts, *Config) {})
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			text := forward(hanako, "x", hostile("x"))
			send := func() (string, error) {
				conn := w.hello()
				defer conn.conn.Close()
				conn.say("MAIL FROM:<"+hanako+">", "250")
				conn.say("RCPT TO:<"+w.address.Address+">", "250")
				conn.say("DATA", "354")
				conn.send("%s\r\n.\r\n", strings.ReplaceAll(text, "\n", "\r\n"))
				return conn.reply()
			}
			var kill func()
			w.server, kill = start(t, data, c.moment)
			got, err := send()
			if c.moment == "reported" {
				time.Sleep(3 * time.Second) // it kills itself when the report is made
			}
			kill()
			if c.acknowledged != strings.HasPrefix(got, "250") {
				t.Fatalf("the answer is %q, %v", got, err)
			}
			if !c.acknowledged { // the client tries again, as it must
				w.server, kill = start(t, data, "")
				if got, err := send(); !strings.HasPrefix(got, "250") {
					t.Fatalf("the second answer is %q, %v", got, err)
				}
				kill()
			}
			if db, err = store.Open(ctx, store.Options{Data: data}); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			w.db, w.box.DB = db, db
			s := newSink(t)
			w.box.Mail = s.mailer(t, w.box.Log)
			if w.box.Checker, err = mailcheck.New(intel.NewGuards(db)); err != nil {
				t.Fatal(err)
			}
			w.runner = job.NewRunner(db, w.box.Log, w.box.Workers())
			w.exec("UPDATE job SET lease_until = 1 WHERE state = 'running'") // the dead process's
			w.drain()
			all := w.mails()
			if len(all) != 1 || all[0].State != Reported || w.count(`SELECT COUNT(*) FROM mail_report`) != 1 {
				t.Errorf("%+v; %s", all, w.log)
			}
			if want := 1; c.moment != "reported" && len(s.all()) != want {
				t.Errorf("%d answers", len(s.all()))
			}
		})
	}
}
