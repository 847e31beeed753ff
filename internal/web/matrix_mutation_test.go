// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"teiten/internal/store"
)

// holes are predicates of the program, each with what stands in its place when
// it is taken out: HOLE is true, and OR makes a condition in SQL true, while
// the hole of that name is open.
var holes = []struct{ name, file, old, new string }{
	{"the level", "store/tx.go", `"(%[1]s.tlp <= $%[2]d AND "+inGroup`, `"(("+OR+"%[1]s.tlp <= $%[2]d) AND "+inGroup`},
	{"shared with a group", "store/tx.go", `"(%[1]s.group_id = 0 OR`, `"("+OR+"%[1]s.group_id = 0 OR`},
	{"member of the group", "store/tx.go", `WHERE sgm.organisation_id = $%[3]d`, `WHERE "+OR+"sgm.organisation_id = $%[3]d`},
	{"what waits", "advisory/sql.go", "AND (a.state IN ('published', 'corrected', 'withdrawn') OR", "AND (`+OR+`a.state IN ('published', 'corrected', 'withdrawn') OR"},
	{"own groups", "advisory/share.go", "WHERE sgm.organisation_id = $1 AND g.closed_at = 0", "WHERE (`+OR+`sgm.organisation_id = $1) AND g.closed_at = 0"},
	{"anonymity", "advisory/share.go", "case insider(c, a.Org):", "case HOLE || insider(c, a.Org):"},
	{"anonymous remarks", "advisory/share.go", "if anonymous && m.Org == org", "if !HOLE && anonymous && m.Org == org"},
	{"whose remark", "advisory/share.go", "if m.Org != c.Org && !MayReview(c) {", "if !HOLE && m.Org != c.Org && !MayReview(c) {"},
	{"own remarks", "advisory/react.go", "AND ($6 OR account_id = $5 AND (", "AND (`+OR+`$6 OR account_id = $5 AND ("},
	{"own drafts", "advisory/advisory.go", "c.Account == a.Account && MayRegister(c)", "(HOLE || c.Account == a.Account) && MayRegister(c)"},
	{"reach", "permit/permit.go", "\t\tif c.Org != 0 {\n\t\t\treturn 0, c.Org", "\t\tif HOLE { return 1, c.Org }\n\t\tif c.Org != 0 {\n\t\t\treturn 0, c.Org"},
	{"devices", "device/sql.go", "`($1 OR c.organisation_id = $2", "`(`+OR+`$1 OR c.organisation_id = $2"},
	{"invitations", "device/sql.go", "enrolment.id = $1 AND ($2 OR", "enrolment.id = $1 AND (`+OR+`$2 OR"},
	{"tokens", "token/sql.go", "WHERE (o.id = $1 OR $1 = 0) AND ($2 = 1", "WHERE (o.id = $1 OR $1 = 0) AND (`+OR+`$2 = 1"},
	{"the session's device", "auth/session.go", "if s.Device != dev.ID {", "if !HOLE && s.Device != dev.ID {"},
	{"own sessions", "auth/session.go", "DELETE FROM session WHERE id = $1 AND account_id = $2", "DELETE FROM session WHERE id = $1 AND (`+OR+`account_id = $2)"},
	{"recoveries", "auth/recovery.go", "q, `($1 = 1 OR a.organisation_id", "q, `(`+OR+`$1 = 1 OR a.organisation_id"},
	{"own notices", "auth/recovery.go", "WHERE id = $1 AND account_id = $2 AND told_at = 0", "WHERE id = $1 AND (`+OR+`account_id = $2) AND told_at = 0"},
	{"the list of own notices", "auth/recovery.go", "`r.account_id = $1 AND r.told_at = 0`", "`(`+OR+`r.account_id = $1) AND r.told_at = 0`"},
	{"which notice", "web/account.go", "if n.ID != id {", "if !HOLE && n.ID != id {"},
	{"which passkey", "web/account_ways.go", "if k.ID == id {", "if HOLE || k.ID == id {"},
	{"own passkeys", "passkey/sql.go", "used_at, backed_up FROM passkey WHERE account_id = $1", "used_at, backed_up FROM passkey WHERE `+OR+`account_id = $1"},
	{"own identities", "federate/sql.go", "used_at FROM federate_identity WHERE account_id = $1", "used_at FROM federate_identity WHERE `+OR+`account_id = $1"},
	{"people", "member/account.go", "WHERE a.id = $1 AND ($2 = 1 OR", "WHERE a.id = $1 AND (`+OR+`$2 = 1 OR"},
	{"the list of people", "member/account.go", "`(a.organisation_id = $1 OR $1 = 0) AND ($2", "`(`+OR+`a.organisation_id = $1 OR $1 = 0) AND (`+OR+`$2"},
	{"groups", "member/group.go", "`($%d = 1 OR g.id IN", "`(`+OR+`$%d = 1 OR g.id IN"},
	{"interests", "member/interest.go", "FROM interest WHERE organisation_id = $1 ORDER", "FROM interest WHERE `+OR+`organisation_id = $1 ORDER"},
	{"the ward's setting", "member/ward.go", "AND ward_check AND", "AND (`+OR+`ward_check) AND"},
	{"exceptions", "intel/exception.go", "FROM filter_exception WHERE organisation_id = $1 ORDER", "FROM filter_exception WHERE `+OR+`organisation_id = $1 ORDER"},
	{"imports", "intake/sql.go", "FROM import_run WHERE (organisation_id", "FROM import_run WHERE (`+OR+`organisation_id"},
	{"the audit of one's own", "audit/list.go", `		and("a.organisation_id = ?", c.Org)`, `		if !HOLE { and("a.organisation_id = ?", c.Org) }`},
	{"the route's rule", "web/routes.go", "return slices.ContainsFunc(r.permissions", "return HOLE || slices.ContainsFunc(r.permissions"},
	{"the record of a denial", "web/routes.go", `if s.Denied != nil && q.Caller.Role != "" {`, `if !HOLE && s.Denied != nil && q.Caller.Role != "" {`},
	{"the door", "web/entrance.go", "	if _, ok := q.device(); !ok {\n\t\treturn false, s.noDevice(w, r, q)\n\t}\n\tif q.Caller", "	if _, ok := q.device(); !ok && !HOLE {\n\t\treturn false, s.noDevice(w, r, q)\n\t}\n\tif q.Caller"},
	{"the organisation in an address", "web/institution.go", "if id != q.Caller.Org && !q.Caller", "if !HOLE && id != q.Caller.Org && !q.Caller"},
	{"whose devices are shown", "web/devices.go", `if chosen != "" && chosen != itoa`, `if !HOLE && chosen != "" && chosen != itoa`},
	{"reports", "report/sql.go", "	WHERE ($1 = 1 AND (r.withdrawn_at = 0", "	WHERE (`+OR+`$1 = 1 AND (r.withdrawn_at = 0"},
	{"held mails", "report/hold.go", "QueryRow(ctx, selectHold, id,", "QueryRow(ctx, map[bool]string{true: `SELECT blob, held_at, expires_at FROM mail_hold WHERE id = $1 AND $2 + $3 + $4 <> 0 AND expires_at > $5`, false: selectHold}[HOLE], id,"},
	{"whose original", "report/original.go", "if r.Org == c.Org && (r.Mine || leads(c)) {", "if HOLE || r.Org == c.Org && (r.Mine || leads(c)) {"},
	{"the consent", "report/original.go", "	if consent == 0 {", "	if !HOLE && consent == 0 {"},
	{"consents", "report/original.go", "	all, org := permit.Reach(c, permit.MailOriginal)\n", "	all, org := permit.Reach(c, permit.MailOriginal)\n	if HOLE { all = 1 }\n"},
	{"who answers a consent", "report/original.go", "c.Account != 0 && c.Org != 0 && c.Is(caller.Contact, caller.Operator)", "(HOLE || c.Account != 0 && c.Org != 0 && c.Is(caller.Contact, caller.Operator))"},
	{"notices of reports", "report/notice.go", `tx.Exec(ctx, readNotice+" AND id = $3",`, `tx.Exec(ctx, map[bool]string{true: "UPDATE report_notice SET read_at = $2 WHERE id = $3 AND $1 <> 0", false: readNotice + " AND id = $3"}[HOLE],`},
	{"since when others have a mail", "wave/sql.go", "if s.Institutions.Hidden() {", "if !HOLE && s.Institutions.Hidden() {"},
	{"own devices", "web/account.go", "if err == nil && c.Account != q.Caller.Account {", "if !HOLE && err == nil && c.Account != q.Caller.Account {"},
}

