// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"teiten/internal/fold"
	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/redact"
)

// hidden stands for what of a finding is not in the redacted mail.
const hidden = "…"

const (
	mostFindings = 100
	mostPlaces   = 20
	maxArgument  = 500 // characters
)

// writeFindings writes findings as they are kept: without excerpts of the mail,
// which would outlive the original and tell analysts what was hidden.
func writeFindings(a *mailcheck.Answer, shared *redact.Mail) (string, error) {
	visible := fold.Text(visibleText(shared))
	private := fold.Text(privateText(a.Mail))
	kept := make([]mailcheck.Finding, 0, len(a.Findings))
	for i, f := range a.Findings {
		if i == mostFindings {
			break
		}
		f.Args = append([]any(nil), f.Args...)
		for j := 1; j < len(f.Args); j += 2 {
			f.Args[j] = shareable(f.Args[j], visible, private)
		}
		places := make([]mailcheck.Place, 0, min(len(f.Places), mostPlaces))
		for _, p := range f.Places[:min(len(f.Places), mostPlaces)] {
			places = append(places, mailcheck.Place{Where: p.Where, Path: p.Path})
		}
		f.Places = places
		kept = append(kept, f)
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return "", fmt.Errorf("report: findings: %w", err)
	}
	return string(text), nil
}

// shareable returns an argument of a finding if it may be shared: a number, what
// stands in the redacted mail too, or a word that is not from the mail, such as
// the name of a brand.
func shareable(arg any, visible, private string) any {
	switch v := arg.(type) {
	case nil, bool, int, int64, float64:
		return v
	case []string:
		all := make([]string, len(v))
		for i, s := range v {
			all[i] = shareable(s, visible, private).(string)
		}
		return strings.Join(all, ", ")
	case string:
		return shareableText(v, visible, private)
	case fmt.Stringer:
		return shareableText(v.String(), visible, private)
	default:
		return shareableText(fmt.Sprint(v), visible, private)
	}
}

func shareableText(s, visible, private string) string {
	s = clipped(storable(s), maxArgument)
	folded := fold.Text(s)
	switch {
	case folded == "" || strings.Contains(visible, folded):
		return s
	// An address may have been brought into another form than the mail has.
	case strings.ContainsAny(folded, "/@?=%:") || strings.Contains(private, folded):
		return hidden
	case strings.ContainsAny(folded, "0123456789"):
		return hidden // numbers are too easily a person's
	default:
		return s
	}
}

// visibleText is everything of a mail that is shared.
func visibleText(m *redact.Mail) string {
	var b strings.Builder
	add := func(list ...redact.Piece) {
		for _, p := range list {
			b.WriteString(p.Text)
			b.WriteByte('\n')
		}
	}
	add(m.Subject, m.ReturnPath)
	add(m.From...)
	add(m.ReplyTo...)
	add(m.Header...)
	add(m.Body...)
	add(m.Links...)
	for _, f := range m.Files {
		add(f.Name)
		b.WriteString(f.MediaType + "\n" + f.MD5 + "\n" + f.SHA1 + "\n" + f.SHA256 + "\n")
	}
	for _, v := range m.Indicators {
		b.WriteString(v.Value + "\n" + v.Host + "\n")
	}
	return b.String()
}

// privateText is the text of the mail as it came.
func privateText(m *mail.Message) string {
	var b strings.Builder
	for _, f := range m.Fields {
		b.WriteString(f.Value + "\n")
	}
	b.WriteString(m.Subject + "\n")
	m.Walk(func(p *mail.Part) bool {
		b.WriteString(p.Name + "\n" + p.Text + "\n")
		return true
	})
	return b.String()
}

// readFindings reads what writeFindings wrote. Numbers come back as numbers,
// not as fractions.
func readFindings(text string) ([]mailcheck.Finding, error) {
	if text == "" {
		return nil, nil
	}
	var all []mailcheck.Finding
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("report: findings: %w", err)
	}
	for _, f := range all {
		for i, arg := range f.Args {
			if n, ok := arg.(float64); ok && n == math.Trunc(n) && math.Abs(n) < 1<<53 {
				f.Args[i] = int64(n)
			}
		}
	}
	return all, nil
}
