// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"teiten/internal/blob"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// maxNote is the most bytes of a note that is read from outside.
const maxNote = 16 << 10

// Checkpoint says how the tree was at one time: C2SP tlog-checkpoint.
type Checkpoint struct {
	Origin string    `json:"origin"` // names this installation's log
	Size   int64     `json:"size"`   // leaves, that is sealed records, since the first
	Root   tlog.Hash `json:"root"`
	At     time.Time `json:"at"`   // when it was signed; not in the note, zero for one from outside
	Note   string    `json:"note"` // the signed note, to be kept as it is
}

// text is what is signed: origin, size and root, a line each.
func (c *Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// ParseCheckpoint reads a signed checkpoint of at most 16 KiB that one of the
// verifiers vouches for. Lines that later versions of the format may add after
// the root are signed with the rest and not looked at.
func ParseCheckpoint(text []byte, verifiers note.Verifiers) (*Checkpoint, error) {
	if len(text) > maxNote {
		return nil, fault.New(fault.TooLarge, "audit.note_size", "most", maxNote)
	}
	// Windows' editors and mail programs change the ends of lines.
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	n, err := note.Open(text, verifiers)
	var unsigned *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unsigned), errors.As(err, &invalid):
		return nil, fault.Wrap(err, fault.Invalid, "audit.note_foreign")
	case err != nil:
		return nil, fault.Wrap(err, fault.Invalid, "audit.note_format")
	}
	c := &Checkpoint{Note: string(text)}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] == "" {
		return nil, fault.New(fault.Invalid, "audit.note_format")
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return nil, fault.New(fault.Invalid, "audit.note_format")
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil || c.Root.String() != lines[2] {
		return nil, fault.New(fault.Invalid, "audit.note_format")
	}
	return c, nil
}

// signerUse binds the encrypted key to the verifier that is shown beside it.
func signerUse(verifier string) string { return "audit signer " + verifier }

// Verifier returns the key with which checkpoints are verified, in the form
// that the note package reads, or "" if nothing was ever sealed. Institutions
// keep it with their first checkpoint.
func Verifier(ctx context.Context, q store.Queryer) (string, error) {
	var text string
	err := q.QueryRow(ctx, `SELECT verifier FROM audit_signer WHERE id = 1`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, err
}

// loadSigner reads the key that signs. The verifier is believed because the
// installation's key opens what it is bound to.
func loadSigner(ctx context.Context, q store.Queryer, keys *blob.Keyring) (note.Signer, note.Verifier, error) {
	var text string
	var sealed []byte
	err := q.QueryRow(ctx, `SELECT verifier, signer FROM audit_signer WHERE id = 1`).Scan(&text, &sealed)
	if err != nil {
		return nil, nil, store.NotFound(err)
	}
	key, err := keys.Reveal(signerUse(text), sealed)
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Unavailable, "audit.signer")
	}
	signer, err := note.NewSigner(string(key))
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Internal, "audit.signer")
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Internal, "audit.signer")
	}
	return signer, verifier, nil
}

// makeSigner makes the installation's Ed25519 key. Its name, the log's origin,
// holds the id of the installation's key.
func makeSigner(ctx context.Context, tx *store.Tx, keys *blob.Keyring) (note.Signer, error) {
	key, verifier, err := note.GenerateKey(rand.Reader, "teiten/audit/"+keys.ID())
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO audit_signer (id, verifier, signer, created_at) VALUES (1, $1, $2, $3)`,
		verifier, keys.Protect(signerUse(verifier), []byte(key)), store.Micros(tx.Now)); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return note.NewSigner(key)
}

// Newest returns the newest checkpoint; nil before the first.
func Newest(ctx context.Context, q store.Queryer) (*Checkpoint, error) {
	all, err := Checkpoints(ctx, q, 0, 1)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// Checkpoints lists checkpoints, the newest first, those smaller than the given
// size if it is not 0. Of days that are over, the last one of each is kept. Who
// may see them is no question: they tell nothing but how many records there are.
func Checkpoints(ctx context.Context, q store.Queryer, before int64, limit int) ([]Checkpoint, error) {
	text, err := Verifier(ctx, q)
	if err != nil || text == "" {
		return nil, err
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "audit.signer")
	}
	rows, err := q.Query(ctx, `SELECT at, note FROM audit_checkpoint WHERE size < $1 OR $1 = 0 ORDER BY size DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("audit: checkpoints: %w", err)
	}
	defer rows.Close()
	var all []Checkpoint
	for rows.Next() {
		var at int64
		var signed string
		if err := rows.Scan(&at, &signed); err != nil {
			return nil, fmt.Errorf("audit: checkpoints: %w", err)
		}
		c, err := ParseCheckpoint([]byte(signed), note.VerifierList(verifier))
		if err != nil {
			return nil, err
		}
		c.At = store.Time(at)
		all = append(all, *c)
	}
	return all, rows.Err()
}
