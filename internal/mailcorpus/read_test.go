// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
)

// read is what the standard library finds in a mail: an oracle for the mails
// without mistakes.
type read struct {
	header  mail.Header
	subject string
	from    *mail.Address
	text    string // all bodies, decoded
	files   []string
	content map[string][]byte // of files
	types   []string
}

func readStrict(t *testing.T, raw []byte) *read {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	words := &mime.WordDecoder{CharsetReader: charsetReader}
	r := &read{header: m.Header, content: map[string][]byte{}}
	if r.subject, err = words.DecodeHeader(m.Header.Get("Subject")); err != nil {
		t.Fatalf("subject: %v\n%s", err, raw)
	}
	if m.Header.Get("From") != "" {
		p := mail.AddressParser{WordDecoder: words}
		if r.from, err = p.Parse(m.Header.Get("From")); err != nil {
			t.Fatalf("from: %v\n%s", err, raw)
		}
	}
	r.part(t, words, m.Header.Get, m.Body)
	return r
}

func (r *read) part(t *testing.T, words *mime.WordDecoder, get func(string) string, body io.Reader) {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		t.Fatalf("%v: %q", err, get("Content-Type"))
	}
	r.types = append(r.types, mediaType)
	if strings.HasPrefix(mediaType, "multipart/") {
		for mr := multipart.NewReader(body, params["boundary"]); ; {
			p, err := mr.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r.part(t, words, p.Header.Get, p)
		}
	}
	switch strings.ToLower(get("Content-Transfer-Encoding")) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	_, disposition, err := mime.ParseMediaType(get("Content-Disposition"))
	if err != nil && get("Content-Disposition") != "" {
		t.Fatalf("%v: %q", err, get("Content-Disposition"))
	}
	if name := disposition["filename"]; name != "" {
		if name, err = words.DecodeHeader(name); err != nil {
			t.Fatal(err)
		}
		r.files = append(r.files, name)
		r.content[name] = b
		return
	}
	if strings.HasPrefix(mediaType, "text/") {
		in, err := charsetReader(params["charset"], bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
		r.text += string(b)
	}
}

func charsetReader(name string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "iso-2022-jp":
		return japanese.ISO2022JP.NewDecoder().Reader(in), nil
	case "shift_jis":
		return japanese.ShiftJIS.NewDecoder().Reader(in), nil
	}
	return in, nil
}
