// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package report is the way from a suspicious mail to protection for everybody.
//
// Somebody has a mail checked: it is held for a day, for him alone. One button
// makes it a report (通報): the redacted mail is shared with the ISAC's
// analysts, the original stays with the institution, encrypted, until its
// retention time is over. Reports of the same wave are one case; an analyst
// takes it and publishes an advisory, or dismisses it. Then the reporters are
// told, and it is measured when each institution's filter has the news.
//
// What others may know: another institution sees neither report nor case, only
// how many institutions received the wave, as far as package disclose allows,
// and the advisory. Analysts see redacted mails of all institutions, never who
// reported, and an original only while the institution consents.
package report
