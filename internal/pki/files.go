// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"teiten/internal/fault"
)

// maxFile bounds each file of keys and certificates in bytes.
const maxFile = maxBundleBytes

// ServerFiles is an operator's own certificate for the portal's door, from two
// files that another program renews. It is safe for concurrent use.
type ServerFiles struct{ watched[tls.Certificate] }

// OpenServerFiles reads a PEM chain, the leaf first, and the private key that
// belongs to it, PEM without a password. Both may be one file. The certificate
// must be for servers and valid at now.
func OpenServerFiles(chain, key string, now time.Time) (*ServerFiles, error) {
	f := &ServerFiles{}
	f.paths = []string{chain, key}
	f.parse = func(files [][]byte, now time.Time) (*tls.Certificate, error) {
		return parseServer(chain, key, files[0], files[1], now)
	}
	_, err := f.Reload(now)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Certificate returns the newest certificate that could be read.
func (f *ServerFiles) Certificate() *tls.Certificate { return f.current.Load() }

// BundleFile is a PEM file of the authorities whose clients may be registered.
// It is safe for concurrent use.
type BundleFile struct {
	watched[[]*x509.Certificate]
}

// OpenBundleFile reads the authorities of a file, as ParseBundle does.
func OpenBundleFile(path string) (*BundleFile, error) {
	f := &BundleFile{}
	f.paths = []string{path}
	f.parse = func(files [][]byte, _ time.Time) (*[]*x509.Certificate, error) {
		certs, err := ParseBundle(files[0])
		return &certs, inFile(err, path)
	}
	_, err := f.Reload(time.Time{})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Authorities returns the newest list that could be read; do not change it.
func (f *BundleFile) Authorities() []*x509.Certificate { return *f.current.Load() }

// watched is a value made from files that change under the running program.
type watched[T any] struct {
	paths []string
	parse func(files [][]byte, now time.Time) (*T, error)

	mu      sync.Mutex
	states  []fs.FileInfo
	current atomic.Pointer[T]
}

// Reload looks whether the files changed since the last call, and then reads
// them: changed is true when a new value took the old one's place. If they
// cannot be used, the old value stays and the error says why, once for each
// change of the files: log it. A call that finds nothing new costs one stat
// for each file.
func (w *watched[T]) Reload(now time.Time) (changed bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	states := make([]fs.FileInfo, len(w.paths))
	var failed error
	for i, p := range w.paths {
		// A file that is away for a moment has the state nil.
		var err error
		if states[i], err = os.Stat(p); err != nil && failed == nil {
			failed = fileFault(err, p)
		}
	}
	if w.states != nil && slices.EqualFunc(states, w.states, sameState) {
		return false, nil
	}
	w.states = states
	if failed != nil {
		return false, failed
	}
	files := make([][]byte, len(w.paths))
	for i, p := range w.paths {
		if files[i], err = readFile(p); err != nil {
			return false, err
		}
	}
	value, err := w.parse(files, now)
	if err != nil {
		return false, err
	}
	w.current.Store(value)
	return true, nil
}

func sameState(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileFault(err, path)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fileFault(err, path)
	}
	if len(b) > maxFile {
		return nil, fault.New(fault.TooLarge, "pki.file_large", "file", path, "most", maxFile)
	}
	return b, nil
}

func fileFault(err error, path string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(err, fault.NotFound, "pki.file_absent", "file", path)
	}
	return fault.Wrap(err, fault.Unavailable, "pki.file", "file", path)
}

// inFile names the file whose content is at fault.
func inFile(err error, path string) error {
	if err == nil {
		return nil
	}
	f := fault.From(err)
	return fault.Wrap(err, f.Kind, "pki.file_content", "file", path, "reason", f)
}

func parseServer(chainPath, keyPath string, chain, key []byte, now time.Time) (*tls.Certificate, error) {
	certs, err := parsePEM(chain, maxFile, 1+maxChain, true)
	if err != nil {
		return nil, inFile(err, chainPath)
	}
	if err := checkOrder(certs); err != nil {
		return nil, inFile(err, chainPath)
	}
	leaf := certs[0]
	if strings.Contains(string(key), "ENCRYPTED") {
		return nil, fault.New(fault.Invalid, "pki.server_key_locked", "file", keyPath)
	}
	pair, err := tls.X509KeyPair(EncodePEM(certs...), key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "pki.server_key", "file", keyPath)
	}
	if leaf.IsCA || len(leaf.DNSNames)+len(leaf.IPAddresses) == 0 || !forServers(leaf) {
		return nil, fault.New(fault.Invalid, "pki.server_usage", "file", chainPath)
	}
	if weak(leaf, false) {
		return nil, fault.New(fault.Invalid, "pki.server_weak", "file", chainPath)
	}
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return nil, fault.New(fault.Invalid, "pki.server_time", "file", chainPath,
			"from", leaf.NotBefore, "until", leaf.NotAfter)
	}
	pair.Leaf = leaf
	return &pair, nil
}

func forServers(c *x509.Certificate) bool {
	return len(c.ExtKeyUsage) == 0 || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}
