// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blocklist"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/report"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

// listRequest is one list: a format and what is to be in it. Its address is
// /blocklists/{format} with the parameters of the same names.
type listRequest struct {
	Format blocklist.Format
	intel.Selection
}

// listParameters are all that an address of a list may have. Another one is
// refused: misspelt, it would make the list longer without a word.
var listParameters = []string{"category", "age", "confidence", "tlp", "include-expired", "own", "download"}

// readList reads a list's address. Its faults name the parameter.
func readList(format string, q *Request) (l listRequest, err error) {
	if l.Format, err = blocklist.Find(format); err != nil {
		return l, err
	}
	l.Selection = l.Format.Select(l.Selection)
	return l, l.read(q)
}

func (l *listRequest) read(q *Request) error {
	for _, values := range q.Query["category"] {
		for name := range strings.SplitSeq(values, ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			c, err := category.Parse(name)
			if err != nil {
				return fault.From(err).At("category")
			}
			if !slices.Contains(l.Categories, c) {
				l.Categories = append(l.Categories, c)
			}
		}
	}
	slices.Sort(l.Categories)
	var err error
	if l.MaxAge, err = wholeNumber(q, "age", "intel.age"); err != nil {
		return err
	}
	if l.MinConfidence, err = wholeNumber(q, "confidence", "intel.confidence"); err != nil {
		return err
	}
	if text := q.Get("tlp"); text != "" {
		level, err := tlp.Parse(text)
		if err != nil {
			return fault.From(err).At("tlp")
		}
		l.MaxTLP = &level
	}
	if l.IncludeExpired, err = yesNo(q, "include-expired"); err != nil {
		return err
	}
	if l.Own, err = yesNo(q, "own"); err != nil {
		return err
	}
	return l.Check()
}

func wholeNumber(q *Request, name, code string) (int, error) {
	text := q.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fault.Wrap(err, fault.Invalid, code).At(name)
	}
	return n, nil
}

func yesNo(q *Request, name string) (bool, error) {
	switch q.Get(name) {
	case "", "0", "no", "false":
		return false, nil
	case "1", "yes", "true":
		return true, nil
	default:
		return false, fault.New(fault.Invalid, "tools.list.yes_no", "name", name).At(name)
	}
}

// address is the list's own, without the host; parameters at their default are
// left out.
func (l listRequest) address() string {
	var pairs []string
	add := func(name, value string) { pairs = append(pairs, name+"="+value) }
	if len(l.Categories) > 0 {
		names := make([]string, len(l.Categories))
		for i, c := range l.Categories {
			names[i] = string(c)
		}
		add("category", strings.Join(names, ","))
	}
	if l.MaxAge > 0 {
		add("age", strconv.Itoa(l.MaxAge))
	}
	if l.MinConfidence > 0 {
		add("confidence", strconv.Itoa(l.MinConfidence))
	}
	if l.MaxTLP != nil {
		add("tlp", l.MaxTLP.Class())
	}
	if l.IncludeExpired {
		add("include-expired", "1")
	}
	if l.Own {
		add("own", "1")
	}
	if len(pairs) == 0 {
		return "/blocklists/" + l.Format.Slug
	}
	return "/blocklists/" + l.Format.Slug + "?" + strings.Join(pairs, "&")
}

// listVersion changes when the same entries come out as other bytes.
const listVersion = 1

// editions remembers since when the state that the lists of an organisation,
// up to a TLP, are made from has been as it is. A list says so in its head: were it the moment of the
// request, no two answers would be the same, and no entity tag could be strong.
// The zero value is ready.
type editions struct {
	mu sync.Mutex
	of map[reader]edition
}

// reader is who gets the same lists.
type reader struct {
	org     int64
	ceiling tlp.Level
}

type edition struct {
	state string
	since time.Time
}

// since returns when the state of a reader's lists was first seen by this
// process, to the second.
func (e *editions) since(who reader, state string, now time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, ok := e.of[who]; ok && known.state == state {
		return known.since
	}
	if e.of == nil {
		e.of = map[reader]edition{}
	}
	e.of[who] = edition{state, now.Truncate(time.Second)}
	return e.of[who].since
}

