// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

var brandRules = []rule{
	{"brand.name", 60, brandFamily, brandName},
	{"brand.text", 45, brandFamily, brandText},
	{"brand.links", 40, brandFamily, brandLinks},
}

// asks reports whether the mail wants something that phishing wants.
func (v *view) asks() bool {
	return v.has(verify, password, card, unpaid, parcel, stop, intrusion, mailbox) || v.has(gain, waiting, charged) && v.has(click, login, deadline)
}

// brandName: the display name is a brand's, the address is not.
func brandName(v *view, say sayer) {
	if v.fromHost == "" {
		return
	}
	for _, m := range v.brands {
		if m.where != "name" || v.ofBrand(m.brand, v.fromHost) {
			continue
		}
		// "甲野（日本医師会会員）" of a hospital that is ours, or of a registered
		// organisation, names a body without posing as it.
		weight := 60
		switch {
		case v.fromOwn:
			continue
		case v.fromOf != nil:
			weight = 20
		case registered(v.fromHost):
			weight = 25
		}
		say(weight, []Place{m.place}, "name", m.name, "host", shownHost(v.fromHost))
		return
	}
}

// ofBrand reports whether a host is the brand's; public bodies stand in for each
// other, since they send for each other.
func (v *view) ofBrand(b *brand, host string) bool {
	of := v.k.brandOf(host)
	return of == b || of != nil && of.Public && b.Public || b.Public && (under(map[string]bool{"go.jp": true, "lg.jp": true}, host)) || of != nil && sameOwner(of, b)
}

// sameOwner: several brands of one company share domains.
func sameOwner(a, b *brand) bool {
	for _, d := range a.Domains {
		for _, e := range b.Domains {
			if registrable(d) != "" && registrable(d) == registrable(e) {
				return true
			}
		}
	}
	return false
}

// brandText: subject or text name a brand and want something, while neither the
// sender nor the link to follow is the brand's.
func brandText(v *view, say sayer) {
	bait := v.bait()
	if bait == nil || !v.asks() || v.fromOwn || v.fromHost == "" {
		return
	}
	var best *mention
	weight := 0
	for i := range v.brands {
		m := &v.brands[i]
		if m.where == "name" || v.ofBrand(m.brand, v.fromHost) || v.ofBrand(m.brand, bait.Host) {
			continue
		}
		w := 0
		switch {
		case m.where == "subject":
			w = 45
		case m.n >= 2 || v.shortText():
			w = 35
		}
		if registered(v.fromHost) || registered(bait.Host) {
			w /= 2
		}
		if w > weight {
			best, weight = m, w
		}
	}
	if best != nil {
		say(weight, append([]Place{best.place}, bait.Places[0]), "name", best.name, "host", shownHost(bait.Host))
	}
}

// brandLinks: From says that a brand wrote, and what it wants done is done
// elsewhere.
func brandLinks(v *view, say sayer) {
	bait := v.bait()
	if v.fromOf == nil || v.free || bait == nil || !v.asks() && !v.fromOf.Public || v.authenticated().aligned || v.fromOf.ID == "google" || v.fromOf.ID == "microsoft" {
		return
	}
	if !v.ofBrand(v.fromOf, bait.Host) {
		say(0, append(header("From", v.from.Address), bait.Places[0]), "name", v.fromOf.Names[0], "host", shownHost(bait.Host))
	}
}

func (v *view) shortText() bool {
	n := 0
	for i := range v.bodies {
		n = max(n, v.bodies[i].folded.letters)
	}
	return n < 1500
}
