// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"time"

	"teiten/internal/guard"
	"teiten/internal/permit"
	"teiten/internal/token"
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
		on("GET", "/trends", Portal, may(permit.TrendRead), s.trends, nav("trends")),
		on("GET", "/trends.csv", Portal, may(permit.TrendRead), s.trendsCSV),

		on("GET", "/filters", Portal, may(permit.FilterRead), s.filters, nav("filters"), within(countTime)),
		on("POST", "/filters/exceptions", Portal, may(permit.FilterExcept), s.exceptionAdd),
		on("POST", "/filters/exceptions/{key}/remove", Portal, may(permit.FilterExcept), s.exceptionRemove),
		on("POST", "/filters/exceptions/restore", Portal, may(permit.FilterExcept), s.exceptionRestore),
		on("GET", "/blocklists/{format}", Machine, may(permit.FilterRead).to(token.ListsRead), s.blocklist, within(listTime)),

		on("GET", "/guard", Portal, may(permit.GuardRead), s.guardShow),
		on("POST", "/guard", Portal, may(permit.GuardRead), s.guardAsk),
		on("POST", "/guard/lists", Portal, may(permit.GuardManage), s.guardUpload, body(guardListBody)),
		on("POST", "/guard/lists/{slug}", Portal, may(permit.GuardManage), s.guardSwitch),
		on("POST", "/guard/lists/{slug}/on", Portal, may(permit.GuardManage), s.guardOn),
		on("POST", "/guard/overrules", Portal, may(permit.IndicatorOverrule), s.overruleAdd),
		on("POST", "/guard/overrules/{key}/remove", Portal, may(permit.IndicatorOverrule), s.overruleRemove),
		on("POST", "/guard/overrules/restore", Portal, may(permit.IndicatorOverrule), s.overruleRestore),

		on("GET", "/import", Portal, may(permit.ImportRun), s.imports, nav("import")),
		on("POST", "/import", Portal, may(permit.ImportRun), s.importNew, holding(maxUpload, maxUpload+maxPaste+1<<20), within(uploadTime)),
		on("GET", "/import/{id}", Portal, may(permit.ImportRun), s.importShow),
		on("GET", "/import/{id}/problems.csv", Portal, may(permit.ImportRun), s.importProblems),
		on("POST", "/import/{id}/earnest", Portal, may(permit.ImportRun), s.importEarnest),

		on("GET", "/collectors", Portal, may(permit.CollectorManage), s.collectors),
		on("POST", "/collectors", Portal, may(permit.CollectorManage), s.collectorAdd, within(testTime)),
		on("POST", "/collectors/{id}", Portal, may(permit.CollectorManage), s.collectorChange),
		on("POST", "/collectors/{id}/on", Portal, may(permit.CollectorManage), s.collectorSwitch(true)),
		on("POST", "/collectors/{id}/off", Portal, may(permit.CollectorManage), s.collectorSwitch(false)),
		on("POST", "/collectors/{id}/run", Portal, may(permit.CollectorManage), s.collectorRun),
		on("POST", "/collectors/{id}/test", Portal, may(permit.CollectorManage), s.collectorTry, within(testTime)),
		on("POST", "/collectors/{id}/remove", Portal, may(permit.CollectorManage), s.collectorRemove),

		on("GET", "/institution", Portal, may(permit.InstitutionRead), s.institution, nav("institution")),
		on("POST", "/institution/domains", Portal, may(permit.InstitutionManage), s.domainAdd),
		on("POST", "/institution/domains/{key}/remove", Portal, may(permit.InstitutionManage), s.domainRemove),
		on("POST", "/institution/domains/restore", Portal, may(permit.InstitutionManage), s.domainRestore),
		on("POST", "/institution/interests", Portal, may(permit.InstitutionManage), s.interestAdd),
		on("POST", "/institution/interests/{id}/remove", Portal, may(permit.InstitutionManage), s.interestRemove),
		on("POST", "/institution/interests/restore", Portal, may(permit.InstitutionManage), s.interestRestore),

		on("GET", "/audit", Portal, may(permit.AuditRead, permit.AuditOwnRead), s.audit),
		on("GET", "/audit.csv", Portal, may(permit.AuditRead, permit.AuditOwnRead), s.auditCSV, within(uploadTime)),
		on("GET", "/audit/checkpoint", Portal, may(permit.AuditRead, permit.AuditOwnRead), s.auditCheckpoint, within(countTime)),
		on("GET", "/techniques", Portal, may(permit.AdvisoryRead), s.techniques),
		on("POST", "/techniques", Portal, may(permit.TechniqueManage), s.techniqueAdd),
		on("POST", "/techniques/{id}/remove", Portal, may(permit.TechniqueManage), s.techniqueRemove),
		on("GET", "/glossary", Portal, may(permit.HelpRead), s.glossary),
		on("GET", manageAddress, Portal, may(permit.PeopleRead, permit.GuardManage), s.manage, nav("manage")),
		on("GET", "/help", Portal, may(permit.HelpRead), s.helpList, nav("help")),
		on("GET", "/help/{slug}", Portal, may(permit.HelpRead), s.helpShow),
		on("GET", "/about", Portal, may(permit.HelpRead), s.about),
	}
}
