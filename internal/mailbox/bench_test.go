// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"teiten/internal/store"
)

// rate sends so many different mails over so many connections and returns how
// many a second are acknowledged.
func rate(b *testing.B, server, address, body string, connections, each int) float64 {
	b.Helper()
	var wg sync.WaitGroup
	failed := make(chan error, connections)
	started := time.Now()
	for n := range connections {
		wg.Go(func() { failed <- talk(server, address, body, n, each) })
	}
	wg.Wait()
	took := time.Since(started)
	close(failed)
	for err := range failed {
		if err != nil {
			b.Fatal(err)
		}
	}
	return float64(connections*each) / took.Seconds()
}

func talk(server, address, body string, n, each int) error {
	conn, err := net.Dial("tcp4", server)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	want := func(code string) error {
		for {
			line, err := in.ReadString('\n')
			if err != nil || !strings.HasPrefix(line, code) {
				return fmt.Errorf("%q, %w", line, err)
			}
			if line[3] == ' ' {
				return nil
			}
		}
	}
	if err := want("220"); err != nil {
		return err
	}
	fmt.Fprint(conn, "EHLO relay\r\n")
	if err := want("250"); err != nil {
		return err
	}
	for i := range each {
		for _, step := range [][2]string{{"MAIL FROM:<" + hanako + ">\r\n", "250"}, {"RCPT TO:<" + address + ">\r\n", "250"}, {"DATA\r\n", "354"},
			{fmt.Sprintf("Subject: %d %d\r\n", n, i) + body + "\r\n.\r\n", "250"}} {
			if _, err := io.WriteString(conn, step[0]); err != nil {
				return err
			}
			if err := want(step[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// BenchmarkReceive prints how many mails of 20 KiB a second are acknowledged
// when they are durable, beside go-smtp alone that reads and forgets.
func BenchmarkReceive(b *testing.B) {
	body := "\r\n" + strings.Repeat(strings.Repeat("a", 76)+"\r\n", 260)
	data := b.TempDir()
	db, err := store.Open(ctx, store.Options{Data: data}) // durable, unlike storetest's
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	w := newWorld(b, db, data, func(_ *Parts, c *Config) { c.Limits = Limits{PerNetwork: 1 << 30, PerSender: 1 << 30} })
	w.serve()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return forgetful{}, nil }))
	server.Domain = "sink"
	go server.Serve(l)
	defer server.Close()
	for b.Loop() {
		ours := rate(b, w.server, w.address.Address, body, 8, 25)
		bare := rate(b, l.Addr().String(), w.address.Address, body, 8, 250)
		b.ReportMetric(ours, "mails/s")
		b.ReportMetric(bare, "go-smtp-mails/s")
		b.ReportMetric(ours/bare, "ratio")
	}
}

type forgetful struct{}

func (forgetful) Mail(string, *smtp.MailOptions) error { return nil }
func (forgetful) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (forgetful) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
func (forgetful) Reset()        {}
func (forgetful) Logout() error { return nil }

// Fifty mails of nearly 30 MiB at the same time are streamed: what is in
// memory does not grow with their size.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("1.4 GB through the disk")
	}
	const connections = 50
	data := t.TempDir()
	db, err := store.Open(ctx, store.Options{Data: data, Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := newWorld(t, db, data, func(_ *Parts, c *Config) { c.Limits = Limits{PerAddress: connections, PerNetwork: 1000} })
	w.serve()
	line := strings.Repeat(strings.Repeat("a", 76)+"\r\n", 1000)
	var most uint64
	stop, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	var wg sync.WaitGroup
	for n := range connections {
		c := w.hello()
		c.conn.SetDeadline(time.Now().Add(5 * time.Minute))
		c.say("MAIL FROM:<"+hanako+">", "250")
		c.say("RCPT TO:<"+w.address.Address+">", "250")
		c.say("DATA", "354")
		wg.Go(func() {
			fmt.Fprintf(c.conn, "Subject: %d\r\n\r\n", n)
			for range 29 << 20 / len(line) {
				if _, err := io.WriteString(c.conn, line); err != nil {
					t.Error(err)
					return
				}
			}
			io.WriteString(c.conn, ".\r\n")
			if got, err := c.reply(); !strings.HasPrefix(got, "250") {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	close(stop)
	<-watched
	t.Logf("%d mails of 29 MiB at the same time: at most %d MiB of heap", connections, most>>20)
	if most > 500<<20 {
		t.Errorf("%d MiB of heap for %d connections", most>>20, connections)
	}
}
