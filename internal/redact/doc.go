// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package redact hides in a mail what must not leave the institution:
// recipients, names and addresses of staff, what identifies a recipient in a
// URL, patients' names, numbers and birth dates, telephone numbers, internal
// hosts.
//
// It is a list of what is shared, not of what is not: a header field that is
// not named here, an attribute, a comment, hidden text, an attachment's
// content and whatever is too long or too deep to be examined is left out.
//
//   - Known texts (recipients, registered names and addresses, own domains, what
//     the reporter chose) are found in every spelling: full-width and half-width,
//     upper case, with blanks, hyphens and invisible characters between,
//     defanged, escaped up to three times, inside base64 and hexadecimal digits,
//     reversed, rotated by 13, and as MD5, SHA-1 or SHA-256 of the address.
//   - Names of persons are found behind labels (氏名：), before titles (様, 先生),
//     as a family name of a list of about 3,000 with a likely given name, and as
//     such a family name by itself unless it is as often a place, a company or a
//     word. A name that is in no list is found where a letter has the writer's
//     or the reader's, alone on its line, if it ends like a given name, and where
//     a label or a title elsewhere in the mail vouches for it; else not.
//   - Numbers are found behind labels and by their shape and check digit.
//   - Dates of birth are told from other dates: see births.
//   - The name and address that a sender claims stay, unless they are the
//     institution's. His telephone number, bank account and postal address do
//     not: nobody can tell them from those of a victim.
//   - In a URL the host stays, and path and query but for what identifies
//     somebody, which becomes "*". A URL whose host is inside goes as a whole.
//
// Everything is read in time linear in its length.
package redact
