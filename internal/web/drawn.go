// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"strconv"
	"strings"

	"teiten/internal/advisory"
	"teiten/internal/category"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

// drawn are the functions of templates that write what stands on a page a
// hundred times: the rows of a list and the choices of a select. A template
// looks up each field and calls each method by reflection, which was half of
// the processor time of a list.
//
//	feed             []row, a list of advisories that reads well on a phone
//	state            the badge of an advisory.State; published is the rule and has none
//	sharedWith       the badge of a sharing group's name, "" for all
//	unnamed          the badge of a row whose name others are not told
//	choices          the options of a Field that is a select
//	techniqueChoices the same of a listForm's techniques
func (s *Server) drawn(lang locale.Lang) template.FuncMap {
	d := s.drawing(lang)
	return template.FuncMap{
		"feed":             d.feed,
		"state":            func(state advisory.State) template.HTML { return template.HTML(d.states[state]) },
		"sharedWith":       func(name string) template.HTML { return drawnBy(func(b *strings.Builder) { d.sharedWith(b, name) }) },
		"unnamed":          func(r named) template.HTML { return drawnBy(func(b *strings.Builder) { d.unnamed(b, r) }) },
		"choices":          choices,
		"techniqueChoices": d.techniques,
	}
}

func drawnBy(draw func(*strings.Builder)) template.HTML {
	var b strings.Builder
	draw(&b)
	return template.HTML(b.String())
}

// drawing holds, in one language, what is the same each time.
type drawing struct {
	s          *Server
	lang       locale.Lang
	states     map[advisory.State]string
	levels     map[tlp.Level]string
	categories map[category.Category]string

	building, sighting, group, keep, anyOf string
}

func (s *Server) drawing(lang locale.Lang) *drawing {
	symbol := func(name string) string {
		h, err := icon(name)
		if err != nil {
			panic(err)
		}
		return string(h)
	}
	said := func(key string) string { return template.HTMLEscapeString(lang.T(key)) }
	d := &drawing{s: s, lang: lang, states: map[advisory.State]string{}, levels: map[tlp.Level]string{}, categories: map[category.Category]string{},
		building: symbol("building"), sighting: symbol("sighting"), group: said("list.by.group"), keep: said("list.unnamed"), anyOf: said("list.any")}
	for _, l := range tlp.Levels {
		d.levels[l] = string(tlpBadge(lang, l))
	}
	for _, c := range category.All() {
		d.categories[c] = string(categoryBadge(lang, c))
	}
	for _, state := range advisory.States {
		class, name := "badge", "file"
		switch state {
		case advisory.Published:
			continue
		case advisory.Withdrawn:
			class, name = "badge bad", "stop"
		case advisory.Corrected:
			class, name = "badge warn", "alert"
		case advisory.InReview:
			class, name = "badge warn", "clock"
		}
		d.states[state] = `<span class="` + class + `">` + symbol(name) + said("state."+string(state)) + `</span>`
	}
	return d
}

// feed writes rows. Their texts are harmless already; here they become HTML.
func (d *drawing) feed(rows []row) template.HTML {
	now := d.s.Now()
	return drawnBy(func(b *strings.Builder) {
		b.Grow(len(rows) * 1200)
		b.WriteString(`<ul class="feed">`)
		for i := range rows {
			r := &rows[i]
			b.WriteString("<li>\n" + `<p class="meta">`)
			if badge, ok := d.categories[r.Category]; ok {
				b.WriteString(badge)
			} else {
				b.WriteString(string(categoryBadge(d.lang, r.Category)))
			}
			if name := r.NoticeName(d.lang); name != "" {
				put(b, "<span>", name, "</span>")
			}
			b.WriteString(" " + d.levels[r.TLP])
			d.sharedWith(b, r.Group)
			b.WriteString(" " + d.states[r.State] + "</p>\n" + `<h3><a href="/advisories/`)
			b.WriteString(strconv.FormatInt(r.ID, 10))
			put(b, `">`, r.Heading, "</a></h3>\n")
			put(b, `<p class="meta"><span>`, sourceName(d.lang, r.Source), "</span>")
			d.unnamed(b, r)
			b.WriteString(" <span>" + string(timeElement(r.At, ago(d.lang, r.At, now))) + "</span>")
			if seen := r.SeenText(d.lang); seen != "" {
				put(b, ` <span class="seen">`+d.sighting, seen, "</span>")
			}
			for _, word := range r.Matched {
				put(b, ` <span class="badge good">`+d.building, d.lang.T("list.matched", "word", word), "</span>")
			}
			b.WriteString("</p>\n</li>")
		}
		b.WriteString("</ul>")
	})
}

// put writes text as HTML between two pieces that are HTML already.
func put(b *strings.Builder, before, text, after string) {
	b.WriteString(before)
	b.WriteString(template.HTMLEscapeString(text))
	b.WriteString(after)
}

func (d *drawing) sharedWith(b *strings.Builder, name string) {
	if name != "" {
		put(b, ` <span class="badge">`+d.building+`<span class="unseen">`+d.group+`: </span>`, name, "</span>")
	}
}

// named is what may have a name that others are not told: row, and what has one.
type named interface{ Named() bool }

func (d *drawing) unnamed(b *strings.Builder, r named) {
	if r.Named() {
		b.WriteString(` <span class="badge warn">` + d.keep + `</span>`)
	}
}

// choices are the options of a select.
func choices(f Field) template.HTML {
	return drawnBy(func(b *strings.Builder) {
		for _, o := range f.Options {
			choice(b, o.Value, o.Label, f.Has(o.Value))
		}
	})
}

func choice(b *strings.Builder, value, label string, chosen bool) {
	put(b, `<option value="`, value, `"`)
	if chosen {
		b.WriteString(" selected")
	}
	put(b, ">", label, "</option>")
}

func (d *drawing) techniques(f listForm) template.HTML {
	return drawnBy(func(b *strings.Builder) {
		b.WriteString(`<option value="">` + d.anyOf + "</option>")
		for _, g := range f.Groups {
			put(b, `<optgroup label="`, g.Name(d.lang), `">`)
			for i := range g.Techniques {
				t := &g.Techniques[i]
				choice(b, t.ID, t.Name(d.lang), t.ID == f.Technique.Value)
			}
			b.WriteString("</optgroup>")
		}
	})
}
