// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"teiten/internal/fault"
	"teiten/internal/store"
)

// rubbishAge is how old a file without a row must be before Sweep removes it:
// well above draftTime, so that no draft is swept before it is attached.
const rubbishAge = 24 * time.Hour

// Delete removes an object's row in the transaction of what it belonged to.
// Call Remove after the commit. Without its row the object's key is gone, and
// nobody can read the file any more.
func Delete(ctx context.Context, tx *store.Tx, name string) error {
	return remove(ctx, tx, name)
}

// Remove removes the file of an object whose row is deleted. While a backup
// runs the file stays, for Sweep. A file that is gone already is fine.
func (s *Store) Remove(name string) error {
	if !ValidName(name) || held(s.data) {
		return nil
	}
	if err := os.Remove(Path(s.data, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.disk(err)
	}
	return nil
}

// Sweep removes files that have no row and are older than a day: what a crash
// between file and row left, and what Remove kept for a backup. It returns how
// many it removed; while a backup runs, none.
func (s *Store) Sweep(ctx context.Context, q store.Queryer) (n int, err error) {
	if held(s.data) {
		return 0, nil
	}
	old := time.Now().Add(-rubbishAge)
	const batch = 200
	var names []string
	flush := func() error {
		rowless, err := withoutRow(ctx, q, names)
		names = names[:0]
		for _, name := range rowless {
			if err := s.Remove(name); err != nil {
				return err
			}
			n++
		}
		return err
	}
	err = Names(s.data, func(name string, info fs.FileInfo) error {
		if info.ModTime().After(old) {
			return nil
		}
		if names = append(names, name); len(names) < batch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return n, err
	}
	unfinished, err := s.sweepUnfinished(old)
	return n + unfinished, err
}

// sweepUnfinished removes uploads that a crash cut off, and old holds.
func (s *Store) sweepUnfinished(old time.Time) (n int, err error) {
	root := filepath.Join(s.data, Folder)
	for _, folder := range []string{root, filepath.Join(root, incoming)} {
		files, err := os.ReadDir(folder)
		if err != nil {
			return n, s.disk(err)
		}
		for _, f := range files {
			ours := folder != root && ValidName(f.Name()) || folder == root && strings.HasPrefix(f.Name(), holdPrefix)
			info, err := f.Info()
			if err != nil || !ours || info.ModTime().After(old) {
				continue
			}
			if err := os.Remove(filepath.Join(folder, f.Name())); err != nil {
				return n, s.disk(err)
			}
			n++
		}
	}
	return n, nil
}

// Problem is an object that Check could not read.
type Problem struct {
	Name string
	Err  error // blob.gone, blob.altered, blob.key_wrapped
}

// Check reads every object to its end and returns those that cannot be read,
// and how many there are in all. It takes as long as reading the disk.
func (s *Store) Check(ctx context.Context, q store.Queryer) (all int, problems []Problem, err error) {
	names, err := listNames(ctx, q)
	if err != nil {
		return 0, nil, err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return all, problems, err
		}
		all++
		if err := s.readThrough(ctx, q, name); fault.Is(err, fault.NotFound) {
			all-- // deleted meanwhile
		} else if err != nil {
			problems = append(problems, Problem{Name: name, Err: err})
		}
	}
	return all, problems, nil
}

func (s *Store) readThrough(ctx context.Context, q store.Queryer, name string) error {
	r, err := s.Open(ctx, q, name)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}
