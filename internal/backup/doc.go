// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package backup copies everything an installation knows into one file while
// the portal runs, and makes an installation of it again, on either engine.
//
// The file is a tar archive (POSIX.1-2001) under gzip (RFC 1952), with these
// entries in this order:
//
//	teiten-backup.json        version, schema, engine, time, and each table's columns
//	tables/NAME/000001.tsv …  the rows of each table, in parts of about 4 MiB
//	blobs/NAME                the encrypted objects as they lie on disk
//	manifest.json             SHA-256 and size of every entry above, counts, what was missing
//	manifest.seal             HMAC-SHA-256 of manifest.json by the installation's key
//
// Rows are lines in the text format of PostgreSQL's COPY: values separated by
// tabs, \N for none, backslash escapes, t and f, bytes as \\x and hexadecimal
// digits. So a table can be read without this program:
//
//	tar xzOf backup.tar.gz tables/advisory/000001.tsv | psql -c '\copy advisory from stdin'
//
// All tables and the list of objects are one snapshot; objects deleted while
// the backup runs are still in it. What is made from other data, the index of
// grams, is left out and made anew. The installation's key is not in the file:
// without it the objects cannot be read, but everything else can, so a backup
// is to be kept as carefully as the database.
package backup
