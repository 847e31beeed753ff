// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package passkey

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// Limits of what an account may have and of what a browser may send.
const (
	MostPasskeys = 20       // of one account
	LongestLabel = 100      // characters
	MaxResponse  = 64 << 10 // bytes of a browser's answer; real ones have two to eight thousand
	ceremonyLife = 5 * time.Minute
	mostOpen     = 16 // ceremonies of one kind that one account has open on one device
)

// Passkey is one of an account's passkeys, as its owner sees it.
type Passkey struct {
	ID      int64
	Label   string
	Created time.Time
	Used    time.Time // the zero time for never
	Synced  bool      // other devices of the person's have it as well
}

// List returns the caller's own passkeys, the oldest first.
func List(ctx context.Context, q store.Queryer, c caller.Caller) ([]Passkey, error) {
	return list(ctx, q, c.Account)
}

// Count returns how many passkeys an account has, for those who must know
// whether it has a factor beside its password.
func Count(ctx context.Context, q store.Queryer, account int64) (int, error) {
	return count(ctx, q, account)
}

// Rename gives one of the caller's own passkeys another label.
func Rename(ctx context.Context, db *store.DB, c caller.Caller, id int64, label string) error {
	label, err := checkLabel(label)
	if err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := rename(ctx, tx, id, c.Account, label); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "passkey.rename", object("passkey", id))
	})
}

// Remove takes one of the caller's own passkeys away. Whether the account has
// another second factor is for the surface to say: without one, the last
// passkey stays, because its owner could not come in any more.
func Remove(ctx context.Context, db *store.DB, c caller.Caller, id int64, otherFactor bool) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := lockUser(ctx, tx, c.Account); err != nil { // two at once must not both find another one left
			return err
		}
		if err := remove(ctx, tx, id, c.Account); err != nil {
			return err
		}
		left, err := count(ctx, tx, c.Account)
		if err != nil {
			return err
		}
		if left == 0 && !otherFactor {
			return fault.New(fault.Conflict, "passkey.last")
		}
		return audit.Append(ctx, tx, "passkey.remove", object("passkey", id), "left", left)
	})
}

// RemoveAll takes every passkey of an account away, in the transaction of what
// makes it necessary: a recovery, after which no authenticator that may be in
// other hands must serve any more. Who may do that is for the caller to check.
func RemoveAll(ctx context.Context, tx *store.Tx, account int64) error {
	n, err := removeAll(ctx, tx, account)
	if err != nil || n == 0 {
		return err
	}
	return audit.Append(ctx, tx, "passkey.clear", object("account", account), "removed", n)
}

func checkLabel(label string) (string, error) {
	label = strings.TrimSpace(label)
	switch {
	case label == "":
		return "", fault.New(fault.Invalid, "passkey.label_empty").At("label")
	case !utf8.ValidString(label) || strings.ContainsFunc(label, unicode.IsControl):
		return "", fault.New(fault.Invalid, "passkey.label_text").At("label")
	case utf8.RuneCountInString(label) > LongestLabel:
		return "", fault.New(fault.Invalid, "passkey.label_long", "most", LongestLabel).At("label")
	}
	return label, nil
}

func object(noun string, id int64) string { return noun + "/" + strconv.FormatInt(id, 10) }
