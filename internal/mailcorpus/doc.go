// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package mailcorpus makes mails with known truth, for tests only.
//
// [Phishing] and [Benign] are what a Japanese hospital receives, [Japanese] is
// what senders' programs do wrong, [Planted] is what must not leave the
// institution. The wording stands in data/*.txt, in a small grammar that
// grammar.go explains; the bytes are written here by hand, since a library
// would correct the mistakes.
//
// Everything is decided by the seed: sample i of a seed is the same for every
// n. Hostile hosts lie under the names that RFC 2606 and RFC 6761 reserve
// (example, test, invalid, example.com, ...); attachments imitate the outside
// of dangerous ones and do nothing.
package mailcorpus

// Own is what the receiving hospital is called, its domains, and the
// authserv-id (RFC 8601, section 2.2) of its mail server.
const (
	OwnName     = "東定点病院"
	OwnDomain   = "hospital.example"
	OwnAuthserv = "mx.hospital.example"
)

// MaxSize bounds the bytes of every mail that this package makes.
const MaxSize = 256 << 10

// Sample is a mail and what is true of it.
type Sample struct {
	Shape string // what kind of mail it is: "bank.limit", "benign.invoice", ...
	Raw   []byte
	Truth
}

// Truth is what a reader has to find in a mail.
type Truth struct {
	Hostile  bool   // made as an attack
	Subject  string // decoded
	From     string // address of the author, "" where there is none
	FromName string // display name, decoded, "" for none
	Text     string // a line that the body says, "" where it says nothing
	// Hosts are those that the body's links, images and forms name, as
	// browsers read them: lower case, A-labels, without port.
	Hosts []string
	// FileHosts are those that only stand in attachments or QR codes.
	FileHosts []string
	Files     []string // names of attachments, decoded
	// Mistakes name what is wrong with the bytes; see [Mistakes].
	Mistakes []string
	// Original is the mail that this one forwards, nil for none. Its header
	// lines stand in the text, or it is attached.
	Original *Truth
	// Impossible says that something of the above cannot be read from the
	// bytes by anybody, Reason what and why.
	Impossible bool
	Reason     string
}
