// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"io"
	"mime"
	netmail "net/mail"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // as programs use it
	gomail "github.com/emersion/go-message/mail"
	"github.com/jhillyerd/enmime/v2"
	"golang.org/x/net/html"

	"teiten/internal/mailcorpus"
)

// reading is what a parser found in a mail.
type reading struct {
	subject, from string
	files         []string
	text          string // of all bodies
}

// ours reads with this package.
func ours(raw []byte) (r reading, ok bool) {
	m, err := Read(raw, Limits{})
	if err != nil {
		return r, false
	}
	r.subject = m.Subject
	if len(m.From) > 0 {
		r.from = m.From[0].Address
	}
	var b strings.Builder
	gather(m, &r.files, &b)
	r.text = b.String()
	return r, true
}

func gather(m *Message, files *[]string, b *strings.Builder) {
	for _, p := range m.Texts() {
		b.WriteString(p.Text + "\n")
	}
	for _, p := range m.HTML() {
		b.WriteString(html.UnescapeString(p.Text) + "\n")
	}
	for _, p := range m.Files() {
		if p.Name != "" {
			*files = append(*files, p.Name)
		}
		b.WriteString(html.UnescapeString(p.Text) + "\n")
		if p.Message != nil {
			gather(p.Message, files, b)
		}
	}
}

func viaEnmime(raw []byte) (r reading, ok bool) {
	e, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		return r, false
	}
	r.subject, r.text = e.GetHeader("Subject"), e.Text+"\n"+html.UnescapeString(e.HTML)
	if list, err := e.AddressList("From"); err == nil && len(list) > 0 {
		r.from = list[0].Address
	}
	for _, parts := range [][]*enmime.Part{e.Attachments, e.Inlines, e.OtherParts} {
		for _, p := range parts {
			if p.FileName != "" {
				r.files = append(r.files, p.FileName)
			}
			if strings.HasPrefix(p.ContentType, "text/") {
				r.text += "\n" + string(p.Content)
			}
		}
	}
	return r, true
}

func viaGoMessage(raw []byte) (r reading, ok bool) {
	mr, err := gomail.CreateReader(bytes.NewReader(raw))
	if mr == nil || err != nil && !message.IsUnknownCharset(err) {
		return r, false
	}
	r.subject, _ = mr.Header.Subject()
	if list, err := mr.Header.AddressList("From"); err == nil && len(list) > 0 {
		r.from = list[0].Address
	}
	for range 200 {
		p, err := mr.NextPart()
		if p == nil || err != nil && !message.IsUnknownCharset(err) {
			break
		}
		if h, is := p.Header.(*gomail.AttachmentHeader); is {
			if name, err := h.Filename(); err == nil && name != "" {
				r.files = append(r.files, name)
			}
		}
		b, _ := io.ReadAll(p.Body)
		r.text += html.UnescapeString(string(b)) + "\n"
	}
	return r, true
}

// viaNetMail reads headers with the standard library, and of the body what
// stands there unencoded.
func viaNetMail(raw []byte) (r reading, ok bool) {
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return r, false
	}
	if r.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		r.subject = m.Header.Get("Subject")
	}
	if list, err := m.Header.AddressList("From"); err == nil && len(list) > 0 {
		r.from = list[0].Address
	}
	b, _ := io.ReadAll(m.Body)
	r.text = string(b)
	return r, true
}

// TestRecall reads a corpus of Japanese mails with all usual mistakes and counts
// what of the truth is found: by us, all of it.
func TestRecall(t *testing.T) {
	n := 4000
	if testing.Short() {
		n = 600
	}
	parsers := []struct {
		name string
		read func([]byte) (reading, bool)
	}{{"ours", ours}, {"enmime", viaEnmime}, {"go-message", viaGoMessage}, {"net/mail", viaNetMail}}
	type tally struct{ read, subject, from, hosts, files int }
	tallies := make([]tally, len(parsers))
	var all tally
	shown, impossible, forwards, originals := 0, 0, 0, 0
	for s := range mailcorpus.Japanese(7, n) {
		if s.Impossible {
			impossible++
			continue
		}
		if s.Original != nil {
			forwards++
			if m, err := Read(s.Raw, Limits{}); err == nil {
				if o, found := m.Original(); found != Itself && len(o.From) > 0 && strings.EqualFold(o.From[0].Address, s.Original.From) && sameText(o.Subject, s.Original.Subject) {
					originals++
				} else if shown < 25 {
					shown++
					t.Errorf("%s %v: original %s %v %q, want %s %q", s.Shape, s.Mistakes, found, o.From, o.Subject, s.Original.From, s.Original.Subject)
				}
			}
		}
		// How a URL is written so that it is not recognised is not about reading
		// mails.
		if slices.ContainsFunc(s.Mistakes, func(m string) bool { return strings.HasPrefix(m, "hide.") }) {
			s.Hosts = nil
		}
		all.read++
		all.subject++
		all.from++
		all.hosts += len(s.Hosts)
		all.files += len(s.Files)
		for i, p := range parsers {
			r, ok := p.read(s.Raw)
			if !ok {
				if i == 0 {
					t.Errorf("%s: not read", s.Shape)
				}
				continue
			}
			tallies[i].read++
			var missed []string
			if sameText(r.subject, s.Subject) {
				tallies[i].subject++
			} else {
				missed = append(missed, "subject "+r.subject+" for "+s.Subject)
			}
			if strings.EqualFold(r.from, s.From) {
				tallies[i].from++
			} else {
				missed = append(missed, "from "+r.from+" for "+s.From)
			}
			lower := strings.ToLower(r.text)
			for _, h := range s.Hosts {
				if strings.Contains(lower, strings.ToLower(h)) {
					tallies[i].hosts++
				} else {
					missed = append(missed, "host "+h)
				}
			}
			for _, f := range s.Files {
				if slices.ContainsFunc(r.files, func(name string) bool { return sameText(path.Base(name), path.Base(f)) }) {
					tallies[i].files++
				} else {
					missed = append(missed, "file "+f+" in "+strings.Join(r.files, ", "))
				}
			}
			if i == 0 && len(missed) > 0 && shown < 25 {
				shown++
				t.Errorf("%s %v: %s", s.Shape, s.Mistakes, strings.Join(missed, "; "))
			}
		}
	}
	percent := func(a, b int) float64 { return 100 * float64(a) / float64(max(b, 1)) }
	for i, p := range parsers {
		v := tallies[i]
		t.Logf("%-10s read %6.2f%%  subjects %6.2f%%  senders %6.2f%%  hosts %6.2f%%  file names %6.2f%%", p.name,
			percent(v.read, all.read), percent(v.subject, all.subject), percent(v.from, all.from), percent(v.hosts, all.hosts), percent(v.files, all.files))
	}
	t.Logf("%d of %d forwarded originals found", originals, forwards)
	t.Logf("%d mails, %d more of which something cannot be read by anybody", all.read, impossible)
	if tallies[0] != all {
		t.Errorf("found %+v of %+v", tallies[0], all)
	}
}

// sameText compares without what folding does to blanks.
func sameText(a, b string) bool {
	return a == b || strings.Join(strings.Fields(a), "") == strings.Join(strings.Fields(b), "")
}
