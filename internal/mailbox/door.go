// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// door is the listener: it counts connections, turns strangers away where
// relays are named, and bounds how long one may stay.
type door struct {
	net.Listener
	limits Limits
	relays []netip.Prefix

	mu     sync.Mutex
	open   map[*conn]struct{}
	each   map[netip.Addr]int
	closed bool
}

func newDoor(l net.Listener, limits Limits, relays []netip.Prefix) *door {
	return &door{Listener: l, limits: limits, relays: relays, open: map[*conn]struct{}{}, each: map[netip.Addr]int{}}
}

// Accept returns the next connection that may come in. The others are told
// why: an SMTP client then tries again later, or never.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		in, refusal := d.admit(c)
		if refusal == "" {
			return in, nil
		}
		_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // a fresh socket takes a line without waiting
		_, _ = io.WriteString(c, refusal+"\r\n")
		_ = c.Close()
	}
}

func (d *door) admit(c net.Conn) (in *conn, refusal string) {
	from := remote(c)
	relay := isRelay(d.relays, from)
	if len(d.relays) > 0 && !relay {
		return nil, "554 5.7.1 Mail is taken from known relays only"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := subscriber(from)
	if len(d.open) >= d.limits.Connections || d.each[key] >= d.limits.PerAddress && !relay {
		return nil, "421 4.7.0 Too many connections, try again later"
	}
	d.each[key]++
	in = &conn{Conn: c, end: time.Now().Add(d.limits.Connection)}
	d.open[in] = struct{}{}
	in.release = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.open, in)
		if d.each[key]--; d.each[key] == 0 {
			delete(d.each, key)
		}
	}
	if d.closed {
		in.idle()
	}
	return in, ""
}

// drain lets every connection end that waits for a command; one in the middle
// of a mail may finish it.
func (d *door) drain() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for c := range d.open {
		c.idle()
	}
}

// cut closes what is left.
func (d *door) cut() {
	d.mu.Lock()
	open := make([]*conn, 0, len(d.open))
	for c := range d.open {
		open = append(open, c)
	}
	d.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

// origin returns the network that mails are counted by.
func (d *door) origin(c net.Conn) (network string, relay bool) {
	from := remote(c)
	bits := 24
	if from.Is6() {
		bits = 64
	}
	p, err := from.Prefix(bits)
	if err != nil {
		return "", false
	}
	return p.String(), isRelay(d.relays, from)
}

func isRelay(relays []netip.Prefix, from netip.Addr) bool {
	for _, p := range relays {
		if p.Contains(from) {
			return true
		}
	}
	return false
}

func remote(c net.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.IPv4Unspecified()
	}
	return a.Addr().Unmap().WithZone("")
}

// subscriber is the address that connections are counted by: of IPv6 the /64
// that one has.
func subscriber(a netip.Addr) netip.Addr {
	if p, err := a.Prefix(64); err == nil && a.Is6() {
		return p.Addr()
	}
	return a
}

// conn is a connection that ends for good with its first failed read: after a
// time-out in the middle of a mail go-smtp would read what comes next as
// commands, and that may be the text of the mail.
type conn struct {
	net.Conn
	end     time.Time
	release func()
	once    sync.Once
	over    atomic.Bool
	ending  atomic.Bool
}

func (c *conn) Read(p []byte) (int, error) {
	if c.over.Load() {
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(p)
	if err != nil {
		c.over.Store(true)
	}
	return n, err
}

// SetReadDeadline never goes beyond the end of the connection.
func (c *conn) SetReadDeadline(t time.Time) error {
	end := c.end
	if soon := time.Now().Add(2 * time.Second); c.ending.Load() && soon.Before(end) {
		end = soon
	}
	if t.IsZero() || t.After(end) {
		t = end
	}
	return c.Conn.SetReadDeadline(t)
}

// idle shortens every wait from now on.
func (c *conn) idle() {
	c.ending.Store(true)
	_ = c.SetReadDeadline(time.Time{})
}

func (c *conn) Close() error {
	c.once.Do(c.release)
	return c.Conn.Close()
}

var _ interface{ NetConn() net.Conn } = (*tls.Conn)(nil) // a tls.Conn hands deadlines on to the conn below it

// quota counts events of many keys in windows of time.
type quota struct {
	most   int
	window time.Duration

	mu    sync.Mutex
	start time.Time
	n     map[string]int
}

// mostKeys bounds the memory of a quota. Beyond it a window ends early, which
// lets more through and never less.
const mostKeys = 100_000

func newQuota(most int, window time.Duration) *quota {
	return &quota{most: most, window: window, n: map[string]int{}}
}

// take reports whether one more may pass.
func (q *quota) take(key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := time.Now(); now.Sub(q.start) >= q.window || len(q.n) >= mostKeys {
		q.start = now
		clear(q.n)
	}
	if q.n[key] >= q.most {
		return false
	}
	q.n[key]++
	return true
}
