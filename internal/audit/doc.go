// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package audit records who did what, when, from which device and through which
// door. A record is appended in the transaction of the change itself: there is
// no change without one.
//
// Records are sealed in batches. Sealing gives each record the next position in
// a Merkle tree (RFC 6962 section 2.1) over all records since the first; the
// tree's size and root, signed, are a checkpoint (C2SP tlog-checkpoint, a C2SP
// signed note). Whoever has kept a checkpoint can be shown later that nothing
// before it was changed, removed, inserted or put into another order: that is
// why institutions may keep them. Without a checkpoint from outside, a database
// that was put back as a whole to an earlier state looks like that state.
//
// Retention drops the records of whole segments of 256 leaves, the oldest first,
// and keeps their hashes, so that the tree, and every checkpoint ever signed,
// can be recomputed from what is left.
//
// A record that is not sealed yet, which takes a minute at most while the portal
// runs, is protected by the database only.
package audit