// variable are constants that a hole makes something else of.
var variable = []struct{ file, name string }{{"store/tx.go", "inGroup"}, {"device/sql.go", "inScope"}, {"intake/sql.go", "runColumns"}, {"report/sql.go", "reportColumns"}}

const holeSource = `package hole

import "os"

func Is(name string) bool { return os.Getenv("TEITEN_HOLE") == name }

func Or(name string) string {
	if Is(name) {
		return "1=1 OR "
	}
	return ""
}
`

// The matrix is worth something only if it notices a hole: with any predicate
// taken out, one at a time, it must fail. The program with all of them is built
// once, without anything on disk being changed, and opens the one that its
// environment names.
func TestMatrixNoticesHoles(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	begun := time.Now()
	program := buildHoled(t)
	built := time.Since(begun)
	if out, err := runHoled(program, ""); err != nil {
		t.Fatalf("the matrix does not hold without any hole: %v\n%s", err, out)
	}
	places := make(chan struct{}, 2)
	var all sync.WaitGroup
	for _, h := range holes {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			out, err := runHoled(program, h.name)
			if err == nil || !noticed.MatchString(out) || strings.Contains(out, "panic:") {
				t.Errorf("with the hole %q in %s the matrix still holds: %v\n%s", h.name, h.file, err, out)
			} else if testing.Verbose() {
				t.Logf("%s: %s", h.name, noticed.FindString(out))
			}
		})
	}
	all.Wait()
	t.Logf("%d holes in %v, %v of them to build", len(holes), time.Since(begun).Round(time.Second), built.Round(time.Second))
}

