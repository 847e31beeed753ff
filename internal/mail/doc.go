// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package mail reads mails as they are in the wild: RFC 5322 and MIME with all
// that is wrong with them, Outlook's .msg and TNEF, and what people paste. It
// reads whatever can be read, and keeps what had to be repaired, because that
// is evidence.
//
// The rule where mail programs differ: what any usual one would show is read.
// A part behind the last boundary, a second Content-Type, a file name in two
// forms are all looked at, and [Message.Repairs] says so. What a limit leaves
// unread is in [Message.Incomplete]; only a mail that is too large as a whole
// is refused. All work is linear in the length of the mail.
package mail
