// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"teiten/internal/fault"
)

const (
	// Folder is the folder of objects in the data folder.
	Folder     = "blobs"
	incoming   = "incoming" // where objects lie while they stream in
	holdPrefix = "hold-"    // see Hold
	nameSize   = 16         // bytes; a name has twice as many hexadecimal digits
)

// newName returns a random name: 32 hexadecimal digits.
func newName() string {
	var b [nameSize]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// ValidName reports whether s could be an object's name. Nothing else is ever
// joined to a path.
func ValidName(s string) bool {
	if len(s) != 2*nameSize {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Path is where the object of that name lies; the name must be valid.
func Path(data, name string) string {
	return filepath.Join(data, Folder, name[:2], name)
}

// PlaceNew gives a finished file its name, which must not be in use, and makes
// that last. The error is fs.ErrExist if it is in use.
func PlaceNew(from, to string) error {
	// A hard link fails if the name is taken; renaming would replace. Some file
	// systems have no links: there the name is looked up first.
	err := os.Link(from, to)
	switch {
	case err == nil:
		err = os.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return err
	default:
		if _, there := os.Lstat(to); !errors.Is(there, fs.ErrNotExist) {
			return errors.Join(there, fs.ErrExist)
		}
		err = os.Rename(from, to)
	}
	return errors.Join(err, SyncFolder(filepath.Dir(to)))
}

// SyncFolder makes names in a folder last through a loss of power.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrInvalid) {
		err = nil // some systems cannot do this with a folder, and need not
	}
	return errors.Join(err, d.Close())
}

// Names calls fn for each object's file in the data folder, in order of name.
func Names(data string, fn func(name string, info fs.FileInfo) error) error {
	root := filepath.Join(data, Folder)
	shelves, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "blob.disk", "folder", root)
	}
	for _, shelf := range shelves {
		if !shelf.IsDir() || len(shelf.Name()) != 2 {
			continue
		}
		files, err := os.ReadDir(filepath.Join(root, shelf.Name()))
		if err != nil {
			return fault.Wrap(err, fault.Unavailable, "blob.disk", "folder", root)
		}
		for _, f := range files {
			if !ValidName(f.Name()) || f.Name()[:2] != shelf.Name() {
				continue
			}
			info, err := f.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // removed meanwhile
			}
			if err == nil {
				err = fn(f.Name(), info)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

var errFound = errors.New("found")

func hasObjects(data string) (bool, error) {
	err := Names(data, func(string, fs.FileInfo) error { return errFound })
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}

// holdTime is how long a Hold counts that was never released, because its
// process died.
const holdTime = 24 * time.Hour

// Hold keeps the files of objects that are deleted from now on, so that a
// backup finds every object of its snapshot. Take it before the snapshot;
// release it afterwards, and Sweep removes what was kept. Several may hold.
func Hold(data string) (release func() error, err error) {
	root := filepath.Join(data, Folder)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "blob.disk", "folder", root)
	}
	f, err := os.CreateTemp(root, holdPrefix+"*")
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "blob.disk", "folder", root)
	}
	f.Close()
	return func() error { return os.Remove(f.Name()) }, nil
}

// held reports whether a backup runs. When in doubt it does: a file that stays
// is removed later, one that is gone is gone.
func held(data string) bool {
	files, err := os.ReadDir(filepath.Join(data, Folder))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), holdPrefix) {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // released meanwhile
		}
		if err != nil || time.Since(info.ModTime()) < holdTime {
			return true
		}
	}
	return false
}
