// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"time"

	"teiten/internal/fault"
)

// Limits of what is parsed. Beyond them Parse refuses the feed (bytes, depth)
// or leaves out the rest and says so in a Problem (items, text).
const (
	MaxBytes = 10 << 20 // as received, decompressed
	MaxItems = 5000
	MaxDepth = 64
	MaxText  = 64 << 10 // bytes of UTF-8 per text field, as returned

	maxLink     = 2048
	maxList     = 200 // entries of one item's list, as categories
	maxWord     = 512 // bytes of one such entry
	maxDates    = 8   // dates of one item that are tried
	maxProblems = 200
)

// Feed is what a feed said.
type Feed struct {
	Title    string
	Link     string // absolute http or https URL of the provider's page, or ""
	Items    []Item // in the feed's order
	Problems []Problem
}

// Item is one entry. Every text is plain text: no markup, no control or
// direction-changing characters; surfaces escape it like any other text.
type Item struct {
	// GUID is the same whenever the item comes again: the feed's own id, else
	// the link, else a hash of link and title.
	GUID    string
	Title   string // one line
	Link    string // absolute http or https URL, or ""
	Summary string // lines separated by \n
	// Published and Updated are zero when the feed does not say, or says it
	// unreadably; Updated falls back to Published.
	Published, Updated time.Time
	Author             string
	Categories         []string
	// Identifiers are the CVE, JVNDB, JVN and JPCERT-AT numbers that the item
	// names, anywhere, each once.
	Identifiers []string
	CPEs        []string
	Severity    Severity
}

// Severity is the CVSS base score with the highest version that the item gives;
// the zero Severity means that it gives none.
type Severity struct {
	Version string  // "2.0", "3.0", "3.1", "4.0"
	Score   float64 // 0 to 10
	Level   string  // none, low, medium, high or critical, as the provider says
	Vector  string
}

// Problem is a part that was left out or changed, and why.
type Problem struct {
	Item   int    // 1 for the first item; 0 for the feed itself
	Line   int    // in the document; 0 if it is not one place
	Title  string // of the item, cut to 100 characters
	Reason *fault.Error
}

// Parse reads an RSS 1.0 (with JVNRSS), RSS 2.0 or Atom feed. contentType is
// the HTTP header of that name, of which only the charset counts: what the
// document is, it says itself. Errors are faults of the area "feed".
func Parse(r io.Reader, contentType string) (*Feed, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "feed.read")
	}
	return parse(data, contentType, "")
}

// parse is Parse with the URL that the document came from, against which its
// relative links are resolved.
func parse(data []byte, contentType, from string) (*Feed, error) {
	if len(data) > MaxBytes {
		return nil, fault.New(fault.TooLarge, "feed.too_large", "limit", MaxBytes)
	}
	text, damaged, err := decode(data, contentType)
	if err != nil {
		return nil, err
	}
	if err := looksLikeXML(text); err != nil {
		return nil, err
	}
	text, err = repair(text)
	if err != nil {
		return nil, err
	}
	p := newParser(text)
	if damaged {
		p.problem(0, 0, "", fault.New(fault.Invalid, "feed.charset_damaged"))
	}
	if err := p.document(); err != nil {
		return nil, err
	}
	return p.finish(from), nil
}

// looksLikeXML gives the two commonest mistakes their own words: a page's
// address instead of the feed's, and an answer that is no XML at all.
func looksLikeXML(text []byte) error {
	head := bytes.ToLower(bytes.TrimLeft(text[:min(len(text), 1024)], " \t\r\n"))
	switch {
	case len(head) == 0:
		return fault.New(fault.Invalid, "feed.empty")
	case head[0] != '<':
		return fault.New(fault.Invalid, "feed.not_xml")
	case bytes.HasPrefix(head, []byte("<!doctype html")), bytes.HasPrefix(head, []byte("<html")):
		return fault.New(fault.Invalid, "feed.html")
	}
	return nil
}

// finish resolves links, gives every item its GUID and drops repetitions.
func (p *parser) finish(from string) *Feed {
	f := &Feed{Title: p.title, Problems: p.problems}
	base := absolute(nil, from)
	if link := absolute(base, p.link); link != nil {
		f.Link, base = link.String(), firstURL(base, link)
	}
	links := map[string]int{}
	for i := range p.drafts {
		d := &p.drafts[i]
		if d.rawLink != "" {
			if link := absolute(firstURL(absolute(base, d.base), base), d.rawLink); link != nil {
				d.item.Link = link.String()
			} else {
				p.problem(d.number, d.line, d.item.Title, fault.New(fault.Invalid, "feed.item_link"))
			}
		}
		if d.item.GUID == d.rawLink {
			d.item.GUID = "" // RSS 1.0 repeats the link in rdf:about; it says no more than the link
		}
		if d.item.GUID == "" && d.item.Link != "" {
			links[d.item.Link]++
		}
	}
	seen := map[string]int{}
	for i := range p.drafts {
		d := &p.drafts[i]
		if d.item.GUID == "" {
			// Some offices link every item to the same page of news: only a
			// link of its own can stand for an item.
			if d.item.Link != "" && links[d.item.Link] == 1 {
				d.item.GUID = d.item.Link
			} else {
				d.item.GUID = hashID(d.item.Link, d.item.Title)
			}
		}
		if at, twice := seen[d.item.GUID]; twice {
			// RFC 4287 section 4.1.1: the same id twice is one entry at two times.
			if d.item.Updated.After(f.Items[at].Updated) {
				f.Items[at] = d.item
			}
			p.problem(d.number, d.line, d.item.Title, fault.New(fault.Invalid, "feed.item_twice"))
			continue
		}
		seen[d.item.GUID] = len(f.Items)
		f.Items = append(f.Items, d.item)
	}
	f.Problems = p.problems
	return f
}

func hashID(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		io.WriteString(h, s)
		h.Write([]byte{0})
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// absolute returns raw as an absolute http or https URL, resolved against base
// if there is one, or nil. javascript:, data: and credentials end here.
func absolute(base *url.URL, raw string) *url.URL {
	if raw == "" || len(raw) > maxLink {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return nil
	}
	return u
}

func firstURL(urls ...*url.URL) *url.URL {
	for _, u := range urls {
		if u != nil {
			return u
		}
	}
	return nil
}
