// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// responder is a DNS server on loopback that gives its answers in turn and
// repeats the last.
type responder struct {
	mu      sync.Mutex
	answers [][]netip.Addr
	asked   int
}

func (r *responder) next() []netip.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := min(r.asked, len(r.answers)-1)
	r.asked++
	return r.answers[i]
}

// times is how often the name was asked for.
func (r *responder) times() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *responder) start(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := r.reply(buf[:n]); reply != nil {
				conn.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
		},
	}
}

func (r *responder) reply(query []byte) []byte {
	var q dnsmessage.Message
	if q.Unpack(query) != nil || len(q.Questions) != 1 {
		return nil
	}
	q.Response, q.RecursionAvailable, q.Additionals = true, true, nil
	question := q.Questions[0]
	if question.Type == dnsmessage.TypeA { // AAAA questions get an empty answer
		for _, a := range r.next() {
			q.Answers = append(q.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class},
				Body:   &dnsmessage.AResource{A: a.As4()},
			})
		}
	}
	packed, err := q.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// TestRebinding: a name that leads to an allowed address when it is asked
// first, and inside when it is asked again, with no time to live. An excepted
// loopback address stands for the internet, so that nothing leaves the machine.
func TestRebinding(t *testing.T) {
	allowed, inner := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	hits := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { hits++; io.WriteString(w, "ok") })
	names := &responder{answers: [][]netip.Addr{{allowed}, {inner}}}
	p := local(t, s)
	p.Resolver = names.start(t)
	c := New(p)
	url := fmt.Sprintf("http://rebind.example.com:%d/", portOf(t, s.URL))

	if resp, err := c.Get(t.Context(), url, "", ""); err != nil || string(resp.Body) != "ok" {
		t.Fatalf("first: %+v, %v", resp, err)
	}
	if n := names.times(); n != 1 {
		t.Fatalf("one request resolved the name %d times: what is judged is not what is dialled", n)
	}
	_, err := c.Get(t.Context(), url, "", "")
	wantCode(t, err, "outbound.address")
	if hits != 1 {
		t.Errorf("the server was reached %d times", hits)
	}
}

// TestRebindingDuringRedirect: the name turns while the server redirects to itself.
func TestRebindingDuringRedirect(t *testing.T) {
	allowed, inner := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.1")
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) })
	p := local(t, s)
	p.Resolver = (&responder{answers: [][]netip.Addr{{allowed}, {inner}}}).start(t)
	_, err := New(p).Get(t.Context(), fmt.Sprintf("http://rebind.example.com:%d/", portOf(t, s.URL)), "", "")
	wantCode(t, err, "outbound.address")
}

// TestMixedAnswers: of several addresses only those that pass are dialled.
func TestMixedAnswers(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	p := local(t, s)
	p.Resolver = (&responder{answers: [][]netip.Addr{{
		netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("127.0.0.1"),
	}}}).start(t)
	resp, err := New(p).Get(t.Context(), fmt.Sprintf("http://mixed.example.com:%d/", portOf(t, s.URL)), "", "")
	if err != nil || string(resp.Body) != "ok" {
		t.Fatalf("got %+v, %v", resp, err)
	}
}

func TestUnknownName(t *testing.T) {
	p := Policy{Resolver: (&responder{answers: [][]netip.Addr{nil}}).start(t)}
	_, err := New(p).Get(t.Context(), "https://nobody.example.com/", "", "")
	wantCode(t, err, "outbound.name")
}
