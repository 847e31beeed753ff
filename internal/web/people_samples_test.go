// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"time"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/token"
)

func init() {
	q := sampleRequest(locale.Japanese)
	org := member.Organisation{ID: 2, Kind: caller.Institution, Name: "みなと総合病院", Short: "みなと", Prefecture: "神奈川県", Beds: 320, Facility: member.Hospital}
	gone := member.Organisation{ID: 3, Kind: caller.Vendor, Name: "あおば医療システム", Short: "あおば", LeftAt: testNow}
	choose := q.Field("select", "org", "people.org")
	choose.Options = []Option{{Value: "2", Label: "みなと総合病院"}}

	sample("manage", &managePage{Attention: []task{{Icon: "key", Text: "復旧", Note: "至急", Href: "/people", Button: "見る", Urgent: true}, {Icon: "shield", Text: "証明書"}},
		Areas: []area{{"user", "/people", "利用者", "人の登録"}}})
	sample("manage", &managePage{})

	tabs := []Tab{{Href: "/members", Name: "組織", Current: true}, {Href: "/members/requests", Name: "申請", Count: 1, Counted: true}}
	sample("members", &membersPage{Sum: 2, Tabs: tabs, Left: []memberRow{{Organisation: gone}}, Kinds: []memberKind{
		{caller.ISAC, []memberRow{{Organisation: member.Organisation{ID: 1, Kind: caller.ISAC, Name: "ISAC", Short: "ISAC"}}}},
		{caller.Institution, []memberRow{{org, "神奈川県", 12, 3, testNow}, {Organisation: member.Organisation{ID: 4, Kind: caller.Institution, Name: "乙", Short: "乙"}}}}}})
	form := q.memberForm(org)
	sample("member", &memberPage{Org: org, People: 3, Ask: "退会にしますか", Form: form})
	sample("member", &memberPage{Org: gone, Form: form})
	refused := form
	refused.Beds.Error = "数字にしてください"
	sample("member", &memberPage{Form: refused, Errors: Summary(refused.fields()...)})

	request := member.DomainRequest{ID: 5, Org: 2, OrgName: "みなと", Domain: "minato-hp.example", State: member.Waiting, AskedAt: testNow, Others: []string{"乙", "丙"}}
	decided := request
	decided.State, decided.DecidedAt, decided.Reason = member.Refused, testNow, "別の法人のものです"
	reason := q.Field("text", "reason-5", "requests.reason")
	sample("requests", &requestsPage{Tabs: tabs, Waiting: []requestRow{{request, reason, true}}, Decided: []member.DomainRequest{decided}})
	sample("requests", &requestsPage{Tabs: tabs})
	sample("institution", &institutionPage{Own: true, May: true, Org: org, Place: "神奈川県", Ward: "on", Waiting: []member.DomainRequest{request}, Refused: []member.DomainRequest{decided},
		Groups: []member.Group{{ID: 1, Name: "湾岸"}, {ID: 2, Name: "県"}}, Domain: q.Field("text", "domain", "tools.institution.domain"),
		Kind: q.Field("radio", "kind", "tools.interest.kind"), Value: q.Field("text", "value", "tools.interest.value")})
	sample("institution", &institutionPage{Org: org, Ward: "off"})

	body := q.Field("select", "org", "evaluators.org")
	body.Options = choose.Options
	sample("evaluators", &evaluatorsPage{Tabs: tabs, Bodies: true, List: []member.Evaluation{{Account: 9, Name: "教授", OrgName: "大学", ExpiresAt: testNow, Admitted: true, AdvisoryHelped: 3}, {Account: 10, Name: "助手"}},
		Form: evaluatorForm{body, q.Field("text", "name", "people.name"), q.Field("text", "login", "people.login"), q.Field("email", "mail", "people.mail"), q.Field("date", "expires", "evaluators.expires")}})
	sample("evaluators", &evaluatorsPage{Tabs: tabs})

	peopleSamples(q, org, gone, choose)
	tokenSamples(q, org, choose)
}

