// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package mailbox is the reporting mailbox (通報用メール): people forward a
// suspicious mail to their institution's address, the original in it is found,
// checked and reported, and they are answered by mail.
//
// A mail comes by SMTP (RFC 5321) from the hospital's own relay, or is fetched
// from a mailbox of the institution by IMAP (RFC 9051). It is acknowledged when
// it lies encrypted on disk and its row and its job are committed, and not
// before; the same mail again within a day is the same one.
//
// An envelope sender proves nothing. What stands between a stranger and a
// report are the address, which cannot be guessed and can be changed, and the
// institution's approved domains; who writes from elsewhere gets no answer, so
// that nobody is sent mail that he did not ask for.
//
// The answer has no link, no attachment and no words of the hostile mail but
// its redacted subject. Whatever machines wrote (bounces, out-of-office, lists,
// our own answers) is not answered, and a flood is answered once.
package mailbox
