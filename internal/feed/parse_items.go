// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
	"time"

	"teiten/internal/fault"
)

// document reads up to the end of the root element; what some servers append
// after it is nobody's loss.
func (p *parser) document() error {
	for {
		token, err := p.next()
		if err != nil {
			return err
		}
		root, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch key := keyOf(root.Name); key {
		case "rdf:rdf", "rdf", "rss":
			return p.children(func(key string, e xml.StartElement) error { return p.rss(key, e, xmlBase(root)) })
		case "atom:feed", "feed":
			return p.atomFeed(xmlBase(root))
		case "html", "other:html":
			return fault.New(fault.Invalid, "feed.html")
		case "status:status":
			return p.status(root)
		case "other:result":
			if err := p.children(func(key string, e xml.StartElement) error { return p.rss(key, e, "") }); err != nil || p.answered {
				return err
			}
			fallthrough
		default:
			return fault.New(fault.Invalid, "feed.not_feed", "root", oneLine(root.Name.Local, 60))
		}
	}
}

// rss takes a child of rdf:RDF or rss. RSS 2.0 has its items inside the
// channel, RSS 1.0 beside it; both are read in both places.
func (p *parser) rss(key string, e xml.StartElement, base string) error {
	switch key {
	case "channel":
		if b := xmlBase(e); b != "" {
			base = b
		}
		return p.children(func(key string, e xml.StartElement) error { return p.channel(key, e, base) })
	case "item":
		return p.item(e, base, p.rssField)
	case "status:status":
		return p.status(e)
	}
	return p.skip()
}

func (p *parser) channel(key string, e xml.StartElement, base string) error {
	switch key {
	case "title":
		return p.line1(&p.title)
	case "link":
		return p.word(&p.link)
	case "item":
		return p.item(e, base, p.rssField)
	}
	return p.skip()
}

// status reads the answer of the MyJVN API, which stands in the feed: an error,
// or the number of results; without results the feed holds a dummy item.
func (p *parser) status(e xml.StartElement) error {
	if code := attr(e, "retCd"); code != "" && code != "0" {
		return fault.New(fault.Unavailable, "feed.myjvn", "code", oneLine(attr(e, "errCd"), 60), "reason", oneLine(attr(e, "errMsg"), 120))
	}
	p.answered = true
	if attr(e, "totalRes") == "0" {
		p.noResult = true
		p.drafts = nil
		p.problems = slices.DeleteFunc(p.problems, func(pr Problem) bool { return pr.Item > 0 })
	}
	return p.skip()
}

func (p *parser) atomFeed(base string) error {
	return p.children(func(key string, e xml.StartElement) error {
		switch strings.TrimPrefix(key, "atom:") {
		case "title":
			return p.line1(&p.title)
		case "link":
			return p.atomLink(&p.link, e)
		case "entry":
			return p.item(e, base, p.atomField)
		}
		return p.skip()
	})
}

// atomLink keeps the link to the page: RFC 4287 section 4.2.7.2, rel
// "alternate", which is also what no rel means.
func (p *parser) atomLink(link *string, e xml.StartElement) error {
	if rel := attr(e, "rel"); (rel == "" || rel == "alternate") && *link == "" {
		*link = withoutBreaks(attr(e, "href"))
	}
	return p.skip()
}

// fields collects an item while its elements come in any order.
type fields struct {
	d                    *draft
	summary, content     string
	issued, date, edited time.Time // dcterms:issued, pubDate, published; dc:date; modified, updated
	references           []string
	permalink            bool // the GUID is said to be a link
	cvss                 Severity
}

