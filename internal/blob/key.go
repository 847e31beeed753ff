// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"teiten/internal/fault"
)

// KeyFile is the file of the installation's key in the data folder.
const KeyFile = "installation.key"

const (
	keySize     = 32
	checkSize   = 3 // so that key and checksum are 56 base32 characters without padding
	keyPrefix   = "teiten-installation-key:v1:"
	maxKeyInput = 4096
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// Keyring holds the installation's key and the keys made from it with HKDF
// (RFC 5869), one for each use.
type Keyring struct {
	key     [keySize]byte
	wrap    cipher.AEAD // of objects' keys
	secrets cipher.AEAD // of what the database keeps
	seal    []byte
	id      string
}

func newKeyring(key [keySize]byte) (*Keyring, error) {
	derive := func(use string, size int) []byte {
		// Expanding fails for absurd sizes only.
		b, err := hkdf.Key(sha256.New, key[:], nil, "teiten "+use+" v1", size)
		if err != nil {
			panic(err)
		}
		return b
	}
	wrap, err := gcm(derive("blob key wrapping", 32))
	if err != nil {
		return nil, err
	}
	secrets, err := gcm(derive("secrets", 32))
	if err != nil {
		return nil, err
	}
	return &Keyring{
		key: key, wrap: wrap, secrets: secrets,
		seal: derive("backup seal", 32),
		id:   hex.EncodeToString(derive("key id", 8)),
	}, nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return aead, nil
}

// NewKeyring makes a fresh random key.
func NewKeyring() (*Keyring, error) {
	var key [keySize]byte
	rand.Read(key[:])
	return newKeyring(key)
}

// ID names the key without telling it: 16 hexadecimal digits.
func (k *Keyring) ID() string { return k.id }

// String keeps the key out of logs.
func (k *Keyring) String() string { return "installation key " + k.id }

// GoString keeps the key out of %#v.
func (k *Keyring) GoString() string { return k.String() }

// Seal returns HMAC-SHA-256 (RFC 2104) of a message under a key that only
// this installation has.
func (k *Keyring) Seal(message []byte) []byte {
	h := hmac.New(sha256.New, k.seal)
	h.Write(message)
	return h.Sum(nil)
}

// Line is the key as it is written down: a prefix with the version, and key
// and checksum in base32 (RFC 4648) in groups of four characters. Whoever has
// it can read every object of this installation.
func (k *Keyring) Line() string {
	text := base32Text.EncodeToString(append(k.key[:], checksum(k.key[:])...))
	var groups []string
	for ; text != ""; text = text[4:] {
		groups = append(groups, text[:4])
	}
	return keyPrefix + strings.Join(groups, "-")
}

func checksum(key []byte) []byte {
	sum := sha256.Sum256(append([]byte(keyPrefix), key...))
	return sum[:checkSize]
}

// ParseKey reads a line that Line wrote, also one typed from paper: hyphens,
// spaces, line breaks and the case of letters do not matter.
func ParseKey(text string) (*Keyring, error) {
	if len(text) > maxKeyInput {
		return nil, fault.New(fault.Invalid, "blob.key_format")
	}
	text = strings.ToUpper(strings.NewReplacer("-", "", " ", "", "\t", "", "\r", "", "\n", "").Replace(text))
	text, ok := strings.CutPrefix(text, strings.ToUpper(strings.ReplaceAll(keyPrefix, "-", "")))
	if !ok {
		return nil, fault.New(fault.Invalid, "blob.key_format")
	}
	raw, err := base32Text.DecodeString(text)
	if err != nil || len(raw) != keySize+checkSize {
		// The cause would quote a part of the key.
		return nil, fault.New(fault.Invalid, "blob.key_typo")
	}
	if subtle.ConstantTimeCompare(raw[keySize:], checksum(raw[:keySize])) != 1 {
		return nil, fault.New(fault.Invalid, "blob.key_typo")
	}
	return newKeyring([keySize]byte(raw[:keySize]))
}

// LoadKeyring reads the key of the data folder. If there is none, the fault's
// kind is NotFound.
func LoadKeyring(data string) (*Keyring, error) {
	path := filepath.Join(data, KeyFile)
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fault.Wrap(err, fault.NotFound, "blob.key_absent", "file", path)
		}
		return nil, fault.Wrap(err, fault.Unavailable, "blob.key_file", "file", path)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyInput+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "blob.key_file", "file", path)
	}
	k, err := ParseKey(string(text))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "blob.key_damaged", "file", path)
	}
	return k, nil
}

