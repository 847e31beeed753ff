// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package intake reads files that others made into the store: lists of URLs
// with their dates (JPCERT/CC's, or any CSV), free text with indicators in it,
// the catalogue of known exploited vulnerabilities (KEV) and security
// advisories in CSAF.
//
// # What is promised
//
// A file is read as a stream, in constant memory but for about 30 bytes a row.
// Rows are stored in batches, each one transaction with its audit record. A
// row that cannot be taken is reported with its line and its reason, and the
// others go in. When the program is killed, or the file turns out to be damaged
// in the middle, whole batches are there or not; the same file imported again
// adds what is missing and nothing twice.
//
// # When two rows are the same
//
// A row is named by the store's keyed hash of organisation, format, the file's
// name without folders and ".gz", what the row says, and how often the file has
// said it before. So the same row twice in a file is two observations, a list
// that is published again with more rows adds only those, and rows may change
// their order. The TLP is not part of it: a file imported again at another level
// changes nothing.
//
// # What a file may not do
//
// A line or a CSV record has at most 1 MiB; a longer one is rejected and reading
// goes on behind it. Unpacked, a file has at most 16 GiB and 20 million rows, and
// a gzip that grows more than 200-fold is refused. A gzip that can be read twice is
// checked to its end before anything of it is stored; of a pipe, the lines before
// the damage are. JSON is read whole before
// anything of it is stored (KEV 64 MiB, CSAF 16 MiB), so that a truncated file
// changes nothing. Problems quote nothing of a row but the host that could not
// be read, defanged: rows may carry the addresses of people.
package intake
