// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"

	"teiten/internal/advisory"
	"teiten/internal/member"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

// group founds a sharing group of the ISAC and others.
func (w *world) group(name string, members ...string) int64 {
	w.t.Helper()
	operator := w.people["isac operator"]
	id, err := member.AddGroup(w.t.Context(), w.db, operator, name, "試験")
	must(w.t, err)
	for _, who := range members {
		must(w.t, member.JoinGroup(w.t.Context(), w.db, operator, id, w.people[who].Org))
	}
	return id
}

// publish publishes what somebody registered.
func (w *world) publish(a *advisory.Advisory) {
	w.t.Helper()
	g, err := w.Guards.Current(w.t.Context())
	must(w.t, err)
	must(w.t, advisory.Publish(w.t.Context(), w.db, w.people["isac analyst"], g, a.ID, a.Revision))
}

// What is shared with a group is chosen in the form, named beside the TLP, and
// on no page of anybody else.
func TestShareWithAGroup(t *testing.T) {
	w := newWorld(t)
	w.as("minato staff", "GET", "/advisories/new", "").is(200).safe().lacks("共有グループを選ぶ").has("施設名を出さない")
	id := w.group("画像診断ネットワーク", "minato contact", "aoba contact")
	other := w.group("別の組", "yama contact")
	w.as("minato staff", "GET", "/advisories/new", "").is(200).safe().has("共有グループを選ぶ", "画像診断ネットワーク").lacks("別の組")
	w.as("minato staff", "POST", "/advisories", registration("group", itoa(other))).is(422).has("この共有先は選べません")
	w.as("minato staff", "POST", "/advisories", registration("group", "x")).is(422).has("この共有先は選べません")

	a := w.created(w.as("minato staff", "POST", "/advisories", registration("group", itoa(id), "tlp", "amber", "title", "画像の保守回線")))
	if a.Group != id || a.GroupName != "画像診断ネットワーク" {
		t.Errorf("group %d %q", a.Group, a.GroupName)
	}
	w.publish(a)
	at := "/advisories/" + itoa(a.ID)
	for _, who := range []string{"minato executive", "aoba contact", "isac analyst", "isac operator"} {
		w.as(who, "GET", at, "").is(200).safe().has("画像診断ネットワーク", "このグループに入っている施設と ISAC だけ")
		w.as(who, "GET", "/advisories?group="+itoa(id), "").is(200).safe().has("画像の保守回線", "共有グループ: <b>画像診断ネットワーク")
		w.as(who, "GET", "/advisories.csv?group="+itoa(id), "").is(200).has("TLP:AMBER,画像診断ネットワーク,画像の保守回線")
	}
	for _, page := range []string{"/", "/advisories", "/advisories?group=" + itoa(id), "/advisories.csv", "/filters", "/trends"} {
		w.as("yama contact", "GET", page, "").is(200).lacks("画像の保守回線", "画像診断ネットワーク", "evil-cdn[.]top")
	}
	for _, page := range []string{at, at + "/revisions", at + "/edit"} {
		w.as("yama contact", "GET", page, "").is(404)
	}
	w.as("yama contact", "GET", "/advisories?group=x", "").is(400)

	// A form without the field, as an old page has it, shares with nobody else;
	// moving it is a correction that the history names.
	fix := registration("group", itoa(id), "tlp", "amber", "title", "画像の保守回線", "state", "corrected", "reason", "誤字", "revision", "2")
	w.as("isac analyst", "POST", at+"/correct", strings.Replace(fix, "group="+itoa(id), "", 1)).is(303)
	w.as("yama contact", "GET", at, "").is(404)
	w.as("isac analyst", "GET", at+"/edit", "").is(200).has(`<option value="` + itoa(id) + `" selected>`)
	w.as("isac analyst", "POST", at+"/correct", strings.NewReplacer("group="+itoa(id), "group=", "revision=2", "revision=3").Replace(fix)).is(303)
	w.as("yama contact", "GET", at, "").is(200).lacks("画像診断ネットワーク")
	w.as("minato staff", "GET", at+"/revisions", "").is(200).has("共有先", "画像診断ネットワーク")
	w.as("yama contact", "GET", at+"/revisions", "").is(200).lacks("画像診断ネットワーク")
}

