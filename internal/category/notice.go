// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package category

import (
	"teiten/internal/fault"
	"teiten/internal/locale"
)

// NoticeKind says what a notice is about; only advisories of category Notice
// have one.
type NoticeKind string

const (
	// Vulnerability is a weakness in a product (脆弱性).
	Vulnerability NoticeKind = "vulnerability"
	// ExploitedVulnerability is a weakness that attackers are known to use now.
	ExploitedVulnerability NoticeKind = "exploited_vulnerability"
	// Malware is a harmful program other than ransomware.
	Malware NoticeKind = "malware"
	// Ransomware locks data and demands money.
	Ransomware NoticeKind = "ransomware"
	// Incident is what happened at an institution or a supplier.
	Incident NoticeKind = "incident"
	// Guideline is a rule or advice from an authority.
	Guideline NoticeKind = "guideline"
	// Training is a course, a drill or teaching material.
	Training NoticeKind = "training"
	// Statistics are counts and trends.
	Statistics NoticeKind = "statistics"
	// Other is a notice that fits none of the others.
	Other NoticeKind = "other"
)

// AllNotices returns every kind of notice in the order in which people see
// them. The slice is the caller's.
func AllNotices() []NoticeKind {
	return []NoticeKind{
		Vulnerability, ExploitedVulnerability, Malware, Ransomware, Incident,
		Guideline, Training, Statistics, Other,
	}
}

// ParseNotice returns the kind of notice written s. Its error is fault.Invalid
// with code "category.notice_unknown".
func ParseNotice(s string) (NoticeKind, error) {
	for _, k := range AllNotices() {
		if string(k) == s {
			return k, nil
		}
	}
	return "", fault.New(fault.Invalid, "category.notice_unknown", "value", clip(s))
}

// Name returns the word for the kind of notice in the language.
func (k NoticeKind) Name(lang locale.Lang) string { return lang.T("notice." + string(k)) }

// About explains the kind of notice in one sentence.
func (k NoticeKind) About(lang locale.Lang) string { return lang.T("notice." + string(k) + ".about") }
