// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"teiten/internal/mail"
	"teiten/internal/mailcorpus"
	"teiten/internal/redact"
)

// shared is all text of a redacted mail, as it leaves the institution.
func shared(t *testing.T, m *redact.Mail) string {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var all any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	var lines []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			lines = append(lines, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(v[k])
			}
		}
	}
	walk(all)
	return strings.Join(lines, "\n")
}

var squeeze = strings.NewReplacer(" ", "", "　", "", "\u200b", "", "\n", "")

// reads reports whether somebody who gets text could read secret in it.
func reads(text, secret string) bool {
	fold := strings.ToLower(norm.NFKC.String(text))
	want := strings.ToLower(norm.NFKC.String(secret))
	for _, form := range []string{text, fold, squeeze.Replace(fold)} {
		if strings.Contains(form, secret) || strings.Contains(form, want) {
			return true
		}
	}
	return false
}

// TestPlanted counts the planted identifiers of package mailcorpus, which is
// written without a look at this one, that survive, and what survives not that
// should.
func TestPlanted(t *testing.T) {
	known := mailcorpus.Inside
	r := redact.New(redact.Inside{Domains: known.Domains, Names: known.Names, Addresses: known.Addresses})
	n, human, humanLeft, leaked, lost, kept := 0, 0, 0, 0, 0, 0
	failed := map[string]int{}
	for seed := range uint64(1) {
		for p := range mailcorpus.Planted(seed+1, mailcorpus.Combinations()) {
			n++
			if p.Human {
				human++
			}
			m, err := mail.Read(p.Raw, mail.Limits{})
			if err != nil {
				t.Fatalf("%s in %s: %v", p.Kind, p.Place, err)
			}
			m, _ = m.Original()
			out := r.Redact(m, nil)
			text := shared(t, out)
			for _, s := range p.Secrets {
				if !reads(text, s) {
					continue
				}
				if p.Human {
					humanLeft++
					break
				}
				leaked++
				if failed["leak "+p.Kind]++; failed["leak "+p.Kind] <= 2 {
					t.Errorf("%s in %s: %q is in\n%s", p.Kind, p.Place, s, text)
				}
				break
			}
			for _, k := range p.Keep {
				kept++
				if !strings.Contains(text, k) && !strings.Contains(squeeze.Replace(text), squeeze.Replace(k)) {
					lost++
					if failed["lost "+p.Kind]++; failed["lost "+p.Kind] <= 2 {
						t.Errorf("%s in %s: %q is gone from\n%s", p.Kind, p.Place, k, text)
					}
				}
			}
		}
	}
	t.Logf("%d planted mails: %d leaked; %d of %d texts to keep lost; %d that only people recognise, of which %d survived", n, leaked, lost, kept, human, humanLeft)
	if n < 500 {
		t.Errorf("only %d planted mails", n)
	}
}
