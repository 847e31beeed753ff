// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package outbound is the only HTTP client of the program.
//
// What it fetches is named by people (a feed's address) and by servers (where a
// feed redirects to), and the program stands inside a hospital's network. So
// the package refuses to be sent to where those people and servers could not go
// themselves: server-side request forgery, CWE-918. Three rules hold it:
//
//   - The address that is dialled is judged, not the name: after resolution and
//     before connect, for every attempt, so that a name which answers one way
//     when it is checked and another way when it is used gains nothing.
//   - Every redirect is a new request, judged from the beginning. One that
//     leaves TLS, or goes from the internet into an excepted network, is refused.
//   - Everything that comes back has an end: bytes on the wire, bytes after
//     decompression, header bytes, total time, and a least rate.
//
// Nothing of the caller is given away: no cookies, no Referer, no proxy from
// the environment, no credentials in URLs. Every refusal is a fault with a code
// of its own; host names in faults are written so that nobody can click them.
package outbound
