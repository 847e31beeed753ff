// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"teiten/internal/category"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intake"
	"teiten/internal/intel"
	"teiten/internal/member"
	"teiten/internal/tlp"
)

// line says of a route how it is asked and who may rightly use it. A route may
// have several lines.
type line struct {
	route string // method and pattern, as the program has it

	// who are the roles that may, by their letters: operator, analyst, contact,
	// staff, executive, machine. A capital may with everything that it knows, a
	// small letter with what its own organisation has; after "=" with its very
	// own. "@" behind it is for institutions, and operators. "*" is anybody, "+"
	// every device.
	who  string
	ward bool // and a ward's PC, where its institution lets it

	kind string // of the things that the address and the form take
	at   string // the addresses, with blanks between; "" is the pattern
	form string // {id} is the thing, {of} what it hangs on, {word} its canary; more in [matrix.write]
	kept string // what the browser's undo cookie holds

	reads   bool   // a POST that changes nothing
	repeats bool   // the answer repeats what it was asked about, and differs from that about nothing
	soft    bool   // an id that is not the caller's finds nothing, and is no error
	off     bool   // not in this portal: the answer to whoever may is that it is not there
	lists   string // the kind of things of which it must show all that the caller knows
	tells   string // what the answer holds if, and only if, the caller knows the thing

	did   string // who rightly does it in the second phase, "" for nobody
	with  string // with which thing: its canary, its holder or, of an organisation, its name
	shown string // or the test that shows it

	asked int // how often
}

const boundary = "kanaliboundary"

// part is a form with one file and fields before it.
func part(file, name, content string, fields ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + fields[i] + "\"\r\n\r\n" + fields[i+1] + "\r\n")
	}
	b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + file + "\"; filename=\"" + name + "\"\r\n\r\n" + content + "\r\n--" + boundary + "--\r\n")
	return b.String()
}

const (
	every  = "OACSE"
	own    = "=" + every
	person = "name=A&title=B&role=staff&login={word}x&mail=&expires="
	told   = "category=phishing&tlp=green&title=A&body=B&confirm=yes&personal=yes"
)

