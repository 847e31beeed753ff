// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"teiten/internal/charset"
)

// maxParams bounds the parameters of one field.
const maxParams = 500

// segment is a piece of a parameter (RFC 2231, section 3).
type segment struct {
	at      int // its number; -1 for a parameter in one piece
	percent bool
	value   string
}

// parseParams reads a value with parameters, as Content-Type and
// Content-Disposition have them (RFC 2045, section 5.1; RFC 2231). The names are
// lower case, the values decoded. The scope may be nil.
func parseParams(s *scope, v, path, what string) (value string, params map[string]string) {
	semi := strings.IndexByte(v, ';')
	if semi < 0 {
		return strings.TrimSpace(v), nil
	}
	value, v = strings.TrimSpace(v[:semi]), v[semi+1:]
	params = map[string]string{}
	var split map[string][]segment
	for n := 0; v != ""; n++ {
		v = strings.TrimLeft(v, " \t;,\r\n")
		if v == "" {
			break
		}
		if n >= maxParams {
			s.incomplete("mail.incomplete_params", path, what)
			break
		}
		eq := strings.IndexAny(v, "=;")
		if eq < 0 {
			break
		}
		if v[eq] == ';' { // a word without a value
			v = v[eq+1:]
			continue
		}
		name := strings.ToLower(strings.TrimSpace(v[:eq]))
		v = strings.TrimLeft(v[eq+1:], " \t")
		var raw string
		var closed bool
		raw, v, closed = paramValue(v, strings.HasSuffix(name, "*"))
		if !closed {
			s.repair("mail.repair_quote", path, what)
		}
		// A comment or a word before the name, for want of a semicolon.
		if sp := strings.LastIndexAny(name, " \t)"); sp >= 0 {
			name = name[sp+1:]
		}
		base, star, is := strings.Cut(name, "*")
		if !is {
			if _, twice := params[name]; twice {
				if params[name] != raw {
					s.repair("mail.repair_param", path, name)
				}
				continue
			}
			params[name] = s.decodeParam(raw, params["charset"], path, name)
			continue
		}
		seg := segment{at: -1, value: raw}
		seg.percent = star == "" || strings.HasSuffix(star, "*")
		if star = strings.TrimSuffix(star, "*"); star != "" {
			at, err := strconv.Atoi(star)
			if err != nil || at < 0 {
				s.repair("mail.repair_param", path, base)
				continue
			}
			seg.at = at
		}
		if split == nil {
			split = map[string][]segment{}
		}
		split[base] = append(split[base], seg)
	}
	for _, base := range slices.Sorted(maps.Keys(split)) {
		params[base] = s.joinSegments(split[base], path, base)
	}
	return value, params
}

// paramValue reads a value, quoted or not, and returns what is behind it. In
// quotes, two-byte characters of ISO-2022-JP and Shift_JIS may contain bytes
// that look like quotes and backslashes.
func paramValue(v string, extended bool) (value, rest string, closed bool) {
	if v == "" || v[0] != '"' {
		end := strings.IndexByte(v, ';')
		if end < 0 {
			end = len(v)
		}
		value = strings.TrimSpace(v[:end])
		// Unquoted blanks belong to file names; before "name=" a semicolon is
		// missing.
		if sp := strings.IndexAny(value, " \t"); sp >= 0 {
			if eq := strings.IndexByte(value[sp:], '='); eq > 0 && strings.IndexByte(value[sp+1:sp+eq], ' ') < 0 && !strings.Contains(value, "=?") {
				return value[:sp], v[sp:], true
			}
			if extended {
				value = value[:sp]
			}
		}
		return value, v[end:], true
	}
	var out []byte
	double := false // between ESC $ B and ESC ( B
	i := 1
	from := 1
	for i < len(v) {
		c := v[i]
		switch {
		case c == 0x1b && i+2 < len(v):
			double = v[i+1] == '$'
			i += 3
		case double && c > 0x20 && c < 0x7f && i+1 < len(v) && v[i+1] > 0x20:
			i += 2
		case c >= 0x81:
			if _, n := utf8.DecodeRuneInString(v[i:]); n > 1 {
				i += n
			} else if i+1 < len(v) && (c <= 0x9f || c >= 0xe0) && v[i+1] >= 0x40 {
				i += 2
			} else {
				i++
			}
		case c == '\\' && i+1 < len(v):
			// Backslashes that escape nothing are those of a path.
			if n := v[i+1]; n == '"' || n == '\\' {
				out = append(out, v[from:i]...)
				from = i + 1
			}
			i += 2
		case c == '"':
			if out == nil {
				return v[from:i], v[i+1:], true
			}
			return string(append(out, v[from:i]...)), v[i+1:], true
		default:
			i++
		}
	}
	// Never closed: up to the next parameter, or all.
	value = v[1:]
	if end := strings.IndexByte(value, ';'); end >= 0 {
		return strings.TrimSpace(value[:end]), value[end:], false
	}
	return strings.TrimSpace(value), "", false
}

