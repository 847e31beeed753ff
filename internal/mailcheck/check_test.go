// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/mailcheck"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

var ctx = context.Background()

func norm(t testing.TB, kind indicator.Kind, s string) indicator.Value {
	t.Helper()
	v, err := indicator.Normalise(kind, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// tell makes values shared information of the ISAC, as the guard judges them.
func tell(t testing.TB, db *store.DB, org int64, level tlp.Level, values ...indicator.Value) {
	t.Helper()
	lists, err := guard.Bundled()
	if err != nil {
		t.Fatal(err)
	}
	g := guard.New(lists)
	now := time.Now()
	var claims []intel.Claim
	for _, v := range values {
		c := intel.Claim{Value: v, TLP: level, Org: org, Category: "phishing", FirstSeen: now, LastSeen: now, ValidUntil: intel.ValidUntil(v.Kind, now), Confidence: 80}
		c.Judge(g)
		claims = append(claims, c)
	}
	if err := db.Keep(ctx, func(tx *store.Tx) error { return intel.Assert(ctx, tx, claims) }); err != nil {
		t.Fatal(err)
	}
}

const plainMail = "From: =?UTF-8?B?55Sw5Lit?= <tanaka@supplier.example>\r\nTo: a@hospital.example\r\nSubject: =?UTF-8?B?5omT44Gh5ZCI44KP44Gb?=\r\n" +
	"Date: Mon, 02 Mar 2026 09:00:00 +0900\r\nMessage-ID: <1@supplier.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n" +
	"先日の打ち合わせの資料です。\r\nhttps://files.supplier.example/2026/minutes.html\r\n"

func TestCheck(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		k, err := mailcheck.New(intel.NewGuards(db))
		if err != nil {
			t.Fatal(err)
		}
		a, err := k.Check(ctx, db, p.StaffA, []byte(plainMail))
		if err != nil {
			t.Fatal(err)
		}
		if a.Verdict != mailcheck.Unknown || a.Mail.Subject != "打ち合わせ" {
			t.Errorf("%s %d %+v", a.Verdict, a.Score, a.Findings)
		}
		tell(t, db, p.Analyst.Org, tlp.Green, norm(t, indicator.URL, "https://files.supplier.example/2026/minutes.html"))
		a, err = k.Check(ctx, db, p.StaffA, []byte(plainMail))
		if err != nil {
			t.Fatal(err)
		}
		if a.Verdict != mailcheck.Malicious || len(a.Reasons()) == 0 || a.Reasons()[0].Rule != "known.url" {
			t.Errorf("%s %d %+v", a.Verdict, a.Score, a.Findings)
		}
		b, err := json.Marshal(a.JSON(locale.Japanese, mailcheck.Clicked))
		if err != nil || !strings.Contains(string(b), `"verdict":"malicious"`) || !strings.Contains(string(b), "https://files.supplier.example/2026/minutes.html") {
			t.Errorf("%s, %v", b, err)
		}
		if _, err := k.Check(ctx, db, caller.Caller{}, []byte(plainMail)); !fault.Is(err, fault.Forbidden) {
			t.Errorf("nobody may check: %v", err)
		}
	})
}
