// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Settings are what an institution says of its mail.
type Settings struct {
	// Authserv are the names with which its own servers sign what they found
	// out (authserv-id of RFC 8601), lower case. Fields of others are not
	// believed: anybody can write them.
	Authserv []string
}

const maxAuthserv = 20

// ReadSettings returns the settings of an organisation that the caller may read.
func ReadSettings(ctx context.Context, q store.Queryer, c caller.Caller, org int64) (Settings, error) {
	if err := permit.CheckFor(c, permit.InstitutionRead, org); err != nil {
		return Settings{}, err
	}
	return readSettings(ctx, q, org)
}

// ChangeSettings stores the settings of an organisation that the caller manages.
func ChangeSettings(ctx context.Context, db *store.DB, c caller.Caller, org int64, s Settings) error {
	if err := permit.CheckFor(c, permit.InstitutionManage, org); err != nil {
		return err
	}
	if len(s.Authserv) > maxAuthserv {
		return fault.New(fault.TooLarge, "mailcheck.authserv_many", "most", maxAuthserv).At("authserv")
	}
	var ids []string
	for _, id := range s.Authserv {
		id = strings.ToLower(strings.TrimSpace(id))
		if id == "" || slices.Contains(ids, id) {
			continue
		}
		if len(id) > 255 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`;"()\`, r) }) {
			return fault.New(fault.Invalid, "mailcheck.authserv", "id", clip(id)).At("authserv")
		}
		ids = append(ids, id)
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, writeSettings, org, strings.Join(ids, " "), c.Account, store.Micros(tx.Now)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "mailcheck.settings", fmt.Sprintf("organisation/%d", org), "authserv", strings.Join(ids, " "))
	})
}