// item takes one item or entry whole.
func (p *parser) item(e xml.StartElement, base string, field func(*fields, string, xml.StartElement) error) error {
	p.count++
	switch {
	case p.noResult:
		return p.skip()
	case p.count == MaxItems+1:
		p.problem(p.count, p.line(), "", fault.New(fault.TooLarge, "feed.items_limit", "limit", MaxItems))
		fallthrough
	case p.count > MaxItems:
		return p.skip()
	}
	d := draft{number: p.count, line: p.line(), base: base}
	if b := xmlBase(e); b != "" {
		d.base = b
	}
	f := fields{d: &d}
	if keyOf(e.Name) == "item" {
		d.item.GUID = oneLine(attr(e, "about"), maxLink)
		f.permalink = d.item.GUID != ""
	}
	err := p.children(func(key string, e xml.StartElement) error { return field(&f, key, e) })
	if err != nil {
		return err
	}
	it := &d.item
	if d.rawLink == "" && f.permalink && absolute(nil, it.GUID) != nil {
		d.rawLink = it.GUID
	}
	it.Summary = firstOf(f.summary, f.content)
	it.Published = firstTime(f.issued, f.date, f.edited)
	it.Updated = firstTime(f.edited, f.date, f.issued)
	it.Severity = f.cvss
	if it.Title == "" && it.Summary == "" {
		p.problem(d.number, d.line, d.rawLink, fault.New(fault.Invalid, "feed.item_empty"))
		return nil
	}
	if it.Title == "" {
		it.Title = oneLine(it.Summary, 300)
	}
	it.Identifiers = identifiers(f.references, it.Title, it.Summary)
	p.drafts = append(p.drafts, d)
	return nil
}

// rssField takes an element of an RSS 1.0 or 2.0 item.
func (p *parser) rssField(f *fields, key string, e xml.StartElement) error {
	it := &f.d.item
	switch key {
	case "title":
		return p.field(f.d, &it.Title, title)
	case "link":
		return p.word(&f.d.rawLink)
	case "description":
		return p.field(f.d, &f.summary, plainText)
	case "content:encoded":
		return p.field(f.d, &f.content, plainText)
	case "guid":
		f.permalink = !strings.EqualFold(attr(e, "isPermaLink"), "false")
		return p.word(&it.GUID)
	case "author", "dc:creator":
		return p.line1(&it.Author)
	case "category", "dc:subject":
		return p.listed(&it.Categories)
	case "pubdate":
		return p.date(f.d, &f.issued)
	case "sec:identifier", "sec:references":
		return p.reference(f, e)
	case "sec:cpe", "sec:cpe-item":
		if name := attr(e, "name"); name != "" {
			add(&it.CPEs, name)
			return p.skip()
		}
		return p.listed(&it.CPEs)
	case "sec:cvss":
		return p.cvss(f, e)
	}
	return p.common(f, key, e)
}

// atomField takes an element of an Atom entry (RFC 4287 section 4.1.2).
func (p *parser) atomField(f *fields, key string, e xml.StartElement) error {
	it := &f.d.item
	asTyped := plainText
	switch attr(e, "type") {
	case "text", "text/plain":
		asTyped = typedText
	case "html", "xhtml", "text/html":
		asTyped = func(c content) string { c.html = true; return plainText(c) }
	}
	switch strings.TrimPrefix(key, "atom:") {
	case "id":
		return p.word(&it.GUID)
	case "title":
		return p.field(f.d, &it.Title, func(c content) string {
			if t := attr(e, "type"); t == "" || t == "text" {
				return title(c)
			}
			return withoutBreaks(asTyped(c))
		})
	case "link":
		return p.atomLink(&f.d.rawLink, e)
	case "summary":
		return p.field(f.d, &f.summary, asTyped)
	case "content":
		return p.field(f.d, &f.content, asTyped)
	case "published", "issued", "created":
		return p.date(f.d, &f.issued)
	case "updated", "modified":
		return p.date(f.d, &f.edited)
	case "category":
		add(&it.Categories, firstOf(attr(e, "label"), attr(e, "term")))
		return p.skip()
	case "author":
		return p.children(func(key string, _ xml.StartElement) error {
			if strings.TrimPrefix(key, "atom:") == "name" {
				return p.line1(&it.Author)
			}
			return p.skip()
		})
	}
	return p.common(f, key, e)
}

