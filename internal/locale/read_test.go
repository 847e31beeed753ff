// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package locale

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/BurntSushi/toml"
)

// What the small reader reads is what TOML says, in every file.
func TestReadsAsTOML(t *testing.T) {
	got, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "messages/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range names {
		var want map[string]map[string]string
		if _, err := toml.DecodeFS(files, name, &want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for key, m := range want {
			n++
			if len(m) != 2 || got[key] != (Message{Ja: m["ja"], En: m["en"]}) {
				t.Errorf("%s: %q is %q, want %q", name, key, got[key], m)
			}
		}
	}
	if n != len(got) || n < 3000 {
		t.Errorf("%d messages are read, %d stand in the files", len(got), n)
	}
}

// A mistake in a file is refused with its line.
func TestReadRefuses(t *testing.T) {
	const good = "# c\n\n[\"a.b\"]\nja = \"い\\\"\\\\\\n\\t\"\nen = \"\"\"\na \"b\"\nc\\\\\"\"\"\n[\"c\"]\nja = '''\n\\n'''\nen = \"z\"\n"
	all := map[string]Message{}
	if err := (&reader{rest: good}).read(all); err != nil {
		t.Fatal(err)
	}
	if want := (Message{Ja: "い\"\\\n\t", En: "a \"b\"\nc\\"}); len(all) != 2 || all["a.b"] != want || all["c"] != (Message{Ja: `\n`, En: "z"}) {
		t.Errorf("read %q", all)
	}
	for _, c := range []struct{ name, old, new, where string }{
		{"a key twice", `["c"]`, `["a.b"]`, ":8: "},
		{"a key without marks", `["c"]`, `[c]`, ":8: "},
		{"a key with a mark", `["c"]`, `["c"d"]`, ":8: "},
		{"something behind a key", `["c"]`, `["c"] # c`, ":8: "},
		{"a language missing", "en = \"z\"\n", "", ":10: "},
		{"a language missing before a key", "en = \"\"\"\na \"b\"\nc\\\\\"\"\"\n", "", ":5: "},
		{"an empty key", `["c"]`, `[""]`, ":8: "},
		{"a language twice", "en = \"z\"\n", "en = \"z\"\nen = \"z\"\n", ":12: "},
		{"another language", "en = \"z\"", "fr = \"z\"", ":11: "},
		{"no space around =", "en = \"z\"", "en=\"z\"", ":11: "},
		{"a sentence before a key", "# c", "ja = \"a\"", ":1: "},
		{"an unknown escape", `\t`, `\u0041`, ":4: "},
		{"an escaped end", `\t"`, `\"`, ":4: "},
		{"a mark in a string", `\t"`, `"b"`, ":4: "},
		{"no end of a line", `\t"`, `\t`, ":4: "},
		{"something behind a string", `"z"`, `"z" # c`, ":11: "},
		{"no end of several lines", `\n'''`, `\n`, ":9: "},
		{"something behind several lines", `\n'''`, `\n''' # c`, ":10: "},
		{"no value", `"z"`, ``, ":11: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := strings.Replace(good, c.old, c.new, 1)
			if bad == good {
				t.Fatal("nothing was changed")
			}
			_, err := load(fstest.MapFS{"messages/x.toml": {Data: []byte(bad)}})
			if err == nil || !strings.Contains(err.Error(), "messages/x.toml"+c.where) {
				t.Errorf("refused with %v, want the place %s", err, c.where)
			}
		})
	}
}
