// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"strings"

	"teiten/internal/indicator"
	"teiten/internal/mail"
)

var senderRules = []rule{
	{"sender.lookalike", 80, senderFamily, func(v *view, say sayer) {
		for _, a := range [][2]string{{"From", v.fromHost}, {"Reply-To", v.replyHost()}, {"Sender", hostOf(v.m.Sender.Address)}} {
			if l := v.like(a[1]); l != nil {
				say(l.weight, header(a[0], a[1]), "host", shownHost(a[1]), "like", l.target.domain)
				return
			}
		}
	}},
	{"sender.name_address", 45, senderFamily, nameAddress},
	{"sender.name_own", 60, senderFamily, nameOwn},
	{"sender.none", 25, senderFamily, func(v *view, say sayer) {
		if v.whole() && v.from.Address == "" {
			say(0, header("From", v.from.Name))
		}
	}},
	{"sender.several", 20, senderFamily, func(v *view, say sayer) {
		if len(v.m.From) > 1 && siteOf(hostOf(v.m.From[1].Address)) != v.fromSite {
			say(0, header("From", v.m.From[1].Address))
		}
	}},
	{"sender.malformed", 20, senderFamily, func(v *view, say sayer) {
		if v.from.Address != "" {
			if _, err := indicator.Normalise(indicator.Email, v.from.Address); err != nil {
				say(0, header("From", v.from.Address))
			}
		}
	}},
	{"sender.free_company", 20, senderFamily, freeCompany},
	{"sender.reply_free", 40, senderFamily, func(v *view, say sayer) {
		if h := v.replyHost(); h != "" && under(v.k.freeMail, h) && !v.free && !under(v.k.phoneMail, v.fromHost) && !v.fromList() && v.replySite() != v.fromSite {
			say(0, header("Reply-To", v.m.ReplyTo[0].Address), "from", shownHost(v.fromHost), "reply", shownHost(h))
		}
	}},
	{"sender.reply_to", 20, senderFamily, func(v *view, say sayer) {
		h := v.replyHost()
		if h == "" || v.fromHost == "" || v.replySite() == v.fromSite || v.fromList() || under(v.k.freeMail, h) && !v.free || v.isOwn(h) {
			return
		}
		weight := 10
		if v.free || v.fromOwn || v.fromOf != nil && v.k.brandOf(h) != v.fromOf || v.has(secret, transfer, messenger) {
			weight = 25
		}
		say(weight, header("Reply-To", v.m.ReplyTo[0].Address), "from", shownHost(v.fromHost), "reply", shownHost(h))
	}},
	{"sender.return_path", 5, senderFamily, func(v *view, say sayer) {
		h := hostOf(v.m.ReturnPath.Address)
		if h == "" || v.fromHost == "" || siteOf(h) == v.fromSite || v.fromList() {
			return
		}
		weight := 5
		if v.fromOf != nil && v.fromOf.Public || v.fromOwn || registered(v.fromHost) {
			weight = 30 // bodies that send their mail themselves
		}
		say(weight, header("Return-Path", v.m.ReturnPath.Address), "from", shownHost(v.fromHost), "path", shownHost(h))
	}},
	{"sender.self", 40, senderFamily, senderSelf},
	{"sender.random", 20, senderFamily, func(v *view, say sayer) {
		label, _, _ := strings.Cut(v.fromSite, ".")
		local, _, _ := strings.Cut(v.from.Address, "@")
		if !v.trustedFrom() && (random(label) || !v.free && random(local) && v.said[bulk] == nil && !strings.HasPrefix(strings.ToLower(local), "bounce")) {
			say(0, header("From", v.from.Address), "address", indicator.Defang(indicator.Email, clip(v.from.Address)))
		}
	}},
	{"sender.cheap", 20, senderFamily, func(v *view, say sayer) {
		if v.fromSite != "" && !v.trustedFrom() && v.cheapHost(v.fromHost) {
			say(0, header("From", v.from.Address), "host", shownHost(v.fromHost))
		}
	}},
	{"sender.first", 8, senderFamily, func(v *view, say sayer) {
		if v.facts.Correspondents >= enoughCorrespondents && !v.facts.Met && v.from.Address != "" && !v.fromOwn {
			weight := 8
			if v.facts.MetSite {
				weight = 3
			}
			say(weight, header("From", v.from.Address))
		}
	}},
}

// enoughCorrespondents is how many an institution must have had before a new
// one means anything.
const enoughCorrespondents = 200

