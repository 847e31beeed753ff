// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/token"
)

var ctx = context.Background()

type portal struct {
	*testing.T
	*membertest.People
	db       *store.DB
	machineB caller.Caller
}

func each(t *testing.T, fn func(p *portal)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := &portal{T: t, People: membertest.Register(t, db), db: db}
		p.machineB = p.machine(p.ContactB.Org)
		fn(p)
	})
}

func (p *portal) machine(org int64) caller.Caller {
	p.Helper()
	var c caller.Caller
	if err := p.db.Write(ctx, p.Operator, func(tx *store.Tx) error {
		id, err := member.AddAccount(ctx, tx, member.Account{Org: member.Organisation{ID: org}, Name: "装置", Role: caller.Machine})
		if err != nil {
			return err
		}
		c, err = member.Caller(ctx, tx, id, "api")
		return err
	}); err != nil {
		p.Fatal(err)
	}
	return c
}

func (p *portal) want(err error, code string) {
	p.Helper()
	if fault.Code(err) != code || code == "" && err != nil {
		p.Errorf("error %v, want %q", err, code)
	}
}

func (p *portal) create(c caller.Caller, n token.New) (string, token.Token) {
	p.Helper()
	if n.Name == "" {
		n.Name = "プロキシ"
	}
	if n.Scopes == nil {
		n.Scopes = []token.Scope{token.ListsRead}
	}
	secret, t, err := token.Create(ctx, p.db, c, n)
	if err != nil {
		p.Fatal(err)
	}
	return secret, t
}

// rows is what the table holds, as text.
func (p *portal) rows() string {
	p.Helper()
	rows, err := p.db.Query(ctx, `SELECT id, account_id, name, hash, scopes, certificate_id, expires_at, last_used_at, revoked_at, replaced_by FROM token ORDER BY id`)
	if err != nil {
		p.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var n [7]int64
		var s [3]string
		if err := rows.Scan(&n[0], &n[1], &s[0], &s[1], &s[2], &n[2], &n[3], &n[4], &n[5], &n[6]); err != nil {
			p.Fatal(err)
		}
		fmt.Fprintln(&b, n, s)
	}
	return b.String()
}

func (p *portal) verify(secret string, cert int64, scope token.Scope, code string) caller.Caller {
	p.Helper()
	c, _, err := token.Verify(ctx, p.db, secret, cert, scope)
	p.want(err, code)
	if err != nil && c != (caller.Caller{}) {
		p.Errorf("refused as %+v", c)
	}
	return c
}

func TestCreateAndVerify(t *testing.T) {
	each(t, func(p *portal) {
		secret, made := p.create(p.ContactA, token.New{Account: p.MachineA.Account, Scopes: []token.Scope{token.Lookup, token.ListsRead}})
		want := p.MachineA
		want.Channel, want.Token = "api", made.ID
		if got := p.verify(secret, 0, token.ListsRead, ""); got != want {
			p.Errorf("%+v, want %+v", got, want)
		}
		want.Device = 77
		if got := p.verify(secret, 77, token.Any, ""); got != want {
			p.Errorf("%+v, want %+v", got, want)
		}
		p.verify(secret, 0, token.AdvisoriesRead, "token.scope")
		p.verify(secret[:len(secret)-1]+"!", 0, token.ListsRead, "token.malformed")
		p.verify("", 0, token.ListsRead, "token.malformed")
		if life := made.ExpiresAt.Sub(made.CreatedAt); life != token.Usual || made.Hint != secret[:8] || made.Org != p.ContactA.Org || made.OrgName != "甲病院" {
			p.Errorf("%+v", made)
		}
		if text := p.rows(); strings.Contains(text, secret) || strings.Contains(text, secret[8:]) {
			p.Errorf("the table holds the secret: %s", text)
		}
		records, err := audit.List(ctx, p.db, p.Operator, 0, 100)
		p.want(err, "")
		for _, r := range records {
			if strings.Contains(fmt.Sprint(r), secret[4:12]) {
				p.Errorf("a record holds the secret: %+v", r)
			}
		}
		if records[0].Action != "token.create" || records[0].Actor != p.ContactA.Name || records[0].Detail["scopes"] != "lists.read lookup" {
			p.Errorf("%+v", records[0])
		}

		// A well-formed token of another installation is not known here.
		other := storetest.SQLite(p.T)
		people := membertest.Register(p.T, other)
		foreign, _, err := token.Create(ctx, other, people.Operator, token.New{Account: people.MachineA.Account, Name: "x", Scopes: token.Scopes})
		p.want(err, "")
		p.verify(foreign, 0, token.ListsRead, "token.unknown")
	})
}

