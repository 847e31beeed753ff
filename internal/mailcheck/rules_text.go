// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

// lured reports whether there is something to follow or open that belongs to
// nobody known: without it the words of a mail do no harm.
func (v *view) lured() bool {
	if v.bait() != nil || v.codes > 0 {
		return true
	}
	for _, f := range v.files {
		if f.has("html") || f.has("program") || f.has("script") || f.has("archive_program") || f.has("pdf_link") || f.has("archive_html") || f.has("svg_link") || f.has("container") || f.Encrypted {
			return true
		}
	}
	return false
}

// half takes off where sender and link are of organisations that had to prove
// who they are to get their names.
func (v *view) half(weight int) int {
	if b := v.bait(); v.fromOwn || b != nil && registered(b.Host) && (registered(v.fromHost) || v.fromOwn) {
		return weight / 2
	}
	return weight
}

// story makes a rule of concepts that come together: one of each group.
func story(id string, weight int, lure bool, groups ...[]concept) rule {
	return rule{id, weight, textFamily, func(v *view, say sayer) {
		if lure && !v.lured() {
			return
		}
		var places []Place
		for _, g := range groups {
			if !v.has(g...) {
				return
			}
			places = append(places, v.where(g...)[0])
		}
		say(v.half(weight), places)
	}}
}

// any1 is a group of concepts of which one will do.
func any1(all ...concept) []concept { return all }

var textRules = []rule{
	story("text.account", 45, true, any1(stop, intrusion), any1(verify, password, login, card, click)),
	story("text.password", 40, true, any1(password), any1(deadline, consequence, stop, helpdesk, intrusion)),
	story("text.mailbox", 40, true, any1(mailbox), any1(verify, password, deadline, login, stop, helpdesk, click)),
	story("text.card", 40, true, any1(card), any1(verify, stop, intrusion, unpaid, password)),
	story("text.verify", 35, true, any1(verify), any1(deadline, consequence, stop), any1(click, login)),
	story("text.unpaid", 35, true, any1(unpaid), any1(deadline, consequence, click, stop)),
	story("text.parcel", 30, true, any1(parcel), any1(click, verify, deadline, consequence, card)),
	story("text.gain", 30, true, any1(gain), any1(click, login, verify, card), any1(deadline, consequence, verify, card, spam, odd)),
	story("text.helpdesk", 25, true, any1(helpdesk), any1(password, mailbox, verify, login), any1(click, deadline, consequence)),
	story("text.urgency", 15, true, any1(deadline), any1(consequence, stop), any1(click, openIt, login)),
	story("text.waiting", 25, true, any1(waiting), any1(click, login, deadline, password), any1(login, password, deadline)),
	story("text.personnel", 25, true, any1(personnel), any1(click, login, openIt), any1(deadline, login, consequence, password)),
	story("text.run", 35, true, any1(run), any1(download, openIt, archivePassword, paper, click)),
	story("text.download", 20, true, any1(download), any1(paper), any1(deadline, archivePassword, run)),
	{"text.messenger", 55, textFamily, func(v *view, say sayer) {
		if v.said[messenger] == nil {
			return
		}
		switch {
		case v.has(secret) || v.counts[messenger] >= 2 && v.shortText():
			say(55, v.where(messenger, secret))
		case v.free:
			say(35, v.where(messenger))
		}
	}},
	{"text.callback", 50, textFamily, func(v *view, say sayer) {
		if v.has(charged) && v.has(call) && !v.trustedFrom() {
			weight := 30
			if v.has(deadline, consequence, intrusion, stop) {
				weight = 50
			}
			say(v.half(weight), v.where(charged, call))
		}
	}},
	{"text.ransom", 60, textFamily, func(v *view, say sayer) {
		if v.has(ransom) && v.has(payment) && !v.fromOwn {
			weight := 30
			if v.has(deadline, consequence) || v.counts[ransom] >= 2 {
				weight = 60
			}
			say(v.half(weight), v.where(ransom, payment))
		}
	}},
	{"text.extortion", 90, textFamily, func(v *view, say sayer) {
		if v.said[extortion] == nil {
			return
		}
		switch {
		case v.counts[watched] >= 2:
			say(90, v.where(extortion, watched))
		case v.has(watched):
			say(60, v.where(extortion, watched))
		}
	}},
	{"text.transfer", 45, textFamily, func(v *view, say sayer) {
		if v.said[transfer] == nil {
			return
		}
		switch strange := v.free || v.replySite() != "" && v.replySite() != v.fromSite || v.like(v.fromHost) != nil || v.saysOther(); {
		case v.fromOwn && !v.authenticated().own:
			return
		case strange && v.has(deadline, secret, paper):
			say(50, v.where(transfer, secret, deadline, paper))
		case v.has(secret), strange:
			say(35, v.where(transfer, secret))
		case v.has(deadline):
			say(15, v.where(transfer, deadline))
		}
	}},
	{"text.secret", 40, textFamily, func(v *view, say sayer) {
		if v.said[secret] == nil || !v.shortText() {
			return
		}
		switch strange := v.free || v.replySite() != "" && v.replySite() != v.fromSite || v.saysOther(); {
		case strange && (v.counts[secret] >= 2 || v.has(deadline, gain, transfer)):
			say(40, v.where(secret, deadline, gain))
		case strange:
			say(25, v.where(secret))
		}
	}},
	{"text.macro", 50, textFamily, func(v *view, say sayer) {
		if v.said[macro] == nil {
			return
		}
		if len(v.files) > 0 {
			say(50, v.where(macro))
		} else {
			say(15, v.where(macro))
		}
	}},
	{"text.paper", 15, textFamily, func(v *view, say sayer) {
		if !v.has(paper, openIt) {
			return
		}
		if v.fetches && v.has(download, paper) {
			say(25, v.where(paper, download))
			return
		}
		for _, f := range v.files {
			if f.has("program") || f.has("script") || f.has("container") || f.has("archive_program") || f.has("macro") || f.has("html") || f.has("archive_macro") {
				say(0, v.where(paper, openIt))
				return
			}
		}
	}},
	{"text.odd", 20, textFamily, func(v *view, say sayer) {
		if n := v.counts[odd]; n > 0 {
			weight := 15
			if n >= 2 {
				weight = 25
			}
			say(v.half(weight), v.where(odd))
		}
	}},
	{"text.spam", 25, textFamily, func(v *view, say sayer) {
		switch n := v.counts[spam] + v.counts[gain]/2; {
		case v.said[spam] == nil:
		case n >= 6:
			say(50, v.where(spam, gain))
		case n >= 3:
			say(30, v.where(spam, gain))
		}
	}},
}

