// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"strings"
	"time"

	"github.com/sergi/go-diff/diffmatchpatch"

	"teiten/internal/indicator"
	"teiten/internal/locale"
)

// Chunk is a run of text that a revision kept, took out or put in.
type Chunk struct {
	Text     string
	Inserted bool
	Deleted  bool
}

// Change is what a revision did to one field. Field is the part of the locale
// key behind "advisory.field.".
type Change struct {
	Field  string
	Chunks []Chunk
}

// Diff returns the fields in which two contents differ, with what was taken
// out and put in. Indicators are compared one a line, defanged.
func Diff(old, new Content, lang locale.Lang) []Change {
	var all []Change
	add := func(field, a, b string, lines bool) {
		if a != b {
			all = append(all, Change{field, chunks(a, b, lines)})
		}
	}
	add("title", old.Title, new.Title, false)
	add("category", old.Category.Name(lang), new.Category.Name(lang), true)
	if old.NoticeKind != "" || new.NoticeKind != "" {
		add("notice_kind", old.NoticeKind.Name(lang), new.NoticeKind.Name(lang), true)
	}
	add("tlp", old.TLP.String(), new.TLP.String(), true)
	add("group", old.GroupName, new.GroupName, true)
	add("brand", old.Brand, new.Brand, true)
	add("products", old.Products, new.Products, true)
	add("observed_at", lang.DateTime(old.ObservedAt), lang.DateTime(new.ObservedAt), true)
	add("techniques", strings.Join(old.Techniques, "\n"), strings.Join(new.Techniques, "\n"), true)
	add("body", old.Body, new.Body, false)
	add("indicators", defanged(old.Indicators), defanged(new.Indicators), true)
	return all
}

func defanged(values []indicator.Value) string {
	lines := make([]string, len(values))
	for i, v := range values {
		lines[i] = indicator.Defang(v.Kind, v.Value)
	}
	return strings.Join(lines, "\n")
}

// diffTime bounds the search for the shortest difference of one field; when it
// is over, a longer one serves.
const diffTime = 200 * time.Millisecond

// chunks compares by characters, for Japanese has no spaces, or by lines.
func chunks(a, b string, lines bool) []Chunk {
	d := diffmatchpatch.New()
	d.DiffTimeout = diffTime
	var diffs []diffmatchpatch.Diff
	if lines {
		x, y, table := d.DiffLinesToChars(a+"\n", b+"\n")
		diffs = d.DiffCharsToLines(d.DiffMain(x, y, false), table)
	} else {
		diffs = d.DiffCleanupSemantic(d.DiffMain(a, b, false))
	}
	out := make([]Chunk, len(diffs))
	for i, f := range diffs {
		out[i] = Chunk{Text: f.Text, Inserted: f.Type == diffmatchpatch.DiffInsert, Deleted: f.Type == diffmatchpatch.DiffDelete}
	}
	return out
}