// Who stops sharing with a group has other block lists at once.
func TestBlockListsFollowGroups(t *testing.T) {
	w := newWorld(t)
	id := w.group("県内病院", "minato contact")
	w.publish(w.created(w.as("minato staff", "POST", "/advisories", registration("group", itoa(id)))))
	before := w.as("yama contact", "GET", "/blocklists/urls", "").is(200).lacks("evil-cdn.top/a")
	w.as("minato contact", "GET", "/blocklists/urls", "").is(200).has("evil-cdn.top/a")
	w.as("minato contact", "GET", "/blocklists/urls?tlp=amber-strict", "").is(200).lacks("evil-cdn.top/a") // a list to be handed on
	operator, yama := w.people["isac operator"], w.people["yama contact"].Org
	must(t, member.JoinGroup(t.Context(), w.db, operator, id, yama))
	joined := w.as("yama contact", "GET", "/blocklists/urls", "", "If-None-Match", before.header("ETag")).is(200).has("evil-cdn.top/a")
	w.as("yama contact", "GET", "/blocklists/urls", "", "If-None-Match", joined.header("ETag")).is(304)
	must(t, member.PartGroup(t.Context(), w.db, operator, id, yama))
	w.as("yama contact", "GET", "/blocklists/urls", "", "If-None-Match", joined.header("ETag")).is(200).lacks("evil-cdn.top/a")
}

// An institution that reports without its name is named on no page of others,
// and on those of the ISAC with the note that others are not told.
func TestAnonymousOnPages(t *testing.T) {
	w := newWorld(t)
	w.as("minato staff", "POST", "/advisories", registration("anonymous", "yes", "body", "みなと総合病院の外来に届きました。")).is(422).has("自施設の名前")
	a := w.created(w.as("minato staff", "POST", "/advisories", registration("anonymous", "yes", "title", "名無しの報告", "tlp", "green")))
	if !a.Anonymous || a.Source != "みなと総合病院" {
		t.Errorf("%+v", a)
	}
	w.publish(a)
	at := "/advisories/" + itoa(a.ID)
	w.as("minato contact", "POST", at+"/comments", form("body", "続報です")).is(303)
	w.as("yama contact", "POST", at+"/see", form("anonymous", "yes")).is(303)
	must(t, trend.Refresh(t.Context(), w.db))
	others := []string{at, at + "/revisions", "/advisories?q=&category=phishing&from=2020-01-01", "/advisories.csv?tlp=green", "/trends.csv?by=source&period=30d", "/trends?by=source&period=30d"}
	name := func(body string) bool { // other things of the hospital have its name: only what is about this one counts
		for _, line := range strings.FieldsFunc(body, func(r rune) bool { return r == '\n' }) {
			if strings.Contains(line, "名無しの報告") && strings.Contains(line, "みなと総合病院") {
				return true
			}
		}
		return false
	}
	for _, who := range []string{"yama contact", "aoba contact"} {
		for _, page := range others[:2] {
			w.as(who, "GET", page, "").is(200).lacks("みなと総合病院", "鈴木 一郎", "田中 美咲")
		}
		for _, page := range others[2:] {
			if name(w.as(who, "GET", page, "").is(200).body) {
				t.Errorf("%s names the institution to %s", page, who)
			}
		}
		w.as(who, "GET", at, "").is(200).safe().has("匿名の施設").lacks("施設名は出さない")
		w.as(who, "POST", "/search", form("q", "みなと総合病院 名無しの報告")).is(200).lacks(`href="` + at + `"`)
	}
	for _, who := range []string{"isac analyst", "isac operator"} {
		w.as(who, "GET", at, "").is(200).safe().has("みなと総合病院", "施設名は出さない", "やまなみ市民病院（匿名）")
	}
	w.as("minato executive", "GET", at, "").is(200).safe().has("みなと総合病院", "施設名は出さない", "3施設未満").lacks("やまなみ市民病院")
	w.as("yama contact", "GET", at, "", "Accept-Language", "en").is(200).lacks("みなと総合病院")
	if got, err := advisory.Get(t.Context(), w.db, w.people["yama contact"], a.ID); err != nil || got.TLP != tlp.Green {
		t.Errorf("%+v, %v", got, err)
	}
}