func TestCreateRefuses(t *testing.T) {
	each(t, func(p *portal) {
		good := token.New{Account: p.MachineA.Account, Name: "プロキシ", Scopes: []token.Scope{token.ListsRead}}
		before := p.rows()
		for name, w := range map[string]struct {
			by   caller.Caller
			with func(*token.New)
			code string
		}{
			"other's machine":  {p.ContactB, func(*token.New) {}, "fault.not_found"},
			"staff":            {p.StaffA, func(*token.New) {}, "fault.forbidden"},
			"analyst":          {p.Analyst, func(*token.New) {}, "fault.forbidden"},
			"machine":          {p.MachineA, func(*token.New) {}, "fault.forbidden"},
			"nobody":           {caller.Caller{}, func(*token.New) {}, "fault.forbidden"},
			"no machine":       {p.ContactA, func(n *token.New) { n.Account = p.StaffA.Account }, "token.machine"},
			"no account":       {p.Operator, func(n *token.New) { n.Account = 999 }, "fault.not_found"},
			"no name":          {p.ContactA, func(n *token.New) { n.Name = " " }, "token.name_empty"},
			"long name":        {p.ContactA, func(n *token.New) { n.Name = strings.Repeat("長", 101) }, "token.name_long"},
			"unreadable name":  {p.ContactA, func(n *token.New) { n.Name = "a\x1bb" }, "token.name_text"},
			"no scope":         {p.ContactA, func(n *token.New) { n.Scopes = nil }, "token.scope_none"},
			"all scopes":       {p.ContactA, func(n *token.New) { n.Scopes = []token.Scope{token.Any} }, "token.scope_unknown"},
			"past":             {p.ContactA, func(n *token.New) { n.ExpiresAt = time.Now().Add(-time.Second) }, "token.expires_past"},
			"long":             {p.ContactA, func(n *token.New) { n.ExpiresAt = time.Now().Add(token.Longest + time.Hour) }, "token.expires_long"},
			"no certificate":   {p.ContactA, func(n *token.New) { n.Certificate = 4711 }, "token.certificate_unknown"},
			"by itself abroad": {p.machineB, func(*token.New) {}, "fault.forbidden"},
		} {
			n := good
			w.with(&n)
			if secret, _, err := token.Create(ctx, p.db, w.by, n); fault.Code(err) != w.code || secret != "" {
				p.Errorf("%s: %q, %v; want %s", name, secret, err, w.code)
			}
		}
		if p.rows() != before {
			p.Error("attempts changed the table")
		}
		p.want(member.Leave(ctx, p.db, p.ContactA, p.MachineA.Account, member.Left), "")
		_, _, err := token.Create(ctx, p.db, p.ContactA, good)
		p.want(err, "token.machine_left")
	})
}

