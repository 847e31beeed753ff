// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"context"
	"errors"
	"io"
	"strconv"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/store"
)

// HandleJob reports one mail of the mailbox and answers it.
const HandleJob = "mailbox.handle"

type handleArgs struct {
	Mail int64 `json:"mail"`
}

// envelope is to whom a mail is and who sent it.
type envelope struct {
	address, imap, org int64 // address and imap: one of them is 0
	sender             Sender
}

// errSeen rolls back the row of a mail that is there already.
var errSeen = errors.New("mailbox: the same mail came before")

// accepts looks an address up that mail is sent to. Anything else is not found.
func (b *Box) accepts(ctx context.Context, to string) (envelope, error) {
	a, ok := ParseSender(to)
	if !ok || a == (Sender{}) {
		return envelope{}, fault.New(fault.NotFound, "fault.not_found")
	}
	return accepted(ctx, b.DB, a.Fold())
}

// receive stores a mail. When it returns without an error, the mail lies
// encrypted on disk and its row and its job are committed; with fresh false it
// was there already, and id is the earlier one. also is done in the same
// transaction, for those who keep how far they have read.
func (b *Box) receive(ctx context.Context, e envelope, r io.Reader, also func(*store.Tx) error) (id int64, fresh bool, err error) {
	draft, err := b.Blobs.Create(ctx, purpose, r, b.cfg.MaxBytes)
	if err != nil {
		return 0, false, err
	}
	if draft.Size == 0 {
		return 0, false, errors.Join(fault.New(fault.Invalid, "mailbox.empty"), draft.Discard())
	}
	c, inside, err := person(ctx, b.DB, e.org, e.sender)
	if err != nil {
		return 0, false, err
	}
	if !inside {
		c = caller.System("mailbox")
		c.Org = e.org
	}
	folded := e.sender.Fold()
	m := Mail{Org: e.org, address: e.address, imap: e.imap, account: c.Account, Size: draft.Size, blob: draft.Name, State: Received,
		sender: b.Blobs.Keyring().Protect(senderUse, []byte(e.sender.String())), senderKey: senderKey(b.DB, folded)}
	digest := b.DB.Key("mailbox.seen", draft.SHA256, folded, strconv.FormatInt(e.address, 10), strconv.FormatInt(e.imap, 10))
	err = b.DB.Write(ctx, c, func(tx *store.Tx) error {
		if err := draft.Attach(ctx, tx); err != nil {
			return err
		}
		m.At = tx.Now
		if id, err = insertMail(ctx, tx, m); err != nil {
			return err
		}
		if earlier, err := seen(ctx, tx, digest, id); err != nil {
			return err
		} else if earlier != 0 {
			id = earlier
			return errSeen
		}
		if err := job.Enqueue(ctx, tx, HandleJob, handleArgs{id}); err != nil {
			return err
		}
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return audit.Append(ctx, tx, "mailbox.receive", object("mailbox_mail", id), "organisation", e.org, "size", draft.Size,
			"sender", audit.Personal(tx, folded), "inside", inside, "fetched", e.imap != 0)
	})
	if errors.Is(err, errSeen) {
		err = draft.Discard()
		if err == nil && also != nil {
			err = b.DB.Keep(ctx, also)
		}
		return id, false, err
	}
	if err != nil {
		// The draft is left to blob's sweep: on a lost connection nobody knows
		// whether the commit went through.
		return 0, false, err
	}
	b.halt("stored")
	b.Wake()
	return id, true, nil
}

// person returns who a sender is: the account that has the address, else one
// of the institution's staff without a name. inside is false when the address
// is of none of the institution's approved domains.
func person(ctx context.Context, q store.Queryer, org int64, s Sender) (c caller.Caller, inside bool, err error) {
	if s == (Sender{}) {
		return caller.Caller{}, false, nil
	}
	domains, err := member.Domains(ctx, q, org)
	if err != nil || !s.within(domains[org]) {
		return caller.Caller{}, false, err
	}
	c, err = sender(ctx, q, org, s.Fold())
	if fault.Is(err, fault.NotFound) { // the organisation has left
		return caller.Caller{}, false, nil
	}
	return c, err == nil, err
}

// senderUse binds sealed senders to their use; see blob.Keyring.Protect.
const senderUse = "mailbox.sender"

// senderKey names a sender without telling him.
func senderKey(q store.Queryer, folded string) int64 { return q.Key("mailbox.sender", folded) }

func object(noun string, id int64) string { return noun + "/" + strconv.FormatInt(id, 10) }