// tag is what must be equal for two lists to be the same, byte for byte: of
// what state it is and since when, who asks, for what, in which language.
func (l listRequest) tag(q *Request, state string, since time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n%d\n%d\n%s\n%s", listVersion, state, since.UTC(),
		q.Caller.Org, q.Caller.Ceiling(), q.Lang, l.address()))
	return hex.EncodeToString(sum[:12])
}

// listState is the state of the store and the day in Tokyo, on which validity
// is judged.
func listState(ctx context.Context, tx store.Queryer, c caller.Caller, now time.Time) (state string, today time.Time, err error) {
	version, err := intel.Version(ctx, tx, c)
	if err != nil {
		return "", today, err
	}
	y, m, d := now.In(locale.Tokyo).Date()
	today = time.Date(y, m, d, 0, 0, 0, 0, locale.Tokyo)
	return version + " " + today.Format(time.DateOnly), today, nil
}

// fetched notes that the caller's filter has what is in the snapshot. A list of
// some categories only does not have everything, and counts for nothing. The
// answer has gone out: that it could not be noted is for the log.
func (s *Server) fetched(ctx context.Context, tx *store.Tx, q *Request, list listRequest) error {
	if len(list.Categories) > 0 || list.MinConfidence > 0 || list.MaxTLP != nil || list.Own {
		return nil
	}
	if err := report.Fetched(ctx, s.DB, tx, q.Caller, q.Now); err != nil {
		s.Log.Warn("a fetched list was not noted", "request", q.ID, "error", err.Error())
	}
	return nil
}

// blocklist answers with a list. It is streamed out of one snapshot of the
// store and either whole or visibly broken off: when the source fails after the
// first byte, the connection is cut.
func (s *Server) blocklist(w http.ResponseWriter, r *http.Request, q *Request) error {
	list, err := readList(r.PathValue("format"), q)
	if err != nil {
		return err
	}
	for name := range q.Query {
		if !slices.Contains(listParameters, name) {
			return fault.New(fault.Invalid, "tools.list.parameter", "name", shortened(name), "known", strings.Join(listParameters, ", "))
		}
	}
	if r.Method != http.MethodHead {
		// Nothing is read before there is a place: who has the list already is
		// told so without waiting.
		state, _, err := listState(r.Context(), s.DB, q.Caller, q.Now)
		if err != nil {
			return err
		}
		if !noneMatch(r.Header.Values("If-None-Match"), s.listTag(r, q, list, state)) {
			leave, err := s.readers.enter(r.Context())
			if err != nil {
				return err
			}
			defer leave()
			if err := audit.Taken(r.Context(), s.DB, q.Caller, "blocklist.export", "blocklist/"+list.Format.Slug); err != nil {
				return err
			}
		}
	}
	started := false
	err = s.DB.View(r.Context(), q.Caller, func(tx *store.Tx) error {
		state, today, err := listState(r.Context(), tx, q.Caller, q.Now)
		if err != nil {
			return err
		}
		since := s.editions.since(readerOf(q.Caller), state, q.Now)
		tag := s.listTag(r, q, list, state)
		h := w.Header()
		h.Set("ETag", tag)
		h.Set("Cache-Control", "private, no-cache")
		h.Add("Vary", "Cookie")
		if noneMatch(r.Header.Values("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return s.fetched(r.Context(), tx, q, list)
		}
		h.Set("Content-Type", list.Format.ContentType)
		if q.Get("download") != "" {
			h.Set("Content-Disposition", `attachment; filename="`+list.Format.File+`"`)
		}
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusOK)
			return nil
		}
		started = true
		if err := s.stream(r.Context(), w, tx, q, list, since, today); err != nil {
			return err
		}
		return s.fetched(r.Context(), tx, q, list)
	})
	if err == nil {
		return nil
	}
	if !started {
		h := w.Header()
		h.Del("ETag")
		return err
	}
	if r.Context().Err() != nil { // the reader has gone, or has taken half an hour
		s.Log.Debug("list broken off by the reader", "request", q.ID)
	} else {
		s.Log.Error("list broken off", "request", q.ID, "format", list.Format.Slug, "error", err.Error())
	}
	panic(http.ErrAbortHandler)
}

