// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"teiten/internal/blob"
	"teiten/internal/fault"
)

const (
	formatName    = "teiten-backup"
	formatVersion = 1

	headerName   = "teiten-backup.json"
	manifestName = "manifest.json"
	sealName     = "manifest.seal"
)

// Limits in bytes on what an archive may hold.
const (
	partSize    = 4 << 20 // a part ends after the row that reaches this
	maxRow      = 64 << 20
	maxPart     = partSize + maxRow
	maxHeader   = 1 << 20
	maxManifest = 256 << 20
	maxBlob     = 1 << 40
)

// Type is a column's type in the words of both engines.
type Type string

const (
	Integer Type = "integer" // 64 bits
	Text    Type = "text"
	Boolean Type = "boolean"
	Bytes   Type = "bytes"
	Real    Type = "real" // 64 bits
)

// Column is one column of a table.
type Column struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	Null bool   `json:"null,omitempty"`
}

// Table is a table without what is derived.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// Header begins an archive.
type Header struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Schema  int64     `json:"schema"` // version of the database schema
	Engine  string    `json:"engine"`
	Created time.Time `json:"created"`
	Key     string    `json:"key"`    // blob.Keyring.ID of the installation
	Tables  []Table   `json:"tables"` // each after those that it refers to
}

// Entry is one file of the archive.
type Entry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Manifest ends an archive; what it does not list is not in it.
type Manifest struct {
	Rows      map[string]int64 `json:"rows"`      // of each table
	Sequences map[string]int64 `json:"sequences"` // the last id each table handed out
	Blobs     int64            `json:"blobs"`     // objects in the archive
	Missing   []string         `json:"missing"`   // objects that have a row but had no file
	Finished  time.Time        `json:"finished"`
	Entries   []Entry          `json:"entries"`
}

// Summary is what a backup, a check or a restore reports.
type Summary struct {
	Schema  int64            `json:"schema"`
	Engine  string           `json:"engine"` // on which the backup was made
	Created time.Time        `json:"created"`
	Key     string           `json:"key"`
	Tables  map[string]int64 `json:"tables"` // rows of each table
	Rows    int64            `json:"rows"`
	Blobs   int64            `json:"blobs"`
	// Bytes is the size of the entries before compression.
	Bytes int64 `json:"bytes"`
	// Missing are objects whose file was gone when the backup was made.
	Missing []string `json:"missing,omitempty"`
	// Unreadable are objects whose row the installation's key does not open.
	Unreadable []string `json:"unreadable,omitempty"`
	// Sealed says that the seal was checked: this installation's own backup,
	// unaltered. Without the key only damage is noticed, not forgery.
	Sealed bool `json:"sealed"`
	// Ended is nil where nothing was restored.
	Ended *Ended `json:"ended,omitempty"`
}

func summary(h *Header, m *Manifest) *Summary {
	s := &Summary{Schema: h.Schema, Engine: h.Engine, Created: h.Created, Key: h.Key,
		Tables: m.Rows, Blobs: m.Blobs, Missing: m.Missing}
	for _, n := range m.Rows {
		s.Rows += n
	}
	for _, e := range m.Entries {
		s.Bytes += e.Size
	}
	return s
}

// Progress is told now and then during long work.
type Progress struct {
	Table string // the table at hand; "" while objects are copied
	Rows  int64  // so far, of all tables
	Blobs int64  // so far
}

// plainName is what tables and columns are called; nothing else is put into SQL.
var plainName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// check refuses a header that this program cannot follow.
func (h *Header) check() error {
	if h.Format != formatName || h.Version < 1 {
		return fault.New(fault.Invalid, "backup.not_archive")
	}
	if h.Version > formatVersion {
		return fault.New(fault.Invalid, "backup.format_newer", "have", h.Version, "want", formatVersion)
	}
	bad := func(why string) error {
		return fault.Wrap(fmt.Errorf("header: %s", why), fault.Invalid, "backup.damaged", "entry", headerName)
	}
	if h.Schema < 1 || len(h.Tables) == 0 || len(h.Tables) > 1000 {
		return bad("schema or tables")
	}
	seen := map[string]bool{}
	for _, t := range h.Tables {
		if !plainName.MatchString(t.Name) || seen[t.Name] || len(t.Columns) == 0 || len(t.Columns) > 500 {
			return bad("table " + t.Name)
		}
		seen[t.Name] = true
		columns := map[string]bool{}
		for _, c := range t.Columns {
			known := c.Type == Integer || c.Type == Text || c.Type == Boolean || c.Type == Bytes || c.Type == Real
			if !plainName.MatchString(c.Name) || columns[c.Name] || !known {
				return bad("column " + t.Name + "." + c.Name)
			}
			columns[c.Name] = true
		}
	}
	return nil
}

func partName(table string, n int) string { return fmt.Sprintf("tables/%s/%06d.tsv", table, n) }
func blobEntry(name string) string        { return "blobs/" + name }

// column returns the position of a column, -1 if there is none.
func (t *Table) column(name string) int {
	for i, c := range t.Columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

// blobRows notes, from rows of table blob, which objects there should be.
type blobRows struct {
	keys                   *blob.Keyring // or nil
	name, purpose, wrapped int
	seen                   map[string]bool // false once its file was met
	unreadable             []string
}

func newBlobRows(keys *blob.Keyring) *blobRows {
	return &blobRows{keys: keys, seen: map[string]bool{}}
}

// at prepares for a table; false unless it is table blob.
func (b *blobRows) at(t *Table) bool {
	if t.Name != "blob" {
		return false
	}
	b.name, b.purpose, b.wrapped = t.column("name"), t.column("purpose"), t.column("wrapped_key")
	return b.name >= 0 && b.purpose >= 0 && b.wrapped >= 0
}

// row notes an object, and whether the key opens it.
func (b *blobRows) row(values []any) {
	name, _ := values[b.name].(string)
	purpose, _ := values[b.purpose].(string)
	wrapped, _ := values[b.wrapped].([]byte)
	b.seen[name] = true
	if b.keys != nil && !b.keys.Opens(wrapped, name, purpose) {
		b.unreadable = append(b.unreadable, name)
	}
}

// names returns, sorted, the objects whose file was not met.
func (b *blobRows) names() []string {
	var all []string
	for name, waiting := range b.seen {
		if waiting {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}
