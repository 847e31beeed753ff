// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"teiten/internal/fault"
)

// session is the reading of one file with all that is inside. Its first error
// stays, so that the readers of single properties need not return it.
type session struct {
	limits Limits
	left   int64 // bytes that may still be produced
	parts  int
	err    error
}

func newSession(l Limits) *session {
	l = l.orDefault()
	return &session{limits: l, left: l.Bytes}
}

func (s *session) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// spend counts bytes about to be produced and reports whether they may be.
func (s *session) spend(n int) bool {
	if s.err != nil {
		return false
	}
	if int64(n) > s.left {
		s.fail(fault.New(fault.TooLarge, "outlook.too_big", "mib", (s.limits.Bytes+1<<20-1)>>20))
		return false
	}
	s.left -= int64(n)
	return true
}

// part counts an attachment or a recipient.
func (s *session) part() bool {
	if s.err != nil {
		return false
	}
	if s.parts++; s.parts > s.limits.Parts {
		s.fail(fault.New(fault.TooLarge, "outlook.too_many", "count", s.limits.Parts))
		return false
	}
	return true
}

// enter checks the depth of an attached message; the file itself is at zero.
func (s *session) enter(depth int) bool {
	if s.err != nil {
		return false
	}
	if depth > s.limits.Depth {
		s.fail(fault.New(fault.TooLarge, "outlook.too_deep", "count", s.limits.Depth))
		return false
	}
	return true
}

// notes collects the repairs of one item.
type notes struct{ list []Repair }

func (n *notes) add(code, where string) {
	r := Repair{Code: code, Where: where}
	if len(n.list) >= mostRepairs {
		return
	}
	for _, old := range n.list {
		if old == r {
			return
		}
	}
	n.list = append(n.list, r)
}
