// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"strings"

	"teiten/internal/advisory"
	"teiten/internal/indicator"
)

// insider reports whether the caller may know to whom an attack was addressed:
// the organisation that reported it, and the ISAC's reviewers. Everybody else
// has the indicator without the recipient, as on the pages and in the filters.
func (q *request) insider(a *advisory.Advisory) bool {
	return advisory.MayReview(q.caller) || q.caller.Org != 0 && q.caller.Org == a.Org
}

// value is an indicator as the caller may know it, and whether it is masked.
func (q *request) value(a *advisory.Advisory, v indicator.Value) (string, bool) {
	if q.insider(a) {
		return v.Value, false
	}
	return indicator.Mask(v.Kind, v.Value)
}

// text is what people wrote as the caller may know it: as it is, or with the
// indicators in it masked. Nothing is defanged: JSON is no page.
func (q *request) text(a *advisory.Advisory, text string) string {
	if q.insider(a) || !strings.ContainsAny(text, "@/.") { // no indicator that Mask changes is without one of these
		return text
	}
	var b strings.Builder
	at := 0
	for _, f := range indicator.Extract(text) {
		if f.Start < at {
			continue
		}
		if masked, changed := indicator.Mask(f.Kind, f.Written); changed {
			b.WriteString(text[at:f.Start])
			b.WriteString(masked)
			at = f.End
		}
	}
	if at == 0 {
		return text
	}
	b.WriteString(text[at:])
	return b.String()
}