// listTag is the entity tag of a list in a state, as the request takes it.
func (s *Server) listTag(r *http.Request, q *Request, l listRequest, state string) string {
	tag := l.tag(q, state, s.editions.since(readerOf(q.Caller), state, q.Now))
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		tag += "-gzip" // compressed, it is another representation (RFC 9110 section 8.8.3.3)
	}
	return `"` + tag + `"`
}

func readerOf(c caller.Caller) reader { return reader{c.Org, c.Ceiling()} }

// stream writes the list. A long one may take longer than the server allows an
// answer in all, so the limit counts anew with each piece that is taken.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, tx *store.Tx, q *Request, l listRequest, since, today time.Time) error {
	out := &listWriter{w: w, control: http.NewResponseController(w)}
	h := blocklist.Header{At: since, Title: q.T("web.name"), Scope: blocklist.Scope(l.Selection, q.Lang), Lang: q.Lang}
	_, err := blocklist.Write(ctx, out, l.Format, h, blocklist.Entries(ctx, tx, q.Caller, l.Selection, today))
	return err
}

// pieceTime is how long a reader may take for one piece of a list.
const pieceTime = time.Minute

type listWriter struct {
	w       io.Writer
	control *http.ResponseController
}

func (l *listWriter) Write(b []byte) (int, error) {
	_ = l.control.SetWriteDeadline(time.Now().Add(pieceTime)) // a test's recorder has none
	return l.w.Write(b)
}

// Flush sends the head of the list before its first entry is read.
func (l *listWriter) Flush() { _ = l.control.Flush() }

// Lists that are sent at a time. Each keeps a connection to the store for as
// long as its reader takes, and the pages need some too.
const (
	mostReaders = 4
	readerWait  = 20 * time.Second
)

// readers are the places of those who read a list.
type readers chan struct{}

// enter waits for a place; leave gives it back.
func (p readers) enter(ctx context.Context) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, readerWait)
	defer cancel()
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	case <-ctx.Done():
		return nil, fault.New(fault.Unavailable, "tools.list.busy")
	}
}

// noneMatch reports whether If-None-Match names the tag (RFC 9110 section
// 13.1.2, by weak comparison).
func noneMatch(header []string, tag string) bool {
	for _, line := range header {
		for part := range strings.SplitSeq(line, ",") {
			part = strings.TrimSpace(part)
			if part == "*" || strings.TrimPrefix(part, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// shortened keeps what is echoed to a person to a few words.
func shortened(s string) string {
	s = strings.ToValidUTF8(s, "")
	if runes := []rune(s); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return s
}

// listCounts remembers how many entries the lists of the filter page have, for
// as long as their tags hold; counting reads the whole list. The zero value is
// ready.
type listCounts struct {
	mu   sync.Mutex
	last map[string]blocklist.Summary
}

const maxCounts = 200

// count returns what a list would hold now.
func (s *Server) count(ctx context.Context, q *Request, l listRequest) (sum blocklist.Summary, err error) {
	err = s.DB.View(ctx, q.Caller, func(tx *store.Tx) error {
		state, today, err := listState(ctx, tx, q.Caller, q.Now)
		if err != nil {
			return err
		}
		tag := l.tag(q, state, time.Time{})
		s.counts.mu.Lock()
		known, ok := s.counts.last[tag]
		s.counts.mu.Unlock()
		if ok {
			sum = known
			return nil
		}
		sum, err = blocklist.Write(ctx, io.Discard, l.Format, blocklist.Header{Lang: q.Lang}, blocklist.Entries(ctx, tx, q.Caller, l.Selection, today))
		if err != nil {
			return err
		}
		s.counts.mu.Lock()
		defer s.counts.mu.Unlock()
		if len(s.counts.last) >= maxCounts || s.counts.last == nil {
			s.counts.last = map[string]blocklist.Summary{}
		}
		s.counts.last[tag] = sum
		return nil
	})
	return sum, err
}

// kindNames writes the kinds that a format takes.
func kindNames(q *Request, kinds []indicator.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = q.T("tools.kind." + string(k))
	}
	return strings.Join(names, q.T("blocklist.comma"))
}
