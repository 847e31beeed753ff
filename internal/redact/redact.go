// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"teiten/internal/indicator"
	"teiten/internal/mail"
)

// Kind is what was hidden. Its name is the locale's "redact." with it behind.
type Kind string

const (
	Recipient   Kind = "recipient"   // name or address of whom the mail was for
	Person      Kind = "person"      // name of a person
	Address     Kind = "address"     // a mail address of the institution, or one that names a person
	Token       Kind = "token"       // what identifies the recipient in a URL or elsewhere, and names of accounts
	Patient     Kind = "patient"     // number of a patient
	Birth       Kind = "birth"       // date of birth
	Phone       Kind = "phone"       // telephone and fax numbers, extensions
	Postal      Kind = "postal"      // postal addresses and codes
	Number      Kind = "number"      // insurance, bank, card, staff and "my number"
	Host        Kind = "host"        // names and addresses of machines inside
	Institution Kind = "institution" // names of the institution
	Chosen      Kind = "chosen"      // what the reporter hid himself
)

// Inside is what is known of the institution that the mail came to.
type Inside struct {
	Domains   []string // its own, registrable or below
	Names     []string // of the institution and its people, as registered
	Addresses []string // of its people, as registered
}

// Span is a hidden place in a text: text[Start:End] is the mark that stands
// for it, such as 【宛先】, or "*" inside a URL.
type Span struct {
	Start int  `json:"start"`
	End   int  `json:"end"`
	Kind  Kind `json:"kind"`
}

// Piece is a redacted text and where it came from.
type Piece struct {
	Where string `json:"where"`          // "subject", "from", "reply-to", "return-path", "text", "html", "link", "file", "header:received", ...
	Path  string `json:"path,omitempty"` // of the part, "" for the header
	Text  string `json:"text"`           // redacted
	Spans []Span `json:"spans,omitempty"`

	originals []string // of the spans; never stored
}

// Omission is something that was left out rather than shared.
type Omission struct {
	Where string `json:"where"`
	Path  string `json:"path,omitempty"`
	Code  string `json:"code"` // key of package locale: "redact.omitted_..."
}

// Mail is a redacted mail: all of it that may be shared. What is not in it is
// not shared: attachments are names, kinds, sizes and hashes. It is stored and
// shared as JSON, which holds nothing of what was hidden.
type Mail struct {
	Subject    Piece             `json:"subject"`
	From       []Piece           `json:"from,omitempty"` // display name and address of the sender
	ReplyTo    []Piece           `json:"reply_to,omitempty"`
	ReturnPath Piece             `json:"return_path"`
	Date       string            `json:"date,omitempty"`       // RFC 3339, UTC; "" if the mail has none
	Header     []Piece           `json:"header,omitempty"`     // Received, Authentication-Results, X-Mailer, ..., in order
	Body       []Piece           `json:"body,omitempty"`       // plain text bodies and the text of HTML bodies
	Links      []Piece           `json:"links,omitempty"`      // targets of links in HTML bodies, masked
	Files      []File            `json:"files,omitempty"`      // attachments
	Indicators []indicator.Value `json:"indicators,omitempty"` // of the redacted mail, masked
	Counts     map[Kind]int      `json:"counts,omitempty"`     // of hidden places
	Omitted    []Omission        `json:"omitted,omitempty"`    // what could not be examined
}

// File is an attachment, as it is shared.
type File struct {
	Name      Piece  `json:"name"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"` // in bytes
	MD5       string `json:"md5"`
	SHA1      string `json:"sha1"`
	SHA256    string `json:"sha256"`
}

// Redactor hides what one institution does not share. It is safe for
// concurrent use.
type Redactor struct {
	inside  *finder
	hashes  map[string]Kind
	domains []string
}

// New prepares what is known of an institution; it costs about 0.1 ms for
// each person.
func New(in Inside) *Redactor {
	load()
	var w wanted
	w.inside(in)
	r := &Redactor{inside: newFinder(w.needles), hashes: w.hashes}
	for _, d := range in.Domains {
		if d = plainDomain(d); d != "" {
			r.domains = append(r.domains, d)
		}
	}
	return r
}

