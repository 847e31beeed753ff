// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/store"
)

// sourceOf names the outside sources. A source and its own name for an item
// identify an advisory.
var sourceOf = map[Format]string{KEV: "CISA KEV", CSAF: "CISA ICSMA"}

// document is an advisory as its source has it.
type document struct {
	line      int64
	source    string
	id, url   string
	version   string // "" when the source has none; an older one changes nothing
	edition   string // how the reason of a correction names it: a date or version
	published time.Time
	advisory.Content
}

// documentBatch is how many new advisories one transaction stores.
const documentBatch = 200

// documents reads the whole file, so that a damaged one changes nothing, and
// then stores what is new and corrects what has changed.
func (m *Import) documents(ctx context.Context, o Options, name string, in *input, run *run, s *Summary) error {
	read, most := readKEV, maxKEV
	if o.Format == CSAF {
		read, most = readCSAF, maxCSAF
	}
	data, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
	if err != nil {
		return unreadJSON(unread(err))
	}
	if len(data) > most {
		return fault.New(fault.TooLarge, "import.json_large", "most", most>>20)
	}
	docs, problems, err := read(data, o)
	if err != nil {
		return err
	}
	for i := range problems {
		problems[i].File = name
	}
	s.problems(problems...)
	s.Rejected += int64(len(problems))
	s.Rows += int64(len(problems))
	known := map[string]map[string]outside{}
	for part := range slices.Chunk(docs, documentBatch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.storeDocuments(ctx, o, part, known, run, s); err != nil {
			return err
		}
		s.Rows += int64(len(part))
		o.Progress(Progress{File: name, Rows: s.Rows, Bytes: in.read.Load(), TotalBytes: in.total})
	}
	if o.DryRun || o.Format != KEV || len(docs) == 0 {
		return nil
	}
	return keepEdition(ctx, m.db, sourceOf[KEV], docs[0].version)
}

func (m *Import) storeDocuments(ctx context.Context, o Options, docs []document, known map[string]map[string]outside, run *run, s *Summary) error {
	var fresh []document
	sum := s.Counts
	for _, d := range docs {
		if known[d.source] == nil {
			all, err := outsiders(ctx, m.db, d.source)
			if err != nil {
				return err
			}
			known[d.source] = all
		}
		old, ok := known[d.source][d.id]
		switch {
		case !ok && m.foreseen[d.source+"\n"+d.id]:
			sum.Known++
		case !ok:
			fresh = append(fresh, d)
			sum.Added++
			known[d.source][d.id] = outside{}
		case old.id == 0: // added by this file
			sum.Known++
		default:
			changed, err := m.correct(ctx, o, d, old)
			if err != nil {
				return err
			}
			if changed {
				sum.Renewed++
			} else {
				sum.Known++
			}
		}
	}
	if o.DryRun {
		for _, d := range fresh {
			m.foreseen[d.source+"\n"+d.id] = true
		}
		s.Counts = sum
		return run.keep(ctx, m.db, sum)
	}
	err := m.db.Write(ctx, m.caller, func(tx *store.Tx) error {
		for _, d := range fresh {
			if _, err := advisory.SubmitIn(ctx, tx, m.guard, advisory.Submission{
				Content: d.Content, Source: d.source, ExternalID: d.id, ExternalURL: d.url,
				State: advisory.Published, RegisteredAt: d.published, PublishedAt: d.published,
			}); err != nil {
				return err
			}
		}
		now := sum
		now.Rows += int64(len(docs))
		if err := run.save(ctx, tx, now); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "import.batch", run.object(), "rows", len(docs), "added", len(fresh), "corrected", sum.Renewed-s.Renewed)
	})
	run.settle(err)
	if err != nil {
		return err
	}
	s.Counts = sum
	return nil
}

