// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/mailcheck"
	"teiten/internal/permit"
	"teiten/internal/redact"
	"teiten/internal/store"
)

const (
	// HoldFor is how long a mail is held that somebody has checked.
	HoldFor = 24 * time.Hour
	// mostHeld bounds the mails that one owner has held.
	mostHeld = 50
	// purpose of the encrypted objects.
	purpose = "mail"
)

// Held is a mail that somebody has checked and not reported yet.
type Held struct {
	ID       int64
	At       time.Time
	Until    time.Time
	Raw      []byte            // as it was handed in
	Answer   *mailcheck.Answer // as of now; Answer.Mail is the mail in question
	Redacted *redact.Mail      // what would be shared
	Report   int64             // the caller's report of this mail; 0 if there is none
}

// owner is who holds and reports: an account, or a ward's shared PC on which
// nobody is signed in.
type owner struct{ org, account, device int64 }

func ownerOf(c caller.Caller) (owner, error) {
	o := owner{org: c.Org, account: c.Account}
	if o.account == 0 {
		o.device = c.Device
	}
	if o.org == 0 || o.account == 0 && o.device == 0 {
		return owner{}, fault.New(fault.Forbidden, "fault.forbidden")
	}
	return o, nil
}

// Hold keeps a mail that somebody wants checked, encrypted, for a day, so that
// its answer has an address. Only the same account, or without one the same
// shared PC, can open it. What is no mail is refused with the fault of
// mail.Read. An owner has at most 50 mails held; the oldest make way.
func Hold(ctx context.Context, db *store.DB, blobs *blob.Store, k *mailcheck.Checker, c caller.Caller, raw []byte) (id int64, err error) {
	if err := permit.Check(c, permit.MailCheck); err != nil {
		return 0, err
	}
	own, err := ownerOf(c)
	if err != nil {
		return 0, err
	}
	if len(raw) > MaxMail {
		return 0, fault.New(fault.TooLarge, "report.large", "most", int64(MaxMail>>20))
	}
	answer, err := k.Check(ctx, db, c, raw)
	if err != nil {
		return 0, err
	}
	if err := mailcheck.Learn(ctx, db, c, answer); err != nil {
		return 0, err
	}
	d, err := blobs.Create(ctx, purpose, bytes.NewReader(raw), MaxMail)
	if err != nil {
		return 0, err
	}
	var gone []string
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if err := d.Attach(ctx, tx); err != nil {
			return err
		}
		id, err = tx.Insert(ctx, insertHold, own.org, own.account, own.device, d.Name, store.Micros(tx.Now), store.Micros(tx.Now.Add(HoldFor)))
		if err != nil {
			return err
		}
		if gone, err = deleteHolds(ctx, tx, deleteOldHolds, own.org, own.account, own.device, mostHeld); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "mail.hold", "hold/"+strconv.FormatInt(id, 10), "size", d.Size)
	})
	if err != nil {
		_ = d.Discard() // it has no row: package blob sweeps what is left
		return 0, err
	}
	return id, removeFiles(blobs, gone)
}

// deleteHolds deletes what a DELETE … RETURNING blob finds, and returns the
// names of the files that can be removed when that is committed.
func deleteHolds(ctx context.Context, tx *store.Tx, query string, args ...any) ([]string, error) {
	names, err := texts(ctx, tx, query, args...)
	for _, name := range names {
		if err := dropFile(ctx, tx, name); err != nil {
			return nil, err
		}
	}
	return names, err
}

// removeFiles removes files whose rows are gone. What cannot be removed now,
// the sweep of package blob removes: nobody can read it any more.
func removeFiles(blobs *blob.Store, names []string) error {
	for _, name := range names {
		if err := blobs.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// Open checks a held mail anew and shows what would be shared of it, hide
// hidden besides. Somebody else's is not found.
func Open(ctx context.Context, db *store.DB, blobs *blob.Store, k *mailcheck.Checker, c caller.Caller, id int64, hide []string) (*Held, error) {
	h, err := openHeld(ctx, db, blobs, c, id)
	if err != nil {
		return nil, err
	}
	if hide, err = checkHide(hide); err != nil {
		return nil, err
	}
	if h.Answer, err = k.Check(ctx, db, c, h.Raw); err != nil {
		return nil, err
	}
	in, err := insideOf(ctx, db, c.Org)
	if err != nil {
		return nil, err
	}
	h.Redacted = redact.Redact(h.Answer.Mail, in, hide)
	own, err := ownerOf(c)
	if err != nil {
		return nil, err
	}
	h.Report, err = reported(ctx, db, own, mailKey(db, h.Answer, h.Raw))
	return h, err
}

// openHeld reads a held mail by its id and the caller.
func openHeld(ctx context.Context, db *store.DB, blobs *blob.Store, c caller.Caller, id int64) (*Held, error) {
	own, err := ownerOf(c)
	if err != nil {
		return nil, err
	}
	h := &Held{ID: id}
	var name string
	var at, until int64
	if err := db.QueryRow(ctx, selectHold, id, own.org, own.account, own.device, store.Micros(now(db))).Scan(&name, &at, &until); err != nil {
		return nil, store.NotFound(err)
	}
	h.At, h.Until = store.Time(at), store.Time(until)
	r, err := blobs.Open(ctx, db, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	h.Raw, err = io.ReadAll(r)
	return h, err
}

// mailKey names the mail in question, so that one that was handed in twice, once
// by itself and once attached to another, is known again.
func mailKey(q store.Queryer, a *mailcheck.Answer, raw []byte) int64 {
	hash := a.Mail.SHA256
	if hash == "" {
		sum := sha256.Sum256(raw)
		hash = hex.EncodeToString(sum[:])
	}
	return q.Key("mail report", hash)
}

// insideOf is what is known of an organisation and its people, for redaction.
func insideOf(ctx context.Context, q store.Queryer, org int64) (redact.Inside, error) {
	in := redact.Inside{}
	var err error
	if in.Domains, err = texts(ctx, q, ownDomains, org); err != nil {
		return in, err
	}
	if in.Names, err = texts(ctx, q, ownNames, org); err != nil {
		return in, err
	}
	in.Addresses, err = texts(ctx, q, ownAddresses, org)
	return in, err
}
