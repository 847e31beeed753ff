// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/search"
	"teiten/internal/store"
)

// RestoreOptions say with what a backup is restored.
type RestoreOptions struct {
	// Key is the installation's key. It is put into the data folder; nil means
	// the one that is there.
	Key *blob.Keyring
	// WithoutKey restores though there is no key: the seal is not checked, and
	// the objects cannot be read until the key is imported.
	WithoutKey bool
	// Progress may be nil.
	Progress func(Progress)
}

// Restore makes an installation from an archive. The place, a data folder and
// the database that belongs to it, must be empty, but for the key and the
// configuration file; its engine need not be the one of the backup. Nothing is
// seen there until everything has been read and proven; when it fails, or the
// context ends, nothing is left. An archive of an older schema is brought up to
// date, one of a newer schema is refused.
//
// What changes on the way: jobs that were running wait again, change sequences
// leap ahead, and the audit record has the restore in it. Nobody comes in for
// having been there before: sessions, sign-ins under way, open invitations of
// devices, codes of a first sign-in and open recoveries end, because they may
// have been used or withdrawn after the backup. People sign in anew with what
// they have; who had an open invitation or code needs a new one.
//
// What the backup cannot know, people must repeat: since its time
// ([Summary.Created]) devices and tokens may have been revoked, people have
// left, passwords, passkeys and apps been changed, and recovery codes been used
// or replaced. All of these are again as they were.
func Restore(ctx context.Context, c caller.Caller, place store.Options, r io.Reader, o RestoreOptions) (*Summary, error) {
	if err := c.Need(caller.Operator); err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	keys, err := keyFor(place.Data, o.Key)
	if err != nil {
		return nil, err
	}
	a, err := open(ctx, r, keys)
	if err != nil {
		return nil, err
	}
	if keys == nil && !o.WithoutKey {
		return nil, fault.New(fault.Invalid, "backup.key_absent", "key", a.header.Key)
	}
	st, err := newStage(ctx, place)
	if err != nil {
		return nil, err
	}
	s, err := st.fill(ctx, c, a, o.Progress)
	if err == nil {
		err = st.publish(ctx, o.Key)
	}
	left := st.drop()
	if err != nil {
		return nil, errors.Join(err, left)
	}
	return s, nil // whatever is left of the stage is empty
}

// Verify reads an archive to its end and checks every checksum and every row,
// and the seal if the key is given. It writes nothing.
func Verify(ctx context.Context, r io.Reader, keys *blob.Keyring) (*Summary, error) {
	a, err := open(ctx, r, keys)
	if err != nil {
		return nil, err
	}
	for {
		t, err := a.nextTable()
		if err != nil {
			return nil, err
		}
		if t == nil {
			break
		}
		for err == nil {
			_, err = a.nextRow()
		}
		if err != io.EOF { // not errors.Is: a fault may have it as its cause
			return nil, err
		}
	}
	for {
		name, body, err := a.nextBlob()
		if err != nil {
			return nil, err
		}
		if name == "" {
			return a.finish()
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return nil, a.explain(err, blobEntry(name))
		}
		if err := a.endBlob(); err != nil {
			return nil, err
		}
	}
}

// open reads an archive's header and checks that the key is the one of its
// installation.
func open(ctx context.Context, r io.Reader, keys *blob.Keyring) (*reader, error) {
	a, err := newReader(ctx, r, keys)
	if err != nil {
		return nil, err
	}
	if keys != nil && keys.ID() != a.header.Key {
		return nil, fault.New(fault.Invalid, "backup.key_wrong", "have", keys.ID(), "want", a.header.Key)
	}
	return a, nil
}

// keyFor returns the key to restore with; nil if there is none.
func keyFor(data string, given *blob.Keyring) (*blob.Keyring, error) {
	there, err := blob.LoadKeyring(data)
	switch {
	case fault.Is(err, fault.NotFound):
		return given, nil
	case err != nil:
		return nil, err
	case given != nil && given.ID() != there.ID():
		return nil, fault.New(fault.Conflict, "blob.key_other", "file", filepath.Join(data, blob.KeyFile))
	}
	return there, nil
}

