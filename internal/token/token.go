// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/store"
)

const (
	// Usual is how long a token lasts unless somebody says otherwise.
	Usual = 365 * 24 * time.Hour
	// Longest is the most that a token may last.
	Longest = 2 * 366 * 24 * time.Hour
	// LongestOverlap is the most that the old token may last after a rotation.
	LongestOverlap = 7 * 24 * time.Hour

	maxName   = 100 // characters
	maxTokens = 100 // that work, of one organisation
)

// Token is what may be known of a token; the secret is not.
type Token struct {
	ID          int64     `json:"id"`
	Account     int64     `json:"account"` // the machine
	AccountName string    `json:"account_name"`
	Org         int64     `json:"organisation"`
	OrgName     string    `json:"organisation_name"`
	Name        string    `json:"name"`
	Hint        string    `json:"hint"` // how the secret begins
	Scopes      []Scope   `json:"scopes"`
	Certificate int64     `json:"certificate,omitempty"` // 0 on any device
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	LastUsed    time.Time `json:"last_used,omitzero"` // to ten minutes
	RevokedAt   time.Time `json:"revoked_at,omitzero"`
	ReplacedBy  int64     `json:"replaced_by,omitempty"` // the token that was made in its place
}

// State is what a token is good for now.
type State string

const (
	Works    State = "works"
	Replaced State = "replaced" // it works for a while yet, but another has its place
	Expired  State = "expired"
	Revoked  State = "revoked"
)

// Name returns the word for it.
func (s State) Name(lang locale.Lang) string { return lang.T("token.state." + string(s)) }

// State returns what the token is good for at a time.
func (t Token) State(now time.Time) State {
	switch {
	case !t.RevokedAt.IsZero():
		return Revoked
	case !t.ExpiresAt.After(now):
		return Expired
	case t.ReplacedBy != 0:
		return Replaced
	default:
		return Works
	}
}

// New is what a token is made from.
type New struct {
	Account     int64 // a machine's
	Name        string
	Scopes      []Scope
	ExpiresAt   time.Time // zero for a year from now
	Certificate int64     // the only one with which it works, 0 for any
}

// Create makes a token for a machine and returns the secret, which nobody can
// show again. Operators for every machine, a contact for those of her own
// organisation; another's machine is not found.
func Create(ctx context.Context, db *store.DB, c caller.Caller, n New) (secret string, t Token, err error) {
	if err := permit.Check(c, permit.TokenManage); err != nil {
		return "", t, err
	}
	if n.Name, err = checkName(n.Name); err != nil {
		return "", t, err
	}
	if n.Scopes, err = checkScopes(n.Scopes); err != nil {
		return "", t, err
	}
	secret = newSecret()
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		machine, err := machineOf(ctx, tx, c, n.Account)
		if err != nil {
			return err
		}
		if n.ExpiresAt, err = checkExpiry(tx.Now, n.ExpiresAt); err != nil {
			return err
		}
		if err := checkCertificate(ctx, tx, n.Certificate, machine); err != nil {
			return err
		}
		if err := roomFor(ctx, tx, machine.Org.ID); err != nil {
			return err
		}
		id, err := insert(ctx, tx, Token{Account: n.Account, Name: n.Name, Scopes: n.Scopes, Certificate: n.Certificate, ExpiresAt: n.ExpiresAt}, secret)
		if err != nil {
			return err
		}
		if t, err = find(ctx, tx, c, permit.TokenManage, id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "token.create", object(id), "account", t.Account, "scopes", join(t.Scopes, " "),
			"expires", t.ExpiresAt.Format(time.RFC3339), "certificate", t.Certificate)
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

// Revoke ends a token at once. Operators all, a contact those of her own
// organisation; another's is not found.
func Revoke(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	if err := permit.Check(c, permit.TokenManage); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		t, err := find(ctx, tx, c, permit.TokenManage, id)
		if err != nil {
			return err
		}
		if !t.RevokedAt.IsZero() {
			return fault.New(fault.Conflict, "token.revoked_already")
		}
		if err := revoke(ctx, tx, id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "token.revoke", object(id), "account", t.Account)
	})
}

