// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import "slices"

// Advice is what to do now: one line first, then steps. Keys of package locale.
// What the person did weighs more than the verdict: a password that was entered
// is gone whatever the mail turns out to be.
func (a *Answer) Advice(did Action) []string {
	if a.Verdict == Unknown {
		switch did {
		case Entered:
			return []string{"mailcheck.advice.unknown.entered", "mailcheck.step.password", "mailcheck.step.ask_sender", "mailcheck.step.contact"}
		case Opened:
			return []string{"mailcheck.advice.unknown.opened", "mailcheck.step.watch", "mailcheck.step.contact"}
		case Clicked:
			return []string{"mailcheck.advice.unknown.clicked", "mailcheck.step.close", "mailcheck.step.contact"}
		case Replied:
			return []string{"mailcheck.advice.unknown.replied", "mailcheck.step.ask_sender", "mailcheck.step.contact"}
		}
		return []string{"mailcheck.advice.unknown.none", "mailcheck.step.ask_sender", "mailcheck.step.bookmark", "mailcheck.step.report_doubt"}
	}
	var first string
	switch {
	case did == Entered:
		first = "mailcheck.advice.entered"
	case did == Opened:
		first = "mailcheck.advice.opened"
	case did == Clicked:
		first = "mailcheck.advice.clicked"
	case did == Replied:
		first = "mailcheck.advice.replied"
	case a.Verdict == Malicious:
		first = "mailcheck.advice.malicious"
	default:
		first = "mailcheck.advice.suspicious"
	}
	steps := []string{first}
	switch did {
	case Entered:
		steps = append(steps, "mailcheck.step.password", "mailcheck.step.same_password", "mailcheck.step.second_factor", "mailcheck.step.card", "mailcheck.step.contact_now")
	case Opened:
		steps = append(steps, "mailcheck.step.unplug", "mailcheck.step.keep_on", "mailcheck.step.contact_now", "mailcheck.step.what_seen")
	case Clicked:
		steps = append(steps, "mailcheck.step.close", "mailcheck.step.nothing_typed", "mailcheck.step.no_download", "mailcheck.step.contact_now")
	case Replied:
		steps = append(steps, "mailcheck.step.no_more", "mailcheck.step.what_told", "mailcheck.step.contact_now")
	default:
		if a.Verdict == Suspicious {
			steps = append(steps, "mailcheck.step.do_nothing", "mailcheck.step.ask_sender", "mailcheck.step.bookmark")
		} else {
			steps = append(steps, "mailcheck.step.do_nothing", "mailcheck.step.no_reply")
		}
	}
	return append(steps, "mailcheck.step.report", "mailcheck.step.keep_mail")
}

// AdviceReported is Advice for who has reported the mail already.
func (a *Answer) AdviceReported(did Action) []string {
	return slices.DeleteFunc(a.Advice(did), func(key string) bool {
		return key == "mailcheck.step.report" || key == "mailcheck.step.report_doubt"
	})
}
