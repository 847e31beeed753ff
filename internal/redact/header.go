// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"net/mail"
	"net/netip"
	"strings"
	"time"

	"teiten/internal/indicator"
	message "teiten/internal/mail"
)

// maxFields bounds how many header fields are shared.
const maxFields = 100

// header shares what says where a mail came from. The list is short on
// purpose: a field that is not in it may name the receiving side.
func (r *redactor) header(m *message.Message) (list []Piece) {
	for _, f := range m.Fields {
		name := strings.ToLower(f.Name)
		text := ""
		value := f.Value
		if len(value) > maxLine*4 {
			continue
		}
		switch name {
		case "received":
			text = r.received(value)
		case "authentication-results":
			text = r.authentication(value)
		case "message-id":
			text = r.domainOf(value)
		case "list-unsubscribe":
			text = r.hostsOf(value)
		case "dkim-signature":
			text = r.signature(value)
		case "x-originating-ip", "x-sender-ip", "x-source-ip":
			if a, err := netip.ParseAddr(strings.Trim(value, " []")); err == nil && !isInternal(a.String()) {
				text = a.String()
			}
		case "x-mailer", "user-agent", "x-php-originating-script", "x-priority", "importance", "x-msmail-priority", "content-language":
			text = cut(value, 400)
		}
		if text == "" {
			continue
		}
		if len(list) == maxFields {
			r.omit("header:"+name, "", "redact.omitted_long")
			break
		}
		if p := r.piece("header:"+name, "", text, everything); p.Text != "" {
			list = append(list, p)
		}
	}
	return list
}