// whole reports whether the mail is there with its header, not pasted or quoted.
func (v *view) whole() bool {
	return (v.m.Format == mail.EML || v.m.Format == mail.Header) && !v.facts.inline && len(v.m.Fields) > 2
}

func (v *view) trustedFrom() bool { return v.fromOwn || v.fromOf != nil }

func (v *view) replyHost() string {
	if len(v.m.ReplyTo) == 0 {
		return ""
	}
	return hostOf(v.m.ReplyTo[0].Address)
}

func (v *view) replySite() string { return siteOf(v.replyHost()) }

// registered are the suffixes of Japan under which only an organisation of the
// kind registers, one name each (JPRS, attribute-type JP domain names).
func registered(host string) bool {
	for _, s := range []string{".go.jp", ".lg.jp", ".ac.jp", ".ed.jp", ".co.jp", ".or.jp", ".ad.jp"} {
		if strings.HasSuffix(host, s) {
			return true
		}
	}
	return false
}

func (v *view) cheapHost(host string) bool {
	return v.k.cheap[host[strings.LastIndexByte(host, '.')+1:]]
}

// nameAddress: the display name is another address, which is all that many
// programs show.
func nameAddress(v *view, say sayer) {
	for _, f := range indicator.Extract(v.from.Name[:min(len(v.from.Name), 500)]) {
		site := siteOf(f.Host)
		if f.Host == "" || site == v.fromSite {
			continue
		}
		weight := 25
		if f.Kind == indicator.Email {
			weight = 50
		}
		if v.isOwn(f.Host) || v.k.brandOf(f.Host) != nil && v.k.brandOf(f.Host) != v.fromOf {
			weight += 15
		}
		say(weight, header("From", v.from.Name), "named", indicator.Defang(f.Kind, clip(f.Value.Value)), "host", shownHost(v.fromHost))
		return
	}
}

// nameOwn: the display name is the institution, the address is not.
func nameOwn(v *view, say sayer) {
	if v.fromOwn || v.fromHost == "" || v.name.text == "" {
		return
	}
	for _, n := range v.facts.Names {
		if folded := foldText(n).text; len(folded) >= 6 && strings.Contains(v.name.text, folded) {
			say(0, header("From", v.from.Name), "name", n, "host", shownHost(v.fromHost))
			return
		}
	}
	for _, d := range v.facts.Own {
		if label, _, _ := strings.Cut(registrable(d), "."); len(label) >= 5 && strings.Contains(v.name.text, label) {
			say(45, header("From", v.from.Name), "name", d, "host", shownHost(v.fromHost))
			return
		}
	}
}

// companyWords stand in names of companies and bodies, not of people.
var companyWords = []string{"株式会社", "(株)", "有限会社", "銀行", "証券", "保険", "支店", "カード", "センタ-", "サポ-ト", "事務局", "ヘルプデスク", "管理者", "公式", "省", "庁", "協会", "機構", "運輸", "急便", "郵便",
	"市役所", "県庁", "警察", "税務", "department", "support", "service", "helpdesk", "help desk", "security", "admin", "team", "bank", "account", "billing", "inc.", "ltd", "corporation"}

var companyFolded = func() []string {
	all := make([]string, len(companyWords))
	for i, w := range companyWords {
		all[i] = foldText(strings.ReplaceAll(w, "-", "ー")).text
	}
	return all
}()

func freeCompany(v *view, say sayer) {
	if !v.free {
		return
	}
	for _, w := range companyFolded {
		if strings.Contains(v.name.text, w) {
			weight := 20
			if v.bait() != nil || v.has(transfer, secret) {
				weight = 30
			}
			say(weight, header("From", v.from.Name), "name", clip(v.from.Name), "host", shownHost(v.fromHost))
			return
		}
	}
}

// senderSelf: sender and recipient are of one domain, and the envelope is of
// another: mail inside an institution does not come from elsewhere.
func senderSelf(v *view, say sayer) {
	path := hostOf(v.m.ReturnPath.Address)
	if path == "" || v.fromSite == "" || v.free || siteOf(path) == v.fromSite || v.fromList() || v.authenticated().aligned {
		return
	}
	for _, to := range v.m.To {
		if siteOf(hostOf(to.Address)) == v.fromSite {
			say(0, append(header("From", v.from.Address), header("Return-Path", v.m.ReturnPath.Address)...), "from", shownHost(v.fromHost), "path", shownHost(path))
			return
		}
	}
}