// Rotate makes a new token in the place of one that works, with its name,
// scopes and certificate and as long a life. The old one works on for the
// overlap, at most [LongestOverlap], or ends at once with 0.
func Rotate(ctx context.Context, db *store.DB, c caller.Caller, id int64, overlap time.Duration) (secret string, t Token, err error) {
	if err := permit.Check(c, permit.TokenManage); err != nil {
		return "", t, err
	}
	if overlap < 0 || overlap > LongestOverlap {
		return "", t, fault.New(fault.Invalid, "token.overlap", "most", int(LongestOverlap/(24*time.Hour))).At("overlap")
	}
	secret = newSecret()
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		old, err := find(ctx, tx, c, permit.TokenManage, id)
		if err != nil {
			return err
		}
		switch old.State(tx.Now) {
		case Revoked:
			return fault.New(fault.Conflict, "token.revoked_already")
		case Expired:
			return fault.New(fault.Conflict, "token.expired_already")
		case Replaced:
			return fault.New(fault.Conflict, "token.replaced_already")
		}
		if _, err := machineOf(ctx, tx, c, old.Account); err != nil {
			return err
		}
		life := min(old.ExpiresAt.Sub(old.CreatedAt), Longest)
		fresh := Token{Account: old.Account, Name: old.Name, Scopes: old.Scopes, Certificate: old.Certificate, ExpiresAt: tx.Now.Add(life)}
		next, err := insert(ctx, tx, fresh, secret)
		if err != nil {
			return err
		}
		if err := replace(ctx, tx, old, next, overlap); err != nil {
			return err
		}
		if t, err = find(ctx, tx, c, permit.TokenManage, next); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "token.rotate", object(id), "by", next, "overlap_hours", int(overlap/time.Hour))
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

// List returns the tokens of an organisation, or of all that the caller may
// see with 0: those that work first, then by name.
func List(ctx context.Context, q store.Queryer, c caller.Caller, org int64) ([]Token, error) {
	if err := permit.Check(c, permit.TokenRead); err != nil {
		return nil, err
	}
	if org != 0 {
		if err := permit.CheckFor(c, permit.TokenRead, org); err != nil {
			return nil, err
		}
	}
	return list(ctx, q, c, org)
}

// Expiring returns the tokens that work, have no successor, and end within d:
// for Home and for teiten doctor.
func Expiring(ctx context.Context, q store.Queryer, c caller.Caller, d time.Duration) ([]Token, error) {
	all, err := List(ctx, q, c, 0)
	if err != nil {
		return nil, err
	}
	now := store.Time(member.Present(q))
	return slices.DeleteFunc(all, func(t Token) bool { return t.State(now) != Works || t.ExpiresAt.After(now.Add(d)) }), nil
}

func checkExpiry(now, asked time.Time) (time.Time, error) {
	if asked.IsZero() {
		return now.Add(Usual), nil
	}
	asked = asked.UTC().Truncate(time.Microsecond)
	if !asked.After(now) {
		return asked, fault.New(fault.Invalid, "token.expires_past").At("expires")
	}
	if asked.After(now.Add(Longest)) {
		return asked, fault.New(fault.Invalid, "token.expires_long").At("expires")
	}
	return asked, nil
}

func checkName(s string) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return s, fault.New(fault.Invalid, "token.name_empty").At("name")
	case utf8.RuneCountInString(s) > maxName:
		return s, fault.New(fault.Invalid, "token.name_long", "most", maxName).At("name")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return s, fault.New(fault.Invalid, "token.name_text").At("name")
	}
	return s, nil
}

func object(id int64) string { return "token/" + strconv.FormatInt(id, 10) }