// OpenKeyring reads the key of the data folder, or makes one on first use. It
// refuses to make one where objects already lie: they were encrypted with a
// key that is lost, and a new key would hide that.
func OpenKeyring(data string) (*Keyring, error) {
	k, err := LoadKeyring(data)
	if !fault.Is(err, fault.NotFound) {
		return k, err
	}
	if used, err := hasObjects(data); err != nil {
		return nil, err
	} else if used {
		return nil, fault.New(fault.Unavailable, "blob.key_lost", "file", filepath.Join(data, KeyFile))
	}
	if k, err = NewKeyring(); err != nil {
		return nil, err
	}
	if err := k.Save(data); fault.Is(err, fault.Conflict) {
		return LoadKeyring(data) // another process was first
	} else if err != nil {
		return nil, err
	}
	return k, nil
}

// Save writes the key into the data folder, readable by this user only. It
// never replaces another key; a folder that has this key already is fine.
func (k *Keyring) Save(data string) error {
	path := filepath.Join(data, KeyFile)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fault.Wrap(err, fault.Unavailable, "blob.key_file", "file", path)
	}
	tmp, err := os.CreateTemp(data, "."+KeyFile+"-*") // with permissions 0600
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "blob.key_file", "file", path)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(k.Line() + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fault.Wrap(err, fault.Unavailable, "blob.key_file", "file", path)
	}
	err = PlaceNew(tmp.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		if there, err := LoadKeyring(data); err == nil && there.id == k.id {
			return nil
		}
		return fault.New(fault.Conflict, "blob.key_other", "file", path)
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "blob.key_file", "file", path)
	}
	return nil
}

// Protect encrypts a secret that the database keeps and the program must read
// back: the key of the installation's own authority, the seed of one-time
// passwords. The use is bound to it, so that no secret can be put in another's
// place: name what and whose it is. The result is nonce, ciphertext and tag.
func (k *Keyring) Protect(use string, secret []byte) []byte {
	nonce := make([]byte, k.secrets.NonceSize(), k.secrets.NonceSize()+len(secret)+k.secrets.Overhead())
	rand.Read(nonce)
	return k.secrets.Seal(nonce, nonce, secret, []byte(use))
}

// Reveal decrypts what Protect made for the same use.
func (k *Keyring) Reveal(use string, sealed []byte) ([]byte, error) {
	n := k.secrets.NonceSize()
	if len(sealed) < n+k.secrets.Overhead() {
		return nil, fault.New(fault.Internal, "blob.secret", "use", use)
	}
	secret, err := k.secrets.Open(nil, sealed[:n], sealed[n:], []byte(use))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "blob.secret", "use", use)
	}
	return secret, nil
}

// wrapKey encrypts an object's key; the row's name and purpose are bound to
// it, so that no row can be given another's object. The result is nonce,
// ciphertext and tag.
func (k *Keyring) wrapKey(key []byte, name, purpose string) []byte {
	nonce := make([]byte, k.wrap.NonceSize(), k.wrap.NonceSize()+len(key)+k.wrap.Overhead())
	rand.Read(nonce)
	return k.wrap.Seal(nonce, nonce, key, wrapContext(name, purpose))
}

func (k *Keyring) unwrapKey(wrapped []byte, name, purpose string) ([]byte, error) {
	n := k.wrap.NonceSize()
	if len(wrapped) != n+keySize+k.wrap.Overhead() {
		return nil, fault.New(fault.Internal, "blob.key_wrapped", "name", name)
	}
	key, err := k.wrap.Open(nil, wrapped[:n], wrapped[n:], wrapContext(name, purpose))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "blob.key_wrapped", "name", name)
	}
	return key, nil
}

// Opens reports whether the wrapped key of an object's row was wrapped with
// this installation's key and belongs to that row.
func (k *Keyring) Opens(wrapped []byte, name, purpose string) bool {
	_, err := k.unwrapKey(wrapped, name, purpose)
	return err == nil
}

func wrapContext(name, purpose string) []byte {
	return bytes.Join([][]byte{[]byte("teiten-blob-key:v1"), []byte(name), []byte(purpose)}, []byte{0})
}
