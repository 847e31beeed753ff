// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"teiten/internal/permit"
	"teiten/internal/token"
)

var update = flag.Bool("update", false, "rewrite docs/openapi.yaml")

// bare is a server without a store, for what needs none.
func bare() *server { return newServer(Deps{Log: slog.New(slog.DiscardHandler)}) }

func TestDocumentIsCheckedIn(t *testing.T) {
	got := bare().doc.yaml
	path := filepath.Join("..", "..", "docs", "openapi.yaml")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/openapi.yaml is not what the code says; run: go test ./internal/api -update")
	}
	if again := bare().doc.yaml; !bytes.Equal(got, again) {
		t.Error("the document is not the same each time")
	}
}

func TestDocumentStructure(t *testing.T) {
	s := bare()
	var doc map[string]any
	if err := json.Unmarshal(s.doc.json, &doc); err != nil {
		t.Fatal(err)
	}
	if doc["openapi"] != "3.1.0" {
		t.Errorf("openapi is %v", doc["openapi"])
	}
	refs := 0
	walk(doc, "#", func(where string, node map[string]any) {
		ref, ok := node["$ref"].(string)
		if !ok {
			return
		}
		refs++
		if _, ok := resolve(doc, ref); !ok {
			t.Errorf("%s: %s leads nowhere", where, ref)
		}
	})
	if refs < 20 {
		t.Errorf("only %d references were found", refs)
	}
	walk(doc, "#", func(where string, node map[string]any) {
		props, _ := node["properties"].(map[string]any)
		required, _ := node["required"].([]any)
		for _, name := range required {
			if node["type"] == "object" && props[name.(string)] == nil {
				t.Errorf("%s: requires %v, which it does not have", where, name)
			}
		}
		if node["type"] == "array" && node["items"] == nil {
			t.Errorf("%s: an array of what?", where)
		}
	})

	// Each operation of the table is in the document, and nothing else is.
	paths := doc["paths"].(map[string]any)
	seen, ids := 0, map[string]bool{}
	for _, op := range s.table() {
		where := op.route()
		o, ok := dig(paths, op.path, strings.ToLower(op.method)).(map[string]any)
		if !ok {
			t.Errorf("%s is not in the document", where)
			continue
		}
		seen++
		id, _ := o["operationId"].(string)
		if id == "" || ids[id] {
			t.Errorf("%s: operationId %q", where, id)
		}
		ids[id] = true
		for _, key := range []string{"summary", "description"} {
			if text, _ := o[key].(string); text == "" {
				t.Errorf("%s has no %s", where, key)
			}
		}
		asked := string(op.scope)
		if op.scope == token.Any {
			asked = "" // nothing to tell
		}
		if scope, _ := o["x-token-scope"].(string); o["x-permission"] != string(op.may) || scope != asked {
			t.Errorf("%s: x-permission %v, x-token-scope %q", where, o["x-permission"], scope)
		}
		answers := o["responses"].(map[string]any)
		success := "200"
		if op.status != 0 {
			success = fmt.Sprint(op.status)
		}
		if dig(answers, success, "content") == nil {
			t.Errorf("%s: the success %s has no content", where, success)
		}
		for _, status := range []string{"400", "403", "422", "500"} {
			if answers[status] == nil {
				t.Errorf("%s: no answer %s", where, status)
			}
		}
		params, _ := o["parameters"].([]any)
		for _, p := range params {
			if text, _ := dig(p, "description").(string); text == "" && dig(p, "schema", "description") == nil {
				t.Errorf("%s: parameter %v is not described", where, dig(p, "name"))
			}
		}
		for part := range strings.SplitSeq(op.path, "/") {
			if name, ok := strings.CutPrefix(part, "{"); ok && !slices.ContainsFunc(params, func(p any) bool {
				return dig(p, "name") == strings.TrimSuffix(name, "}") && dig(p, "in") == "path" && dig(p, "required") == true
			}) {
				t.Errorf("%s: %s is no path parameter", where, part)
			}
		}
	}
	all := 0
	for _, item := range paths {
		all += len(item.(map[string]any))
	}
	if all != seen || seen == 0 {
		t.Errorf("the document has %d operations, the table %d", all, seen)
	}
}

// What the document gives as an example, it must accept.
func TestExamplesAreValid(t *testing.T) {
	s := bare()
	schemas := s.api.OpenAPI().Components.Schemas
	n := 0
	check := func(where string, schema *huma.Schema) {
		for _, e := range schema.Examples {
			n++
			res := &huma.ValidateResult{}
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			huma.Validate(schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, res)
			if len(res.Errors) > 0 {
				t.Errorf("%s: example %s: %v", where, text, res.Errors)
			}
		}
	}
	for name, schema := range schemas.Map() {
		for field, p := range schema.Properties {
			check(name+"."+field, p)
		}
	}
	for path, item := range s.api.OpenAPI().Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post} {
			if o == nil {
				continue
			}
			for _, p := range o.Parameters {
				check(path+" "+p.Name, p.Schema)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d examples were found", n)
	}
}

func TestEveryOperationHasRoles(t *testing.T) {
	for _, op := range bare().table() {
		if op.may == "" {
			t.Errorf("%s names no role", op.route())
		}
	}
	for name, wrong := range map[string]operation{
		"no permission": {method: "GET", path: "/api/v1/x", bind: bind(bare().techniques)},
		"no scope":      {method: "GET", path: "/api/v1/x", bind: bind(bare().techniques), may: permit.SearchUse, scope: "king"},
		"no handler":    {method: "GET", path: "/api/v1/x", may: permit.SearchUse},
	} {
		t.Run(name, func(t *testing.T) {
			s := bare()
			defer func() {
				if recover() == nil {
					t.Error("the operation was registered")
				}
			}()
			s.register(wrong)
		})
	}
}

func walk(v any, where string, fn func(string, map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		fn(where, v)
		for k, x := range v {
			walk(x, where+"/"+k, fn)
		}
	case []any:
		for i, x := range v {
			walk(x, fmt.Sprintf("%s/%d", where, i), fn)
		}
	}
}

func resolve(doc map[string]any, ref string) (any, bool) {
	rest, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil, false
	}
	v := dig(doc, strings.Split(rest, "/")...)
	return v, v != nil && reflect.ValueOf(v).Len() > 0
}

func dig(v any, path ...string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}
