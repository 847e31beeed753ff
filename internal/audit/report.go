// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"strconv"

	"teiten/internal/locale"
)

// Kind is what is wrong with the trail.
type Kind string

const (
	Changed    Kind = "changed"     // a record is not what was sealed
	Removed    Kind = "removed"     // a record is gone
	Missing    Kind = "missing"     // a record's place in the tree is gone
	Inserted   Kind = "inserted"    // a record stands among sealed ones and was never sealed
	Reordered  Kind = "reordered"   // a record stands at another's place
	Resealed   Kind = "resealed"    // the leaves up to a checkpoint are not those that were signed
	Forged     Kind = "forged"      // a checkpoint is not signed by this installation, or not what it says
	RolledBack Kind = "rolled_back" // a checkpoint knows more records than there are
	Unsigned   Kind = "unsigned"    // the newest state of the tree has no checkpoint
	Dropped    Kind = "dropped"     // records were dropped without a signed retention
	BadTree    Kind = "tree"        // the stored state of the tree is not that of its leaves
	BadSigner  Kind = "signer"      // the key that signs is missing or not this installation's
)

// Finding is one thing that is wrong, and where.
type Finding struct {
	Kind Kind `json:"kind"`
	// Record is the id of the record, 0 if it is not about one.
	Record int64 `json:"record,omitempty"`
	// From and To are the positions concerned, To included; both -1 if it is
	// about none.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Records are the ids at the ends of that range, where they are known.
	Records []int64 `json:"records,omitempty"`
	// Checkpoint is the size of the checkpoint concerned, 0 for none.
	Checkpoint int64 `json:"checkpoint,omitempty"`
}

// Name says the finding in a sentence.
func (f Finding) Name(l locale.Lang) string {
	places := strconv.FormatInt(f.From, 10)
	if f.To != f.From {
		places += "–" + strconv.FormatInt(f.To, 10)
	}
	if len(f.Records) == 2 && f.Records[0] != 0 && f.Records[1] != 0 {
		places += " (" + l.T("audit.found.ids", "first", plain(f.Records[0]), "last", plain(f.Records[1])) + ")"
	}
	return l.T("audit.found."+string(f.Kind), "record", plain(f.Record), "places", places, "size", plain(f.Checkpoint))
}

// plain writes an id or a position: without commas, as it is looked for.
func plain(n int64) string { return strconv.FormatInt(n, 10) }

// Report is what Verify found.
type Report struct {
	Size        int64       `json:"size"`        // of the tree
	Kept        int64       `json:"kept"`        // position from which records are kept; retention dropped those before
	Records     int64       `json:"records"`     // that were hashed and compared
	Unsealed    int64       `json:"unsealed"`    // appended since the last sealing
	Checkpoints int         `json:"checkpoints"` // that were compared, those given included
	Newest      *Checkpoint `json:"newest"`      // nil before the first
	Findings    []Finding   `json:"findings"`
	More        int64       `json:"more"` // findings beyond the first 100
}

// OK reports whether nothing was found.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

const mostFindings = 100

func (r *Report) find(f Finding) {
	if len(r.Findings) >= mostFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}
