// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"slices"
	"strings"

	"teiten/internal/locale"
	"teiten/internal/mail"
)

// Refusal is why a mail is not answered; "" answers it.
type Refusal string

const (
	NullSender    Refusal = "null_sender"    // RFC 5321 section 4.5.5
	RoleSender    Refusal = "role_sender"    // mailer-daemon, no-reply and their kind
	AutoSubmitted Refusal = "auto_submitted" // RFC 3834 section 5
	Suppressed    Refusal = "suppressed"     // X-Auto-Response-Suppress (MS-OXCMAIL section 2.2.3.2.14)
	BulkMail      Refusal = "bulk"           // Precedence, RFC 2076 section 3.9
	ListMail      Refusal = "list"           // RFC 2919, RFC 2369
	OwnAddress    Refusal = "own_address"    // of the mailbox, or what its answers come from
	OwnAnswer     Refusal = "own_answer"     // one of our answers came back
	NotInside     Refusal = "outside"        // of none of the institution's domains
	NotWritable   Refusal = "not_writable"   // the address needs SMTPUTF8
	NoMailServer  Refusal = "no_mail_server"
	GuidedAlready Refusal = "guided" // was told how to forward a while ago
)

// Refusals are all of them.
var Refusals = []Refusal{NullSender, RoleSender, AutoSubmitted, Suppressed, BulkMail, ListMail, OwnAddress, OwnAnswer, NotInside,
	NotWritable, NoMailServer, GuidedAlready}

// Name returns the word for it.
func (r Refusal) Name(lang locale.Lang) string { return lang.T("mailbox.refusal." + string(r)) }

// roles are local parts behind which nobody reads, and that answer by machine.
var roles = []string{"mailer-daemon", "mailerdaemon", "postmaster", "noreply", "no-reply", "no_reply", "no.reply", "donotreply", "do-not-reply",
	"do_not_reply", "bounce", "bounces", "daemon", "majordomo", "listserv", "autoreply", "auto-reply", "nobody", "null"}

// Answerable says whether an answer may go to a sender, from the header of what
// he sent (the outer one). own reports whether an address is one of the
// portal's; answered whether the value of AnswerField is from here. Whoever is
// in doubt does not answer: a missing answer is found on the portal, and a loop
// of two machines fills disks.
func Answerable(sender Sender, fields []mail.Field, own func(Sender) bool, answered func(string) bool) Refusal {
	local := strings.ToLower(sender.Local)
	base, _, _ := strings.Cut(local, "+")
	switch {
	case sender == (Sender{}):
		return NullSender
	case own(sender):
		return OwnAddress
	case slices.Contains(roles, base) || strings.HasPrefix(local, "owner-") || strings.HasPrefix(local, "prvs=") || strings.HasPrefix(local, "srs0=bounce") ||
		hasAnySuffix(local, "-request", "-owner", "-bounces", "-bounce", "-noreply", "-no-reply"):
		return RoleSender
	}
	refusal := Refusal("")
	for _, f := range fields {
		value := strings.ToLower(strings.TrimSpace(f.Value))
		var r Refusal
		switch name := strings.ToLower(f.Name); name {
		case strings.ToLower(AnswerField):
			if answered(strings.TrimSpace(f.Value)) {
				return OwnAnswer
			}
		case "auto-submitted":
			if word := firstWord(value); word != "no" {
				r = AutoSubmitted
			}
		case "x-auto-response-suppress":
			if strings.ContainsFunc(value, isLetter) && value != "none" {
				r = Suppressed
			}
		case "precedence":
			switch firstWord(value) {
			case "bulk", "junk", "list", "auto_reply", "auto-reply":
				r = BulkMail
			}
		case "list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailing-list":
			r = ListMail
		case "x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply", "x-auto-reply", "x-vacation":
			r = AutoSubmitted
		}
		if refusal == "" {
			refusal = r
		}
	}
	return refusal
}

// firstWord is the value of a structured field without comments (RFC 5322
// section 3.2.2) and parameters.
func firstWord(value string) string {
	for strings.HasPrefix(value, "(") {
		_, rest, ok := strings.Cut(value, ")")
		if !ok {
			return ""
		}
		value = strings.TrimSpace(rest)
	}
	if end := strings.IndexAny(value, "; \t("); end >= 0 {
		value = value[:end]
	}
	return value
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' }

func hasAnySuffix(s string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(s, suffix) })
}

// isBounce reports whether a mail tells what became of another (RFC 3464), or
// that it was read (RFC 8098). A report of abuse (RFC 5965) has the same outer
// form and is none: somebody sent it.
func isBounce(m *mail.Message) bool {
	if m.Root.MediaType != "multipart/report" {
		return false
	}
	kind := strings.ToLower(m.Root.Params["report-type"])
	return kind == "delivery-status" || kind == "disposition-notification" || kind == ""
}

// isOwnWords reports whether the sender wrote the mail himself, rather than
// passed another on with its header as it was.
func isOwnWords(m *mail.Message, sender Sender) bool {
	same := func(a mail.Address) bool {
		s, ok := ParseSender(a.Address)
		return ok && s.Fold() == sender.Fold()
	}
	return len(m.From) == 0 || slices.ContainsFunc(m.From, same) || same(m.Sender)
}
