// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import "testing"

// TestOwnTechnique: an analyst adds a technique, everybody can choose it, and
// it can be removed as long as nothing uses it.
func TestOwnTechnique(t *testing.T) {
	w := newWorld(t)
	f := form("id", "isac.fake-meeting", "tactic", "initial-access", "attack", "T1566", "ja", "偽の会議招待", "en", "Fake meeting invitation",
		"about_ja", "会議の招待を装い、偽のログイン画面へ誘います。", "about_en", "An invitation to a meeting leads to a false login page.")
	w.as("minato contact", "GET", "/techniques", "").is(200).safe().lacks("攻撃手法を加える")
	w.as("minato contact", "POST", "/techniques", f).is(403)
	w.as("isac analyst", "POST", "/techniques", form("id", "isac.X", "tactic", "initial-access", "ja", "偽", "en", "f", "about_ja", "a", "about_en", "b")).
		is(422).safe().has("英小文字", "偽")
	added := w.send("isac analyst", "/techniques", f)
	if added.StatusCode != 303 {
		t.Fatalf("status %d", added.StatusCode)
	}
	w.as("isac analyst", "POST", "/techniques", f).is(422).has("すでにあります")
	for _, page := range []string{"/techniques", "/advisories/new", "/advisories"} {
		w.as("minato contact", "GET", page, "").is(200).safe().has("偽の会議招待")
	}
	w.undo("isac analyst", added)
	w.as("minato contact", "GET", "/techniques", "").is(200).lacks("偽の会議招待")
}
