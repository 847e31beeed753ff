// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/api"
	"teiten/internal/audit"
	"teiten/internal/auth"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/device"
	"teiten/internal/feed"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intake"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/mailbox"
	"teiten/internal/mailcheck"
	"teiten/internal/member"
	"teiten/internal/outbound"
	"teiten/internal/passkey"
	"teiten/internal/pki"
	"teiten/internal/store"
	"teiten/internal/tlp"
	"teiten/internal/token"
	"teiten/internal/trend"
)

// somebody is a visitor of the matrix: a person on her device, a machine with
// a token, or one who lacks a key.
type somebody struct {
	name   string
	caller caller.Caller
	login  string
	cert   device.Certificate
	cookie string
	token  string
	sees   tlp.Level // of others, written out anew; -1 is nothing
	victim string    // whose session this one shows
	ward   bool      // a shared PC that may check mail, and no more with a stolen session
}

// thing is something that belongs to somebody, with a word that nothing else
// contains. Whoever may not know of it must never read the word.
type thing struct {
	kind   string
	org    int64
	id     int64
	key    string // how an address names it, if not by its id
	of     int64  // the advisory of a comment
	canary string // "" for what has no words of its own

	tlp     tlp.Level // of an advisory and of what hangs on it
	group   []int64   // organisations that it is shared with, nil for all
	waiting bool      // for the ISAC's review
	roles   []caller.Role
	experts bool   // the ISAC's operators and analysts may know of it
	holder  string // whose own it is
	private bool   // nobody else may know of it
	inside  bool   // nobody outside of the organisation may, not even the ISAC's people
	author  string // who alone may change it, beside reviewers
	mail    string // which the form takes
}

// matrix is the portal in earnest, with the API, over one store.
type matrix struct {
	t       *testing.T
	db      *store.DB
	handler http.Handler
	server  *Server
	office  *device.Office
	keys    *blob.Keyring
	orgs    map[string]int64
	groups  map[string]int64
	wards   map[string]device.Certificate // of shared PCs
	list    string                        // a bundled list of the guard
	all     []*somebody
	things  []thing
	refused map[*somebody]map[string]answered // by address: what does not exist

	sent, cells int
	seen        []string       // what had changed when a failure told of it
	where       map[string]int // the thing that an address in a page leads to
}

const matrixHost = "portal.example.jp"

func newMatrix(t *testing.T, db *store.DB) *matrix {
	t.Helper()
	m := &matrix{t: t, db: db, orgs: map[string]int64{}, groups: map[string]int64{}, wards: map[string]device.Certificate{}, refused: map[*somebody]map[string]answered{}, where: map[string]int{}}
	ctx := t.Context()
	var err error
	m.keys, err = blob.NewKeyring()
	must(t, err)
	blobs, err := blob.Open(t.TempDir())
	must(t, err)
	m.populate(ctx)
	m.office, err = device.Create(ctx, db, m.keys, m.operator(), "見本の認証局")
	must(t, err)
	must(t, db.Batch(ctx, func(ctx context.Context) error {
		for _, p := range m.all {
			m.equip(ctx, p)
		}
		for _, short := range []string{"a", "b"} {
			cert := m.certificate(ctx, caller.Caller{Org: m.orgs[short]}, "kanariward"+short)
			m.things = append(m.things, thing{kind: "device", org: m.orgs[short], id: cert.ID, canary: cert.Label, roles: contacts})
			m.wards[short] = cert
		}
		return nil
	}))
	party, err := passkey.NewRelyingParty("定点", matrixHost)
	must(t, err)
	quiet := slog.New(slog.DiscardHandler)
	guards := intel.NewGuards(db)
	checker, err := mailcheck.New(guards)
	must(t, err)
	now := time.Now() // no page differs from another by the minute
	c := Config{Hosts: []string{matrixHost}, Secure: true, Log: quiet, Now: func() time.Time { return now }, Deps: Deps{
		DB: db, Guards: guards, Blobs: blobs, Checker: checker, Client: outbound.New(outbound.Policy{}),
		Mailbox: mailbox.New(mailbox.Parts{DB: db, Blobs: blobs, Checker: checker, Log: quiet}, mailbox.Config{Domain: "in." + matrixHost, IMAP: mailbox.IMAPConfig{Client: outbound.New(outbound.Policy{})}}), MailDomain: "in." + matrixHost,
		Access: &Access{Office: m.office, Keys: m.keys, Party: party},
		Denied: func(ctx context.Context, who caller.Caller, route string) {
			if err := audit.Denied(ctx, db, who, route, "route"); err != nil {
				t.Error(err)
			}
		},
	}}
	c.Mounts = []Mount{{"/api/", api.New(api.Deps{DB: db, Guards: c.Guards, Blobs: blobs, Checker: checker, Log: quiet,
		Caller: func(r *http.Request, scope token.Scope) (caller.Caller, error) { return m.server.Machine(r, scope) }})}}
	m.server, err = New(c)
	must(t, err)
	m.handler = m.server.Handler()
	m.fill(ctx)
	m.mails(ctx)
	_, err = job.NewRunner(db, quiet, map[string]job.Worker{
		advisory.ConcernJob: advisory.ConcernWorker(db), member.RematchJob: advisory.RematchWorker(db), trend.RefreshJob: trend.Worker(db),
		member.RejudgeJob: nothing, intake.Job: nothing,
	}).Drain(ctx)
	must(t, err)
	_, err = audit.Seal(ctx, db, m.keys)
	must(t, err)
	return m
}

