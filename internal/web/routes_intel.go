// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"time"

	"teiten/internal/advisory"
	"teiten/internal/permit"
)

// intelRoutes are the pages about shared information: lists, search,
// details, registration, review.
func (s *Server) intelRoutes() []route {
	const one = "/advisories/{id}"
	return []route{
		on("GET", "/advisories", Portal, may(permit.AdvisoryRead), s.advisories, nav("advisories")),
		on("GET", "/advisories.csv", Portal, may(permit.AdvisoryRead), s.advisoriesCSV, within(10*time.Minute)),
		on("POST", "/advisories.csv", Portal, may(permit.AdvisoryRead), s.advisoriesCSV, within(10*time.Minute)),
		on("GET", "/search", Portal, may(permit.SearchUse).orWard(), s.searchForm),
		on("POST", "/search", Portal, may(permit.SearchUse).orWard(), s.search, body(registerBody)),
		on("POST", "/search/helped", Portal, may(permit.OpinionGive), s.searchHelped),
		on("GET", "/indicators/{key}", Portal, may(permit.SearchUse), s.indicator),
		on("POST", "/indicators/{key}/overrule", Portal, may(permit.IndicatorOverrule), s.overrule),
		on("POST", "/indicators/{key}/heed", Portal, may(permit.IndicatorOverrule), s.heed),

		on("GET", "/advisories/new", Portal, may(permit.AdvisoryRegister), s.registerNew, nav("register")),
		on("POST", "/advisories/new", Portal, may(permit.AdvisoryRegister), s.registerNew, body(registerBody)),
		on("POST", "/advisories/preview", Portal, may(permit.AdvisoryRegister), s.registerPreview, body(registerBody)),
		on("POST", "/advisories", Portal, may(permit.AdvisoryRegister), s.register, body(registerBody)),
		on("GET", "/review", Portal, may(permit.AdvisoryReview), s.review, nav("review")),

		on("GET", one, Portal, may(permit.AdvisoryRead), s.advisory),
		on("GET", one+"/revisions", Portal, may(permit.AdvisoryRead), s.revisions),
		on("GET", one+"/edit", Portal, may(permit.AdvisoryRegister), s.edit),
		on("POST", one+"/edit", Portal, may(permit.AdvisoryRegister), s.change, body(registerBody)),
		on("POST", one+"/correct", Portal, may(permit.AdvisoryPublish), s.change, body(registerBody)),
		on("POST", one+"/publish", Portal, may(permit.AdvisoryPublish), s.publish),
		on("POST", one+"/return", Portal, may(permit.AdvisoryReview), s.giveBack),
		on("POST", one+"/withdraw", Portal, may(permit.AdvisoryPublish), s.withdraw),
		on("POST", one+"/discard", Portal, may(permit.AdvisoryRegister), s.advisoryAct(advisory.Discard, "detail.discarded", "restore")),
		on("POST", one+"/restore", Portal, may(permit.AdvisoryRegister), s.advisoryAct(advisory.Restore, "detail.restored", "")),
		on("POST", one+"/see", Portal, may(permit.SightingReport), s.see),
		on("POST", one+"/unsee", Portal, may(permit.SightingReport), s.advisoryAct(advisory.Unsee, "detail.unseen", "see")),
		on("POST", one+"/helped", Portal, may(permit.OpinionGive), s.helped),
		on("POST", one+"/comments", Portal, may(permit.CommentWrite), s.addComment),
		on("POST", one+"/comments/{comment}/remove", Portal, may(permit.CommentWrite), s.hideComment(false)),
		on("POST", one+"/comments/{comment}/restore", Portal, may(permit.CommentWrite), s.hideComment(true)),
	}
}
