// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
)

// mess is a mail being written wrong. A mistake of a dimension sets its fields;
// what stays nil or empty is done right.
type mess struct {
	*scope
	m Sample

	greeting, text, closing string // lines of the body

	form     textForm
	transfer transferForm
	spoil    func(raw []byte) []byte // of the body's bytes before the transfer encoding

	subject func(text string) string // what stands after "Subject:"
	from    func(name, address string) string
	names   string // charset of the header's encoded words

	file  func(name string) (typeParam, dispositionParams string) // "" for none
	extra string                                                  // after the text of a plain body, encoded already

	hide      *hideForm // how a link is written, nil for no link
	anchor    string    // the link as written, once it is
	asHTML    bool
	structure func(body part) part
	raw       []func(raw []byte) []byte // of the whole mail
	ends      func(raw []byte) []byte   // of the whole mail, at last
	noMIME    bool                      // the header tells no type
	typeLine  string                    // instead of the body's Content-Type
}

// Japanese makes n mails, each with one mistake of [Mistakes] in turn, and with
// others besides as far as they go together.
func Japanese(seed uint64, n int) iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		for i := range n {
			r := rand.New(rand.NewPCG(seed^0x6a61, uint64(i)))
			if !yield(wrong(r, i%len(mistakes))) {
				return
			}
		}
	}
}

// Mistakes are the names of all mistakes, "dimension.name".
func Mistakes() []string {
	var all []string
	for _, k := range mistakes {
		all = append(all, k.name)
	}
	return all
}

// mistake is one way to do something wrong.
type mistake struct {
	name  string
	apply func(x *mess)
	alone bool // goes with no mistake of another dimension
}

func (k mistake) dimension() string { d, _, _ := strings.Cut(k.name, "."); return d }

// clash tells dimensions whose mistakes are not put on top of each other,
// since both decide how the body's bytes are written.
func clash(a, b string) bool {
	body := []string{"charset", "transfer", "hide", "structure"}
	return a == b || slices.Contains(body, a) && slices.Contains(body, b)
}

func wrong(r *rand.Rand, index int) Sample {
	s := newScope(r, nil)
	l := shapes()
	row := l.tables["bank"].rows[r.IntN(len(l.tables["bank"].rows))]
	s.bound["label"] = strings.TrimSpace(row[2])
	first := mistakes[index]
	x := &mess{scope: s, names: "UTF-8"}
	x.m.Shape = "japanese." + first.name
	x.m.Subject, x.m.FromName = s.word("jsubject", false), s.word("jname", false)
	x.m.From = s.draw(small, 6) + "@" + s.word("jhost", true)
	x.greeting, x.text = s.word("jgreeting", false), s.word("jtext", false)
	x.closing = x.m.FromName
	x.asHTML = r.IntN(3) == 0
	x.right()
	var used []string
	use := func(k mistake) {
		k.apply(x)
		used = append(used, k.dimension())
		x.m.Mistakes = append(x.m.Mistakes, k.name)
	}
	use(first)
	if !first.alone {
		for range r.IntN(4) {
			k := mistakes[r.IntN(len(mistakes))]
			if k.alone || slices.ContainsFunc(used, func(d string) bool { return clash(d, k.dimension()) }) {
				continue
			}
			use(k)
		}
	}
	x.m.Raw = x.build()
	return x.m
}

// right draws a body without mistakes.
func (x *mess) right() {
	forms := []struct {
		form  textForm
		label string
	}{
		{textForm{"UTF-8", "utf-8"}, "base64"}, {textForm{"UTF-8", "utf-8"}, "quoted-printable"}, {textForm{"utf-8", "utf-8"}, "8bit"},
		{textForm{"ISO-2022-JP", "jis"}, "7bit"}, {textForm{"iso-2022-jp", "jis"}, "quoted-printable"}, {textForm{"ISO-2022-JP", "jis"}, "base64"},
		{textForm{"Shift_JIS", "sjis"}, "base64"}, {textForm{"shift_jis", "sjis"}, "8bit"}, {textForm{"EUC-JP", "euc"}, "8bit"}, {textForm{"euc-jp", "euc"}, "quoted-printable"},
	}
	f := forms[x.r.IntN(len(forms))]
	x.form, x.transfer = f.form, transferForm{f.label, as(f.label)}
	if x.r.IntN(3) == 0 {
		x.names = "ISO-2022-JP"
	}
	if x.r.IntN(3) == 0 {
		x.file = fileEncodedWord
	}
	if x.r.IntN(3) > 0 {
		x.hide = &hideForm{write: plainLink}
	}
	if x.r.IntN(4) == 0 {
		x.structure = x.twice
	}
}

