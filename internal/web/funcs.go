// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"html/template"
	"math"
	"net/netip"
	"strings"
	"time"

	"teiten/internal/category"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

// funcs are the functions of templates, bound to a language:
//
//	t "key" "name" value …   the sentence, with its {name} filled in
//	harmless                 somebody's text with every indicator in it masked and defanged
//	lines "key"              the sentence, by its lines
//	has "key"                whether the sentence exists
//	said                     the sentence of a Flash
//	date, datetime, iso      a time: 2026年3月4日; with 09:05; for <time datetime>
//	when                     a time as <time> element, day and minute
//	ago                      a time as 3 分前, older than a week as its date
//	number, percent          1,234; 12.3% of two numbers
//	bytes                    a size
//	defang                   an indicator.Value or a string, harmless to click
//	plain                    the same as it is, for a copy button
//	tlp                      the badge of a tlp.Level
//	category                 the badge of a category.Category
//	icon "name"              a drawing from icons.go, hidden from screen readers
//	asset "teiten.css"       the address of an asset
//	lang                     "ja" or "en"
func (s *Server) funcs(lang locale.Lang) template.FuncMap {
	return template.FuncMap{
		"t":        lang.T,
		"harmless": func(text string) string { return harmless(text) },
		"lines":    func(key string) []string { return strings.Split(lang.T(key), "\n") },
		"has":      locale.Has,
		"said":     func(f *Flash) string { return f.text(lang) },
		"lang":     func() locale.Lang { return lang },
		"source":   func(s string) string { return sourceName(lang, s) },
		"date":     lang.Date,
		"datetime": lang.DateTime,
		"iso":      iso,
		"when":     func(t time.Time) template.HTML { return timeElement(t, lang.DateTime(t)) },
		"ago":      func(t time.Time) template.HTML { return timeElement(t, ago(lang, t, s.Now())) },
		"number":   number,
		"percent":  percent,
		"bytes":    size,
		"defang":   defang,
		"plain":    plain,
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

// defang makes an indicator.Value, or an address written as a string, harmless
// to click.
func defang(v any) (string, error) {
	switch v := v.(type) {
	case indicator.Value:
		return indicator.Defang(v.Kind, v.Value), nil
	case string:
		return indicator.Defang(kindOf(v), v), nil
	default:
		return "", fmt.Errorf("defang: %T", v)
	}
}

// kindOf says how a string is to be defanged: only an IPv6 address, whose
// colons are broken, needs telling apart from what a URL may hold.
func kindOf(s string) indicator.Kind {
	if ip, err := netip.ParseAddr(s); err == nil && ip.Is6() {
		return indicator.IPv6
	}
	return indicator.URL
}

// plain is the value that a copy button copies, as it is.
func plain(v any) (string, error) {
	switch v := v.(type) {
	case indicator.Value:
		return v.Value, nil
	case string:
		return v, nil
	default:
		return "", fmt.Errorf("plain: %T", v)
	}
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