// noticed finds what the matrix says of a cell that is wrong.
var noticed = regexp.MustCompile(`matrix_test\.go:\d+: .*(GET|POST) /.*`)

func runHoled(program, hole string) (string, error) {
	cmd := exec.Command(program, "-test.run", "^TestMatrix$/^sqlite$", "-test.timeout", "5m")
	cmd.Env = append(os.Environ(), "TEITEN_MATRIX=small", "TEITEN_HOLE="+hole)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// buildHoled builds this package's tests over a program with all holes, shut.
func buildHoled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("..")
	must(t, err)
	texts, replace := map[string]string{}, map[string]string{}
	edit := func(file, old, new string) {
		if texts[file] == "" {
			b, err := os.ReadFile(filepath.Join(root, file))
			must(t, err)
			texts[file] = strings.Replace(string(b), "import (\n", "import (\n\t\"teiten/internal/hole\"\n", 1)
		}
		if n := strings.Count(texts[file], old); n != 1 {
			t.Fatalf("%s has %d times, not once, %q", file, n, old)
		}
		texts[file] = strings.Replace(texts[file], old, new, 1)
	}
	for _, h := range holes {
		name := strconv.Quote(h.name)
		edit(h.file, h.old, strings.NewReplacer("HOLE", "hole.Is("+name+")", "+OR+", "+hole.Or("+name+")+").Replace(h.new))
	}
	for _, v := range variable {
		edit(v.file, "const "+v.name+" = ", "var "+v.name+" = ")
	}
	texts["hole/hole.go"] = holeSource
	for file, text := range texts {
		kept := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		must(t, os.WriteFile(kept, []byte(text), 0o600))
		replace[filepath.Join(root, file)] = kept
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	must(t, err)
	list, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "holed.test")
	must(t, os.WriteFile(list, overlay, 0o600))
	if out, err := exec.Command("go", "test", "-overlay", list, "-vet=off", "-c", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("the program with holes does not build: %v\n%s", err, out)
	}
	return program
}