// build writes the mail.
func (x *mess) build() []byte {
	x.m.Text = x.text
	body := x.body()
	if x.structure != nil {
		body = x.structure(body)
	} else if x.file != nil {
		body = x.multipart("mixed", body)
	}
	if x.file != nil {
		name := x.word("jfile", false)
		typeParam, disposition := x.file(name)
		x.m.Files = append(x.m.Files, name)
		content := pdf(name)
		p := part{body: base64Lines(content, 76), head: []string{
			"Content-Type: application/octet-stream" + typeParam,
			"Content-Transfer-Encoding: base64",
			"Content-Disposition: attachment" + disposition,
		}}
		if body.boundary == "" {
			body = x.multipart("mixed", body)
		}
		body.parts = append(body.parts, p)
	}
	head := []string{
		"Received: from mail." + domainOf(x.m.From) + " by " + OwnAuthserv + " with ESMTP id " + x.draw(hexes, 8) + "; " + x.at.Format("Mon, 02 Jan 2006 15:04:05 -0700"),
		"Date: " + x.at.Format("Mon, 02 Jan 2006 15:04:05 -0700"),
		"Message-ID: <" + x.draw(hexes, 16) + "@" + domainOf(x.m.From) + ">",
		"To: " + x.word("toaddr", false),
	}
	if x.from != nil {
		head = append(head, "From: "+x.from(x.m.FromName, x.m.From))
	} else {
		head = append(head, "From: "+encodedWords(x.m.FromName, x.names, false)+" <"+x.m.From+">")
	}
	if x.subject != nil {
		head = append(head, "Subject:"+x.subject(x.m.Subject))
	} else {
		head = append(head, "Subject: "+encodedWords(x.m.Subject, x.names, x.r.IntN(2) == 0))
	}
	if !x.noMIME {
		head = append(head, "MIME-Version: 1.0")
	} else {
		body.head = nil
	}
	body.head = append(head, body.head...)
	var b bytes.Buffer
	body.write(&b)
	raw := b.Bytes()
	for _, change := range x.raw {
		raw = change(raw)
	}
	if x.ends != nil {
		raw = x.ends(raw)
	}
	return raw
}

// lines are the body's.
func (x *mess) lines(br string) string {
	link := ""
	if x.hide != nil {
		link = x.link()
		link += br
	}
	return x.greeting + br + br + x.text + br + link + br + x.closing + br
}

func (x *mess) body() part {
	text, mediaType := "", "text/plain"
	if x.asHTML {
		text, mediaType = "<html><body>\r\n<div>"+x.lines("</div>\r\n<div>")+"</div>\r\n</body></html>\r\n", "text/html"
	} else {
		text = x.lines("\r\n")
	}
	raw := bytesIn(x.form.codec, text)
	if x.spoil != nil {
		raw = x.spoil(raw)
	}
	p := part{body: append(x.transfer.apply(x.scope, raw), x.extra...)}
	line := "Content-Type: " + mediaType
	if x.form.label != "" {
		line += "; charset=" + x.form.label
	}
	if x.typeLine != "" {
		line = x.typeLine
	}
	p.head = append(p.head, line)
	if x.transfer.label != "" {
		p.head = append(p.head, "Content-Transfer-Encoding: "+x.transfer.label)
	}
	return p
}

// twice is the body in text and in HTML.
func (x *mess) twice(body part) part {
	if x.asHTML {
		return body
	}
	x.asHTML, x.anchor = true, ""
	other := x.body()
	x.asHTML = false
	return x.multipart("alternative", body, other)
}

// Forms of the header.

// chunks cuts bytes without regard to what they say.
func chunks(raw []byte, n int) (all [][]byte) {
	for len(raw) > n {
		all, raw = append(all, raw[:n]), raw[n:]
	}
	return append(all, raw)
}

func wordsOf(charset string, pieces [][]byte, between string) string {
	var words []string
	for _, p := range pieces {
		words = append(words, "=?"+charset+"?B?"+base64.StdEncoding.EncodeToString(p)+"?=")
	}
	return strings.Join(words, between)
}

// Forms of file names. Each returns parameters for Content-Type and for
// Content-Disposition, with their semicolons.

func fileEncodedWord(name string) (string, string) {
	w := encodedWords(name, "UTF-8", false)
	return ";\r\n name=\"" + w + "\"", ";\r\n filename=\"" + w + "\""
}

func fileIn(label, codec string) func(string) (string, string) {
	return func(name string) (string, string) {
		return "", ";\r\n " + continued("filename", bytesIn(codec, name), label)
	}
}

// fileRaw puts the name's bytes between the quotes.
func fileRaw(codec string) func(string) (string, string) {
	return func(name string) (string, string) {
		raw := string(bytesIn(codec, name))
		return ";\r\n name=\"" + raw + "\"", ";\r\n filename=\"" + raw + "\""
	}
}

// fileDisordered writes the pieces of RFC 2231, section 3, in another order.
func fileDisordered(name string) (string, string) {
	var pieces []string
	for i, c := range chunks([]byte(name), 7) {
		head := ""
		if i == 0 {
			head = "UTF-8''"
		}
		pieces = append(pieces, fmt.Sprintf(";\r\n filename*%d*=%s%s", i, head, percent(c)))
	}
	pieces = append(pieces[1:], pieces[0])
	return "", strings.Join(pieces, "")
}

func fileDiffers(name string) (string, string) {
	_, disposition := fileEncodedWord(name)
	return ";\r\n name=\"" + encodedWords("別の名前.dat", "UTF-8", false) + "\"", disposition
}

func fileNoStar(name string) (string, string) {
	return "", ";\r\n filename=UTF-8''" + percent([]byte(name))
}

func fileUnclosed(name string) (string, string) {
	return "", ";\r\n filename=\"" + encodedWords(name, "UTF-8", false)
}

func fileBare(name string) (string, string) { // tokens need no quotes, these do
	return "", "; filename=" + strings.ReplaceAll(encodedWords(name, "UTF-8", false), "\r\n ", "")
}

// fileSplit cuts the pieces within characters.
func fileSplit(name string) (string, string) {
	var b strings.Builder
	for i, c := range chunks([]byte(name), 4) {
		head := ""
		if i == 0 {
			head = "UTF-8''"
		}
		fmt.Fprintf(&b, ";\r\n filename*%d*=%s%s", i, head, percent(c))
	}
	return "", b.String()
}
