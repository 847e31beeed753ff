// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"net/netip"
	"strings"
)

// masked is the placeholder: allowed in every part of a URL (RFC 3986 sub-delims),
// and a wildcard in most filters.
const masked = "*"

// Mask takes out of a URL, written or normal, what identifies the person who
// received it, before it leaves the portal. Each such part becomes "*", so that
// it shows where something was; the URL stays parseable. Taken out are
//
//   - user information before the host;
//   - mail addresses in path, query and fragment: plain, percent-encoded up to
//     three times, and inside base64, base64url or hexadecimal text, with the
//     whole path segment or parameter that carries them;
//   - the value of a parameter named for an address of the network (ip,
//     client_ip, …) when it is one;
//   - the value of a parameter named for a person (user, mail, account, …); of one
//     named for a number of a person (uid, rid, …) when it has a digit; of one
//     named for a token (token, id, key, session, …) when it looks random.
//
// Host and path segments that only look random stay: attackers name the
// directories of a kit like that, and without them the URL is no indicator.
// Masking twice is masking once. The result is a value, for [Defang] to show:
// where something is taken out, path and query are no longer defanged. Values of other kinds are returned as they are:
// there the address itself is the indicator.
func Mask(kind Kind, value string) (result string, changed bool) {
	if kind != URL || len(value) > maxWritten {
		return value, false
	}
	result = value
	if end := pathStart(value); strings.ContainsAny(value[end:], "[{") {
		if plain := value[:end] + refang(value[end:], inRest); plain != value {
			if result, changed = Mask(kind, plain); changed {
				return result, true
			}
			return value, false
		}
	}
	for range 4 { // what joins after a cut is looked at again
		next := maskOnce(result)
		if next == result {
			break
		}
		result = next
	}
	return result, result != value
}

func maskOnce(s string) string {
	start, end := hostStart(s), pathStart(s)
	m := masker{raw: s, hide: make([]bool, len(s)), start: end}
	if at := strings.LastIndexByte(s[start:end], '@'); at >= 0 {
		m.mark(start, start+len(strings.TrimRight(s[start:start+at], "[({ ")))
	}
	m.look(identity(s, end))
	return m.cut()
}

// hostStart is where the authority begins, in any spelling of the scheme.
func hostStart(s string) int {
	blank := len(s) - len(strings.TrimLeftFunc(s, isBlank))
	if p, ok := readScheme(s[blank:]); ok {
		return blank + p.length
	}
	return 0
}

// pathStart is where the authority ends.
func pathStart(s string) int {
	start := hostStart(s)
	if i := strings.IndexAny(s[start:], `/\?#`); i >= 0 {
		return start + i
	}
	return len(s)
}

// masker collects the bytes to hide.
type masker struct {
	raw   string
	hide  []bool
	start int // of the path
	any   bool
}

// decoded is text with the place in the raw URL of each byte; at has one more
// element, the end.
type decoded struct {
	text string
	at   []int
}

func identity(s string, from int) decoded {
	d := decoded{text: s[from:], at: make([]int, 0, len(s)-from+1)}
	for i := from; i <= len(s); i++ {
		d.at = append(d.at, i)
	}
	return d
}

// unescape decodes one level of percent-encoding; false if there was none.
func (d decoded) unescape() (decoded, bool) {
	if !strings.Contains(d.text, "%") {
		return d, false
	}
	b, at := make([]byte, 0, len(d.text)), make([]int, 0, len(d.text)+1)
	for i := 0; i < len(d.text); i++ {
		at = append(at, d.at[i])
		if d.text[i] == '%' && i+2 < len(d.text) && isHex(rune(d.text[i+1])) && isHex(rune(d.text[i+2])) {
			b = append(b, unhex(d.text[i+1])<<4|unhex(d.text[i+2]))
			i += 2
			continue
		}
		b = append(b, d.text[i])
	}
	at = append(at, d.at[len(d.at)-1])
	return decoded{string(b), at}, len(b) < len(d.text)
}

// look marks what is found in d and in what it decodes to.
func (m *masker) look(d decoded) {
	for level := 0; ; level++ {
		for _, s := range mailSpans(d.text) {
			m.mark(d.at[s[0]], d.at[s[1]])
		}
		for _, s := range encodedMailSpans(d.text) {
			m.mark(m.component(d.at[s[0]], d.at[s[1]]))
		}
		m.parameters(d)
		var more bool
		if d, more = d.unescape(); !more || level == 3 {
			return
		}
	}
}

