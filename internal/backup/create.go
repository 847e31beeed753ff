// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// Create writes a backup into a new file, readable by this user only. The file
// has its name only when it is complete and on disk. The portal may run, and
// write, meanwhile. Only operators may do this; it is on the audit record. Told
// may be nil.
func Create(ctx context.Context, db *store.DB, c caller.Caller, data, path string, told func(Progress)) (*Summary, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(err, fault.Conflict, "backup.exists", "file", path)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".teiten-backup-*") // with permissions 0600
	if err != nil {
		return nil, cannotWrite(err)
	}
	defer os.Remove(tmp.Name()) // after success the name is gone already
	defer tmp.Close()
	s, err := Write(ctx, db, c, data, tmp, told)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return nil, cannotWrite(err)
	}
	if err := blob.PlaceNew(tmp.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil, fault.Wrap(err, fault.Conflict, "backup.exists", "file", path)
	} else if err != nil {
		return nil, cannotWrite(err)
	}
	return s, nil
}

// Write is Create into a stream. The end of the archive is written only after
// its audit record.
func Write(ctx context.Context, db *store.DB, c caller.Caller, data string, w io.Writer, told func(Progress)) (_ *Summary, err error) {
	if err := c.Need(caller.Operator); err != nil {
		return nil, err
	}
	if told == nil {
		told = func(Progress) {}
	}
	keys, err := blob.OpenKeyring(data)
	if err != nil {
		return nil, err
	}
	have, want, err := db.SchemaVersion(ctx)
	if err != nil {
		return nil, err
	}
	if have != want {
		return nil, fault.New(fault.Conflict, "backup.schema_now", "have", have, "want", want)
	}
	// Before the snapshot: what is deleted after it must still be there.
	release, err := blob.Hold(data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()

	h := &Header{Format: formatName, Version: formatVersion, Schema: have, Engine: db.Dialect.String(),
		Created: time.Now().UTC().Truncate(time.Microsecond), Key: keys.ID()}
	var a *writer
	objects := newBlobRows(keys)
	err = db.View(ctx, c, func(tx *store.Tx) (err error) {
		a, err = dump(ctx, tx, h, objects, data, w, told)
		return err
	})
	if err != nil {
		return nil, err
	}
	s := summary(h, &a.manifest)
	s.Unreadable = objects.unreadable
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "backup.create", "backup/"+h.Created.Format(time.RFC3339),
			"schema", h.Schema, "rows", s.Rows, "blobs", s.Blobs, "missing", len(s.Missing))
	})
	if err != nil {
		return nil, err
	}
	if err := a.finish(keys); err != nil {
		return nil, err
	}
	s.Sealed = true
	return s, nil
}

// dump writes everything but the archive's end from one snapshot.
func dump(ctx context.Context, tx *store.Tx, h *Header, objects *blobRows, data string, w io.Writer, told func(Progress)) (*writer, error) {
	var err error
	if h.Tables, err = tables(ctx, tx); err != nil {
		return nil, err
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	a, err := newWriter(w, h)
	if err != nil {
		return nil, err
	}
	if a.manifest.Sequences, err = sequences(ctx, tx); err != nil {
		return nil, err
	}
	var p Progress
	for i := range h.Tables {
		t := &h.Tables[i]
		p.Table = t.Name
		isBlob, before := objects.at(t), p.Rows
		err := a.rows(t, func(row func([]any) error) error {
			return eachRow(ctx, tx, t, func(values []any) error {
				if isBlob {
					objects.row(values)
				}
				return row(values)
			})
		}, func(rows int64) {
			p.Rows = before + rows
			told(p)
		})
		if err != nil {
			return nil, err
		}
	}
	p.Table = ""
	for _, name := range objects.names() {
		if !blob.ValidName(name) {
			a.manifest.Missing = append(a.manifest.Missing, name)
			continue
		}
		if err := a.blob(ctx, data, name); err != nil {
			return nil, err
		}
		p.Blobs = a.manifest.Blobs
		told(p)
	}
	return a, nil
}
