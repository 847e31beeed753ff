// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/locale"
)

const (
	flushAt   = 64 << 10 // bytes collected before they are written
	checkEach = 1024     // entries between two looks at the context
)

// Write writes one list. It holds one buffer, whatever the number of entries
// (suricata also remembers the numbers it has given out). The head goes to w,
// and through w's Flush method if it has one, before the first entry is asked
// for.
//
// When the source or w fails, or ctx ends, the error is returned and the foot
// is not written: the list then shows that it is not whole. Entries out of
// order are an Internal fault for the same reason, since duplicates could not
// be told. The summary is of what was read until then.
func Write(ctx context.Context, w io.Writer, f Format, h Header, src Source) (Summary, error) {
	if f.encode == nil {
		return Summary{}, fault.New(fault.Internal, "blocklist.unknown", "value", f.Slug, "known", "")
	}
	if h.Lang == "" {
		h.Lang = locale.Japanese
	}
	l := list{f: f, w: w, enc: f.encode(), takes: map[indicator.Kind]bool{}, sum: Summary{Skipped: map[Reason]int{}}}
	for _, k := range f.Kinds {
		l.takes[k] = true
	}
	l.head(h)
	if err := l.flush(); err != nil {
		return l.sum, err
	}
	if fl, ok := w.(interface{ Flush() }); ok {
		fl.Flush()
	}
	var entry Entry // one for all: a pointer to the loop's own would cost an allocation for each
	for e, err := range src {
		if err == nil && l.sum.Read%checkEach == 0 {
			err = ctx.Err()
		}
		if err == nil {
			entry = e
			err = l.add(&entry)
		}
		if err == nil && len(l.buf) >= flushAt {
			err = l.flush()
		}
		if err != nil {
			// What was ready goes out; it is the first error that counts.
			_ = l.flush()
			return l.sum, err
		}
	}
	l.foot(h)
	return l.sum, l.flush()
}

// list is one list being written.
type list struct {
	f     Format
	w     io.Writer
	enc   encoder
	takes map[indicator.Kind]bool
	sum   Summary
	buf   []byte

	host, key string // of the entry before, with its indicator.HostKey
	value     string // of the last entry written as a page
	covered   cover
}

func (l *list) flush() error {
	n, err := l.w.Write(l.buf)
	l.sum.Bytes += int64(n)
	if err == nil && n < len(l.buf) {
		err = io.ErrShortWrite
	}
	l.buf = l.buf[:0]
	return err
}

// add writes an entry, or counts why it is not written.
func (l *list) add(e *Entry) error {
	l.sum.Read++
	if !l.takes[e.Kind] {
		l.sum.Skipped[WrongKind]++
		return nil
	}
	if l.f.Order == ByHost {
		return l.addHost(e)
	}
	l.encodeEntry(e)
	return nil
}

// addHost is add for lists whose unit is the host, and the page where the host
// may not be refused.
func (l *list) addHost(e *Entry) error {
	if host := e.host(); host != l.host { // the URLs of one host follow each other
		key := indicator.HostKey(host)
		if key < l.key {
			return fault.New(fault.Internal, "blocklist.order", "format", l.f.Slug, "entry", l.sum.Read)
		}
		l.host, l.key = host, key
	}
	switch {
	case !e.HostBlocked && !l.f.Pages:
		l.sum.Skipped[HostShared]++
	case l.covered.has(l.key, l.f.Subdomains),
		!e.HostBlocked && l.sum.Written > 0 && e.Value == l.value:
		l.sum.Covered++
	case e.HostBlocked:
		if l.encodeEntry(e) {
			l.covered.add(l.key)
		}
	case l.encodeEntry(e):
		l.value = e.Value
	}
	return nil
}

func (l *list) encodeEntry(e *Entry) bool {
	var r Reason
	l.buf, r = l.enc.entry(l.buf, e)
	if r != "" {
		l.sum.Skipped[r]++
		return false
	}
	l.sum.Written++
	return true
}

// head writes what the list is and when it was made. A CSV has its column
// names in the first line, where readers look for them, and a JSON text has no
// comments: they say the same in their own way.
func (l *list) head(h Header) {
	if l.commentsFirst() {
		l.comment(h.about(l.f)...)
	}
	if l.enc.open != nil {
		l.buf = l.enc.open(l.buf, h)
	}
}

// foot says what was left out and, in the last line and in one form for every
// language, how many entries there are.
func (l *list) foot(h Header) {
	if l.enc.end != nil {
		l.buf = l.enc.end(l.buf, h, &l.sum)
	}
	if !l.comments() {
		return
	}
	if !l.commentsFirst() {
		l.comment(h.about(l.f)...)
	}
	for _, r := range Reasons {
		if n := l.sum.Skipped[r]; n > 0 {
			l.comment(h.Lang.T("blocklist.list.skipped", "count", n, "reason", r.Sentence(h.Lang)))
		}
	}
	l.comment(EndMark + locale.Number(int64(l.sum.Written)) + " entries")
}

// EndMark begins the last comment line of a whole list, after the comment sign
// and a space: "# end: 211,612 entries".
const EndMark = "end: "

func (l *list) comment(lines ...string) {
	for _, s := range lines {
		if l.enc.note != nil {
			l.buf = l.enc.note(l.buf, oneLine(s))
			continue
		}
		l.buf = append(l.buf, l.f.Comment...)
		l.buf = append(l.buf, ' ')
		l.buf = append(l.buf, oneLine(s)...)
		l.buf = append(l.buf, '\n')
	}
}

func (l *list) comments() bool { return l.f.Comment != "" || l.enc.note != nil }

func (l *list) commentsFirst() bool { return l.comments() && l.f.Slug != "csv" }

// about are the lines that say what a list is.
func (h Header) about(f Format) []string {
	t := h.Lang.T
	lines := []string{t("blocklist.list.title", "title", oneLine(h.Title), "format", f.Name(h.Lang))}
	if h.Scope != "" {
		lines = append(lines, t("blocklist.list.scope", "scope", oneLine(h.Scope)))
	}
	return append(lines,
		t("blocklist.list.at", "at", stamp(h.At)),
		t("blocklist.list.whole", "mark", strings.TrimSpace(EndMark)))
}

// stamp is RFC 3339 in Tokyo's time, "" for the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(locale.Tokyo).Format(time.RFC3339)
}

// maxText is the length in bytes of a free text in a comment or a CSV field.
const maxText = 400

// oneLine makes a text fit into a comment: what some reader may take for the
// end of a line (control characters, U+0085, U+2028, U+2029) or what turns the
// direction of the text becomes a space, and long text is cut.
func oneLine(s string) string {
	if printableOrSpace(s) && len(s) <= maxText {
		return s
	}
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.ToValidUTF8(s, "")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, s)
}

func printableOrSpace(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// skippedInOrder is used where a list names reasons by their words.
func (s *Summary) skippedInOrder() []string {
	var out []string
	for _, r := range Reasons {
		if n := s.Skipped[r]; n > 0 {
			out = append(out, fmt.Sprintf("%q:%d", string(r), n))
		}
	}
	return slices.Clip(out)
}