func (m *masker) mark(from, to int) {
	if from >= to || m.raw[from:to] == masked {
		return
	}
	for i := from; i < to; i++ {
		m.hide[i] = true
	}
	m.any = true
}

// component widens a span to the path segment or parameter value around it.
func (m *masker) component(from, to int) (int, int) {
	for from > m.start && strings.IndexByte("/\\?&#=;", m.raw[from-1]) < 0 {
		from--
	}
	for to < len(m.raw) && strings.IndexByte("/\\?&#;", m.raw[to]) < 0 {
		to++
	}
	return from, to
}

func (m *masker) cut() string {
	if !m.any {
		return m.raw
	}
	var b strings.Builder
	for i := 0; i < len(m.raw); i++ {
		switch {
		case !m.hide[i]:
			b.WriteByte(m.raw[i])
		case i == 0 || !m.hide[i-1]:
			b.WriteString(masked)
		}
	}
	return b.String()
}

// Names of parameters, lower case, without "-", "_", "[", "]" and ".".
var (
	addressNames = set("ip", "ipaddr", "ipaddress", "clientip", "userip", "remoteaddr", "remoteip", "cip", "uip", "srcip", "xff", "xforwardedfor", "visitorip", "myip")
	personNames  = set("user", "username", "mail", "email", "mailaddress", "emailaddress", "mailto", "account", "accountname", "recipient", "rcpt", "loginhint", "login", "loginfmt", "upn", "fullname", "phone", "tel", "mobile")
	numberNames  = set("uid", "userid", "rid", "rcptid", "recipientid", "loginid", "accountid", "memberid", "member", "customerid", "customer", "subscriberid", "contactid", "patientid", "staffid", "empid", "mid", "cid", "acc", "acct")
	tokenNames   = set("token", "usertoken", "accesstoken", "authtoken", "id", "key", "sid", "session", "sessionid", "auth", "authkey", "hash", "code", "track", "trackid", "trackingid", "idtrack", "uuid", "guid", "ticket", "sub", "subscriber", "utm", "ref")
)

// parameters marks values by the name before "=".
func (m *masker) parameters(d decoded) {
	s := d.text
	for eq := 0; eq < len(s); eq++ {
		if s[eq] != '=' {
			continue
		}
		from := eq
		for from > 0 && (isAlnum(s[from-1]) || strings.IndexByte("-_.[]", s[from-1]) >= 0) {
			from--
		}
		name := plainName.Replace(strings.ToLower(s[from:eq]))
		if !addressNames[name] && !personNames[name] && !numberNames[name] && !tokenNames[name] {
			continue
		}
		to := eq + 1
		for to < len(s) && strings.IndexByte("&;#", s[to]) < 0 {
			to++
		}
		if personal(name, s[eq+1:to]) {
			m.mark(d.at[eq+1], d.at[to])
		}
	}
}

var plainName = strings.NewReplacer("-", "", "_", "", ".", "", "[", "", "]", "")

func personal(name, value string) bool {
	value = decodePercent(value)
	if strings.Trim(value, "*") == "" || strings.Contains(value, "://") {
		return false // nothing, masked already, or where a redirector leads
	}
	switch {
	case addressNames[name]:
		_, err := netip.ParseAddr(strings.Trim(value, "[] "))
		return err == nil
	case personNames[name]:
		return len(value) >= 4
	case numberNames[name]:
		return len(value) >= 4 && strings.ContainsAny(value, "0123456789")
	case tokenNames[name]:
		return looksRandom(value)
	}
	return false
}

// looksRandom reports whether a value is long and of mixed characters, as a
// token made per recipient is; words, dates and short numbers are not.
func looksRandom(s string) bool {
	if len(s) < 16 {
		return false
	}
	digits, letters, other := 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch {
		case isDigit(s[i]):
			digits++
		case isAlpha(s[i]):
			letters++
		case strings.IndexByte("-_=+/.~!", s[i]) < 0:
			other++
		}
	}
	return other == 0 && digits >= 3 && letters >= 3 || letters == 0 && digits >= 16
}