// decodeParam decodes a value in one piece. Encoded words do not belong there
// (RFC 2047, section 5), but most Japanese mail programs put them there.
func (s *scope) decodeParam(v, hint, path, name string) string {
	// The form of RFC 2231 without the asterisk that announces it.
	if set, rest, ok := cutCharset(v); ok && strings.Contains(rest, "%") && charset.Known(set) {
		s.repair("mail.repair_param", path, name)
		return oneLine(charset.Decode(appendPercent(nil, rest), set).Text)
	}
	if isPlain(v) {
		return v
	}
	if s == nil { // only a look
		return v
	}
	d := s.decodeWords(v, hint, path, name)
	if strings.Contains(v, "=?") && d != v {
		s.repair("mail.repair_param_word", path, name)
	}
	return d
}

// joinSegments puts a parameter together (RFC 2231, section 4.1).
func (s *scope) joinSegments(segs []segment, path, name string) string {
	slices.SortStableFunc(segs, func(a, b segment) int { return a.at - b.at })
	var whole *segment
	for i := range segs {
		if segs[i].at < 0 {
			whole = &segs[i]
		}
	}
	if whole != nil && len(segs) > 1 && segs[len(segs)-1].at >= 0 {
		s.repair("mail.repair_param", path, name)
	}
	if segs[0].at < 0 && segs[len(segs)-1].at >= 0 { // the pieces, if both are there
		for len(segs) > 0 && segs[0].at < 0 {
			segs = segs[1:]
		}
	}
	var bytes []byte
	cs, extended := "", false
	want := 0
	for i, seg := range segs {
		if seg.at >= 0 {
			if seg.at < want { // a number that was there already
				s.repair("mail.repair_param", path, name)
				continue
			}
			if seg.at > want && !(i == 0 && seg.at == 1) { // some count from 1
				s.repair("mail.repair_param_gap", path, name)
			}
			want = seg.at + 1
		} else if i > 0 {
			continue
		}
		v := seg.value
		if seg.percent {
			if len(bytes) == 0 && !extended {
				if set, rest, ok := cutCharset(v); ok {
					cs, v = set, rest
				}
			}
			extended = true
			bytes = appendPercent(bytes, v)
			continue
		}
		bytes = append(bytes, v...)
	}
	v := string(bytes)
	if strings.Contains(v, "=?") && strings.Contains(v, "?=") && s != nil {
		s.repair("mail.repair_param_word", path, name)
		return s.decodeWords(v, cs, path, name)
	}
	if !extended && isPlain(v) {
		return v
	}
	t := charset.Decode(bytes, cs)
	if t.Lied && s != nil {
		s.repair("mail.repair_charset", path, name)
	}
	return oneLine(t.Text)
}

// cutCharset takes charset'language' off.
func cutCharset(v string) (set, rest string, ok bool) {
	i := strings.IndexByte(v, '\'')
	if i < 0 || i > 60 {
		return "", v, false
	}
	j := strings.IndexByte(v[i+1:], '\'')
	if j < 0 || j > 40 {
		return "", v, false
	}
	return v[:i], v[i+1+j+1:], true
}

func appendPercent(dst []byte, v string) []byte {
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) && isHex(v[i+1]) && isHex(v[i+2]) {
			dst = append(dst, byte(unhex(v[i+1])<<4|unhex(v[i+2])))
			i += 2
			continue
		}
		dst = append(dst, v[i])
	}
	return dst
}
