// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"time"

	"teiten/internal/caller"
	"teiten/internal/guard"
)

// guardListBody is the most that a form with a guard list may send.
const guardListBody = guard.MaxListBytes + 64<<10

// countTime is for reading a whole list once to count it.
const countTime = 2 * time.Minute

// uploadTime is for a large file over a slow line.
const uploadTime = 10 * time.Minute

// toolRoutes are the pages about what is done with it: import, collection, trends, filters, guard, settings, help.
func (s *Server) toolRoutes() []route {
	return []route{
		on("GET", "/trends", Portal, anyRole, s.trends, nav("trends")),
		on("GET", "/trends.csv", Portal, anyRole, s.trendsCSV),

		on("GET", "/filters", Portal, anyRole, s.filters, nav("filters"), within(countTime)),
		on("POST", "/filters/exceptions", Portal, contact, s.exceptionAdd),
		on("POST", "/filters/exceptions/{key}/remove", Portal, contact, s.exceptionRemove),
		on("POST", "/filters/exceptions/restore", Portal, contact, s.exceptionRestore),
		on("GET", "/blocklists/{format}", Portal, anyRole, s.blocklist, within(listTime)),

		on("GET", "/guard", Portal, contact, s.guardShow, nav("guard")),
		on("POST", "/guard", Portal, contact, s.guardAsk),
		on("POST", "/guard/lists", Portal, experts, s.guardUpload, body(guardListBody)),
		on("POST", "/guard/lists/{slug}", Portal, experts, s.guardSwitch),
		on("POST", "/guard/lists/{slug}/on", Portal, experts, s.guardOn),
		on("POST", "/guard/overrules", Portal, experts, s.overruleAdd),
		on("POST", "/guard/overrules/{key}/remove", Portal, experts, s.overruleRemove),
		on("POST", "/guard/overrules/restore", Portal, experts, s.overruleRestore),

		on("GET", "/import", Portal, contact, s.imports, nav("import")),
		on("POST", "/import", Portal, contact, s.importNew, body(maxUpload+maxPaste+1<<20), within(uploadTime)),
		on("GET", "/import/{id}", Portal, contact, s.importShow),
		on("GET", "/import/{id}/problems.csv", Portal, contact, s.importProblems),
		on("POST", "/import/{id}/earnest", Portal, contact, s.importEarnest),

		on("GET", "/collectors", Portal, experts, s.collectors, nav("collectors")),
		on("POST", "/collectors", Portal, experts, s.collectorAdd, within(testTime)),
		on("POST", "/collectors/{id}", Portal, experts, s.collectorChange),
		on("POST", "/collectors/{id}/on", Portal, experts, s.collectorSwitch(true)),
		on("POST", "/collectors/{id}/off", Portal, experts, s.collectorSwitch(false)),
		on("POST", "/collectors/{id}/run", Portal, experts, s.collectorRun),
		on("POST", "/collectors/{id}/test", Portal, experts, s.collectorTry, within(testTime)),
		on("POST", "/collectors/{id}/remove", Portal, experts, s.collectorRemove),

		on("GET", "/institution", Portal, anyRole, s.institution, nav("institution")),
		on("POST", "/institution/domains", Portal, contact, s.domainAdd),
		on("POST", "/institution/domains/{key}/remove", Portal, contact, s.domainRemove),
		on("POST", "/institution/domains/restore", Portal, contact, s.domainRestore),
		on("POST", "/institution/interests", Portal, contact, s.interestAdd),
		on("POST", "/institution/interests/{id}/remove", Portal, contact, s.interestRemove),
		on("POST", "/institution/interests/restore", Portal, contact, s.interestRestore),

		on("GET", "/audit", Portal, only(caller.Operator), s.audit, nav("audit")),
		on("GET", "/techniques", Portal, anyRole, s.techniques),
		on("POST", "/techniques", Portal, experts, s.techniqueAdd),
		on("POST", "/techniques/{id}/remove", Portal, experts, s.techniqueRemove),
		on("GET", "/glossary", Portal, anyRole, s.glossary),
		on("GET", "/help", Portal, anyRole, s.helpList, nav("help")),
		on("GET", "/help/{slug}", Portal, anyRole, s.helpShow),
		on("GET", "/about", Portal, anyRole, s.about),
	}
}
