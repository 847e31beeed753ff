// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package indicator is about 指標: the addresses, domains, URLs and file hashes
// by which an attack is recognised. Hospitals, feeds and block lists write the
// same thing in many ways, and on purpose: defanged so that nobody clicks, with
// full-width letters, wrapped by a mail program, or disguised by the attacker.
// [Normalise] gives each thing one value, [Recognise] and [Extract] find
// indicators in what people paste, [Defang] shows one so that it cannot be
// followed, and [Mask] takes out of a URL what identifies a person.
//
// # One thing, one value
//
// Hosts are read as browsers read them (WHATWG URL, section 3.5), since what the
// victim's browser contacts is what a filter has to stop. The rules:
//
//   - Defanging is undone: hxxp, h**p, [.], (dot), [:], [at] and the like.
//     "[", "]", "{" and "}" are percent-encoded in a normal form's path and query,
//     so that undoing twice changes nothing.
//   - Invisible characters (soft hyphen, zero-width, BOM, bidi controls) are
//     dropped wherever they stand unencoded, as are tabs, line breaks and the
//     indentation after a line break. White space around is dropped, U+3000 too.
//   - Full-width letters are folded in scheme and host; in the rest only when
//     the scheme was written full-width as well, because a Japanese path may
//     contain them rightly.
//   - Scheme and host are lower case, IDNs are A-labels (UTS 46,
//     nontransitional, underscores allowed), the trailing dot of a host and a
//     default port go, an empty path is "/".
//   - 0x7f.1, 2130706433, 0177.0.0.1 and [::ffff:127.0.0.1] are all 127.0.0.1;
//     IPv6 is written as RFC 5952 says. The leading zero in 23.94.00.27 makes
//     an octal zero: 23.94.0.27.
//   - Percent-encoding follows RFC 3986, section 6.2.2: unreserved characters
//     decoded, hexadecimal digits upper case, everything outside the grammar
//     encoded, a stray "%" as "%25". Dot segments are resolved, "\" in a path is
//     "/". The case of the path, the order of parameters and a lone "?" stay.
//   - The fragment is dropped: it never leaves the browser, so that no filter
//     can match it, and in phishing it usually carries the recipient.
//   - User information is dropped: it does not decide which host is contacted
//     (https://bank.example@evil.example/ is evil.example), and may be the
//     recipient's address. Value.Written keeps it as evidence.
//   - A broken scheme (ttp, htps, hhttps, a missing colon, one or three slashes) is
//     repaired when one reading is possible, and a URL without scheme but with a
//     path or port under a known suffix is read as http; [Repaired] tells.
//   - An empty label inside a host (a..b) is refused. Browsers send it to the
//     resolver, which cannot ask for it.
//   - Mail addresses are wholly lower case. The local part may be case-sensitive
//     (RFC 5321, section 2.4), but no provider in use makes it so; Written keeps
//     the case.
//   - A network is masked to its first address. One of a single address (/32,
//     /128) is that address, and an IPv4-mapped IPv6 address is IPv4: there the
//     Kind of the result differs from the kind asked for.
package indicator
