// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"regexp"
	"slices"
	"strings"
)

// identifier finds the numbers under which a vulnerability or an alert is
// known in Japan. Word processors write other hyphens than the one in ASCII.
var identifier = regexp.MustCompile(`(?i)\b(?:` +
	`CVE[-‐‑–]\d{4}[-‐‑–]\d{4,19}|` +
	`JVNDB[-‐‑–]\d{4}[-‐‑–]\d{6}|` +
	`JVNVU#\d{8}|JVNVU#\d{6}|JVN#\d{8}|` +
	`JVNTA#\d{8}|JVNTA\d\d[-‐‑–]\d{3}[A-Z]|` +
	`JPCERT[-‐‑–](?:AT|WR|PR)[-‐‑–]\d{4}[-‐‑–]\d{2,4})\b`)

var hyphens = strings.NewReplacer("‐", "-", "‑", "-", "–", "-")

// identifiers collects them from the references, which come first, and from
// texts, each once and in capitals.
func identifiers(references []string, texts ...string) []string {
	var all []string
	for _, s := range slices.Concat(references, texts) {
		for _, m := range identifier.FindAllString(s, maxList) {
			add(&all, strings.ToUpper(hyphens.Replace(m)))
		}
	}
	return all
}