var evasionRules = []rule{
	{"evasion.chinese", 35, evasionFamily, func(v *view, say sayer) {
		n, places := 0, []Place(nil)
		look := func(f *folded, where, path string) {
			// Names of people and mails in Chinese are no disguise.
			if f.chinese > 0 && (f.kana >= 10 || where != "text" && f.kana >= 3) && f.chinese*8 < f.japanese {
				n += f.chinese
				places = append(places, Place{Where: where, Path: path})
			}
		}
		look(&v.subject, "subject", "")
		look(&v.name, "header:From", "")
		for i := range v.bodies {
			look(&v.bodies[i].folded, "text", v.bodies[i].path)
		}
		if n >= 2 {
			weight := 25
			if n >= 4 {
				weight = 35
			}
			say(weight, places)
		}
	}},
	{"evasion.invisible", 40, evasionFamily, func(v *view, say sayer) {
		n, cut := 0, 0
		var places []Place
		look := func(f *folded, r *Rendered, where, path string) {
			m := f.hidden
			if r != nil {
				cut += r.page.mixed
				m += r.page.mixed / 2
			}
			if m >= 3 || where != "text" && m > 0 {
				n += m
				places = append(places, Place{Where: where, Path: path})
			}
		}
		look(&v.subject, nil, "subject", "")
		look(&v.name, nil, "header:From", "")
		for i := range v.bodies {
			look(&v.bodies[i].folded, v.bodies[i].r, "text", v.bodies[i].path)
		}
		if n > 0 {
			weight := 30
			if n >= 6 {
				weight = 45
			}
			say(weight, places)
		}
	}},
	{"evasion.mixed", 45, evasionFamily, func(v *view, say sayer) {
		n := v.subject.mixed + v.name.mixed
		var places []Place
		if v.subject.mixed > 0 {
			places = append(places, at("subject", "", v.m.Subject)...)
		}
		if v.name.mixed > 0 {
			places = append(places, header("From", v.from.Name)...)
		}
		for i := range v.bodies {
			if m := v.bodies[i].folded.mixed; m > 0 {
				n += m
				places = append(places, Place{Where: "text", Path: v.bodies[i].path})
			}
		}
		if n > 0 {
			say(0, places)
		}
	}},
	{"evasion.spaced", 25, evasionFamily, func(v *view, say sayer) {
		for i := range v.bodies {
			if f := &v.bodies[i].folded; f.spaced >= 8 && f.spaced*12 > f.japanese {
				say(0, at("text", v.bodies[i].path, ""))
				return
			}
		}
		if v.subject.spaced >= 4 {
			say(0, at("subject", "", v.m.Subject))
		}
	}},
	{"evasion.hidden", 25, evasionFamily, hiddenText},
	{"evasion.image", 20, evasionFamily, func(v *view, say sayer) {
		letters, images := 0, 0
		path := ""
		for i := range v.bodies {
			letters += v.bodies[i].folded.letters
			if r := v.bodies[i].r; r != nil {
				images += r.page.images
				path = v.bodies[i].path
			}
		}
		if images > 0 && letters < 40 && v.bait() != nil {
			say(0, at("html", path, ""))
		}
	}},
	{"evasion.refresh", 30, evasionFamily, func(v *view, say sayer) {
		for i := range v.bodies {
			if r := v.bodies[i].r; r != nil && r.page.refresh {
				say(0, at("html", v.bodies[i].path, ""))
				return
			}
		}
	}},
}

// hiddenText: much text that nobody sees. Newsletters hide a line for the
// list of mails, so that a little says nothing.
func hiddenText(v *view, say sayer) {
	for i := range v.bodies {
		b := &v.bodies[i]
		if b.r == nil {
			continue
		}
		n, coloured := 0, 0
		for _, h := range b.r.Hidden {
			n += len(h.Text)
			if h.Why == "colour" || h.Why == "position" {
				coloured += len(h.Text)
			}
		}
		switch {
		case n > 1500 && n > 2*len(b.text):
			say(30, at("html", b.path, b.r.Hidden[0].Text))
			return
		case coloured > 100 && coloured*2 > len(b.text):
			say(25, at("html", b.path, b.r.Hidden[0].Text))
			return
		}
	}
}