// correct brings an advisory to what its source says now, if that has changed
// since the last import. What an analyst changed meanwhile stays, unless the
// source changed the same field; what was withdrawn stays withdrawn.
func (m *Import) correct(ctx context.Context, o Options, d document, old outside) (bool, error) {
	if old.state == advisory.Withdrawn {
		return false, nil
	}
	now, err := advisory.Get(ctx, m.db, m.caller, old.id)
	if err != nil {
		return false, err
	}
	if !now.State.Public() || sameText(&now.Content, &d.Content) {
		return false, nil
	}
	revisions, err := advisory.Revisions(ctx, m.db, m.caller, old.id)
	if err != nil {
		return false, err
	}
	base := &revisions[0].Content
	for i := range revisions {
		if strings.HasPrefix(revisions[i].Reason, d.source+" ") {
			base = &revisions[i].Content
		}
	}
	if sameText(base, &d.Content) {
		return false, nil
	}
	if newer, err := m.newer(ctx, d, base); err != nil || !newer {
		return false, err
	}
	content := now.Content
	for _, f := range []struct{ base, to, from *string }{
		{&base.Title, &content.Title, &d.Title}, {&base.Body, &content.Body, &d.Body}, {&base.Products, &content.Products, &d.Products},
	} {
		if *f.base != *f.from {
			*f.to = *f.from
		}
	}
	if base.TLP != d.TLP {
		content.TLP = d.TLP
	}
	if o.DryRun {
		return true, nil
	}
	reason := d.source + " " + d.edition + "：" + whatChanged(base, &d.Content)
	return true, advisory.Correct(ctx, m.db, m.caller, m.guard, old.id, now.Revision, content, reason)
}

// newer reports whether a document is not older than what was imported last. A
// CSAF document says its version; of KEV the whole catalogue has one.
func (m *Import) newer(ctx context.Context, d document, base *advisory.Content) (bool, error) {
	if d.source == sourceOf[KEV] {
		last, err := lastEdition(ctx, m.db, d.source)
		return compareVersions(d.version, last) >= 0, err
	}
	before, _, _ := strings.Cut(facts(base.Body)[labelVersion], " ")
	return compareVersions(d.version, before) > 0, nil
}

// sameText compares what an import sets.
func sameText(a, b *advisory.Content) bool {
	return a.Title == b.Title && a.Body == b.Body && a.Products == b.Products && a.TLP == b.TLP
}

// compareVersions compares numbers between dots: 2025.02.07, 2, 1.10.0.
func compareVersions(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(x), len(y)) {
		var m, n int
		if i < len(x) {
			m, _ = strconv.Atoi(x[i])
		}
		if i < len(y) {
			n, _ = strconv.Atoi(y[i])
		}
		if m != n {
			return m - n
		}
	}
	return 0
}

// notice is the content that every document shares.
func notice(o Options) advisory.Content {
	return advisory.Content{Category: category.Notice, TLP: o.TLP, Group: o.Group}
}

// unreadJSON says of a damaged gzip that nothing of it was imported.
func unreadJSON(err error) error {
	switch fault.Code(err) {
	case "import.gzip_cut", "import.gzip_checksum", "import.gzip_broken":
		return fault.Wrap(err, fault.Invalid, "import.json_unread")
	}
	return err
}

// badJSON is the reason why data is no JSON of the wanted shape, with the place.
func badJSON(err error, data []byte, offset int64) error {
	code := "import.json_broken"
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	var reason *fault.Error
	switch {
	case errors.As(err, &reason):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		code, offset = "import.json_cut", int64(len(data))
	case errors.As(err, &syntax):
		offset = max(offset, syntax.Offset)
		if offset >= int64(len(data)) {
			code = "import.json_cut"
		}
	case errors.As(err, &typed):
		return fault.Wrap(err, fault.Invalid, "import.json_type", "field", clip(typed.Field), "line", lineAt(data, offset+typed.Offset))
	}
	offset = min(offset, int64(len(data)))
	return fault.Wrap(err, fault.Invalid, code, "offset", offset, "line", lineAt(data, offset))
}

func lineAt(data []byte, offset int64) int64 {
	offset = max(0, min(offset, int64(len(data))))
	return int64(1 + bytes.Count(data[:offset], []byte{'\n'}))
}

// day reads a date without time: midnight in Tokyo, so that it stays the day
// that the source wrote.
func day(s string) (time.Time, bool) {
	t, err := time.ParseInLocation(time.DateOnly, s, locale.Tokyo)
	return t, err == nil && t.Year() >= earliest && t.Year() < 2100
}
