// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package mailcheck answers "is this mail dangerous?". It looks at the mail,
// collects what can be looked up (hosts, URLs, addresses, hashes), asks the
// shared information once, and lets every rule speak. A rule has an id, points,
// a family, a sentence in both languages and a place in the mail.
//
// # Verdict
//
// Rules of one family say much the same thing, so that within a family the
// strongest finding counts whole, the second half, the third a quarter and the
// others nothing. The score is the sum over the families, less what speaks for
// the mail. It is
//
//   - malicious when shared information that the guard lets into filters names
//     something in the mail, or when the score is at least [MaliciousScore] with
//     findings of at least [Strong] points in two families or more;
//   - suspicious when the score is at least [SuspiciousScore], or shared
//     information that is old, or that the guard holds back, names something;
//   - unknown otherwise. It is never safe.
//
// What speaks for a mail never outweighs shared information.
//
// # What it does not do
//
// It opens no connection and asks no server: a check must not tell the attacker
// that somebody reads the mail, nor wait for anybody. Keys of DKIM signatures
// are those that were given or kept before.
package mailcheck