func TestBoundToACertificate(t *testing.T) {
	each(t, func(p *portal) {
		certificate := func(purpose string, org, account, revoked int64, until time.Duration) (id int64) {
			p.want(p.db.Keep(ctx, func(tx *store.Tx) (err error) {
				id, err = tx.Insert(ctx, `INSERT INTO certificate (authority_id, serial, fingerprint, purpose, organisation_id, account_id, label,
					not_before, not_after, issued_at, issued_by, revoked_at, revoked_by, revoke_reason, last_seen_at, der)
					VALUES (0, '1', $1, $2, $3, $4, '', 0, $5, 0, 0, $6, 0, '', 0, $7) RETURNING id`,
					fmt.Sprint(purpose, org, account, revoked, until), purpose, org, account, store.Micros(tx.Now.Add(until)), revoked, []byte{})
				return err
			}), "")
			return id
		}
		a, b := p.ContactA.Org, p.ContactB.Org
		mine := certificate("machine", a, p.MachineA.Account, 0, time.Hour)
		second := p.machine(a)
		for _, foreign := range []int64{
			certificate("machine", b, p.machineB.Account, 0, time.Hour), certificate("machine", a, second.Account, 0, time.Hour),
			certificate("person", a, p.StaffA.Account, 0, time.Hour), certificate("device", b, 0, 0, time.Hour),
			certificate("machine", a, p.MachineA.Account, 1, time.Hour), certificate("machine", a, p.MachineA.Account, 0, -time.Hour),
		} {
			_, _, err := token.Create(ctx, p.db, p.ContactA, token.New{Account: p.MachineA.Account, Name: "x", Scopes: token.Scopes, Certificate: foreign})
			p.want(err, "token.certificate_unknown")
		}
		secret, made := p.create(p.ContactA, token.New{Account: p.MachineA.Account, Certificate: mine})
		if c := p.verify(secret, mine, token.ListsRead, ""); c.Device != mine {
			p.Errorf("%+v", c)
		}
		p.verify(secret, 0, token.ListsRead, "token.certificate")
		p.verify(secret, mine+1, token.ListsRead, "token.certificate")
		// A thief without the certificate learns of no other state either.
		p.want(token.Revoke(ctx, p.db, p.ContactA, made.ID), "")
		p.verify(secret, mine+1, token.ListsRead, "token.certificate")
		p.verify(secret, mine, token.ListsRead, "token.revoked")
	})
}

func TestEnds(t *testing.T) {
	each(t, func(p *portal) {
		made := map[string]string{}
		for _, name := range []string{"revoked", "machine", "inactive", "organisation", "expired"} {
			m := p.machine(p.ContactA.Org)
			secret, tok := p.create(p.Operator, token.New{Account: m.Account})
			p.verify(secret, 0, token.ListsRead, "")
			made[name] = secret
			switch name {
			case "revoked":
				p.want(token.Revoke(ctx, p.db, p.ContactB, tok.ID), "fault.not_found")
				p.want(token.Revoke(ctx, p.db, p.StaffA, tok.ID), "fault.forbidden")
				p.verify(secret, 0, token.ListsRead, "")
				p.want(token.Revoke(ctx, p.db, p.ContactA, tok.ID), "")
				p.want(token.Revoke(ctx, p.db, p.ContactA, tok.ID), "token.revoked_already")
			case "machine":
				p.want(member.Leave(ctx, p.db, p.ContactA, m.Account, member.Compromised), "")
				list, err := token.List(ctx, p.db, p.ContactA, p.ContactA.Org)
				if i := slices.IndexFunc(list, func(t token.Token) bool { return t.ID == tok.ID }); err != nil || i < 0 || list[i].State(time.Now()) != token.Revoked {
					p.Errorf("%+v, %v", list, err)
				}
				p.want(member.Return(ctx, p.db, p.ContactA, m.Account), "") // the token stays ended
			case "inactive": // by another way than leaving
				p.want(p.db.Keep(ctx, func(tx *store.Tx) error {
					_, err := tx.Exec(ctx, `UPDATE account SET active = $1 WHERE id = $2`, false, m.Account)
					return err
				}), "")
			}
			if name != "organisation" && name != "expired" {
				p.verify(secret, 0, token.ListsRead, "token.revoked")
			}
		}
		at := func(when time.Time, code string) {
			p.Helper()
			p.want(p.db.View(store.At(ctx, when), p.Operator, func(tx *store.Tx) error {
				_, _, err := token.Verify(ctx, tx, made["expired"], 0, token.ListsRead)
				return err
			}), code)
		}
		at(time.Now().Add(token.Usual-time.Minute), "")
		at(time.Now().Add(token.Usual+time.Minute), "token.expired")
		p.want(member.LeaveOrganisation(ctx, p.db, p.Operator, p.ContactA.Org), "")
		p.verify(made["organisation"], 0, token.ListsRead, "token.revoked")
		p.want(member.ReturnOrganisation(ctx, p.db, p.Operator, p.ContactA.Org), "")
		p.verify(made["organisation"], 0, token.ListsRead, "token.revoked")
	})
}

