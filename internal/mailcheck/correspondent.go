// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"context"
	"fmt"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/mail"
	"teiten/internal/store"
)

// remembered is how long a correspondent is remembered after the last mail.
const remembered = 2 * 366 * 24 * time.Hour

// correspondentKeys are the keyed hashes of a sender's address and domain, of
// one organisation: those of two cannot be compared.
func correspondentKeys(q interface{ Key(...string) int64 }, org int64, m *mail.Message) (address, site int64, ok bool) {
	if len(m.From) == 0 {
		return 0, 0, false
	}
	a := strings.ToLower(m.From[0].Address)
	host := hostOf(a)
	if host == "" {
		return 0, 0, false
	}
	of := fmt.Sprint(org)
	return q.Key("correspondent", of, a), q.Key("correspondent site", of, siteOf(host)), true
}

func readCorrespondents(ctx context.Context, q store.Queryer, org int64, m *mail.Message, f *Facts) error {
	address, site, ok := correspondentKeys(q, org, m)
	if !ok {
		return nil
	}
	known, err := met(ctx, q, org, address, site)
	f.Correspondents, f.Met = known.many, known.address
	// That somebody else of a provider wrote before says nothing.
	f.MetSite = known.site && !under(bundled().freeMail, hostOf(m.From[0].Address))
	return err
}

// Learn remembers the sender of a checked mail that was not found bad, so that
// rules can tell a first mail. Of a mail whose original was quoted inside
// another nothing is learned: its sender is what somebody typed. It is the
// program's own bookkeeping, of keyed hashes.
func Learn(ctx context.Context, db *store.DB, c caller.Caller, a *Answer) error {
	if c.Org == 0 || a == nil || a.Verdict != Unknown || a.Found == mail.Inline || a.Mail == nil {
		return nil
	}
	address, site, ok := correspondentKeys(db, c.Org, a.Mail)
	if !ok {
		return nil
	}
	return db.Keep(ctx, func(tx *store.Tx) error {
		for _, k := range []struct {
			key  int64
			site bool
		}{{address, false}, {site, true}} {
			if _, err := tx.Exec(ctx, learn, c.Org, k.key, k.site, store.Micros(tx.Now)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, forget, c.Org, store.Micros(tx.Now.Add(-remembered)))
		return err
	})
}

// signers are the names of the keys that a mail's signatures need.
func signers(m *mail.Message) (names []string) {
	for i, s := range m.All("DKIM-Signature") {
		if i == maxSignatures {
			break
		}
		var domain, selector string
		for _, tag := range strings.SplitN(s[:min(len(s), 8192)], ";", 40) {
			switch k, v, _ := strings.Cut(tag, "="); strings.TrimSpace(k) {
			case "d":
				domain = strings.TrimSpace(v)
			case "s":
				selector = strings.TrimSpace(v)
			}
		}
		if domain != "" && selector != "" && len(domain)+len(selector) < 250 {
			names = append(names, strings.ToLower(selector+"._domainkey."+strings.TrimSuffix(domain, ".")))
		}
	}
	return names
}
