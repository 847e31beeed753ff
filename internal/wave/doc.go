// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package wave finds mails of the same wave: sent by the same hand to many,
// with small changes in sender, subject, body, addresses and attachments.
//
// A mail has a fingerprint: keyed hashes of its features, with whatever differs
// from recipient to recipient taken out before, and a sketch of its body
// (MinHash: Broder, "On the resemblance and containment of documents", 1997;
// of each minimum one byte: Li and König, "b-Bit Minwise Hashing", 2010). Two
// fingerprints are alike to a degree between 0 and 1; from [Threshold] on they
// are of one wave. Candidates come from an inverted index of features, so that
// a mail is compared with a dozen others and not with all.
//
// The hashes are under the store's own key. They say nothing to whoever does
// not have it, and nothing about a person to whoever does.
package wave
