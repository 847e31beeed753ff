// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"slices"
	"sync"
	"time"
)

// Changed notes that the transaction changes a topic: what [Memo] remembers
// about it is read again after the commit.
func (tx *Tx) Changed(topic string) {
	if !slices.Contains(tx.changed, topic) {
		tx.changed = append(tx.changed, topic)
	}
}

// versions counts the commits of this program that changed each topic.
type versions struct {
	mu sync.Mutex
	of map[string]int64
}

func (v *versions) add(topics []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, t := range topics {
		if v.of == nil {
			v.of = map[string]int64{}
		}
		v.of[t]++
	}
}

// sum differs after each commit that changed one of the topics.
func (v *versions) sum(topics []string) (n int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, t := range topics {
		n += v.of[t]
	}
	return n
}

// memoTime is how long another process on the same database may have changed
// something before it is read again.
const memoTime = 15 * time.Second

// mostRemembered bounds what a Memo keeps.
const mostRemembered = 4096

// Memo remembers what was read about topics that many requests read and few
// change: until this program commits a change of one, and for at most 15
// seconds.
type Memo[K comparable, V any] struct {
	db     *DB
	topics []string

	mu   sync.Mutex
	kept map[K]*remembered[V]
}

type remembered[V any] struct {
	mu      sync.Mutex // held while it is read: the others wait for the one answer
	known   bool
	version int64
	until   time.Time
	value   V
}

// NewMemo returns an empty Memo of the topics that [Tx.Changed] or [Tx.Bump]
// is called with.
func NewMemo[K comparable, V any](db *DB, topics ...string) *Memo[K, V] {
	return &Memo[K, V]{db: db, topics: topics, kept: map[K]*remembered[V]{}}
}

// Get returns what is remembered under key, or calls read and remembers what it
// returns. The value belongs to many: nobody may change it. Errors are not
// remembered.
func (m *Memo[K, V]) Get(key K, read func() (V, error)) (V, error) {
	r := m.entry(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	// The version is taken before reading: a commit in between makes what was
	// read too old, although it may not be.
	version := m.db.versions.sum(m.topics)
	if r.known && r.version == version && time.Now().Before(r.until) {
		return r.value, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	r.known, r.version, r.until, r.value = true, version, time.Now().Add(memoTime), v
	return v, nil
}

func (m *Memo[K, V]) entry(key K) *remembered[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.kept[key]
	if r == nil {
		if len(m.kept) >= mostRemembered {
			clear(m.kept)
		}
		r = &remembered[V]{}
		m.kept[key] = r
	}
	return r
}
