// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
)

// members are those who may register, comment and say "we received it too";
// the nouns tell them apart further.
var members = only(caller.Operator, caller.Analyst, caller.Contact, caller.Staff)

// intelRoutes are the pages about shared information: home, lists, search,
// details, registration, review.
func (s *Server) intelRoutes() []route {
	const one = "/advisories/{id}"
	return []route{
		on("GET", "/", Portal, anyRole, s.home, nav("home")),

		on("GET", "/advisories", Portal, anyRole, s.advisories, nav("advisories")),
		on("GET", "/advisories.csv", Portal, anyRole, s.advisoriesCSV, within(10*time.Minute)),
		on("POST", "/advisories.csv", Portal, anyRole, s.advisoriesCSV, within(10*time.Minute)),
		on("GET", "/search", Portal, anyRole, s.searchForm),
		on("POST", "/search", Portal, anyRole, s.search, body(registerBody)),
		on("POST", "/search/helped", Portal, anyRole, s.searchHelped),
		on("GET", "/indicators/{key}", Portal, anyRole, s.indicator),
		on("POST", "/indicators/{key}/overrule", Portal, experts, s.overrule),
		on("POST", "/indicators/{key}/heed", Portal, experts, s.heed),

		on("GET", "/advisories/new", Portal, members, s.registerNew, nav("register")),
		on("POST", "/advisories/new", Portal, members, s.registerNew, body(registerBody)),
		on("POST", "/advisories/preview", Portal, members, s.registerPreview, body(registerBody)),
		on("POST", "/advisories", Portal, members, s.register, body(registerBody)),
		on("GET", "/review", Portal, experts, s.review, nav("review")),

		on("GET", one, Portal, anyRole, s.advisory),
		on("GET", one+"/revisions", Portal, anyRole, s.revisions),
		on("GET", one+"/edit", Portal, members, s.edit),
		on("POST", one+"/edit", Portal, members, s.change, body(registerBody)),
		on("POST", one+"/correct", Portal, experts, s.change, body(registerBody)),
		on("POST", one+"/publish", Portal, experts, s.publish),
		on("POST", one+"/return", Portal, experts, s.giveBack),
		on("POST", one+"/withdraw", Portal, experts, s.withdraw),
		on("POST", one+"/discard", Portal, members, s.advisoryAct(advisory.Discard, "detail.discarded", "restore")),
		on("POST", one+"/restore", Portal, members, s.advisoryAct(advisory.Restore, "detail.restored", "")),
		on("POST", one+"/see", Portal, members, s.advisoryAct(advisory.See, "detail.seen", "unsee")),
		on("POST", one+"/unsee", Portal, members, s.advisoryAct(advisory.Unsee, "detail.unseen", "see")),
		on("POST", one+"/helped", Portal, anyRole, s.helped),
		on("POST", one+"/comments", Portal, members, s.addComment),
		on("POST", one+"/comments/{comment}/remove", Portal, members, s.hideComment(false)),
		on("POST", one+"/comments/{comment}/restore", Portal, members, s.hideComment(true)),
	}
}