// received keeps from which outside host a mail came, and when: never who took
// it ("by"), for whom, and under which number (RFC 5321, section 4.4).
func (r *redactor) received(value string) string {
	low := strings.ToLower(value)
	from := strings.Index(low, "from ")
	if from < 0 || from > 0 && isAlnum(low[from-1]) {
		return ""
	}
	clause := value[from+len("from "):]
	date := ""
	if i := strings.LastIndexByte(clause, ';'); i >= 0 {
		date, clause = readDate(clause[i+1:]), clause[:i]
	}
	for _, next := range []string{" by ", " via ", " with ", " id ", " for "} {
		if i := strings.Index(strings.ToLower(clause), next); i >= 0 {
			clause = clause[:i]
		}
	}
	var kept []string
	for _, word := range strings.FieldsFunc(clause, func(c rune) bool { return strings.ContainsRune(" \t()[]<>,;=\"", c) }) {
		host := strings.TrimPrefix(strings.ToLower(strings.Trim(word, ".")), "ipv6:")
		if a, err := netip.ParseAddr(host); err == nil {
			host = a.Unmap().String()
		} else if v, ok := indicator.Recognise(host); !ok || v.Kind != indicator.Domain {
			continue
		} else {
			host = v.Value
		}
		if !r.isInside(host) && !isInternal(host) && len(kept) < 4 && !contains(kept, host) {
			kept = append(kept, host)
		}
	}
	if len(kept) == 0 {
		return ""
	}
	text := "from " + strings.Join(kept, " ")
	if date != "" {
		text += "; " + date
	}
	return text
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func readDate(s string) string {
	t, err := mail.ParseDate(strings.TrimSpace(s))
	if err != nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// methods are those of RFC 8601 and its registry that say something of the
// sender, with the properties that name him.
var methods = map[string][]string{
	"spf": {"smtp.mailfrom", "smtp.helo"}, "dkim": {"header.d", "header.i"}, "dmarc": {"header.from"},
	"arc": nil, "compauth": nil, "dkim-adsp": nil, "auth": nil, "iprev": {"policy.iprev"}, "sender-id": {"header.from"}, "dkim-atps": nil,
}

// authentication keeps the results of Authentication-Results (RFC 8601) and
// the domains that they are about. The server that says so is the receiving
// side's and goes.
func (r *redactor) authentication(value string) string {
	var kept []string
	for i, part := range strings.Split(uncommented(value), ";") {
		fields := strings.Fields(part)
		if len(fields) == 0 || i == 0 && !strings.Contains(fields[0], "=") {
			continue
		}
		method, result, ok := strings.Cut(strings.ToLower(fields[0]), "=")
		method, _, _ = strings.Cut(method, "/")
		properties, known := methods[method]
		if !ok || !known || !letters(result) {
			continue
		}
		text := method + "=" + result
		for _, f := range fields[1:] {
			name, v, _ := strings.Cut(f, "=")
			if !contains(properties, strings.ToLower(name)) {
				continue
			}
			v = strings.Trim(strings.ToLower(v), "\"<>")
			v = v[strings.LastIndexByte(v, '@')+1:]
			if d, ok := indicator.Recognise(v); ok && !r.isInside(d.Host) && !isInternal(d.Value) {
				text += " " + strings.ToLower(name) + "=" + d.Value
			}
		}
		if kept = append(kept, text); len(kept) == 20 {
			break
		}
	}
	return strings.Join(kept, "; ")
}

// uncommented drops comments (RFC 5322, section 3.2.2).
func uncommented(s string) string {
	var b strings.Builder
	depth := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func letters(s string) bool {
	for i := range len(s) {
		if !isAlpha(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= 16
}

// domainOf keeps the right side of a Message-ID: the left may say anything.
func (r *redactor) domainOf(value string) string {
	value = strings.Trim(strings.TrimSpace(value), "<>")
	v, ok := indicator.Recognise(strings.ToLower(value[strings.LastIndexByte(value, '@')+1:]))
	if !ok || v.Kind != indicator.Domain || r.isInside(v.Host) || isInternal(v.Host) {
		return ""
	}
	return v.Value
}

// hostsOf keeps the hosts of List-Unsubscribe (RFC 2369), whose URLs carry the
// recipient.
func (r *redactor) hostsOf(value string) string {
	var kept []string
	for _, f := range indicator.Extract(value) {
		if (f.Kind == indicator.URL || f.Kind == indicator.Email) && !r.isInside(f.Host) && !isInternal(f.Host) && !contains(kept, f.Host) && len(kept) < 10 {
			kept = append(kept, f.Host)
		}
	}
	return strings.Join(kept, " ")
}

// signature keeps domain and selector of a DKIM-Signature (RFC 6376).
func (r *redactor) signature(value string) string {
	text := ""
	for _, tag := range strings.Split(value, ";") {
		name, v, _ := strings.Cut(strings.TrimSpace(tag), "=")
		if name != "d" && name != "s" {
			continue
		}
		v = strings.ToLower(strings.TrimSpace(v))
		if name == "d" {
			d, ok := indicator.Recognise(v)
			if !ok || r.isInside(d.Host) {
				return ""
			}
		} else if len(v) > 63 || strings.Trim(v, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
			continue
		}
		text += " " + name + "=" + v
	}
	return strings.TrimSpace(text)
}

// sender redacts who a mail says it is from. A name that is none of the
// institution's is what the attacker poses as, and stays.
func (r *redactor) sender(where string, a message.Address) Piece {
	text := a.Address
	if a.Name != "" {
		text = cut(a.Name, 1000)
		if a.Address != "" {
			text += " <" + a.Address + ">"
		}
	}
	return r.piece(where, "", text, claimed)
}

// returnPath redacts the address that bounces go to, in which mailing services
// put a number of the recipient.
func (r *redactor) returnPath(a message.Address) Piece {
	address := strings.TrimSpace(a.Address)
	d, ok := r.hide(cut(address, 1000), claimed)
	if !ok {
		return Piece{Where: "return-path"}
	}
	at := strings.LastIndexByte(d.text, '@')
	local := d.text[:max(at, 0)]
	var hits []hit
	part := func(from, to int) {
		digits, letters := 0, 0
		for i := from; i < to; i++ {
			if isDigit(local[i]) {
				digits++
			} else if isAlpha(local[i]) {
				letters++
			}
		}
		if digits >= 4 || digits > 0 && letters > 0 && to-from >= 8 || to-from >= 24 {
			hits = append(hits, hit{from, to, Token, true})
		}
	}
	from := 0
	separated := strings.ContainsAny(local, "+=") || strings.Count(local, "-")+strings.Count(local, ".")+strings.Count(local, "_") > 0
	for i := 0; i <= len(local); i++ {
		if i == len(local) || strings.IndexByte("-+=._", local[i]) >= 0 {
			if separated && !strings.ContainsAny(local[from:i], "【】*") {
				part(from, i)
			}
			from = i + 1
		}
	}
	if i := strings.IndexAny(local, "+="); i >= 0 && i+1 < len(local) { // VERP, SRS
		hits = append(hits, hit{i + 1, len(local), Token, true})
	}
	d.apply(hits)
	return d.piece("return-path", "")
}