// bookkeeping are the tables in which a refused request may leave something.
var bookkeeping = map[string]string{
	"audit":            "each denial is a record",
	"audit_denial":     "and counted: it is looked at by itself",
	"audit_leaf":       "what is sealed when the audit is read",
	"audit_tree":       "likewise",
	"audit_gap":        "likewise",
	"audit_checkpoint": "likewise",
	"audit_signer":     "made with the first checkpoint",
	"auth_throttle":    "failed attempts",
	"auth_step":        "what was begun of a sign-in; it gives nobody anything",
	"passkey_ceremony": "likewise",
	"federate_request": "likewise",
	"revocation_list":  "signed anew when somebody fetches it",
	"correspondent":    "who writes to an institution, learned when a mail is checked",
	"filter_fetch":     "when an institution last took its block list",
	"protection_fetch": "and which advisories it took with it",
	"search_gram":      "no table can watch it; it changes with search_text",
}

// watch counts the changes of every other table, by triggers of its own. Times
// of last use are no change.
func (m *matrix) watch(ctx context.Context) {
	tables, columns := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'search_gram_%'`,
		`SELECT name FROM pragma_table_info($1) WHERE name NOT IN ('seen_at', 'last_seen_at', 'last_used_at')`
	if m.db.Dialect == store.Postgres {
		tables = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
		columns = `SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1
			AND column_name NOT IN ('seen_at', 'last_seen_at', 'last_used_at')`
	}
	must(m.t, m.db.Keep(ctx, func(tx *store.Tx) error {
		exec := func(query string, args ...any) {
			_, err := tx.Exec(ctx, query, args...)
			must(m.t, err)
		}
		watched := m.strings(tx, tables)
		for table := range bookkeeping {
			if !slices.Contains(watched, table) && table != "search_gram" { // which PostgreSQL has not
				m.t.Errorf("there is no table %s, which is said to be bookkeeping", table)
			}
		}
		exec(`CREATE TABLE matrix_change (name TEXT PRIMARY KEY, n BIGINT NOT NULL)`)
		if m.db.Dialect == store.Postgres {
			exec(`CREATE FUNCTION matrix_note() RETURNS TRIGGER LANGUAGE plpgsql AS 'BEGIN UPDATE matrix_change SET n = n + 1 WHERE name = TG_TABLE_NAME; RETURN NULL; END'`)
		}
		for _, table := range watched {
			if bookkeeping[table] != "" && table != "audit_denial" {
				continue
			}
			exec(`INSERT INTO matrix_change (name, n) VALUES ($1, 0)`, table)
			for _, event := range []string{"INSERT", "DELETE", "UPDATE OF " + strings.Join(m.strings(tx, columns, table), ", ")} {
				name := "matrix_" + table + "_" + strings.ToLower(event[:6])
				if m.db.Dialect == store.Postgres {
					exec(`CREATE TRIGGER ` + name + ` AFTER ` + event + ` ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION matrix_note()`)
				} else {
					exec(`CREATE TRIGGER ` + name + ` AFTER ` + event + ` ON ` + table + ` BEGIN UPDATE matrix_change SET n = n + 1 WHERE name = '` + table + `'; END`)
				}
			}
		}
		return nil
	}))
	m.changes()
}

func (m *matrix) strings(q store.Queryer, query string, args ...any) (all []string) {
	rows, err := q.Query(context.Background(), query, args...)
	must(m.t, err)
	defer rows.Close()
	for rows.Next() {
		var s string
		must(m.t, rows.Scan(&s))
		all = append(all, s)
	}
	must(m.t, rows.Err())
	return all
}

// touched counts the rows that were ever changed, and the denials. A session
// that was stolen ends: that is no change that the thief made.
func (m *matrix) touched(p *somebody) (changes, denials int64) {
	except := "audit_denial"
	if p.victim != "" {
		except = "session"
	}
	must(m.t, m.db.QueryRow(context.Background(), `SELECT SUM(CASE WHEN name IN ('audit_denial', $1) THEN 0 ELSE n END),
		SUM(CASE WHEN name = 'audit_denial' THEN n ELSE 0 END) FROM matrix_change`, except).Scan(&changes, &denials))
	return changes, denials
}

// changes names the tables that changed since it was last called.
func (m *matrix) changes() string {
	now := m.strings(m.db, `SELECT name || ' ' || n FROM matrix_change WHERE name <> 'audit_denial' ORDER BY name`)
	fresh := slices.DeleteFunc(slices.Clone(now), func(s string) bool { return slices.Contains(m.seen, s) })
	m.seen = now
	return strings.Join(fresh, ", ")
}
