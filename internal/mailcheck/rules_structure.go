// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"strings"
	"time"

	"teiten/internal/indicator"
)

var structureRules = []rule{
	{"structure.no_date", 10, structureFamily, func(v *view, say sayer) {
		if v.transported() && v.m.Date.IsZero() {
			say(0, header("Date", v.m.Get("Date")))
		}
	}},
	{"structure.date_far", 15, structureFamily, dateFar},
	{"structure.no_id", 12, structureFamily, func(v *view, say sayer) {
		if v.transported() && v.m.MessageID == "" {
			say(0, header("Message-ID", ""))
		}
	}},
	{"structure.id_host", 8, structureFamily, func(v *view, say sayer) {
		_, host, ok := strings.Cut(v.m.MessageID, "@")
		host = strings.ToLower(strings.Trim(host, "[]>"))
		if !ok || !v.transported() || v.fromSite == "" || siteOf(host) == v.fromSite {
			return
		}
		switch {
		case !strings.Contains(host, "."):
			say(12, header("Message-ID", v.m.MessageID))
		case v.fromOf != nil && v.k.brandOf(host) != nil && !v.ofBrand(v.fromOf, host) && !v.fromList():
			say(20, header("Message-ID", v.m.MessageID))
		}
	}},
	{"structure.mailer", 15, structureFamily, func(v *view, say sayer) {
		x := strings.ToLower(v.m.Get("X-Mailer") + " " + v.m.Get("User-Agent"))
		for _, name := range []string{"leaf phpmailer", "leafmailer", "king phisher", "gophish", "sendblaster", "atomic mail", "massmail", "bulk mailer", "dreammail", "gammadyne", "turbo-mailer"} {
			if strings.Contains(x, name) {
				say(0, header("X-Mailer", x), "mailer", name)
				return
			}
		}
		if script := v.m.Get("X-PHP-Originating-Script"); script != "" { // a web server was made to send it, or a shop does
			say(5, header("X-PHP-Originating-Script", script), "mailer", "PHP")
		}
	}},
	{"structure.empty", 20, structureFamily, func(v *view, say sayer) {
		letters := 0
		for i := range v.bodies {
			letters += v.bodies[i].folded.letters
		}
		if letters >= 10 || v.m.Subject == "" && len(v.m.Fields) < 3 {
			return
		}
		for _, f := range v.files {
			if f.has("html") || f.has("program") || f.has("script") || f.has("container") || f.has("macro") || f.Encrypted || f.has("archive_program") {
				say(0, at("file", f.Path, f.Name), "file", clip(f.Name))
				return
			}
		}
	}},
	{"structure.evasion", 15, structureFamily, func(v *view, say sayer) {
		for _, r := range v.m.Repairs {
			switch strings.TrimPrefix(r.Code, "mail.repair_") {
			case "base64", "boundary", "nul", "twice", "name_twice", "type_lie", "parts_after_end":
				say(0, at("structure", r.Path, r.What))
				return
			}
		}
	}},
	{"structure.reply", 15, structureFamily, func(v *view, say sayer) {
		s := v.subject.text
		if (strings.HasPrefix(s, "re:") || strings.HasPrefix(s, "re：")) && v.transported() && len(v.m.References) == 0 && !v.quotes() {
			weight := 5
			if len(v.files) > 0 || v.bait() != nil && v.asks() {
				weight = 15
			}
			say(weight, at("subject", "", v.m.Subject))
		}
	}},
}

// transported reports whether the mail went over the wire with its whole header.
func (v *view) transported() bool {
	return v.whole() && (v.m.Get("Received") != "" || v.m.Get("Return-Path") != "" || v.m.MessageID != "" || !v.m.Date.IsZero())
}

// quotes reports whether the text quotes something.
func (v *view) quotes() bool {
	for i := range v.bodies {
		if t := v.bodies[i].text; strings.Contains(t, "\n>") || strings.HasPrefix(t, ">") || strings.Contains(t, "-----Original") || strings.Contains(t, "wrote:") || strings.Contains(t, "From:") {
			return true
		}
	}
	return false
}

// dateFar compares the date with the one at which the first server received the
// mail: clocks are wrong by minutes, not by days.
func dateFar(v *view, say sayer) {
	if !v.transported() || v.m.Date.IsZero() {
		return
	}
	if v.m.Date.After(v.now.Add(48 * time.Hour)) {
		say(20, header("Date", v.m.Get("Date")))
		return
	}
	all := v.m.All("Received")
	if len(all) == 0 {
		return
	}
	last := all[len(all)-1]
	i := strings.LastIndexByte(last, ';')
	if i < 0 {
		return
	}
	when, ok := receivedDate(last[i+1:])
	if ok && when.Sub(v.m.Date).Abs() > 72*time.Hour {
		say(0, header("Date", v.m.Get("Date")))
	}
}

func receivedDate(s string) (time.Time, bool) {
	s = strings.TrimSpace(withoutComments(s))
	for _, layout := range []string{time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

var goodRules = []rule{
	{"good.authenticated", -60, goodFamily, func(v *view, say sayer) {
		r := v.authenticated()
		if !r.aligned || v.fromOf == nil && !v.fromOwn || v.free {
			return
		}
		for _, l := range v.links {
			if l.follows && l.Value.Kind == indicator.URL && !l.trusted() && !l.outer && v.bait() != nil {
				say(-25, header("From", v.from.Address), "domain", shownHost(v.fromHost))
				return
			}
		}
		say(0, header("From", v.from.Address), "domain", shownHost(v.fromHost))
	}},
	{"good.list", -15, goodFamily, func(v *view, say sayer) {
		if v.fromList() && v.linksAligned() {
			say(0, header("List-Id", v.m.Get("List-Id")))
		}
	}},
	{"good.correspondent", -15, goodFamily, func(v *view, say sayer) {
		if v.facts.Met && v.facts.Correspondents >= enoughCorrespondents {
			weight := -15
			if !v.authenticated().aligned {
				weight = -8
			}
			say(weight, header("From", v.from.Address))
		}
	}},
}

// linksAligned reports whether all links lead to the sender's site, to ours, or
// to known ones.
func (v *view) linksAligned() bool {
	for _, l := range v.links {
		if l.follows && l.Value.Kind == indicator.URL && l.site != v.fromSite && !l.trusted() {
			return false
		}
	}
	return true
}
