// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import "strings"

// Bytes that may stand unencoded in a normal path or query (RFC 3986, sections
// 3.3 and 3.4): unreserved, sub-delims, ":", "@", "/" and "?".
const (
	unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
	reserved   = "!$&'()*+,;=:@/?"
)

const (
	classUnreserved = 1 << iota
	classPlain      // stays as it is
	className       // of a normal host
)

var class = func() (t [256]byte) {
	for i := 0; i < len(unreserved); i++ {
		t[unreserved[i]] |= classUnreserved | classPlain
	}
	for i := 0; i < len(reserved); i++ {
		t[reserved[i]] |= classPlain
	}
	for i := range t {
		if isNameByte(byte(i)) {
			t[i] |= className
		}
	}
	return t
}()

const upperHex = "0123456789ABCDEF"

// appendEscaped appends s in the one encoding of RFC 3986, section 6.2.2.
func appendEscaped(b []byte, s string, path bool) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case class[c]&classPlain != 0:
			b = append(b, c)
		case c == '\\' && path: // as browsers read http and ftp URLs
			b = append(b, '/')
		case c == '%' && i+2 < len(s) && isHex(rune(s[i+1])) && isHex(rune(s[i+2])):
			d := unhex(s[i+1])<<4 | unhex(s[i+2])
			if class[d]&classUnreserved != 0 {
				b = append(b, d)
			} else {
				b = append(b, '%', upperHex[d>>4], upperHex[d&15])
			}
			i += 2
		default:
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// resolveDots removes "." and ".." from a path that begins with "/" (RFC 3986,
// section 5.2.4).
func resolveDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	segments := strings.Split(path[1:], "/")
	kept := segments[:0]
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		case ".":
		default:
			kept = append(kept, s)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}