// Redact hides what must not leave the institution. hide are texts that the
// reporter wants hidden besides, wherever they stand and however they are
// spelt. Text that cannot be examined is left out rather than shared.
func Redact(m *mail.Message, in Inside, hide []string) *Mail { return New(in).Redact(m, hide) }

// Redact is the function of the same name.
func (all *Redactor) Redact(m *mail.Message, hide []string) *Mail {
	r, ok := all.prepare(m, hide)
	r.vouched = &wanted{}
	out := r.mail(m, ok)
	if len(r.vouched.needles) > 0 { // once more, with the names for which the mail vouches
		r.elsewhere, r.vouched, r.omitted = newFinder(r.vouched.needles), nil, nil
		out = r.mail(m, ok)
	}
	return out
}

// mail redacts a mail once. Its bodies are left out if its recipients were not
// all looked for.
func (r *redactor) mail(m *mail.Message, ok bool) *Mail {
	out := &Mail{Counts: map[Kind]int{}}
	if !m.Date.IsZero() {
		out.Date = m.Date.UTC().Format(time.RFC3339)
	}
	out.Subject = r.piece("subject", "", m.Subject, everything)
	for _, a := range m.From {
		out.From = append(out.From, r.sender("from", a))
	}
	if m.Sender.Address != "" {
		out.From = append(out.From, r.sender("sender", m.Sender))
	}
	for _, a := range m.ReplyTo {
		out.ReplyTo = append(out.ReplyTo, r.sender("reply-to", a))
	}
	out.ReturnPath = r.returnPath(m.ReturnPath)
	out.Header = r.header(m)
	if ok {
		r.bodies(m, out)
	} else {
		r.omit("text", "", "redact.omitted_recipients")
	}
	r.files(m, out)
	out.Omitted = r.omitted
	out.Indicators = r.indicators(out)
	out.each(func(p *Piece) {
		for _, s := range p.Spans {
			out.Counts[s.Kind]++
		}
	})
	return out
}

// prepare collects what is known of a mail. It is false if its recipients are
// too many to be looked for.
func (all *Redactor) prepare(m *mail.Message, hide []string) (*redactor, bool) {
	r := &redactor{elsewhere: &finder{}, inside: all.inside, insideHashes: all.hashes, domains: all.domains, sent: m.Date, senders: map[string]bool{}}
	if r.sent.IsZero() || r.sent.Year() < 1990 || r.sent.Year() > 2100 {
		r.sent = time.Now()
	}
	var w wanted
	for _, h := range hide {
		w.add(tighten(h), Chosen, anywhere)
		if len(h) >= 4 {
			w.add(reverse(tighten(h)), Chosen, word)
		}
	}
	n := w.recipients(m)
	r.own, r.hashes = newFinder(w.needles), w.hashes
	for _, list := range [][]mail.Address{m.From, m.ReplyTo, {m.Sender, m.ReturnPath}} {
		for _, a := range list {
			r.senders[strings.ToLower(a.Address)] = true
		}
	}
	return r, n <= maxRecipients
}

// each calls fn for every piece.
func (m *Mail) each(fn func(*Piece)) {
	fn(&m.Subject)
	fn(&m.ReturnPath)
	for _, list := range [][]Piece{m.From, m.ReplyTo, m.Header, m.Body, m.Links} {
		for i := range list {
			fn(&list[i])
		}
	}
	for i := range m.Files {
		fn(&m.Files[i].Name)
	}
}

// Pieces returns all texts of the mail, in the order in which they are shown.
func (m *Mail) Pieces() []Piece {
	list := []Piece{m.Subject}
	for _, pieces := range [][]Piece{m.From, m.ReplyTo, {m.ReturnPath}, m.Header, m.Body, m.Links} {
		list = append(list, pieces...)
	}
	for _, f := range m.Files {
		list = append(list, f.Name)
	}
	return slices.DeleteFunc(list, func(p Piece) bool { return p.Text == "" })
}

