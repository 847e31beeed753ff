// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"time"

	"teiten/internal/category"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

// Audience is whose word a claim is and for whom. Claims for different audiences
// are rows of their own, so that nothing of a narrow one shows through a wide one.
type Audience struct {
	TLP   tlp.Level
	Org   int64
	Group int64 // the sharing group that it is for; 0 for all whom the TLP allows
}

// Claim is what one organisation says, to one audience, about one indicator.
type Claim struct {
	indicator.Value
	TLP        tlp.Level
	Org        int64
	Group      int64 // see Audience
	Category   category.Category
	Brand      string
	FirstSeen  time.Time
	LastSeen   time.Time
	ValidUntil time.Time // the end of a day in Tokyo
	Confidence int       // 0 to 100
	Revoked    bool
	Entry      bool // may be a filter entry in its own kind
	HostEntry  bool // its host as a whole may be a filter entry
}

func (c *Claim) audience() Audience { return Audience{c.TLP, c.Org, c.Group} }

// DefaultConfidence is that of a published advisory and of a curated list.
const DefaultConfidence = 80

// validity is how long an indicator holds after it was last seen, in days.
// Addresses change hands within weeks, hosts within months; a file's hash
// stays the file's.
var validity = map[indicator.Kind]int{
	indicator.URL:    90,
	indicator.Domain: 180,
	indicator.Email:  180,
	indicator.IPv4:   30,
	indicator.IPv6:   30,
	indicator.CIDR:   30,
	indicator.MD5:    3650,
	indicator.SHA1:   3650,
	indicator.SHA256: 3650,
}

// Validity returns the default time, in days, for which an indicator of the
// kind holds after it was last seen.
func Validity(k indicator.Kind) int { return validity[k] }

// ValidUntil returns the midnight in Tokyo at which an indicator that was last
// seen at t stops being a filter entry. Ending at midnight makes a block list
// change at most once a day by itself, so that its ETag can say so.
func ValidUntil(k indicator.Kind, seen time.Time) time.Time {
	if seen.IsZero() {
		return time.Time{}
	}
	y, m, d := seen.In(locale.Tokyo).Date()
	return time.Date(y, m, d+validity[k]+1, 0, 0, 0, 0, locale.Tokyo).UTC()
}

// Judge sets the guard's decision on c.
func (c *Claim) Judge(g *guard.Guard) guard.Verdict {
	v := g.Judge(c.Value)
	c.Entry, c.HostEntry = v.Entry, v.HostEntry
	return v
}

// Key is the key of an indicator in a store.
func Key(salt [32]byte, v indicator.Value) int64 {
	return store.KeyWith(salt, string(v.Kind), v.Value)
}