// sheet is every route. A new one gets its line here, one about mails in mailLines.
var sheet = append(mailLines, []*line{
	{route: "POST /language", who: "*", form: "lang=en&next=/", reads: true},
	{route: "GET /static/{name}", who: "*", at: "/static/x"},
	{route: "GET /favicon.ico", who: "*"},
	{route: "GET /healthz", who: "*"},
	{route: "GET /enrol", who: "*"},
	{route: "POST /enrol", who: "*", form: "code=ABCD", reads: true},
	{route: "POST /enrol/certificate", who: "*", form: "code=ABCD&password=A&format=modern", reads: true, shown: "TestEnrol"},
	{route: "POST /enrol/request", who: "*", form: part("csr", "a.csr", "A", "code", "ABCD"), reads: true, shown: "TestEnrolRequest"},
	{route: "GET /crl", who: "*"},
	{route: "GET /ca.crt", who: "*"},

	{route: "GET /sign-in", who: "+", at: "/sign-in /sign-in?next=/people/1"},
	{route: "POST /sign-in", who: "+", form: "login=a&password=b&code=c", shown: "TestEnrolInBrowser"},
	{route: "POST /sign-in/passkey/options", who: "+", reads: true},
	{route: "POST /sign-in/passkey", who: "+", form: "{}", shown: "TestPasskeyInBrowser"},
	{route: "POST /sign-in/oidc", who: "+", off: true, shown: "TestLinkAndSignIn"},
	{route: "GET /sign-in/oidc/return", who: "+", off: true},
	{route: "GET /sign-in/first", who: "+"},
	{route: "POST /sign-in/first", who: "+", form: "login=a&code=b", shown: "TestEnrolInBrowser"},
	{route: "GET /sign-in/first/password", who: "+", off: true},
	{route: "POST /sign-in/first/password", who: "+", form: "password=a&again=a", shown: "TestEnrolInBrowser"},
	{route: "GET /sign-in/first/app", who: "+", off: true},
	{route: "POST /sign-in/first/app", who: "+", form: "code=123456", shown: "TestEnrolInBrowser"},

	{route: "GET /account", who: every, lists: "passkey"},
	{route: "POST /account/notices/{id}/seen", who: own, kind: "recovery", did: "a executive", with: "kanarirecoveryaexecutive"},
	{route: "POST /account/notices/{id}/stop", who: own, kind: "recovery", form: "confirm=yes", did: "a staff", with: "kanarirecoveryastaff"},
	{route: "GET /account/prove", who: every, at: "/account/prove /account/prove?next=/people/1"},
	{route: "POST /account/prove", who: every, form: "password=a&code=b", shown: "TestProve"},
	{route: "POST /account/prove/passkey/options", who: every, reads: true},
	{route: "POST /account/prove/passkey", who: every, form: "{}", shown: "TestPasskeyInBrowser"},
	{route: "POST /account/passkeys/options", who: every, reads: true},
	{route: "POST /account/passkeys", who: every, form: "{}", shown: "TestPasskeyInBrowser"},
	{route: "GET /account/passkeys/new", who: every},
	{route: "GET /account/password", who: every},
	{route: "POST /account/password", who: every, form: "old=a&password=b&again=b", shown: "TestChangePassword"},
	{route: "GET /account/app", who: every},
	{route: "POST /account/app", who: every, form: "do=begin", reads: true, shown: "TestReplaceApp"},
	{route: "GET /account/codes", who: every},
	{route: "POST /account/codes", who: every, form: "confirm=yes", did: "a staff"},
	{route: "GET /account/passkeys/{id}", who: own, kind: "passkey"},
	{route: "POST /account/passkeys/{id}", who: own, kind: "passkey", form: "label=A", did: "a staff", with: "kanaripasskeyastaff"},
	{route: "GET /account/link", who: every, off: true},
	{route: "POST /account/link", who: every, off: true, shown: "TestLinkAndSignIn"},
	{route: "GET /account/identities/{id}", who: own, kind: "identity"},
	{route: "POST /account/identities/{id}", who: own, kind: "identity", form: "confirm=yes", did: "a staff", with: "kanariissuerastaff"},
	{route: "GET /account/devices/{id}", who: own, kind: "device"},
	{route: "POST /account/devices/{id}", who: own, kind: "device", form: "reason=replaced&confirm=yes", did: "a staff", with: "kanarispareastaff"},
	{route: "POST /account/sessions/{id}/end", who: own, kind: "session", did: "v staff", with: "v staff"},
	{route: "POST /account/sign-out", who: every, form: "confirm=yes", did: "o staff"},
	{route: "POST /sign-out", who: every, did: "o staff"},

	{route: "GET /", who: every},
	{route: "GET /advisories", who: every, lists: "advisory"},
	{route: "GET /advisories", who: every, at: "/advisories?ours=1 /advisories?concerns=1 /advisories?state=in_review /advisories?state=draft /advisories?tlp=red"},
	{route: "GET /advisories", who: every, kind: "group", at: "/advisories?group={id}", soft: true},
	{route: "GET /advisories", who: every, kind: "advisory waiting", at: "/advisories?brand={word}&state=published /advisories?source={word}", soft: true},
	{route: "GET /advisories.csv", who: every, lists: "advisory"},
	{route: "GET /advisories.csv", who: every, kind: "group", at: "/advisories.csv?group={id}", soft: true},
	{route: "POST /advisories.csv", who: every, form: "q=kanari", reads: true, lists: "advisory"},
	{route: "POST /advisories.csv", who: every, kind: "advisory waiting", form: "q={word}", reads: true, soft: true},
	{route: "GET /search", who: every, ward: true},
	{route: "POST /search", who: every, ward: true, kind: "advisory", form: "q={word}", reads: true, soft: true, tells: "/advisories/{number}\""},
	{route: "POST /search", who: every, ward: true, kind: "indicator", form: "q=http%3A%2F%2F{word}.example.org%2Fx", reads: true, soft: true, tells: "/advisories/{number}\""},
	{route: "POST /search", who: every, ward: true, kind: "waiting comment interest domain exception", form: "q={word}", reads: true, soft: true},
	{route: "POST /search/helped", who: every, form: "helped=yes", did: "a executive"},
	{route: "GET /indicators/{key}", who: every, kind: "indicator", at: "/indicators/{id}"},
	{route: "POST /indicators/{key}/overrule", who: "OA", kind: "indicator", at: "/indicators/{id}/overrule", form: "reason=A", did: "isac analyst", with: "kanariaclear"},
	{route: "POST /indicators/{key}/heed", who: "OA", kind: "indicator", at: "/indicators/{id}/heed", did: "isac analyst", with: "kanariaclear"},
	{route: "GET /advisories/new", who: "OACS"},
	{route: "POST /advisories/new", who: "OACS", kind: "advisory waiting", form: "paste=http%3A%2F%2F{word}.example.org%2Fx", reads: true, soft: true},
	{route: "POST /advisories/preview", who: "OACS", kind: "advisory waiting", form: "related={id}&duplicate_of={id}&paste=http%3A%2F%2F{word}.example.org%2Fx", reads: true, soft: true},
	{route: "POST /advisories", who: "OACS", kind: "advisory waiting", form: told + "&state=preview&related={id}&duplicate_of={id}", reads: true, soft: true},
	{route: "POST /advisories", who: "OACS", kind: "group", form: told + "&state=draft&group={id}", did: "a contact", with: "kanarigroupav"},
	{route: "GET /review", who: "OA", lists: "waiting"},
	{route: "GET /advisories/{id}", who: every, kind: "advisory waiting discarded"},
	{route: "GET /advisories/{id}/revisions", who: every, kind: "advisory waiting discarded"},
	{route: "GET /advisories/{id}/edit", who: "OA", kind: "advisory"},
	{route: "GET /advisories/{id}/edit", who: "OAc", kind: "waiting"},
	{route: "POST /advisories/{id}/see", who: "CS@", kind: "advisory", did: "b staff", with: "kanariaamberstrict"},
	{route: "POST /advisories/{id}/unsee", who: "CS@", kind: "advisory", did: "b staff", with: "kanariaamberstrict"},
	{route: "POST /advisories/{id}/helped", who: every, kind: "advisory waiting", form: "helped=yes", did: "b staff", with: "kanariaamberstrict"},
	{route: "POST /advisories/{id}/comments", who: "OACS", kind: "advisory waiting", form: "body=A", did: "b staff", with: "kanariaamberstrict"},
	{route: "POST /advisories/{id}/comments/{comment}/remove", who: "OAcs", kind: "comment", at: "/advisories/{of}/comments/{id}/remove /advisories/{mine}/comments/{id}/remove", did: "a contact", with: "kanaricommenta"},
	{route: "POST /advisories/{id}/comments/{comment}/restore", who: "OAcs", kind: "comment", at: "/advisories/{of}/comments/{id}/restore /advisories/{mine}/comments/{id}/restore", did: "isac analyst", with: "kanaricommenta"},
	{route: "POST /advisories/{id}/edit", who: "OAc", kind: "waiting", form: told + "&state=in_review&revision=1", did: "a contact", with: "kanariawaiting2"},
	{route: "POST /advisories/{id}/edit", who: "OAC", kind: "group", at: "/advisories/{draft}/edit", form: told + "&state=in_review&revision=1&group={id}"},
	{route: "POST /advisories/{id}/discard", who: "OAc", kind: "waiting", did: "a contact", with: "kanariawaiting1"},
	{route: "POST /advisories/{id}/restore", who: "OAc", kind: "discarded", did: "a contact", with: "kanariadiscarded"},
	{route: "POST /advisories/{id}/return", who: "OA", kind: "waiting", form: "reason=A&revision=1", did: "isac analyst", with: "kanariawaiting3"},
	{route: "POST /advisories/{id}/publish", who: "OA", kind: "waiting", form: "confirm=yes&revision=1", did: "isac analyst", with: "kanariawaiting4"},
	{route: "POST /advisories/{id}/correct", who: "OA", kind: "advisory", form: told + "&reason=A&revision=2", did: "isac analyst", with: "kanariaclear"},
	{route: "POST /advisories/{id}/withdraw", who: "OA", kind: "advisory", form: "reason=A&revision=2", did: "isac operator", with: "kanarivclear"},

	{route: "GET /trends", who: every, at: "/trends /trends?by=brand /trends?by=source /trends?series=sighting&by=brand"},
	{route: "GET /trends", who: every, kind: "advisory waiting", at: "/trends?by=brand&item={word}", soft: true},
	{route: "GET /trends.csv", who: every, at: "/trends.csv?by=brand", lists: "advisory"},
	{route: "GET /filters", who: every, at: "/filters /filters?format=csv&own=1"},
	{route: "POST /filters/exceptions", who: "Oc@", form: "value=e.example.org&reason=A", did: "a contact"},
	{route: "POST /filters/exceptions/{key}/remove", who: "c", kind: "exception", at: "/filters/exceptions/{id}/remove", did: "a contact", with: "kanariexceptiona"},
	{route: "POST /filters/exceptions/restore", who: "Oc@", kept: "exception", did: "a contact"},
	{route: "GET /blocklists/{format}", who: every + "M", at: "/blocklists/urls /blocklists/domains /blocklists/csv", lists: "indicator"},
	{route: "GET /blocklists/{format}", who: every + "M", at: "/blocklists/urls?own=1 /blocklists/csv?tlp=red /blocklists/json?include-expired=1"},
	{route: "GET /guard", who: "OAC"},
	{route: "POST /guard", who: "OAC", kind: "domain exception", form: "value={word}.example.org", reads: true, soft: true},
	{route: "POST /guard/lists", who: "OA", form: part("list", "a.json", `{"name":"A","type":"hostname","version":1,"description":"B","list":["c.example"],"matching_attributes":["domain"]}`), did: "isac analyst"},
	{route: "POST /guard/lists/{slug}", who: "OA", at: "/guard/lists/{guard}", form: "on=no&why=A", did: "isac analyst"},
	{route: "POST /guard/lists/{slug}/on", who: "OA", at: "/guard/lists/{guard}/on", did: "isac analyst"},
	{route: "POST /guard/overrules", who: "OA", form: "overrule=o.example.com&reason=A", did: "isac analyst"},
	{route: "POST /guard/overrules/{key}/remove", who: "OA", at: "/guard/overrules/{overruled}/remove", did: "isac analyst"},
	{route: "POST /guard/overrules/restore", who: "OA", kept: "overrule", did: "isac analyst"},
	{route: "GET /import", who: "OAC", lists: "import"},
	{route: "POST /import", who: "OAC", form: part("file", "a.txt", "http://i.example.com/", "format", "text", "tlp", "red", "category", "phishing", "dry", "yes"), did: "a contact"},
	{route: "GET /import/{id}", who: "OAc", kind: "import"},
	{route: "GET /import/{id}/problems.csv", who: "OAc", kind: "import"},
	{route: "POST /import/{id}/earnest", who: "OAc", kind: "import", kept: "import", did: "a contact", with: "kanariimporta"},
	{route: "GET /collectors", who: "OA", lists: "collector"},
	{route: "POST /collectors", who: "OA", form: "name=A&url=https://f.example.jp/&every=60&tlp=green", did: "isac analyst"},
	{route: "POST /collectors/{id}", who: "OA", kind: "collector", form: "name-{id}=B&url-{id}=https://g.example.jp/&every-{id}=60&tlp-{id}=green", did: "isac analyst", with: "kanaricollector"},
	{route: "POST /collectors/{id}/on", who: "OA", kind: "collector", did: "isac analyst", with: "kanaricollector"},
	{route: "POST /collectors/{id}/off", who: "OA", kind: "collector", did: "isac analyst", with: "kanaricollector"},
	{route: "POST /collectors/{id}/run", who: "OA", kind: "collector", did: "isac analyst", with: "kanaricollector"},
	{route: "POST /collectors/{id}/test", who: "OA", kind: "collector", shown: "TestCollectors"},
	{route: "POST /collectors/{id}/remove", who: "OA", kind: "collector", form: "confirm=yes", did: "isac analyst", with: "kanaricollector"},

	{route: "GET /institution", who: every},
	{route: "GET /institution", who: "Oacse", kind: "org", at: "/institution?org={id}"},
	{route: "POST /institution/domains", who: "Oc", kind: "org", at: "/institution/domains?org={id}", form: "domain=d.example.net", did: "a contact", with: "a"},
	{route: "POST /institution/domains/{key}/remove", who: "Oc", kind: "domain", at: "/institution/domains/{id}/remove?org={there}", did: "isac operator", with: "kanaridomaina"},
	{route: "POST /institution/domains/{key}/remove", who: "c", kind: "domain", at: "/institution/domains/{id}/remove", did: "b contact", with: "kanaridomainb"},
	{route: "POST /institution/domains/restore", who: "Oc", kind: "org", at: "/institution/domains/restore?org={id}", kept: "domain", did: "a contact", with: "a"},
	{route: "POST /institution/interests", who: "Oc", kind: "org", at: "/institution/interests?org={id}", form: "kind=product&value=kanaaa", did: "a contact", with: "a"},
	{route: "POST /institution/interests/{id}/remove", who: "Oc", kind: "interest", at: "/institution/interests/{id}/remove?org={there}", did: "isac operator", with: "kanariinteresta"},
	{route: "POST /institution/interests/{id}/remove", who: "c", kind: "interest", did: "b contact", with: "kanariinterestb"},
	{route: "POST /institution/interests/restore", who: "Oc", kind: "org", at: "/institution/interests/restore?org={id}", kept: "interest", did: "a contact", with: "a"},
	{route: "POST /institution/ward/on", who: "Oc", kind: "org", at: "/institution/ward/on?org={id}", did: "b contact", with: "b"},
	{route: "POST /institution/ward/off", who: "Oc", kind: "org", at: "/institution/ward/off?org={id}", did: "a contact", with: "a"},
	{route: "POST /institution/requests/{id}/withdraw", who: "Oc", kind: "request", did: "a contact", with: "kanarirequesta1"},

	{route: "GET /audit", who: "OC"},
	{route: "GET /audit", who: "OC", kind: "account", at: "/audit?person={id}", soft: true},
	{route: "GET /audit", who: "OC", kind: "advisory waiting", at: "/audit?object=advisory/{id}", soft: true},
	{route: "GET /audit.csv", who: "OC", at: "/audit.csv /audit.csv?format=jsonl"},
	{route: "GET /audit.csv", who: "OC", kind: "account", at: "/audit.csv?person={id}", soft: true},
	{route: "GET /audit/checkpoint", who: "OC"},
	{route: "GET /techniques", who: every},
	{route: "POST /techniques", who: "OA", form: "id=isac.matrix&tactic=initial-access&ja=A&en=B&about_ja=C&about_en=D", did: "isac analyst"},
	{route: "POST /techniques/{id}/remove", who: "OA", at: "/techniques/isac.matrix/remove", did: "isac analyst"},
	{route: "GET /glossary", who: every},
	{route: "GET /manage", who: "OAC"},
	{route: "GET /help", who: every},
	{route: "GET /help/{slug}", who: every, at: "/help/tlp"},
	{route: "GET /help/roles", who: every},
	{route: "GET /about", who: every},

	{route: "GET /devices", who: "OC", lists: "device"},
	{route: "GET /devices", who: "Oc", kind: "org", at: "/devices?org={id} /devices?org={id}&state=expired"},
	{route: "GET /devices/invite", who: "OC"},
	{route: "GET /devices/invite", who: "Oc", kind: "org", at: "/devices/invite?org={id}"},
	{route: "GET /devices/invite", who: "Oc", kind: "account", at: "/devices/invite?org={own}&account={id}", soft: true},
	{route: "POST /devices/invite", who: "Oc", kind: "org", form: "org={id}&purpose=device&label=A&for=24", did: "a contact", with: "a"},
	{route: "POST /devices/invite", who: "Oc", kind: "account", form: "org={own}&purpose=person&account={id}&label=A&for=24", did: "a contact", with: "a staff"},
	{route: "GET /devices/{id}", who: "Oc", kind: "device"},
	{route: "POST /devices/{id}/revoke", who: "Oc", kind: "device", form: "reason=lost&confirm=yes", did: "a contact", with: "kanarispareacontact"},
	{route: "POST /devices/invitations/{id}/cancel", who: "Oc", kind: "invitation", form: "confirm=yes", did: "a contact", with: "kanariinvitationa"},

	{route: "GET /tokens", who: "OC", lists: "token"},
	{route: "GET /tokens", who: "Oc", kind: "org", at: "/tokens?org={id}"},
	{route: "GET /tokens/new", who: "Oc", kind: "org", at: "/tokens/new?org={id}"},
	{route: "POST /tokens/new", who: "Oc", kind: "org", at: "/tokens/new?org={id}", form: "account=new&machine=A&name=B&scopes=lists.read&expires={soon}", did: "a contact", with: "a"},
	{route: "POST /tokens/new", who: "Oc", kind: "account", form: "account={id}&name=B&scopes=lists.read&expires={soon}", did: "a contact", with: "a machine"},
	{route: "POST /tokens/new", who: "Oc", kind: "device", form: "account={machine}&certificate={id}&name=B&scopes=lists.read&expires={soon}"},
	{route: "GET /tokens/{id}/rotate", who: "Oc", kind: "token"},
	{route: "POST /tokens/{id}/rotate", who: "Oc", kind: "token", form: "overlap=24", did: "b contact", with: "kanaritokenbmachine"},
	{route: "POST /tokens/{id}/revoke", who: "Oc", kind: "token", form: "confirm=yes", did: "b contact", with: "kanaritokenbmachine"},

	{route: "GET /groups", who: every, lists: "group"},
	{route: "GET /groups/{id}", who: every, kind: "group"},
	{route: "POST /groups", who: "O", form: "name=kanaaa&purpose=A", did: "isac operator"},
	{route: "POST /groups/{id}", who: "O", kind: "group", form: "name=kanaaaa&purpose=A", did: "isac operator", with: "kanarigroupav"},
	{route: "POST /groups/{id}/members", who: "O", kind: "group", form: "org={other}", did: "isac operator", with: "kanarigroupav"},
	{route: "POST /groups/{id}/members/{org}/remove", who: "O", kind: "group", at: "/groups/{id}/members/{other}/remove", did: "isac operator", with: "kanarigroupav"},
	{route: "POST /groups/{id}/members/{org}/restore", who: "O", kind: "group", at: "/groups/{id}/members/{other}/restore", did: "isac operator", with: "kanarigroupav"},
	{route: "POST /groups/{id}/close", who: "O", kind: "group", form: "confirm=yes", did: "isac operator", with: "kanarigroupbo"},

	{route: "GET /members", who: "O"},
	{route: "POST /members", who: "O", form: "kind=institution&name=A&short=A&facility=hospital", did: "isac operator"},
	{route: "GET /members/new", who: "O"},
	{route: "GET /members/requests", who: "O", lists: "request"},
	{route: "POST /members/requests/{id}/approve", who: "O", kind: "request", did: "isac operator", with: "kanarirequesta2"},
	{route: "POST /members/requests/{id}/refuse", who: "O", kind: "request", form: "reason-{id}=A", did: "isac operator", with: "kanarirequesta3"},
	{route: "GET /members/evaluators", who: "O"},
	{route: "POST /members/evaluators", who: "O", form: "org={other}&name=A&login=evaluator&mail=&expires={soon}", did: "isac operator"},
	{route: "GET /members/evaluators.csv", who: "O"},
	{route: "GET /members/{id}", who: "O", kind: "org"},
	{route: "POST /members/{id}", who: "O", kind: "org", form: "kind=vendor&name=A&short=A", did: "isac operator", with: "v"},

	{route: "GET /people", who: "OC"},
	{route: "GET /people", who: "Oc", kind: "org", at: "/people?org={id}"},
	{route: "GET /people/new", who: "Oc", kind: "org", at: "/people/new?org={id}"},
	{route: "POST /people", who: "Oc", kind: "org", at: "/people?org={id}", form: "name=A&role=staff&login=new{id}", did: "a contact", with: "a"},
	{route: "GET /people/limits", who: "O"},
	{route: "POST /people/limits", who: "O", form: "idle=60&absolute=480", did: "isac operator"},
	{route: "POST /people/recoveries/{id}/approve", who: "c", kind: "recovery", form: "confirm=yes", did: "b contact", with: "kanarirecoverybexecutive"},
	{route: "POST /people/recoveries/{id}/cancel", who: "Oc", kind: "recovery", form: "confirm=yes", did: "b contact", with: "kanarirecoverybstaff"},
	{route: "GET /people/{id}", who: "Oc", kind: "account"},
	{route: "POST /people/{id}", who: "Oc", kind: "account", form: person, did: "a contact", with: "a staff"},
	{route: "POST /people/{id}/recover", who: "Oc", kind: "account", form: "why=A", did: "a contact", with: "a staff"},
	{route: "POST /people/{id}/move", who: "O", kind: "account", form: "to={other}&role-there=staff&title-there=&confirm=yes", did: "isac operator", with: "v staff"},
	{route: "POST /people/{id}/leave", who: "Oc", kind: "account", form: "reason=left&confirm=yes", did: "b contact", with: "b staff"},
	{route: "POST /people/{id}/return", who: "Oc", kind: "account", did: "b contact", with: "b staff"},
	{route: "POST /members/{id}/leave", who: "O", kind: "org", form: "confirm=yes", did: "isac operator", with: "o"},
	{route: "POST /members/{id}/return", who: "O", kind: "org", did: "isac operator", with: "o"},

	{route: "GET /api/v1/advisories", who: every + "M", lists: "advisory"},
	{route: "GET /api/v1/advisories", who: every + "M", kind: "group", at: "/api/v1/advisories?group={id}", soft: true},
	{route: "GET /api/v1/advisories", who: every + "M", kind: "advisory waiting", at: "/api/v1/advisories?brand={word}&state=published&state=in_review", soft: true, tells: `"id":{number},`},
	{route: "POST /api/v1/advisories/search", who: every + "M", form: `{"text":"kanari"}`, reads: true, lists: "advisory"},
	{route: "POST /api/v1/advisories/search", who: every + "M", kind: "advisory waiting", form: `{"text":"{word}","state":["published","in_review"]}`, reads: true, soft: true, tells: `"id":{number},`},
	{route: "GET /api/v1/advisories/{id}", who: every + "M", kind: "advisory waiting discarded"},
	{route: "GET /api/v1/lookup", who: every + "M", kind: "indicator", at: "/api/v1/lookup?value=http://{word}.example.org/x", soft: true, tells: `"known":true`},
	{route: "POST /api/v1/lookup", who: every + "M", kind: "indicator", form: `{"values":["http://{word}.example.org/x"]}`, reads: true, soft: true, tells: `"known":true`},
	{route: "GET /api/v1/trends", who: every + "M", at: "/api/v1/trends?dimension=brand", lists: "advisory"},
	{route: "GET /api/v1/trends", who: every + "M", kind: "advisory waiting", at: "/api/v1/trends?dimension=brand&item={word}", soft: true},
	{route: "GET /api/v1/techniques", who: every + "M"},
	{route: "GET /api/v1/openapi.json", who: every + "M"},
	{route: "GET /api/v1/openapi.yaml", who: every + "M"},
	{route: "POST /api/v1/advisories", who: "OACSM", kind: "advisory waiting", form: `{"category":"phishing","tlp":"GREEN","title":"A","body":"B","related":[{id}]}`, did: "a machine", with: "kanariaclear"},
	{route: "POST /api/v1/advisories", who: "OACSM", kind: "advisory waiting", form: `{"category":"phishing","tlp":"GREEN","title":"A","body":"B","duplicate_of":{id}}`},
	{route: "POST /api/v1/advisories", who: "OACSM", kind: "group", form: `{"category":"phishing","tlp":"GREEN","title":"A","body":"B","group":{id}}`, did: "a machine", with: "kanarigroupav"},
}...)

