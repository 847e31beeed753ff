// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package permit

import (
	"slices"
	"strings"

	"teiten/internal/caller"
)

// The permissions. Read is to see, Use is to ask; Manage is to add, change and
// take away.
const (
	HelpRead    Permission = "help.read"    // help, glossary, what this portal is
	ProfileOwn  Permission = "profile.own"  // one's own second key, sessions and language
	OpinionGive Permission = "opinion.give" // "did this help?"

	AdvisoryRead     Permission = "advisory.read"     // home, lists, details, revisions, CSV, techniques
	AdvisoryRegister Permission = "advisory.register" // register, and change until it is published
	AdvisoryReview   Permission = "advisory.review"   // see what waits, give back
	AdvisoryPublish  Permission = "advisory.publish"  // publish, correct, withdraw
	SightingReport   Permission = "sighting.report"   // "we received it too"
	CommentWrite     Permission = "comment.write"
	CommentModerate  Permission = "comment.moderate" // hide and restore others' comments
	TechniqueManage  Permission = "technique.manage" // the ISAC's own techniques

	SearchUse   Permission = "search.use" // search, look up, indicator pages
	MailCheck   Permission = "mail.check"
	TrendRead   Permission = "trend.read"
	TrendDetail Permission = "trend.detail" // the figures of one organisation

	MailReport     Permission = "mail.report"      // report a mail, withdraw one's own report
	MailReportRead Permission = "mail.report.read" // one's own; a contact her institution's; analysts all, redacted
	MailCase       Permission = "mail.case"        // the cases that reports make: triage, merge, publish, dismiss
	MailOriginal   Permission = "mail.original"    // one's own; a contact her institution's, with the consent; analysts by consent

	FilterRead        Permission = "filter.read"
	FilterExcept      Permission = "filter.except"
	GuardRead         Permission = "guard.read"
	GuardManage       Permission = "guard.manage"
	IndicatorOverrule Permission = "indicator.overrule"

	ImportRun       Permission = "import.run"
	CollectorManage Permission = "collector.manage"

	InstitutionRead   Permission = "institution.read"   // domains, people's names, settings
	InterestRead      Permission = "interest.read"      // what it uses
	InstitutionManage Permission = "institution.manage" // domains (new ones wait), what it uses, ward PCs
	DomainApprove     Permission = "domain.approve"
	RegisterManage    Permission = "register.manage" // organisations, moves between them
	PeopleRead        Permission = "people.read"     // with login and mail
	PeopleManage      Permission = "people.manage"
	PeopleRecover     Permission = "people.recover" // give somebody a way in again
	EvaluationRead    Permission = "evaluation.read"
	GroupRead         Permission = "group.read"
	GroupManage       Permission = "group.manage"

	DeviceRead   Permission = "device.read"
	DeviceInvite Permission = "device.invite"
	DeviceRevoke Permission = "device.revoke"
	TokenRead    Permission = "token.read"
	TokenManage  Permission = "token.manage"

	AuditOwnRead       Permission = "audit.own" // the records of one's own organisation
	AuditRead          Permission = "audit.read"
	InstallationManage Permission = "installation.manage" // settings, certificates of the portal, backup
)

// sheet says what each role may do, and how far: with what belongs to anybody,
// with what belongs to one's own organisation, or not at all. Where a kind of
// organisation stands behind it, it is for people of that kind (and the ISAC's
// operators) only.
const sheet = `
                     operator  analyst  contact  staff  executive  machine
help.read            all       all      all      all    all        all
profile.own          own       own      own      own    own        -
opinion.give         all       all      all      all    all        -

advisory.read        all       all      all      all    all        all
advisory.register    all       all      own      own    -          own
advisory.review      all       all      -        -      -          -
advisory.publish     all       all      -        -      -          -
sighting.report      -         -        own      own    -          -        institution
comment.write        all       all      all      all    -          -
comment.moderate     all       all      -        -      -          -
technique.manage     all       all      -        -      -          -

search.use           all       all      all      all    all        all
mail.check           all       all      all      all    all        all
trend.read           all       all      all      all    all        all
trend.detail         all       all      own      own    own        own

mail.report          own       own      own      own    own        own
mail.report.read     all       all      own      own    own        own
mail.case            all       all      -        -      -          -
mail.original        all       all      own      own    own        -

filter.read          all       all      all      all    all        all
filter.except        all       -        own      -      -          -        institution
guard.read           all       all      all      -      -          -
guard.manage         all       all      -        -      -          -
indicator.overrule   all       all      -        -      -          -

import.run           all       all      own      -      -          -
collector.manage     all       all      -        -      -          -

institution.read     all       own      own      own    own        -
interest.read        all       own      own      own    own        own
institution.manage   all       -        own      -      -          -
domain.approve       all       -        -        -      -          -
register.manage      all       -        -        -      -          -
people.read          all       -        own      -      -          -
people.manage        all       -        own      -      -          -
people.recover       all       -        own      -      -          -
evaluation.read      all       -        -        -      -          -
group.read           all       own      own      own    own        own
group.manage         all       -        -        -      -          -

device.read          all       -        own      -      -          -
device.invite        all       -        own      -      -          -
device.revoke        all       -        own      -      -          -
token.read           all       -        own      -      -          -
token.manage         all       -        own      -      -          -

audit.own            all       -        own      -      -          -
audit.read           all       -        -        -      -          -
installation.manage  all       -        -        -      -          -
`

// table is the sheet, read once when the program starts.
var table = read(sheet)

func read(sheet string) (all []Row) {
	scopes := map[string]Scope{"-": None, "own": Own, "all": All}
	lines := strings.Split(strings.Trim(sheet, "\n"), "\n")
	var head []caller.Role
	for _, name := range strings.Fields(lines[0]) {
		head = append(head, caller.Role(name))
	}
	if !slices.Equal(head, caller.Roles) {
		panic("permit: the sheet has other columns than there are roles")
	}
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) < 1+len(head) {
			panic("permit: a cell is missing in " + line)
		}
		row := Row{Permission: Permission(f[0])}
		for i := range head {
			s, ok := scopes[f[1+i]]
			if !ok {
				panic("permit: " + f[1+i] + " is no scope in " + line)
			}
			row.Scopes[i] = s
		}
		for _, kind := range f[1+len(head):] {
			if !slices.Contains(caller.OrgKinds, caller.OrgKind(kind)) {
				panic("permit: " + kind + " is no kind of organisation in " + line)
			}
			row.Kinds = append(row.Kinds, caller.OrgKind(kind))
		}
		all = append(all, row)
	}
	return all
}
