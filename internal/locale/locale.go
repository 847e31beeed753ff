// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package locale holds every sentence the program says, in Japanese and in
// English. Each file in messages/ is one area; each message stands there once,
// with both languages under each other, so that neither is forgotten. Codes of
// package fault are keys here.
package locale

import (
	"embed"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"teiten/internal/fault"
)

// Lang is a language the program speaks.
type Lang string

const (
	Japanese Lang = "ja"
	English  Lang = "en"
)

// Langs are all languages, the default first.
var Langs = []Lang{Japanese, English}

// Tokyo is the time zone of every day that Teiten counts and shows.
var Tokyo = time.FixedZone("Asia/Tokyo", 9*60*60)

//go:embed messages/*.toml
var files embed.FS

// Message is one sentence in every language.
type Message struct {
	Ja, En string
}

// messages are read when the first is asked for.
var messages = sync.OnceValue(func() map[string]Message {
	all, err := load(files)
	if err != nil {
		panic("locale: " + err.Error())
	}
	return all
})

// Parse returns the first supported language in s, which may be an
// Accept-Language header (RFC 9110 section 12.5.4, q-values ignored because
// browsers send them in order), a LANG variable or a plain code. Japanese is
// the default.
func Parse(s string) Lang {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		part = strings.ToLower(part)
		switch {
		case strings.HasPrefix(part, "ja"):
			return Japanese
		case strings.HasPrefix(part, "en"):
			return English
		}
	}
	return Japanese
}

// T returns the sentence for key with {name} replaced by the argument of that
// name; arguments come in pairs. A key that is missing is returned in brackets:
// a test makes sure that it does not happen.
func (l Lang) T(key string, pairs ...any) string {
	args := make(fault.Args, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return l.fill(key, args)
}

// Has reports whether key exists.
func Has(key string) bool {
	_, ok := messages()[key]
	return ok
}

// All returns a copy of every message, for tests that look for gaps.
func All() map[string]Message {
	return maps.Clone(messages())
}

// Fault returns the sentence for an error; what is not a fault is an internal
// error without detail.
func (l Lang) Fault(err error) string {
	f := fault.From(err)
	if f == nil {
		return ""
	}
	return l.fill(f.Code, f.Args)
}

func (l Lang) fill(key string, args fault.Args) string {
	m, ok := messages()[key]
	if !ok {
		return "[" + key + "]"
	}
	text := m.Ja
	if l == English {
		text = m.En
	}
	if !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString("{" + rest)
			return b.String()
		}
		if v, ok := args[name]; ok {
			b.WriteString(l.value(v))
		} else {
			b.WriteString("{" + name + "}")
		}
		text = after
	}
}

func (l Lang) value(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return Number(int64(v))
	case int64:
		return Number(v)
	case time.Time:
		return l.DateTime(v)
	case error:
		return l.Fault(v)
	case interface{ Name(Lang) string }: // a word that people see in their language
		return v.Name(l)
	case fmt.Stringer:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// Number writes n with a comma between thousands, as both languages do.
func Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Date writes the day of t in Tokyo: 2026年3月4日 or 4 Mar 2026.
func (l Lang) Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if l == English {
		return t.In(Tokyo).Format("2 Jan 2006")
	}
	return t.In(Tokyo).Format("2006年1月2日")
}

// DateTime writes day and time of t in Tokyo, to the minute.
func (l Lang) DateTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return l.Date(t) + t.In(Tokyo).Format(" 15:04")
}
