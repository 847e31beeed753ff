// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/permit"
)

func TestSecret(t *testing.T) {
	form := regexp.MustCompile(`^ttn_[0-9A-Za-z]{38}$`)
	seen := map[string]bool{}
	counts := map[byte]int{}
	for range 2000 {
		s := newSecret()
		if !form.MatchString(s) || !wellFormed(s) || seen[s] {
			t.Fatalf("%q", s)
		}
		seen[s] = true
		for i := len(Prefix); i < len(Prefix)+randomChars; i++ {
			counts[s[i]]++
		}
	}
	// 64000 digits of 62: 1032 of each; one that is chosen 20 % more or less
	// often would be six standard deviations away.
	for d, n := range counts {
		if n < 820 || n > 1240 {
			t.Errorf("%c came %d times", d, n)
		}
	}
	if len(counts) != 62 {
		t.Errorf("%d digits", len(counts))
	}
	// One wrong character anywhere, or two that changed places, is seen.
	s := newSecret()
	for i := range len(s) {
		for _, d := range []byte("0Az_ ") {
			if d != s[i] && wellFormed(s[:i]+string(d)+s[i+1:]) {
				t.Errorf("character %d as %c is not noticed", i, d)
			}
		}
		if i > 0 && s[i] != s[i-1] && wellFormed(s[:i-1]+string(s[i])+string(s[i-1])+s[i+1:]) {
			t.Errorf("characters %d and %d may change places", i-1, i)
		}
	}
	for _, bad := range []string{"", Prefix, s[:len(s)-1], s + "0", strings.ToUpper(s), " " + s, s + "\n"} {
		if wellFormed(bad) {
			t.Errorf("%q is a token", bad)
		}
	}
}

func TestFromHeader(t *testing.T) {
	s := newSecret()
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for header, code := range map[string]string{
		"Bearer " + s: "", "bearer  " + s + " ": "", "BEARER " + s: "",
		basic("paloalto:" + s): "", basic(":" + s): "", strings.TrimRight(basic("fortigate:"+s), "="): "", strings.Replace(basic("u:"+s), "Basic", "bAsIc", 1): "",
		"": "token.missing", "  ": "token.missing",
		"Bearer": "token.malformed", "Bearer ": "token.malformed", s: "token.malformed", "Bearer x" + s: "token.malformed", "Bearer " + s + ", Bearer " + s: "token.malformed",
		"Digest " + s: "token.malformed", "Basic " + s: "token.malformed", "Basic ": "token.malformed", "Basic !!!": "token.malformed",
		basic(s): "token.malformed", basic(s + ":"): "token.malformed", basic("a:b:" + s): "token.malformed",
		"Bearer " + strings.Repeat("a", 1<<20): "token.malformed", basic(strings.Repeat("a", 5000) + ":" + s): "token.malformed",
		"Bearer " + s[:len(s)-1] + "!": "token.malformed", "Bearer\t" + s: "token.malformed",
	} {
		got, err := FromHeader(header)
		if fault.Code(err) != code || (got == s) != (code == "") || err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%.60q: %q, %v; want %q", header, got, err, code)
		}
		if err != nil && strings.Contains(err.Error(), s[8:]) {
			t.Errorf("%.60q: the error tells the secret", header)
		}
	}
}

func FuzzFromHeader(f *testing.F) {
	s := newSecret()
	f.Add("Bearer " + s)
	f.Add("Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+s)))
	f.Add("Basic ====")
	f.Fuzz(func(t *testing.T, header string) {
		got, err := FromHeader(header)
		if (err == nil) != wellFormed(got) || err != nil && got != "" {
			t.Errorf("%q: %q, %v", header, got, err)
		}
	})
}

func TestScopes(t *testing.T) {
	for _, s := range Scopes {
		if !locale.Has("token.scope."+string(s)) || s.Permission() == permit.HelpRead {
			t.Errorf("%s has no words or no permission", s)
		}
	}
	got, err := checkScopes([]Scope{Lookup, ListsRead, Lookup})
	if err != nil || join(got, " ") != "lists.read lookup" || join(split("lists.read lookup"), " ") != "lists.read lookup" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range [][]Scope{nil, {Any}, {"all"}, {ListsRead, "x"}} {
		if _, err := checkScopes(bad); err == nil || fault.From(err).Field != "scopes" {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
