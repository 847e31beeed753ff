// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package guard keeps well-known legitimate things out of the filter lists
// that hospitals load, without hiding hostile things that live beside them.
//
// A guard holds lists in the format of the MISP warninglists. Each list has an
// [Effect], which says what a listed thing may not become: a URL on a famous
// host stays a URL entry, but the famous host never becomes an entry; a
// domain that rents out names below itself never hides its tenants; a private
// address never becomes anything.
//
// # Where a host counts as listed
//
// A host is looked up itself, then each of its parents from the nearest to the
// furthest. Going up stops where names begin to be rented out to others:
//
//   - at a public suffix (section "private domains" of the Public Suffix List,
//     such as duckdns.org and workers.dev, or an ordinary one such as co.jp),
//   - at a domain on a list with the effect [Shared].
//
// Above that border only two things are heard: the institution's own domains
// (see [Own]), and a value that a list writes with a leading dot for a suffix
// that is no private one, such as ".go.jp", which nobody but the government
// can register under.
//
// "www." before a listed host is the listed host. In a list that writes some
// values with a leading dot, a value without it means that host alone.
//
// What the guard decides is never final: an analyst lets an indicator through
// by name and date with an [Overrule].
package guard