func TestRotate(t *testing.T) {
	each(t, func(p *portal) {
		old, made := p.create(p.ContactA, token.New{Account: p.MachineA.Account, Scopes: []token.Scope{token.Lookup}, ExpiresAt: time.Now().Add(48 * time.Hour)})
		before := p.rows()
		for code, try := range map[string]func() error{
			"fault.not_found": func() error { _, _, err := token.Rotate(ctx, p.db, p.ContactB, made.ID, 0); return err },
			"fault.forbidden": func() error { _, _, err := token.Rotate(ctx, p.db, p.StaffA, made.ID, 0); return err },
			"token.overlap": func() error {
				_, _, err := token.Rotate(ctx, p.db, p.ContactA, made.ID, token.LongestOverlap+1)
				return err
			},
		} {
			p.want(try(), code)
		}
		if p.rows() != before {
			p.Error("attempts changed the table")
		}
		secret, next, err := token.Rotate(ctx, p.db, p.ContactA, made.ID, 24*time.Hour)
		if p.want(err, ""); next.Name != made.Name || !slices.Equal(next.Scopes, made.Scopes) || next.Account != made.Account || next.ID == made.ID || secret == old {
			p.Errorf("%+v", next)
		}
		if life, was := next.ExpiresAt.Sub(next.CreatedAt), made.ExpiresAt.Sub(made.CreatedAt); life != was {
			p.Errorf("lives %v, its predecessor %v", life, was)
		}
		p.verify(old, 0, token.Lookup, "")
		p.verify(secret, 0, token.Lookup, "")
		p.want(p.db.View(store.At(ctx, time.Now().Add(25*time.Hour)), p.Operator, func(tx *store.Tx) error {
			_, _, err := token.Verify(ctx, tx, secret, 0, token.Lookup)
			p.want(err, "")
			_, _, err = token.Verify(ctx, tx, old, 0, token.Lookup)
			return err
		}), "token.expired")
		_, _, err = token.Rotate(ctx, p.db, p.ContactA, made.ID, 0)
		p.want(err, "token.replaced_already")
		last, _, err := token.Rotate(ctx, p.db, p.ContactA, next.ID, 0)
		p.want(err, "")
		p.verify(secret, 0, token.Lookup, "token.revoked") // without overlap at once
		p.verify(last, 0, token.Lookup, "")

		// Two at a time: one of them is told.
		_, both := p.create(p.ContactA, token.New{Account: p.MachineA.Account})
		var wg sync.WaitGroup
		var errs [2]error
		for i := range errs {
			wg.Go(func() { _, _, errs[i] = token.Rotate(ctx, p.db, p.ContactA, both.ID, time.Hour) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || fault.Code(errs[0])+fault.Code(errs[1]) != "token.replaced_already" {
			p.Errorf("%v", errs)
		}
	})
}

func TestListAndExpiring(t *testing.T) {
	each(t, func(p *portal) {
		_, soon := p.create(p.ContactA, token.New{Account: p.MachineA.Account, Name: "a", ExpiresAt: time.Now().Add(5 * 24 * time.Hour)})
		p.create(p.ContactA, token.New{Account: p.MachineA.Account, Name: "b"})
		_, gone := p.create(p.ContactA, token.New{Account: p.MachineA.Account, Name: "c", ExpiresAt: time.Now().Add(5 * 24 * time.Hour)})
		p.want(token.Revoke(ctx, p.db, p.ContactA, gone.ID), "")
		_, replaced := p.create(p.ContactA, token.New{Account: p.MachineA.Account, Name: "d", ExpiresAt: time.Now().Add(6 * 24 * time.Hour)})
		_, next, err := token.Rotate(ctx, p.db, p.ContactA, replaced.ID, time.Hour)
		p.want(err, "")
		_, ofB := p.create(p.ContactB, token.New{Account: p.machineB.Account, Name: "e"})
		names := func(list []token.Token, err error) (s string) {
			p.Helper()
			p.want(err, "")
			for _, t := range list {
				s += fmt.Sprintf("%s%d ", t.Name, t.ID)
			}
			return strings.TrimSpace(s)
		}
		wantA := fmt.Sprintf("a%d b%d d%d d%d c%d", soon.ID, soon.ID+1, replaced.ID, next.ID, gone.ID)
		if got := names(token.List(ctx, p.db, p.ContactA, 0)); got != wantA {
			p.Errorf("A: %s, want %s", got, wantA)
		}
		if got := names(token.List(ctx, p.db, p.ContactB, 0)); got != fmt.Sprintf("e%d", ofB.ID) {
			p.Errorf("B: %s", got)
		}
		if got := names(token.List(ctx, p.db, p.Operator, p.ContactA.Org)); got != wantA {
			p.Errorf("the operator: %s", got)
		}
		_, err = token.List(ctx, p.db, p.ContactB, p.ContactA.Org)
		p.want(err, "fault.forbidden")
		for _, c := range []caller.Caller{p.StaffA, p.Analyst, p.MachineA, {}} {
			_, err := token.List(ctx, p.db, c, 0)
			p.want(err, "fault.forbidden")
		}
		if got, want := names(token.Expiring(ctx, p.db, p.Operator, 7*24*time.Hour)), fmt.Sprintf("a%d d%d", soon.ID, next.ID); got != want {
			p.Errorf("expiring: %s, want %s", got, want)
		}
		if got := names(token.Expiring(ctx, p.db, p.ContactB, 7*24*time.Hour)); got != "" {
			p.Errorf("B hears of %s", got)
		}
	})
}

func TestAdmitKeepsLastUse(t *testing.T) {
	each(t, func(p *portal) {
		secret, made := p.create(p.ContactA, token.New{Account: p.MachineA.Account})
		used := func() int64 {
			list, err := token.List(ctx, p.db, p.ContactA, 0)
			p.want(err, "")
			return store.Micros(list[0].LastUsed)
		}
		if used() != 0 {
			p.Error("used before it was")
		}
		_, _, err := token.Admit(ctx, p.db, "Bearer "+secret, 0, token.AdvisoriesRead)
		if p.want(err, "token.scope"); used() != 0 {
			p.Error("a refusal counts as use")
		}
		header := "Basic " + base64.StdEncoding.EncodeToString([]byte("fortigate:"+secret))
		c, _, err := token.Admit(ctx, p.db, header, 0, token.ListsRead)
		first := used()
		if p.want(err, ""); c.Token != made.ID || first == 0 {
			p.Errorf("%+v, used %d", c, first)
		}
		_, _, err = token.Admit(ctx, p.db, "Bearer "+secret, 0, token.ListsRead)
		if p.want(err, ""); used() != first {
			p.Error("the second use within ten minutes was written")
		}
		stale := made
		stale.LastUsed = time.Now().Add(-11 * time.Minute)
		if p.want(token.Used(ctx, p.db, stale), ""); used() <= first {
			p.Error("a later use was not written")
		}
		_, _, err = token.Admit(ctx, p.db, "", 0, token.ListsRead)
		p.want(err, "token.missing")
	})
}

func TestTokensAreBounded(t *testing.T) {
	each(t, func(p *portal) {
		for range 100 {
			p.create(p.ContactA, token.New{Account: p.MachineA.Account})
		}
		_, _, err := token.Create(ctx, p.db, p.Operator, token.New{Account: p.MachineA.Account, Name: "x", Scopes: token.Scopes})
		p.want(err, "token.many")
		p.create(p.ContactB, token.New{Account: p.machineB.Account})
	})
}
