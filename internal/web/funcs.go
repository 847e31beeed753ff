// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"teiten/internal/category"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

// funcs are the functions of templates, bound to a language:
//
//	t "key" "name" value …   the sentence, with its {name} filled in
//	has "key"                whether the sentence exists
//	date, datetime, iso      a time: 2026年3月4日; with 09:05; for <time datetime>
//	when                     a time as <time> element, day and minute
//	ago                      a time as 3 分前, older than a week as its date
//	number, percent          1,234; 12.3% of two numbers
//	bytes                    a size
//	defang                   a hostile value made harmless to click
//	tlp                      the badge of a tlp.Level
//	category                 the badge of a category.Category
//	icon "name"              a drawing from icons.go, hidden from screen readers
//	asset "teiten.css"       the address of an asset
//	lang                     "ja" or "en"
func (s *Server) funcs(lang locale.Lang) template.FuncMap {
	return template.FuncMap{
		"t":        lang.T,
		"has":      locale.Has,
		"lang":     func() locale.Lang { return lang },
		"date":     lang.Date,
		"datetime": lang.DateTime,
		"iso":      iso,
		"when":     func(t time.Time) template.HTML { return timeElement(t, lang.DateTime(t)) },
		"ago":      func(t time.Time) template.HTML { return timeElement(t, ago(lang, t, s.Now())) },
		"number":   number,
		"percent":  percent,
		"bytes":    size,
		"defang":   Defang,
		"tlp":      func(l tlp.Level) template.HTML { return tlpBadge(lang, l) },
		"category": func(c category.Category) template.HTML { return categoryBadge(lang, c) },
		"icon":     icon,
		"asset":    s.assets.address,
	}
}

func iso(t time.Time) string { return t.In(locale.Tokyo).Format(time.RFC3339) }

func timeElement(t time.Time, text string) template.HTML {
	if t.IsZero() {
		return ""
	}
	return template.HTML(`<time datetime="` + iso(t) + `">` + template.HTMLEscapeString(text) + `</time>`)
}

// ago writes how long before now t was, for a week; then its date.
func ago(lang locale.Lang, t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return ""
	case d < -time.Minute:
		return lang.DateTime(t)
	case d < time.Minute:
		return lang.T("web.ago.now")
	case d < time.Hour:
		return lang.T("web.ago.minutes", "n", int(d/time.Minute))
	case d < 24*time.Hour:
		return lang.T("web.ago.hours", "n", int(d/time.Hour))
	case d < 7*24*time.Hour:
		return lang.T("web.ago.days", "n", int(d/(24*time.Hour)))
	default:
		return lang.Date(t)
	}
}

func number(n any) (string, error) {
	switch n := n.(type) {
	case int:
		return locale.Number(int64(n)), nil
	case int64:
		return locale.Number(n), nil
	case float64:
		whole, part := math.Modf(math.Round(n*10) / 10)
		text := locale.Number(int64(whole))
		if part != 0 {
			text += fmt.Sprintf(".%d", int(math.Round(math.Abs(part)*10)))
		}
		return text, nil
	default:
		return "", fmt.Errorf("number: %T", n)
	}
}

// percent writes part of whole with one decimal; of nothing there is no share.
func percent(part, whole int64) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole))
}

// Defang changes an address so that no program makes it a link and no hand
// opens it by mistake: hxxp, [.] and [@], the forms that analysts' tools read
// back. What is defanged already stays as it is.
func Defang(s string) string {
	if i := strings.Index(s, "://"); i > 0 {
		scheme := s[:i]
		if strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https") {
			s = "hxxp" + scheme[4:] + s[i:]
		}
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		bracketed := i > 0 && s[i-1] == '[' && i+1 < len(s) && s[i+1] == ']'
		if (c == '.' || c == '@') && !bracketed {
			b.WriteByte('[')
			b.WriteByte(c)
			b.WriteByte(']')
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// tlpBadge is the label as FIRST prints it: its colour on black.
func tlpBadge(lang locale.Lang, l tlp.Level) template.HTML {
	return template.HTML(`<span class="tlp tlp-` + l.Class() + `" translate="no" title="` +
		template.HTMLEscapeString(lang.T("web.tlp."+l.Class())) + `">` + l.Label() + `</span>`)
}

// categoryBadge tells categories apart by word and drawing as well as by colour.
func categoryBadge(lang locale.Lang, c category.Category) template.HTML {
	drawing, err := icon(string(c))
	if err != nil {
		drawing = "" // a category without a drawing still has its word
	}
	return template.HTML(`<span class="badge category category-`+template.HTMLEscapeString(string(c))+`">`) + drawing +
		template.HTML(template.HTMLEscapeString(c.Name(lang))+`</span>`)
}