func nothing(context.Context, job.Job) error { return nil }

// ceilings are the narrowest level that people of an organisation see of
// others', and who sees more: written out here, not taken from the program.
var ceilings = map[string]tlp.Level{
	"isac operator": tlp.Red, "isac analyst": tlp.Red, "isac": tlp.AmberStrict,
	"a": tlp.AmberStrict, "b": tlp.AmberStrict, "c": tlp.AmberStrict, "v": tlp.Amber, "o": tlp.Green,
}

// populate registers six organisations with a person in every role that each
// can have.
func (m *matrix) populate(ctx context.Context) {
	institution := []caller.Role{caller.Contact, caller.Staff, caller.Executive, caller.Machine}
	must(m.t, m.db.Write(ctx, caller.System("test"), func(tx *store.Tx) error {
		for _, o := range []struct {
			short string
			kind  caller.OrgKind
			roles []caller.Role
		}{
			{"isac", caller.ISAC, []caller.Role{caller.Operator, caller.Analyst, caller.Staff}},
			{"a", caller.Institution, institution}, {"b", caller.Institution, institution},
			{"c", caller.Institution, institution[:1]}, // which tells what it tells without its name
			{"v", caller.Vendor, []caller.Role{caller.Contact, caller.Staff}},
			{"o", caller.Outside, []caller.Role{caller.Contact, caller.Staff}},
		} {
			name := "組織" + o.short
			if o.short == "c" {
				name = "kanarinamec"
			}
			org, err := member.AddOrganisation(ctx, tx, member.Organisation{Kind: o.kind, Name: name, WardCheck: o.short == "a"})
			if err != nil {
				return err
			}
			m.orgs[o.short] = org
			m.things = append(m.things, thing{kind: "org", org: org, id: org})
			if o.short == "c" {
				m.things = append(m.things, thing{kind: "name", org: org, canary: name, experts: true})
			}
			for _, role := range o.roles {
				if err := m.join(ctx, tx, o.short, role); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

func (m *matrix) join(ctx context.Context, tx *store.Tx, short string, role caller.Role) error {
	p := &somebody{name: short + " " + string(role), login: "kanarilogin" + short + string(role)}
	account := member.Account{Org: member.Organisation{ID: m.orgs[short]}, Name: "kanariperson" + short + string(role), Role: role, Login: p.login}
	if short != "isac" { // whose people act for all, by name; others see which institution spoke, not which person
		m.things = append(m.things, thing{kind: "name", org: m.orgs[short], canary: account.Name, experts: true})
	}
	if role == caller.Machine {
		account.Login = ""
	}
	id, err := member.AddAccount(ctx, tx, account)
	if err != nil {
		return err
	}
	if p.caller, err = member.Caller(ctx, tx, id, "web"); err != nil {
		return err
	}
	level, own := ceilings[p.name]
	if !own {
		level = ceilings[short]
	}
	p.sees = level
	m.all = append(m.all, p)
	return nil
}

// equip gives somebody her certificate, session, passkey and identity, or a
// machine its token.
func (m *matrix) equip(ctx context.Context, p *somebody) {
	word := strings.ReplaceAll(p.name, " ", "")
	account := thing{kind: "account", org: p.caller.Org, id: p.caller.Account, canary: p.login, roles: contacts, holder: p.name}
	if p.caller.Role == caller.Machine {
		secret, t, err := token.Create(ctx, m.db, m.operator(), token.New{Account: p.caller.Account, Name: "kanaritoken" + word, Scopes: token.Scopes})
		must(m.t, err)
		p.token = secret
		account.canary = ""
		m.things = append(m.things, account, thing{kind: "token", org: p.caller.Org, id: t.ID, canary: "kanaritoken" + word, roles: contacts})
		return
	}
	p.cert = m.certificate(ctx, p.caller, "kanaridevice"+word)
	spare := m.certificate(ctx, p.caller, "kanarispare"+word)
	session := m.signIn(ctx, p)
	now := store.Micros(time.Now())
	key, name := "kanaripasskey"+word, "kanariissuer"+word
	var passkeyID, id int64
	must(m.t, m.db.Keep(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO passkey_user (account_id, handle, created_at) VALUES ($1, $2, $3)`, p.caller.Account, []byte(word), now)
		if err != nil {
			return err
		}
		if passkeyID, err = tx.Insert(ctx, `INSERT INTO passkey (account_id, credential_id, public_key, format, aaguid, transports, sign_count, backup_eligible, backed_up, label, created_at, used_at)
			VALUES ($1, $2, $3, '', $4, '', 0, $5, $5, $6, $7, 0) RETURNING id`, p.caller.Account, []byte(word), []byte{1}, make([]byte, 16), false, key, now); err != nil {
			return err
		}
		id, err = tx.Insert(ctx, `INSERT INTO federate_identity (account_id, issuer, subject, created_at, used_at) VALUES ($1, $2, $3, $4, 0) RETURNING id`,
			p.caller.Account, "https://"+name+".example", word, now)
		return err
	}))
	own := func(kind string, id int64, canary string) thing {
		return thing{kind: kind, org: p.caller.Org, id: id, canary: canary, holder: p.name, private: true}
	}
	m.things = append(m.things, account, own("session", session, ""), own("passkey", passkeyID, key), own("identity", id, name),
		thing{kind: "device", org: p.caller.Org, id: p.cert.ID, canary: p.cert.Label, roles: contacts, holder: p.name},
		thing{kind: "device", org: p.caller.Org, id: spare.ID, canary: spare.Label, roles: contacts, holder: p.name})
}

var contacts = []caller.Role{caller.Contact}

func (m *matrix) certificate(ctx context.Context, c caller.Caller, label string) device.Certificate {
	r := device.Request{Purpose: device.Person, Org: c.Org, Account: c.Account, Label: label}
	if c.Account == 0 {
		r.Purpose = device.Device
	}
	_, cert, err := m.office.Issue(ctx, m.db, m.operator(), r, pki.OneTimePassword(), pki.Modern)
	must(m.t, err)
	return cert
}

// signIn opens a session, whose factors were shown just now.
func (m *matrix) signIn(ctx context.Context, p *somebody) (session int64) {
	cookie, s, err := auth.Open(ctx, m.db, auth.Device{ID: p.cert.ID, Account: p.caller.Account, Org: p.caller.Org}, p.caller.Account, auth.ByPasskey, "")
	must(m.t, err)
	p.cookie = cookie
	return s.ID
}

func (m *matrix) named(name string) *somebody {
	i := slices.IndexFunc(m.all, func(p *somebody) bool { return p.name == name })
	if i < 0 {
		m.t.Fatalf("nobody is %q", name)
	}
	return m.all[i]
}

func (m *matrix) operator() caller.Caller { return m.named("isac operator").caller }

// visitors are everybody, and those who lack one key or both.
func (m *matrix) visitors(ctx context.Context) []*somebody {
	machine := func(short string) *somebody {
		p := *m.named(short + " machine")
		_, cert, err := m.office.Issue(ctx, m.db, m.operator(), device.Request{Purpose: device.Machine, Org: p.caller.Org, Account: p.caller.Account, Label: "kanarimachine" + short},
			pki.OneTimePassword(), pki.Modern)
		must(m.t, err)
		m.things = append(m.things, thing{kind: "device", org: p.caller.Org, id: cert.ID, canary: cert.Label, roles: contacts})
		p.name, p.token, p.cert = "a machine's certificate", "", cert
		return &p
	}
	secret := []byte(m.named("a machine").token)
	secret[len(secret)/2] ^= 1
	return append(slices.Clone(m.all),
		machine("b"),
		&somebody{name: "a stranger", sees: -1},
		&somebody{name: "a ward's device", cert: m.wards["b"], sees: -1},
		&somebody{name: "a ward's device that may check", cert: m.wards["a"], sees: ceilings["a"], ward: true, victim: "a contact", caller: m.ward("a")},
		&somebody{name: "a device without a session", cert: m.named("a contact").cert, sees: -1},
		&somebody{name: "a stolen session on another's device", cert: m.named("b staff").cert, victim: "a contact", sees: -1},
		&somebody{name: "an operator's session without a device", victim: "isac operator", sees: -1},
		&somebody{name: "a tampered token", token: string(secret), sees: -1})
}

// fill makes what can leak: advisories of every owner at every TLP and in
// groups, and what belongs to an organisation alone.
func (m *matrix) fill(ctx context.Context) {
	t := m.t
	for name, members := range map[string][]string{"av": {"a", "v"}, "bo": {"b", "o"}} {
		id, err := member.AddGroup(ctx, m.db, m.operator(), "kanarigroup"+name, "見本")
		must(t, err)
		m.groups[name] = id
		orgs := []int64{m.orgs["isac"]}
		for _, o := range members {
			must(t, member.JoinGroup(ctx, m.db, m.operator(), id, m.orgs[o]))
			orgs = append(orgs, m.orgs[o])
		}
		m.things = append(m.things, thing{kind: "group", id: id, canary: "kanarigroup" + name, group: orgs})
	}
	for _, owner := range []string{"isac", "a", "b", "c", "v", "o"} {
		for _, level := range tlp.Levels {
			m.tell(ctx, owner, "", level, 0)
		}
	}
	m.tell(ctx, "a", "av", tlp.Green, 0)
	m.tell(ctx, "b", "bo", tlp.Green, 0)
	m.tell(ctx, "isac", "bo", tlp.Amber, 0)
	m.tell(ctx, "a", "", tlp.Green, -1)
	m.tell(ctx, "b", "", tlp.AmberStrict, -1)
	for n := range 4 { // what becomes of each is shown in its turn
		m.tell(ctx, "a", "", tlp.Green, n+1)
		m.tell(ctx, "b", "", tlp.AmberStrict, n+1)
	}
	for _, short := range []string{"a", "b"} {
		m.keep(ctx, short)
	}
	lists, err := guard.Bundled()
	must(t, err)
	m.list = lists[0].Slug
	id, err := feed.Add(ctx, m.db, m.operator(), feed.Collector{Name: "kanaricollector", URL: "https://feed.example.jp/rss", TLP: tlp.Green, Every: time.Hour})
	must(t, err)
	m.things = append(m.things, thing{kind: "collector", org: m.orgs["isac"], id: id, canary: "kanaricollector", roles: []caller.Role{caller.Analyst}})
}

// tell registers an advisory of an organisation and publishes it, unless it is
// one of those that wait, which have a number, or was discarded: -1.
func (m *matrix) tell(ctx context.Context, owner, group string, level tlp.Level, waiting int) {
	t, author := m.t, "contact"
	if owner == "isac" {
		author = "analyst"
	}
	word := "kanari" + owner + group + strings.ToLower(strings.ReplaceAll(level.String(), "+", ""))
	if waiting > 0 {
		word = fmt.Sprintf("kanari%swaiting%d", owner, waiting)
	} else if waiting < 0 {
		word = "kanari" + owner + "discarded"
	}
	a := thing{kind: "advisory", org: m.orgs[owner], canary: word, tlp: level, waiting: waiting != 0}
	content := advisory.Content{Category: category.Phishing, TLP: level, Anonymous: owner == "c", Title: "題 " + word, Body: "本文 " + word, Brand: word,
		Indicators: marksOf(t, "http://"+word+".example.org/x\n"+word+".example.net")}
	if group != "" {
		content.Group = m.groups[group]
		a.group = m.things[slices.IndexFunc(m.things, func(o thing) bool { return o.kind == "group" && o.id == content.Group })].group
	}
	g, err := m.server.Guards.Current(ctx)
	must(t, err)
	a.id, err = advisory.Submit(ctx, m.db, m.named(owner+" "+author).caller, g, advisory.Submission{Content: content, State: advisory.InReview})
	must(t, err)
	if waiting != 0 {
		if a.kind, a.author = "waiting", owner+" contact"; waiting < 0 {
			a.kind = "discarded"
			must(t, advisory.Discard(ctx, m.db, m.named(a.author).caller, a.id))
		}
		m.things = append(m.things, a)
		return
	}
	must(t, advisory.Publish(ctx, m.db, m.named("isac analyst").caller, g, a.id, 1))
	m.things = append(m.things, a)
	a.kind, a.key = "indicator", m.server.keyOf(content.Indicators[0])
	m.things = append(m.things, a)
	if level == tlp.AmberStrict && len(owner) == 1 && owner <= "c" {
		a.kind, a.key, a.of, a.canary, a.author = "comment", "", a.id, "kanaricomment"+owner, owner+" contact"
		a.id, err = advisory.AddComment(ctx, m.db, m.named(a.author).caller, a.of, a.canary)
		must(t, err)
		m.things = append(m.things, a)
	}
}

// keep registers what an institution has for itself.
func (m *matrix) keep(ctx context.Context, short string) {
	t, org, contact, operator := m.t, m.orgs[short], m.named(short+" contact").caller, m.operator()
	own := func(kind, word, key string, id int64, roles ...caller.Role) {
		m.things = append(m.things, thing{kind: kind, org: org, id: id, key: key, canary: word, roles: roles, experts: kind == "import"})
	}
	word := "kanariinterest" + short
	must(t, member.AddInterest(ctx, m.db, contact, member.Interest{Org: org, Kind: member.Product, Value: word}))
	interests, err := member.Interests(ctx, m.db, contact, org)
	must(t, err)
	own("interest", word, "", interests[0].ID)

	word = "kanaridomain" + short
	_, err = member.AddDomain(ctx, m.db, operator, org, word+".example.jp")
	must(t, err)
	own("domain", word, m.server.keyOf(indicator.Value{Kind: indicator.Domain, Value: word + ".example.jp"}), 0)

	for n := range 3 { // to approve, to refuse, to withdraw
		word = "kanarirequest" + short + strconv.Itoa(n+1)
		_, err = member.AddDomain(ctx, m.db, contact, org, word+".example.net")
		must(t, err)
		requests, err := member.Requests(ctx, m.db, contact, false)
		must(t, err)
		own("request", word, "", requests[len(requests)-1].ID, contacts...)
	}
	word = "kanariexception" + short
	v := indicator.Value{Kind: indicator.Domain, Value: word + ".example.org"}
	must(t, intel.AddException(ctx, m.db, contact, v, "見本"))
	own("exception", word, m.server.keyOf(v), 0)

	word = "kanariimport" + short
	id, err := intake.Enqueue(ctx, m.db, contact, intake.Options{Format: intake.Text, TLP: tlp.Red, DryRun: true, Category: category.Phishing}, word+".txt", "")
	must(t, err)
	own("import", word, "", id, contacts...)

	word = "kanariinvitation" + short
	_, i, err := device.Invite(ctx, m.db, contact, device.Invitation{Purpose: device.Device, Org: org, Label: word})
	must(t, err)
	own("invitation", word, "", i.ID, contacts...)

	for _, role := range []string{"executive", "staff", "contact"} { // to approve, to stop, and of who could stop others'
		word, holder := "kanarirecovery"+short+role, m.named(short+" "+role)
		id, _, err = auth.OpenRecovery(ctx, m.db, m.keys, operator, holder.caller.Account, word)
		must(t, err)
		m.things = append(m.things, thing{kind: "recovery", org: org, id: id, canary: word, roles: contacts, holder: holder.name})
	}
}
