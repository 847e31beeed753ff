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
	"teiten/internal/indicator"
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

const maxRecord = 4096 // bytes of a key's TXT record

// KeepKey keeps the TXT record of a DKIM key, such as
// "selector._domainkey.example.jp", for checks to come. An empty record forgets
// it. Operators only: a wrong key would make a forged mail look signed.
func KeepKey(ctx context.Context, db *store.DB, c caller.Caller, name, record string) error {
	if err := permit.Check(c, permit.InstallationManage); err != nil {
		return err
	}
	name = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
	selector, domain, ok := strings.Cut(name, "._domainkey.")
	if _, err := indicator.Normalise(indicator.Domain, domain); !ok || selector == "" || err != nil || len(name) > 253 {
		return fault.New(fault.Invalid, "mailcheck.key_name").At("name")
	}
	record = strings.TrimSpace(record)
	if record != "" && (!strings.Contains(record, "p=") || len(record) > maxRecord) {
		return fault.New(fault.Invalid, "mailcheck.key_record").At("record")
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		var err error
		if record == "" {
			_, err = tx.Exec(ctx, dropKey, name)
		} else {
			_, err = tx.Exec(ctx, writeKey, name, record, store.Micros(tx.Now))
		}
		if err != nil {
			return err
		}
		return audit.Append(ctx, tx, "mailcheck.key", "installation", "name", name, "kept", record != "")
	})
}