// fill puts everything into the stage and closes its database.
func (st *stage) fill(ctx context.Context, c caller.Caller, a *reader, told func(Progress)) (*Summary, error) {
	_, newest, err := st.db.SchemaVersion(ctx)
	if err != nil {
		return nil, err
	}
	if a.header.Schema > newest {
		return nil, fault.New(fault.Invalid, "backup.schema_newer", "have", a.header.Schema, "want", newest)
	}
	if err := st.db.MigrateTo(ctx, a.header.Schema); err != nil {
		return nil, err
	}
	var rows int64
	err = st.db.Keep(ctx, func(tx *store.Tx) error {
		return load(ctx, tx, a, func(p Progress) { rows = p.Rows; told(p) })
	})
	if err != nil {
		return nil, err
	}
	if err := st.blobs(a, func(n int64) { told(Progress{Rows: rows, Blobs: n}) }); err != nil {
		return nil, err
	}
	s, err := a.finish()
	if err != nil {
		return nil, err
	}
	if err := st.db.Migrate(ctx); err != nil {
		return nil, err
	}
	err = st.db.Write(ctx, c, func(tx *store.Tx) error {
		ended, err := endAccess(ctx, tx)
		if err != nil {
			return err
		}
		s.Ended = &ended
		if err := setSequences(ctx, tx, a.manifest.Sequences); err != nil {
			return err
		}
		if err := freeJobs(ctx, tx); err != nil {
			return err
		}
		if err := leapSequences(ctx, tx); err != nil {
			return err
		}
		if err := search.Rebuild(ctx, tx); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "backup.restore", "backup/"+a.header.Created.Format(time.RFC3339),
			"schema", a.header.Schema, "engine", a.header.Engine, "rows", s.Rows, "blobs", s.Blobs,
			"missing", len(s.Missing), "unreadable", len(s.Unreadable), "sealed", s.Sealed,
			"sessions_ended", ended.Sessions, "invitations_cancelled", ended.Invitations, "codes_cancelled", ended.Codes, "recoveries_cancelled", ended.Recoveries)
	})
	if err != nil {
		return nil, err
	}
	return s, st.close()
}

// blobs writes the archive's objects into the stage.
func (st *stage) blobs(a *reader, told func(int64)) error {
	for {
		name, body, err := a.nextBlob()
		if err != nil || name == "" {
			return err
		}
		path := blob.Path(st.folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return st.disk(err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return st.disk(err)
		}
		in := &source{ctx: a.src.ctx, r: body}
		_, err = io.CopyBuffer(f, in, make([]byte, 256<<10))
		switch closing := errors.Join(f.Sync(), f.Close()); {
		case in.err != nil:
			return a.explain(in.err, blobEntry(name))
		case err != nil || closing != nil:
			return st.disk(errors.Join(err, closing))
		}
		if err := a.endBlob(); err != nil {
			return err
		}
		told(a.blobs)
	}
}

// ExportKey writes the installation's key as one line, to be kept apart from
// the backups: who has both can read everything. It is on the audit record.
func ExportKey(ctx context.Context, db *store.DB, c caller.Caller, data string, w io.Writer) error {
	if err := c.Need(caller.Operator); err != nil {
		return err
	}
	keys, err := blob.OpenKeyring(data)
	if err != nil {
		return err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "key.export", "key/"+keys.ID())
	})
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, keys.Line()+"\n"); err != nil {
		return cannotWrite(err)
	}
	return nil
}

// ImportKey puts a key that ExportKey wrote into the data folder. It never
// replaces another key.
func ImportKey(data string, r io.Reader) (*blob.Keyring, error) {
	text, err := io.ReadAll(io.LimitReader(r, 8<<10))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "backup.read")
	}
	keys, err := blob.ParseKey(string(text))
	if err != nil {
		return nil, err
	}
	return keys, keys.Save(data)
}