// routes are all that the program has: its pages, and what its own description
// of the API names.
func (m *matrix) routes() (all []string) {
	for _, rt := range m.server.routes {
		all = append(all, rt.method+" "+rt.pattern)
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	m.signedIn(m.named("isac operator"))
	answer := m.ask(m.named("isac operator"), "GET", "/api/v1/openapi.json", "", "")
	if err := json.Unmarshal([]byte(strings.TrimSpace(answer.text)), &doc); err != nil || answer.status != http.StatusOK {
		m.t.Fatalf("the description of the API: status %d, %v", answer.status, err)
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	return all
}

// lines holds the sheet against the routes, and against the tests that it names.
func (m *matrix) lines() {
	routes, tests := m.routes(), ""
	for _, pattern := range []string{"*_test.go", "../federate/*_test.go"} {
		files, err := filepath.Glob(pattern)
		must(m.t, err)
		for _, file := range files {
			b, err := os.ReadFile(file)
			must(m.t, err)
			tests += string(b)
		}
	}
	for _, route := range routes {
		if !slices.ContainsFunc(sheet, func(l *line) bool { return l.route == route }) {
			m.t.Errorf("%s: say in the sheet of matrix_forms_test.go who may use it, which things its address and its form take, and who does it rightly", route)
		}
	}
	for _, l := range sheet {
		if strings.HasPrefix(l.route, "POST") && !l.reads && l.shown == "" && !slices.ContainsFunc(sheet, func(x *line) bool { return x.route == l.route && x.did != "" }) {
			m.t.Errorf("%s: nobody does it rightly: say in the sheet who, or which test shows it", l.route)
		}
		if l.shown != "" && !strings.Contains(tests, "\nfunc "+l.shown+"(") {
			m.t.Errorf("%s: there is no %s any more, which showed it", l.route, l.shown)
		}
		if !slices.Contains(routes, l.route) {
			m.t.Errorf("%s: the sheet of matrix_forms_test.go has a line for what the program has not", l.route)
		}
	}
}

func (m *matrix) machineOf(p *somebody) int64 {
	for _, q := range m.all {
		if q.caller.Org == p.caller.Org && q.token != "" {
			return q.caller.Account
		}
	}
	return 999999937
}

// kept is an undo cookie as the program itself seals it, for what the request
// would bring back. Who stole it gets nothing by it.
func (m *matrix) kept(what string, p *somebody, o *thing) string {
	var v any
	switch what {
	case "":
		return ""
	case "import":
		j := importJob{Account: p.caller.Account, Format: intake.Text, TLP: tlp.Red, Category: category.Phishing, Name: "a.txt"}
		if o != nil {
			j.Run = o.id
		}
		b, err := json.Marshal(j)
		must(m.t, err)
		return "import=" + m.server.sealed(append([]byte("import "), b...))
	case "domain":
		v = "restored.example.net"
	case "interest":
		v = member.Interest{Kind: member.Product, Value: "kanaaaa"}
	case "exception":
		v = intel.Exception{Kind: indicator.Domain, Value: "restored.example.org", Reason: "A", At: time.Now()}
	case "overrule":
		v = guard.Overrule{Kind: string(indicator.Domain), Value: "restored.example.com", Reason: "A", At: time.Now()}
	}
	content, err := json.Marshal(v)
	must(m.t, err)
	b, err := json.Marshal(removed{what, content})
	must(m.t, err)
	return "removed=" + m.server.sealed(b)
}

// phase2 lets whoever rightly may do each thing with what is hers: it must
// succeed and change the database. So the refusals before were about who asked,
// not about how.
func (m *matrix) phase2() {
	for _, l := range sheet {
		method, pattern, _ := strings.Cut(l.route, " ")
		if method == "GET" || l.reads || l.did == "" {
			continue
		}
		p, o := m.named(l.did), m.pick(l)
		address := pattern
		if at := strings.Fields(l.at); len(at) > 0 {
			address = at[0]
		}
		m.signedIn(p)
		before, _ := m.touched(p)
		a := m.ask(p, method, m.write(address, p, o), m.write(l.form, p, o), m.kept(l.kept, p, o))
		if after, _ := m.touched(p); a.status >= 400 || after == before {
			m.t.Errorf("%s %s with %s, which is right: status %d, %d changes: %s", l.did, l.route, o, a.status, after-before, gist(a.text))
		}
	}
}

// pick finds the thing that a line's second phase is done with.
func (m *matrix) pick(l *line) *thing {
	if l.with == "" {
		return nil
	}
	i := slices.IndexFunc(m.things, func(o thing) bool {
		return slices.Contains(strings.Fields(l.kind), o.kind) && (o.canary == l.with || o.holder == l.with || o.kind == "org" && o.id == m.orgs[l.with])
	})
	if i < 0 {
		m.t.Fatalf("%s: there is no %s %s", l.route, l.kind, l.with)
	}
	return &m.things[i]
}
