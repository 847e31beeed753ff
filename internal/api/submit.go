// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/tlp"
)

// writtenIndicator is an indicator as somebody writes it.
type writtenIndicator struct {
	Kind  kindName `json:"kind,omitempty" doc:"What it is; found out when left out. A bare word or number needs it"`
	Value string   `json:"value" minLength:"1" maxLength:"10000" doc:"In any written form, defanged or not" example:"hxxps://evil[.]example/login"`
}

// submission is a new advisory.
type submission struct {
	Category    categoryName       `json:"category"`
	NoticeKind  noticeName         `json:"notice_kind,omitempty" doc:"Of a notice (注意喚起), what it is about; needed for review"`
	TLP         levelName          `json:"tlp" doc:"With whom it is shared (共有範囲)"`
	Group       int64              `json:"group,omitempty" minimum:"1" maximum:"9007199254740991" doc:"Share it with this sharing group (共有グループ) of yours only, by id, within its TLP"`
	Anonymous   bool               `json:"anonymous,omitempty" doc:"For institutions: other members are not told who you are; the ISAC's operators and analysts are"`
	State       firstStateName     `json:"state,omitempty" default:"in_review" doc:"draft may be incomplete; in_review asks the ISAC to publish it; published is for the ISAC's operators and analysts"`
	Title       string             `json:"title" minLength:"1" maxLength:"200" doc:"What happened, in one line" example:"電子カルテの更新を装うメール"`
	Text        string             `json:"body,omitempty" maxLength:"20000" doc:"When, what and how it arrived, and what was done: Markdown. Needed for review"`
	Brand       string             `json:"brand,omitempty" maxLength:"200" doc:"Which brand is imitated"`
	Products    []string           `json:"products,omitempty" maxItems:"200" doc:"Affected products, one line each, 4,000 characters together" maxLength:"400" pattern:"^[^\\r\\n]*$"`
	ObservedAt  time.Time          `json:"observed_at,omitzero" doc:"When the attack was seen, RFC 3339 with any offset; now when left out" example:"2026-03-04T09:15:00+09:00"`
	Techniques  []string           `json:"techniques,omitempty" maxItems:"40" doc:"Attack techniques (攻撃手法), by id" maxLength:"200" example:"T1566.002"`
	Indicators  []writtenIndicator `json:"indicators,omitempty" maxItems:"10000" doc:"Indicators (指標); the same thing written twice is stored once"`
	Extract     string             `json:"text,omitempty" maxLength:"1000000" doc:"A mail, log or report from which further indicators are extracted; it is not stored"`
	Related     []int64            `json:"related,omitempty" maxItems:"50" doc:"Ids of advisories to link" minimum:"1" maximum:"9007199254740991"`
	DuplicateOf int64              `json:"duplicate_of,omitempty" doc:"Id of the advisory that this one repeats" minimum:"1" maximum:"9007199254740991"`
	ExternalID  string             `json:"external_id,omitempty" maxLength:"200" doc:"Your own name for it. Submitting the same name again is a conflict (409), so that a retry does no harm" example:"ticket-4711"`
}

type submitInput struct{ Body submission }

type submitOutput struct {
	Location string `header:"Location" doc:"The address of the new advisory" example:"/api/v1/advisories/12"`
	Body     Advisory
}

func (s *server) submitAdvisory(ctx context.Context, q *request, in *submitInput) (*submitOutput, error) {
	sub, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	if err := s.checkLinks(ctx, q, sub.Related); err != nil {
		return nil, err
	}
	g, err := s.Guards.Current(ctx)
	if err != nil {
		return nil, err
	}
	id, err := advisory.Submit(ctx, s.DB, q.caller, g, sub)
	if err != nil {
		return nil, err
	}
	if s.Wake != nil {
		s.Wake()
	}
	full, err := s.advisory(ctx, q, id)
	if err != nil {
		return nil, err
	}
	return &submitOutput{Location: fmt.Sprintf("/api/v1/advisories/%d", id), Body: *full}, nil
}

// checkLinks refuses links to what the caller does not see. The noun leaves
// them out, because people edit forms in which they stood before; a program
// wants to know.
func (s *server) checkLinks(ctx context.Context, q *request, ids []int64) error {
	for i, id := range ids {
		_, err := advisory.Get(ctx, s.DB, q.caller, id)
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.Invalid, "advisory.link", "id", id).At(fmt.Sprintf("related[%d]", i))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read makes the noun's submission of it.
func (in *submission) read() (sub advisory.Submission, err error) {
	level, err := tlp.Parse(string(in.TLP))
	if err != nil {
		return sub, fault.From(err).At("tlp")
	}
	values, err := in.values()
	if err != nil {
		return sub, err
	}
	return advisory.Submission{
		Content: advisory.Content{
			Category: category.Category(in.Category), NoticeKind: category.NoticeKind(in.NoticeKind), TLP: level,
			Group: in.Group, Anonymous: in.Anonymous,
			Title: in.Title, Body: in.Text, Brand: in.Brand, Products: strings.Join(in.Products, "\n"), ObservedAt: in.ObservedAt,
			Techniques: slices.Clone(in.Techniques), Indicators: values, Related: slices.Clone(in.Related), DuplicateOf: in.DuplicateOf,
		},
		State: advisory.State(in.State), ExternalID: in.ExternalID,
	}, nil
}

// values are the indicators given, and then those extracted.
func (in *submission) values() ([]indicator.Value, error) {
	var all []indicator.Value
	for i, w := range in.Indicators {
		at := fmt.Sprintf("indicators[%d].value", i)
		if w.Kind != "" {
			v, err := indicator.Normalise(indicator.Kind(w.Kind), w.Value)
			if err != nil {
				return nil, fault.From(err).At(at)
			}
			all = append(all, v)
			continue
		}
		v, ok := indicator.Recognise(w.Value)
		if !ok {
			return nil, fault.New(fault.Invalid, "api.value").At(at)
		}
		all = append(all, v)
	}
	found, err := indicator.ExtractLimit(in.Extract, indicator.MaxFound)
	if err != nil {
		return nil, fault.From(err).At("text")
	}
	for _, f := range found {
		all = append(all, f.Value)
	}
	return all, nil
}
