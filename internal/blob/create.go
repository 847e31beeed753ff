// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"

	"teiten/internal/fault"
	"teiten/internal/store"
)

const (
	segmentSize = 1 << 20 // of ciphertext
	// draftTime is how long a draft may wait for its row; it is well below the
	// age at which Sweep takes a file without one for rubbish.
	draftTime = 6 * time.Hour
)

// Store is the folder of objects with the installation's key. It is safe for
// concurrent use, also by several processes.
type Store struct {
	data string
	keys *Keyring
}

// Open opens the objects of the data folder; the key is made on first use.
func Open(data string) (*Store, error) {
	keys, err := OpenKeyring(data)
	if err != nil {
		return nil, err
	}
	root := filepath.Join(data, Folder)
	if err := os.MkdirAll(filepath.Join(root, incoming), 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "blob.disk", "folder", root)
	}
	return &Store{data: data, keys: keys}, nil
}

// Keyring returns the installation's key.
func (s *Store) Keyring() *Keyring { return s.keys }

// Ref is what is known of an object.
type Ref struct {
	Name    string    // 32 hexadecimal digits
	Purpose string    // what it is for: specimen, attachment, import
	Size    int64     // of the plaintext, in bytes
	SHA256  string    // of the plaintext, in hexadecimal digits
	Created time.Time // when its row was written
}

// Draft is an object that is safely on disk but has no row yet: nobody can
// read it, and Sweep removes it in a day. Attach makes it an object.
type Draft struct {
	Ref
	store *Store
	key   []byte
	made  time.Time
}

// Create encrypts what r gives into a new object, until r ends or gives more
// than limit bytes; then the fault's kind is TooLarge. When it returns, the
// object lies on disk to stay. An error of r is returned as it is.
//
// Call it before the transaction, never in it: uploads are slow.
func (s *Store) Create(ctx context.Context, purpose string, r io.Reader, limit int64) (*Draft, error) {
	d := &Draft{Ref: Ref{Name: newName(), Purpose: purpose}, store: s, key: make([]byte, keySize), made: time.Now()}
	rand.Read(d.key)
	tmp := filepath.Join(s.data, Folder, incoming, d.Name)
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, s.disk(err)
	}
	defer os.Remove(tmp) // after success the name is gone already
	err = d.fill(ctx, f, r, limit)
	if err == nil {
		if err = f.Sync(); err != nil {
			err = s.disk(err)
		}
	}
	if closing := f.Close(); err == nil && closing != nil {
		err = s.disk(closing)
	}
	if err != nil {
		return nil, err
	}
	path := Path(s.data, d.Name)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err == nil {
		err = SyncFolder(filepath.Join(s.data, Folder))
		if err != nil {
			return nil, s.disk(err)
		}
	} else if !os.IsExist(err) {
		return nil, s.disk(err)
	}
	if err := PlaceNew(tmp, path); err != nil {
		return nil, s.disk(err)
	}
	return d, nil
}

// fill streams r through the hash and the encryption into f.
func (d *Draft) fill(ctx context.Context, f io.Writer, r io.Reader, limit int64) error {
	out := bufio.NewWriterSize(f, 64<<10)
	aead, err := cipherOf(d.key)
	if err != nil {
		return err
	}
	enc, err := aead.NewEncryptingWriter(out, []byte(d.Name))
	if err != nil {
		return d.store.disk(err)
	}
	hash := sha256.New()
	buf := make([]byte, 64<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		if d.Size += int64(n); d.Size > limit {
			return fault.New(fault.TooLarge, "blob.too_large", "limit", limit)
		}
		hash.Write(buf[:n])
		if _, writing := enc.Write(buf[:n]); writing != nil {
			return d.store.disk(writing)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("blob: read: %w", err)
		}
	}
	if err := errors.Join(enc.Close(), out.Flush()); err != nil {
		return d.store.disk(err)
	}
	d.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return nil
}

// cipherOf returns the streaming encryption under an object's key.
func cipherOf(key []byte) (*subtle.AESGCMHKDF, error) {
	a, err := subtle.NewAESGCMHKDF(key, "SHA256", keySize, segmentSize, 0)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return a, nil
}

// Attach writes the object's row in the transaction of what it belongs to. If
// that transaction is rolled back, Sweep will remove the file.
func (d *Draft) Attach(ctx context.Context, tx *store.Tx) error {
	if time.Since(d.made) > draftTime {
		return fault.New(fault.Conflict, "blob.draft_old")
	}
	d.Created = tx.Now
	return insert(ctx, tx, d.Ref, d.store.keys.wrapKey(d.key, d.Name, d.Purpose))
}

// Discard removes a draft that will not be attached. It must not be called
// after the commit of a transaction that attached it.
func (d *Draft) Discard() error { return d.store.Remove(d.Name) }

func (s *Store) disk(err error) error {
	return fault.Wrap(err, fault.Unavailable, "blob.disk", "folder", filepath.Join(s.data, Folder))
}
