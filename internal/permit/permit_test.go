// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package permit_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/permit"
)

var update = flag.Bool("update", false, "write the golden file")

// TestTable prints the table as people of each kind of organisation have it.
// A change of anybody's rights is a change of this file, which a reviewer sees.
func TestTable(t *testing.T) {
	const file = "testdata/table.golden"
	var b strings.Builder
	for _, kind := range caller.OrgKinds {
		fmt.Fprintf(&b, "%-20s", kind)
		for _, role := range caller.Roles {
			fmt.Fprintf(&b, " %-9s", role)
		}
		b.WriteByte('\n')
		for _, p := range permit.Permissions() {
			fmt.Fprintf(&b, "%-20s", p)
			for _, role := range caller.Roles {
				cell := permit.May(caller.Caller{Account: 1, Org: 1, OrgKind: kind, Role: role}, p).String()
				fmt.Fprintf(&b, " %-9s", strings.Replace(cell, "none", "-", 1))
			}
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
	table := regexp.MustCompile(` +\n`).ReplaceAllString(b.String(), "\n")
	if *update {
		if err := os.WriteFile(file, []byte(table), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != table {
		t.Errorf("the rights are not those of %s; look at each change, then run with -update\n%s", file, table)
	}
}

// TestTableIsTotal compares the constants of the source with the lines of the
// sheet and with the sentences.
func TestTableIsTotal(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "table.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var named []permit.Permission
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Permission" {
				s, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				named = append(named, permit.Permission(s))
			}
		}
		return true
	})
	lines := permit.Permissions()
	if len(named) < 30 || !slices.Equal(named, lines) {
		t.Errorf("constants and lines differ:\n%v\n%v", named, lines)
	}
	for _, p := range lines {
		if !locale.Has("permit." + string(p)) {
			t.Errorf("%s has no sentence", p)
		}
	}
	for _, key := range []string{"permit.scope.none", "permit.scope.own", "permit.scope.all"} {
		if !locale.Has(key) {
			t.Errorf("%s has no word", key)
		}
	}
	sentences := 0
	for key := range locale.All() {
		if strings.HasPrefix(key, "permit.") {
			sentences++
		}
	}
	if sentences != len(lines)+3 {
		t.Errorf("%d sentences for %d permissions and 3 scopes", sentences, len(lines))
	}
	if got := permit.TokenManage.Name(locale.English); got == "" || strings.HasPrefix(got, "[") {
		t.Errorf("sentence %q", got)
	}
}

func TestMay(t *testing.T) {
	for _, r := range permit.Table() {
		p := r.Permission
		for _, role := range append([]caller.Role{"", "king"}, caller.Roles...) {
			for _, kind := range append([]caller.OrgKind{"", "x"}, caller.OrgKinds...) {
				c := caller.Caller{Account: 7, Org: 3, OrgKind: kind, Role: role}
				got := permit.May(c, p)
				if got != permit.None && (kind == "" || kind == "x" || role == "" || role == "king") {
					t.Errorf("%s of %s: %s is %s", role, kind, p, got)
				}
				if got != permit.None && kind != caller.ISAC && (role == caller.Operator || role == caller.Analyst) {
					t.Errorf("%s outside the ISAC: %s is %s", role, p, got)
				}
				if got > r.For(role) {
					t.Errorf("%s of %s: %s is %s, more than the table's %s", role, kind, p, got, r.For(role))
				}
				if err := permit.Check(c, p); (err == nil) != (got != permit.None) || err != nil && !fault.Is(err, fault.Forbidden) {
					t.Errorf("%s of %s: %s: Check %v, scope %s", role, kind, p, err, got)
				}
				for org, least := range map[int64]permit.Scope{3: permit.Own, 4: permit.All, 0: permit.All} {
					if err := permit.CheckFor(c, p, org); (err == nil) != (got >= least) {
						t.Errorf("%s of %s: %s of organisation %d: %v, scope %s", role, kind, p, org, err, got)
					}
				}
				all, org := permit.Reach(c, p)
				if want := map[permit.Scope][2]int64{permit.None: {0, -1}, permit.Own: {0, 3}, permit.All: {1, 3}}[got]; want != [2]int64{int64(all), org} {
					t.Errorf("%s of %s: %s reaches %d, %d", role, kind, p, all, org)
				}
			}
		}
	}
	operator := caller.System("job")
	if permit.May(operator, permit.RegisterManage) != permit.All || permit.May(operator, "no.such") != permit.None {
		t.Error("the program itself is an operator, and what is not in the table nobody may")
	}
	// Without an organisation nothing is one's own.
	lost := caller.Caller{Account: 1, OrgKind: caller.Institution, Role: caller.Contact}
	if all, org := permit.Reach(lost, permit.TokenManage); all != 0 || org != -1 || permit.CheckFor(lost, permit.TokenManage, 0) == nil {
		t.Error("a contact without organisation reaches something")
	}
	permit.Table()[0].Scopes[0] = permit.None
	if permit.May(operator, permit.HelpRead) == permit.None {
		t.Error("the table can be changed from outside")
	}
}
