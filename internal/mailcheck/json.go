// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"time"

	"teiten/internal/category"
	"teiten/internal/disclose"
	"teiten/internal/indicator"
	"teiten/internal/locale"
)

// Report is an answer for programs: the JSON of the API and of the command line.
// Names stay; fields may be added. Values are normalised and raw, not defanged;
// sentences are in the language asked for and defanged.
type Report struct {
	Verdict    Verdict           `json:"verdict"`
	Score      int               `json:"score"`
	Rules      string            `json:"rules"`
	Advice     []string          `json:"advice"`
	Findings   []ReportFinding   `json:"findings"`
	Subject    string            `json:"subject"`
	From       []ReportAddress   `json:"from"`
	Date       *time.Time        `json:"date,omitempty"`
	MessageID  string            `json:"message_id,omitempty"`
	SHA256     string            `json:"sha256"`
	Format     string            `json:"format"`
	Found      string            `json:"found"` // itself, attached, inline
	Indicators []ReportIndicator `json:"indicators"`
	Files      []ReportFile      `json:"files"`
	Wave       *ReportWave       `json:"wave,omitempty"`
	Signature  *ReportSignature  `json:"signature,omitempty"` // of a signed mail
	Repairs    []ReportRepair    `json:"repairs"`
	Incomplete []string          `json:"incomplete"` // sentences: what was not looked at
}

// ReportFinding is a Finding.
type ReportFinding struct {
	Rule        string        `json:"rule"`
	Family      string        `json:"family"`
	Weight      int           `json:"weight"`
	Explanation string        `json:"explanation"`
	Why         string        `json:"why"`
	Places      []ReportPlace `json:"places"`
	Advisory    int64         `json:"advisory,omitempty"`
}

// ReportPlace is a Place.
type ReportPlace struct {
	Where string `json:"where"`
	Part  string `json:"part,omitempty"`
	Text  string `json:"text,omitempty"`
	Start int    `json:"start,omitempty"`
	End   int    `json:"end,omitempty"`
}

// ReportAddress is an address as it was written.
type ReportAddress struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
}

// ReportIndicator is an address in the mail and what shared information says.
type ReportIndicator struct {
	Kind       indicator.Kind      `json:"kind"`
	Value      string              `json:"value"`
	Host       string              `json:"host,omitempty"`
	Places     []ReportPlace       `json:"places"`
	Known      bool                `json:"known"`
	Active     bool                `json:"active,omitempty"`
	Categories []category.Category `json:"categories,omitempty"`
	LastSeen   *time.Time          `json:"last_seen,omitempty"`
}

// ReportFile is an attachment.
type ReportFile struct {
	Part      string   `json:"part"`
	Name      string   `json:"name"`
	MediaType string   `json:"media_type"`
	Size      int64    `json:"size"`
	MD5       string   `json:"md5,omitempty"`
	SHA1      string   `json:"sha1,omitempty"`
	SHA256    string   `json:"sha256,omitempty"`
	Names     []string `json:"names,omitempty"`
	Encrypted bool     `json:"encrypted"`
}

// ReportSignature is a Signature.
type ReportSignature struct {
	State  Signed   `json:"state"` // valid, invalid, unverified
	Domain string   `json:"domain,omitempty"`
	Keys   []string `json:"keys,omitempty"` // that are missing
}

// ReportWave says who else reported such a mail.
type ReportWave struct {
	Institutions disclose.Shown `json:"institutions"`
	Own          int            `json:"own"`
	First        *time.Time     `json:"first,omitempty"`
	Advisory     int64          `json:"advisory,omitempty"`
	Alike        float64        `json:"alike"`
}

// ReportRepair is something wrong in the mail that was read nevertheless.
type ReportRepair struct {
	Code string `json:"code"`
	Part string `json:"part,omitempty"`
	What string `json:"what,omitempty"`
}

// JSON returns the answer for programs. did is what the person already did.
func (a *Answer) JSON(lang locale.Lang, did Action) Report {
	r := Report{Verdict: a.Verdict, Score: a.Score, Rules: a.Rules, Found: string(a.Found), Advice: []string{}, Findings: []ReportFinding{},
		From: []ReportAddress{}, Indicators: []ReportIndicator{}, Files: []ReportFile{}, Repairs: []ReportRepair{}, Incomplete: []string{}}
	for _, key := range a.Advice(did) {
		r.Advice = append(r.Advice, lang.T(key))
	}
	for _, f := range a.Findings {
		r.Findings = append(r.Findings, ReportFinding{f.Rule, f.Family, f.Weight, f.Explain(lang), f.Why(lang), reportPlaces(f.Places), f.Advisory})
	}
	for _, l := range a.Links {
		i := ReportIndicator{Kind: l.Kind, Value: l.Value.Value, Host: l.Host, Places: reportPlaces(l.Places)}
		if h := l.Hit; h.Known {
			i.Known, i.Active, i.Categories, i.LastSeen = true, h.Active, h.Categories, moment(h.LastSeen)
		}
		r.Indicators = append(r.Indicators, i)
	}
	for _, f := range a.Files {
		r.Files = append(r.Files, ReportFile{f.Path, f.Name, f.MediaType, f.Size, f.MD5, f.SHA1, f.SHA256, f.Names, f.Encrypted})
	}
	if w := a.Wave; w != nil {
		r.Wave = &ReportWave{w.Institutions, w.Own, moment(w.First), w.Advisory, w.Alike}
	}
	if g := a.Signature; g.State != Unsigned {
		r.Signature = &ReportSignature{g.State, g.Domain, g.Keys}
	}
	for _, key := range a.Incomplete {
		r.Incomplete = append(r.Incomplete, lang.T(key))
	}
	if m := a.Mail; m != nil {
		r.Subject, r.MessageID, r.SHA256, r.Format, r.Date = m.Subject, m.MessageID, m.SHA256, string(m.Format), moment(m.Date)
		for _, f := range m.From {
			r.From = append(r.From, ReportAddress{f.Name, f.Address})
		}
		for _, p := range m.Repairs {
			r.Repairs = append(r.Repairs, ReportRepair{p.Code, p.Path, p.What})
		}
	}
	return r
}

func reportPlaces(all []Place) []ReportPlace {
	out := make([]ReportPlace, len(all))
	for i, p := range all {
		out[i] = ReportPlace{p.Where, p.Path, p.Text, p.Start, p.End}
	}
	return out
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