// common takes the elements of other vocabularies, which occur in every format.
func (p *parser) common(f *fields, key string, _ xml.StartElement) error {
	switch key {
	case "dc:date":
		return p.date(f.d, &f.date)
	case "dcterms:issued", "dcterms:created":
		return p.date(f.d, &f.issued)
	case "dcterms:modified", "atom:updated":
		return p.date(f.d, &f.edited)
	}
	return p.skip()
}

// reference keeps the identifiers of sec:identifier and sec:references; which
// of them are ours, identifiers decides.
func (p *parser) reference(f *fields, e xml.StartElement) error {
	c, err := p.text()
	if err != nil {
		return err
	}
	if keyOf(e.Name) == "sec:identifier" {
		add(&f.references, c.raw)
	} else {
		add(&f.references, attr(e, "id"))
	}
	return nil
}

func (p *parser) cvss(f *fields, e xml.StartElement) error {
	if err := p.skip(); err != nil {
		return err
	}
	if kind := attr(e, "type"); kind != "" && !strings.EqualFold(kind, "base") {
		return nil
	}
	score, err := strconv.ParseFloat(attr(e, "score"), 64)
	if err != nil || !(score >= 0 && score <= 10) {
		p.problem(f.d.number, p.line(), f.d.item.Title, fault.New(fault.Invalid, "feed.item_score", "value", oneLine(attr(e, "score"), 40)))
		return nil
	}
	s := Severity{
		Version: oneLine(attr(e, "version"), 8),
		Score:   score,
		Vector:  oneLine(attr(e, "vector"), maxWord),
	}
	if level := strings.ToLower(attr(e, "severity")); slices.Contains([]string{"none", "low", "medium", "high", "critical"}, level) {
		s.Level = level
	}
	if s.Version >= f.cvss.Version {
		f.cvss = s
	}
	return nil
}

// field takes an element's text through a conversion, within MaxText. The first
// element of a name counts.
func (p *parser) field(d *draft, to *string, convert func(content) string) error {
	line := p.line()
	c, err := p.text()
	if err != nil || *to != "" {
		return err
	}
	s := convert(c)
	if len(s) > MaxText {
		s, c.cut = cutBytes(s, MaxText), true
	}
	if *to = s; c.cut {
		p.problem(d.number, line, d.item.Title, fault.New(fault.TooLarge, "feed.item_text", "limit", MaxText))
	}
	return nil
}

// line1 takes an element's text as one short line; the first that is not empty counts.
func (p *parser) line1(to *string) error {
	c, err := p.text()
	if err == nil && *to == "" {
		*to = oneLine(title(c), maxLink)
	}
	return err
}

// word is line1 for addresses and ids, in which &copy= is no reference.
func (p *parser) word(to *string) error {
	c, err := p.text()
	if err == nil && *to == "" {
		*to = oneLine(c.raw, maxLink+1)
	}
	return err
}

func (p *parser) listed(to *[]string) error {
	c, err := p.text()
	if err == nil {
		add(to, title(c))
	}
	return err
}

func (p *parser) date(d *draft, to *time.Time) error {
	line := p.line()
	c, err := p.text()
	if err != nil || strings.TrimSpace(c.raw) == "" || !to.IsZero() || d.dates >= maxDates {
		return err
	}
	d.dates++
	t, ok := parseTime(c.raw)
	if !ok {
		p.problem(d.number, line, d.item.Title, fault.New(fault.Invalid, "feed.item_date", "value", oneLine(c.raw, 60)))
		return nil
	}
	*to = t
	return nil
}

// add appends a word to a list that has it once and has an end.
func add(to *[]string, word string) {
	word = oneLine(word, maxWord)
	if word != "" && len(*to) < maxList && !slices.Contains(*to, word) {
		*to = append(*to, word)
	}
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

func firstTime(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}