func peopleSamples(q *Request, org, gone member.Organisation, choose Field) {
	person := member.Account{ID: 2, Org: org, Name: "鈴木 一郎", Title: "情報係", Role: caller.Contact, Login: "suzuki", Mail: "suzuki@minato-hp.example"}
	left := person
	left.ID, left.LeftAt = 3, testNow
	waits := auth.Recovery{ID: 1, Account: 3, Name: "田中 美咲", Org: 2, Reason: "電話を替えた", Opener: "鈴木 一郎", Opened: testNow, Until: testNow.Add(time.Hour)}
	approved := waits
	approved.ID, approved.Approver = 2, "高橋 修"
	rows := []recoveryRow{{waits, true, true, false}, {waits, true, false, true}, {Recovery: approved}}
	sample("people", &peoplePage{Org: org, May: true, Choose: choose, Recoveries: rows, Left: []personRow{{Account: left, State: personLeft}}, People: []personRow{
		{Account: person, State: personUsed, Devices: 2, Seen: testNow}, {Account: member.Account{ID: 5, Org: org, Name: "プロキシ", Role: caller.Machine}, State: personMachine},
		{Account: member.Account{ID: 6, Org: org, Name: "新人", Role: caller.Staff, Evaluator: true}, State: personNew}, {Account: member.Account{ID: 7, Org: org, Name: "期限", Role: caller.Staff}, State: personExpired}}})
	sample("people", &peoplePage{Org: gone})

	form, reason := q.personForm(person), q.Field("text", "why", "recovery.reason")
	leave := q.Field("radio", "reason", "people.leave.reason")
	leave.Options = []Option{{Value: "left", Label: "退職"}}
	move := moveForm{q.Field("select", "to", "people.move.to"), q.Field("radio", "role-there", "people.role"), q.Field("text", "title-there", "people.move.position")}
	move.Role.Options = leave.Options
	until := person
	until.Evaluator, until.ExpiresAt = true, testNow.AddDate(0, 1, 0)
	sample("person", &personPage{Person: personRow{Account: until, State: personUsed, Devices: 1, Seen: testNow}, May: true, MayMove: true, MayRecover: true, Ask: "離任？", AskMove: "移す？", Form: form, Leave: leave, Reason: reason, Move: move})
	sample("person", &personPage{Person: personRow{Account: person, State: personNew}, May: true, Recoveries: rows, Form: form, Leave: leave})
	sample("person", &personPage{Person: personRow{Account: left, State: personLeft}, May: true})
	sample("person", &personPage{Person: personRow{Account: person, State: personUsed}})
	added := q.personForm(member.Account{Org: org, Role: caller.Staff})
	added.Name.Error = "空欄です"
	sample("person", &personPage{Person: personRow{Account: member.Account{Org: org}}, May: true, Form: added, Errors: Summary(added.fields()...)})
	sample("half", &halfPage{First: true, Name: "田中 美咲", Half: "ABCD-EFGH-JKLM", Back: "/people/3"})
	sample("half", &halfPage{Name: "田中 美咲", Half: "ABCD-EFGH-JKLM", Back: "/people"})

	group := member.Group{ID: 1, Name: "湾岸地域", Purpose: "同じ地域で見せ合う", CreatedAt: testNow, Members: []member.Organisation{{ID: 1, Kind: caller.ISAC, Name: "ISAC", Short: "ISAC"}, org}}
	closed := group
	closed.ID, closed.ClosedAt = 2, testNow
	join := q.Field("select", "org", "groups.join")
	sample("groups", &groupsPage{May: true, Open: []member.Group{group}, Closed: []member.Group{closed}, Form: q.groupForm(group)})
	sample("groups", &groupsPage{})
	sample("group", &groupPage{Group: group, May: true, Form: q.groupForm(group), Join: join})
	sample("group", &groupPage{Group: closed})

	sample("roles", &rolesPage{Roles: caller.Roles, Areas: []roleArea{{"基本", []roleRow{{"読む", "施設だけ", []roleCell{
		{permit.All, "すべて"}, {permit.Own, "自施設"}, {permit.None, "–"}, {permit.All, "すべて"}, {permit.All, "すべて"}, {permit.None, "–"}}}}}}})
}

func tokenSamples(q *Request, org member.Organisation, choose Field) {
	works := q.tokenRow(token.Token{ID: 1, AccountName: "プロキシ", Org: 2, OrgName: "みなと", Name: "外来", Hint: "ttn_ab", Scopes: []token.Scope{token.ListsRead, token.Lookup},
		Certificate: 4, ExpiresAt: testNow.AddDate(0, 0, 10), LastUsed: testNow})
	old := q.tokenRow(token.Token{ID: 2, Name: "前のもの", Org: 2, ExpiresAt: testNow.AddDate(0, 0, 1), ReplacedBy: 1})
	revoked := q.tokenRow(token.Token{ID: 3, Name: "止めた", Org: 2, RevokedAt: testNow, ExpiresAt: testNow})
	sample("tokens", &tokensPage{May: true, Own: true, Choose: choose, Works: []tokenRow{works, old}, Over: []tokenRow{revoked}})
	sample("tokens", &tokensPage{Org: org})
	overlap := q.Field("radio", "overlap", "tokens.overlap")
	overlap.Options = []Option{{Value: "24", Label: "1 日"}}
	sample("rotate", &rotatePage{Token: works, Overlap: overlap})
	scopes := q.Field("checkboxes", "scopes", "tokens.scopes")
	scopes.Options = []Option{{Value: "lists.read", Label: "フィルター"}}
	account := q.Field("radio", "account", "tokens.account")
	account.Options = []Option{{Value: "new", Label: "新しい機器"}}
	sample("token_new", &tokenNewPage{Org: org, Choose: choose, Form: tokenForm{account, q.Field("text", "machine", "tokens.machine"), q.Field("text", "name", "tokens.name"),
		scopes, q.Field("date", "expires", "tokens.expires"), q.Field("select", "certificate", "tokens.certificate")}})
	sample("token_made", &tokenMadePage{Secret: "ttn_secret", Token: works, Examples: []tokenExample{{"curl", "説明", "curl", "/filters?format=domains"}}})
	sample("token_made", &tokenMadePage{Secret: "ttn_secret", Token: works})
}