// files describes the attachments.
func (r *redactor) files(m *mail.Message, out *Mail) {
	for _, p := range m.Files() {
		data := p.Data
		f := File{MediaType: p.MediaType, Size: int64(len(data))}
		if p.Message != nil && len(data) == 0 {
			data = p.Message.Raw
			f.Size = p.Message.Size
			f.SHA256 = p.Message.SHA256
		}
		if len(data) > 0 {
			m5, s1, s256 := md5.Sum(data), sha1.Sum(data), sha256.Sum256(data)
			f.MD5, f.SHA1, f.SHA256 = hex.EncodeToString(m5[:]), hex.EncodeToString(s1[:]), hex.EncodeToString(s256[:])
		}
		name := p.Name
		if len(name) > maxNames {
			name = ""
			r.omit("file", p.Path, "redact.omitted_long")
		}
		f.Name = r.fileName(p.Path, name)
		if !mediaType(f.MediaType) {
			f.MediaType = "application/octet-stream"
		}
		out.Files = append(out.Files, f)
	}
}

// fileName redacts a file name: its stem by itself first, because the extension
// would be read as part of a host. In place of "/" and "\" it may have "_".
func (r *redactor) fileName(path, name string) Piece {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || len(name)-dot > 6 {
		dot = len(name)
	}
	d, ok := r.hide(name[:dot], everything)
	if ok {
		var hits []hit
		for i := 0; i < len(d.text); i++ {
			from := i
			for i < len(d.text) && (isAlnum(d.text[i]) || d.text[i] == '-') {
				i++
			}
			if digits, letters, plain := mix(d.text[from:i]); i-from >= 24 && plain && digits > 0 && letters > 0 {
				hits = append(hits, hit{from: from, to: i, kind: Token})
			}
		}
		if strings.HasPrefix(d.text, "__") && strings.Count(d.text, "_") > 3 {
			hits = append(hits, hit{from: 0, to: len(d.text), kind: Host})
		}
		d.apply(hits)
		d.text += strings.ToValidUTF8(name[dot:], "\uFFFD")
		ok = r.settle(d, everything)
	}
	if !ok {
		r.omit("file", path, "redact.omitted_unsettled")
		return Piece{Where: "file", Path: path}
	}
	return d.piece("file", path)
}

// mediaType reports whether a media type has the form of RFC 6838, section 4.2:
// the sender writes it, and could write anything.
func mediaType(s string) bool {
	slash := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '/':
			slash++
		case !isAlnum(c) && strings.IndexByte("!#$&-^_.+", c) < 0:
			return false
		}
	}
	return slash == 1 && len(s) <= 127
}

// indicators are those of the redacted mail: of its bodies, links and senders,
// and the hashes of its attachments.
func (r *redactor) indicators(out *Mail) (list []indicator.Value) {
	seen := map[indicator.Value]bool{}
	add := func(v indicator.Value) {
		v.Value, _ = indicator.Mask(v.Kind, v.Value)
		v.Written, _ = indicator.Mask(v.Kind, v.Written)
		key := indicator.Value{Kind: v.Kind, Value: v.Value}
		switch {
		case seen[key] || len(list) >= indicator.MaxFound:
		case v.Kind != indicator.URL && strings.Contains(v.Value, star):
		case r.isInside(v.Host) || v.Host != "" && isInternal(v.Host), v.Kind == indicator.CIDR && isInternal(v.Value):
		default:
			seen[key] = true
			list = append(list, v)
		}
	}
	texts := slices.Concat([]Piece{out.Subject}, out.From, out.ReplyTo, []Piece{out.ReturnPath}, out.Body, out.Links)
	for _, p := range texts {
		for _, f := range indicator.Extract(p.Text) {
			if v := f.Value; !r.beside(p, f) {
				add(v)
			}
		}
	}
	for _, f := range out.Files {
		if f.SHA256 != "" {
			add(indicator.Value{Kind: indicator.SHA256, Value: f.SHA256, Written: f.SHA256})
		}
	}
	return list
}

// beside reports whether an indicator touches a mark, so that it is what is
// left of a name: the ".example" of 【宛先】.evil.example is a host, the
// "example.jp" of 【宛先】@example.jp was no indicator.
func (r *redactor) beside(p Piece, f indicator.Found) bool {
	for _, s := range p.Spans {
		if s.End == f.Start && p.Text[s.Start:s.End] != star && f.Kind == indicator.Email {
			return true
		}
	}
	return false
}
