// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/membertest"
	"teiten/internal/program"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// visit goes to the provider and returns what the redirect brings back.
func visit(t *testing.T, b *http.Client, v Visit) url.Values {
	t.Helper()
	resp, err := b.Get(v.URL + "&g_continue") // what its own page adds after "continue"
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	where := resp.Header.Get("Location")
	query, ok := strings.CutPrefix(where, back+"?")
	if !ok {
		t.Fatalf("%s %q", resp.Status, where)
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestRealProvider(t *testing.T) {
	g := program.StartGlewlwyd(t, back)
	cfg := Config{Name: "県の共通認証", Issuer: g.Issuer, ClientID: program.ClientID, ClientSecret: g.ClientSecret, RedirectURL: back, Allowed: loopback}
	hanako, taro := g.Person("hanako"), g.Person("taro")
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		people := membertest.Register(t, db)
		p, err := New(cfg, client(t, cfg, g.Roots))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Probe(ctx); err != nil {
			t.Fatal(err)
		}
		signIn := func(b *http.Client) (int64, error) {
			v, err := p.BeginSignIn(ctx, db, device)
			if err != nil {
				t.Fatal(err)
			}
			out, err := p.Finish(ctx, db, caller.Caller{Device: device}, v.Token, visit(t, b, v))
			return out.Account, err
		}
		link := func(c caller.Caller, b *http.Client) {
			c.Device = device
			v, err := p.BeginLink(ctx, db, c)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := p.Finish(ctx, db, c, v.Token, visit(t, b, v)); err != nil || out.Account != c.Account || !out.Linked {
				t.Fatalf("%+v, %v", out, err)
			}
		}
		if _, err := signIn(hanako); fault.Code(err) != "federate.unknown" {
			t.Errorf("before it is linked: %v", err)
		}
		link(people.StaffA, hanako)
		link(people.ContactB, taro)
		for b, want := range map[*http.Client]int64{hanako: people.StaffA.Account, taro: people.ContactB.Account} {
			if got, err := signIn(b); err != nil || got != want {
				t.Errorf("account %d, %v; want %d", got, err, want)
			}
		}

		// The provider keeps to PKCE and to codes that serve once: so do we.
		mine, err := p.BeginSignIn(ctx, db, device)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := p.BeginSignIn(ctx, db, device)
		if err != nil {
			t.Fatal(err)
		}
		answer := visit(t, hanako, mine)
		answer.Set("code", visit(t, taro, theirs).Get("code"))
		if _, err := p.Finish(ctx, db, caller.Caller{Device: device}, mine.Token, answer); fault.Code(err) != "federate.code" {
			t.Errorf("another's code: %v", err)
		}
		// Who is not signed in there is asked to, and nothing comes back here.
		v, err := p.BeginSignIn(ctx, db, device)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.Stranger().Get(v.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if where := resp.Header.Get("Location"); !strings.HasPrefix(where, g.Base) {
			t.Errorf("a stranger is sent to %q", where)
		}
		if out, err := p.SignOutURL(ctx, back); err != nil || !strings.HasPrefix(out, g.Base) {
			t.Errorf("sign out at %q, %v", out, err)
		}

		wrong := cfg
		wrong.ClientSecret = "guessed"
		impostor, err := New(wrong, client(t, wrong, g.Roots))
		if err != nil {
			t.Fatal(err)
		}
		if v, err = impostor.BeginSignIn(ctx, db, device); err != nil {
			t.Fatal(err)
		}
		if _, err = impostor.Finish(ctx, db, caller.Caller{Device: device}, v.Token, visit(t, hanako, v)); fault.Code(err) != "federate.client" {
			t.Errorf("with a wrong client secret: %v", err)
		}
	})

	// The provider goes: a clear reason, not a hang.
	db := storetest.SQLite(t)
	p, err := New(cfg, client(t, cfg, g.Roots))
	if err != nil {
		t.Fatal(err)
	}
	g.Stop()
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := p.BeginSignIn(limited, db, device); fault.Code(err) != "federate.down" {
		t.Error(err)
	}
}
