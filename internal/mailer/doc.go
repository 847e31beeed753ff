// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package mailer sends mail to the portal's own people: that a certificate
// ends soon, that somebody recovered an account, that a new device signed in.
//
// Hospitals are taught to distrust mail with links, and Teiten teaches it to
// them. So these mails have none: no link, no picture, no host name that a
// program would make a link of, nothing that anybody outside the program has
// written. They say what happened, when, and where in the portal to look.
//
// A notice is a job in the transaction of what it is about. The job holds the
// account's id, the key of a text and numbers and times for it, never an
// address: that is looked up when the mail is sent. What the server answers
// is logged as its number only, because its words repeat the address.
package mailer
