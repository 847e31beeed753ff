// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package blocklist writes indicators as the lists that a hospital's own
// devices load: proxies, resolvers, firewalls, sensors and hosts files.
//
// A list is streamed: it is never whole in memory, and its first bytes go out
// before the first entry is read. Its last line says how many entries it has,
// so that a list that was cut off can be told from a whole one. What a format
// cannot carry is counted and said in the list, never dropped in silence; and
// no value, however hostile, can add a line or a directive to any format,
// because each writer lets through only the characters it knows to be inert
// there.
//
// Two kinds of list exist. A host list refuses hosts as a whole: it takes
// entries whose HostBlocked is set, whatever their kind, and its unit is the
// host. A URL list refuses single pages: it is for phishing on hosts that
// honest pages share. Lists for firewalls hold both.
//
// The package knows nothing of the database or of who may see what: its caller
// selects the entries and gives them in the order that Format.Order names.
package blocklist
