// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"strings"

	"teiten/internal/advisory"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/search"
)

// Filters narrow a list: as parameters of an address and as fields of a search.
type Filters struct {
	Category   categoryName `query:"category" json:"category,omitempty" doc:"Only this category"`
	NoticeKind noticeName   `query:"notice_kind" json:"notice_kind,omitempty" doc:"Only notices (注意喚起) about this"`
	Technique  string       `query:"technique" json:"technique,omitempty" maxLength:"200" doc:"Only with this technique (攻撃手法), by id" example:"T1566.002"`
	Source     string       `query:"source" json:"source,omitempty" maxLength:"200" doc:"Only from this source, as advisories name it"`
	Brand      string       `query:"brand" json:"brand,omitempty" maxLength:"200" doc:"Only where this brand is imitated, as advisories name it"`
	TLP        string       `query:"tlp" json:"tlp,omitempty" maxLength:"30" doc:"Only this level of TLP 2.0 (共有範囲), in any case; AMBER-STRICT is AMBER+STRICT, whose + an address would have to write as %2B" example:"GREEN"`
	Group      int64        `query:"group" json:"group,omitempty" minimum:"1" maximum:"9007199254740991" doc:"Only what is shared with this sharing group (共有グループ) rather than with all, by id"`
	State      []stateName  `query:"state,explode" json:"state,omitempty" maxItems:"6" doc:"Only these states; may be repeated. Without it: published, corrected and withdrawn. Drafts are seen by their own organisation and the ISAC's reviewers"`
	From       string       `query:"from" json:"from,omitempty" format:"date" doc:"Published (or, before that, registered) on this day of Asia/Tokyo or later" example:"2026-03-01"`
	To         string       `query:"to" json:"to,omitempty" format:"date" doc:"Published (or, before that, registered) on this day of Asia/Tokyo or earlier" example:"2026-03-31"`
	Concerns   bool         `query:"concerns" json:"concerns,omitempty" doc:"Only what concerns the caller's own institution, by the vendors and products that it says it uses"`
	Cursor     string       `query:"cursor" json:"cursor,omitempty" maxLength:"100" doc:"The next of the page before, with the same filters"`
	Limit      int          `query:"limit" json:"limit,omitempty" minimum:"1" maximum:"200" default:"50" doc:"Most items of a page" example:"50"`
}

// read makes the noun's filter of it.
func (in *Filters) read(q *request, text string) (f advisory.Filter, err error) {
	f = advisory.Filter{
		Text: text, Category: category.Category(in.Category), NoticeKind: category.NoticeKind(in.NoticeKind),
		Technique: in.Technique, Source: in.Source, Brand: in.Brand, Group: in.Group, Limit: in.Limit,
	}
	if len(in.State) > 0 {
		f.States = names[advisory.State](in.State)
	}
	if f.TLP, err = level(in.TLP); err != nil {
		return f, err
	}
	if f.From, err = day(in.From); err != nil {
		return f, err
	}
	to, err := day(in.To)
	if err != nil {
		return f, err
	}
	if !to.IsZero() {
		f.To = to.AddDate(0, 0, 1) // the day itself is included
		if f.From.After(to) {
			return f, fault.New(fault.Invalid, "api.dates").At("to")
		}
	}
	if in.Concerns {
		if q.caller.Org == 0 { // 0 would narrow nothing
			return f, fault.New(fault.Forbidden, "fault.forbidden")
		}
		f.Concerns = q.caller.Org
	}
	f.Before, err = position(in.Cursor, f)
	return f, err
}

// sightings say how often "we received it too" (うちにも届いた) was told.
type sightings struct {
	Count   shownCount `json:"count" doc:"Institutions that received it too"`
	FirstAt stamp      `json:"first_at,omitzero" doc:"Absent when the count is hidden"`
	LastAt  stamp      `json:"last_at,omitzero" doc:"Absent when the count is hidden"`
	Mine    bool       `json:"mine" doc:"The caller's own institution is among them"`
}

// sharedGroup is a sharing group as an advisory names it.
type sharedGroup struct {
	ID   int64  `json:"id" minimum:"1" example:"3"`
	Name string `json:"name" example:"画像診断ネットワーク"`
}

// AdvisorySummary is an advisory in a list, as the API tells it.
type AdvisorySummary struct {
	ID           int64        `json:"id" minimum:"1" example:"12"`
	Category     categoryName `json:"category"`
	NoticeKind   noticeName   `json:"notice_kind,omitempty"`
	TLP          levelName    `json:"tlp"`
	Group        *sharedGroup `json:"group,omitempty" doc:"The sharing group (共有グループ) that it is for; absent when it is for all whom the TLP allows"`
	State        stateName    `json:"state"`
	Title        string       `json:"title" doc:"One line"`
	Brand        string       `json:"brand,omitempty" doc:"Which brand is imitated"`
	Source       string       `json:"source" doc:"The organisation, or the outside source, that it comes from; 匿名の施設 for an institution that reports without its name"`
	Anonymous    bool         `json:"anonymous,omitempty" doc:"The institution reports without its name: pass it on to nobody, if you are told it"`
	Organisation int64        `json:"organisation_id,omitempty" doc:"The organisation that registered it; absent when that is not told"`
	ObservedAt   stamp        `json:"observed_at,omitzero" doc:"When the attack was seen"`
	RegisteredAt stamp        `json:"registered_at"`
	PublishedAt  stamp        `json:"published_at,omitzero" doc:"Absent until published"`
	ChangedAt    stamp        `json:"changed_at"`
	Revision     int64        `json:"revision" minimum:"1" doc:"Counts the changes from 1"`
	Reason       string       `json:"reason,omitempty" doc:"Why it was corrected, withdrawn or returned"`
	Sightings    sightings    `json:"sightings"`
	Concerns     []string     `json:"concerns" doc:"What of the caller's own institution it concerns: vendors and products"`
}

// advisoryPage is a part of a list.
type advisoryPage struct {
	Items []AdvisorySummary `json:"items" maxItems:"200" doc:"The newest first"`
	Next  string            `json:"next,omitempty" doc:"The cursor of the next page; absent on the last"`
}

type pageOutput struct{ Body advisoryPage }

func (s *server) listAdvisories(ctx context.Context, q *request, in *Filters) (*pageOutput, error) {
	f, err := in.read(q, "")
	if err != nil {
		return nil, err
	}
	return s.page(ctx, q, f)
}

// advisorySearch is a search within the list.
type advisorySearch struct {
	Text string `json:"text" minLength:"1" maxLength:"2000" doc:"Words, all of which must occur: at most 20 and 2,000 bytes" example:"フィッシング ログイン"`
	Filters
}

type searchInput struct{ Body advisorySearch }

func (s *server) searchAdvisories(ctx context.Context, q *request, in *searchInput) (*pageOutput, error) {
	words, err := search.Words(in.Body.Text)
	if err != nil {
		return nil, fault.From(err).At("text")
	}
	if len(words) == 0 { // would find everything
		return nil, fault.New(fault.Invalid, "api.no_words").At("text")
	}
	f, err := in.Body.read(q, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return s.page(ctx, q, f)
}

func (s *server) page(ctx context.Context, q *request, f advisory.Filter) (*pageOutput, error) {
	found, err := advisory.List(ctx, s.DB, q.caller, f)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(found.Items))
	for i, a := range found.Items {
		ids[i] = a.ID
	}
	seen, err := advisory.ReadSightings(ctx, s.DB, q.caller, ids...)
	if err != nil {
		return nil, err
	}
	matched, err := advisory.Matched(ctx, s.DB, q.caller, ids...)
	if err != nil {
		return nil, err
	}
	out := &pageOutput{Body: advisoryPage{Items: make([]AdvisorySummary, len(ids)), Next: cursor(found.Next, f)}}
	for i, a := range found.Items {
		out.Body.Items[i] = q.summary(a, seen[a.ID], matched[a.ID])
	}
	return out, nil
}

// summary shows an advisory in a list.
func (q *request) summary(a *advisory.Advisory, seen *advisory.Sightings, concerns []string) AdvisorySummary {
	s := AdvisorySummary{
		ID: a.ID, Category: categoryName(a.Category), NoticeKind: noticeName(a.NoticeKind), TLP: levelName(a.TLP.String()),
		State: stateName(a.State), Title: q.text(a, a.Title), Brand: q.text(a, a.Brand), Source: a.Source, Anonymous: a.Anonymous, Organisation: a.Org,
		ObservedAt: stamp{a.ObservedAt}, RegisteredAt: stamp{a.RegisteredAt}, PublishedAt: stamp{a.PublishedAt}, ChangedAt: stamp{a.ChangedAt},
		Revision: a.Revision, Reason: q.text(a, a.Reason),
		Sightings: sightings{Count: shownCount{seen.Count}, FirstAt: stamp{seen.First}, LastAt: stamp{seen.Last}, Mine: seen.Mine},
		Concerns:  names[string](concerns),
	}
	if a.Group != 0 {
		s.Group = &sharedGroup{a.Group, a.GroupName}
	}
	return s
}

// advisoryIndicator is an indicator that an advisory carries.
type advisoryIndicator struct {
	Kind   kindName `json:"kind"`
	Value  string   `json:"value" doc:"Normalised, raw: never follow it" example:"http://evil.example/login"`
	Host   string   `json:"host,omitempty" doc:"Of a URL or mail address; of a domain or address, itself" example:"evil.example"`
	Masked bool     `json:"masked" doc:"What identifies the recipient is replaced by *"`
}

// Advisory is one advisory whole, as the API tells it.
type Advisory struct {
	AdvisorySummary
	Text        string              `json:"body" doc:"Markdown"`
	Products    []string            `json:"products" doc:"Affected products"`
	Techniques  []string            `json:"techniques" doc:"Attack techniques (攻撃手法), by id"`
	Indicators  []advisoryIndicator `json:"indicators" doc:"Indicators (指標), by kind and value"`
	Related     []int64             `json:"related" doc:"Linked advisories that the caller may see"`
	DuplicateOf int64               `json:"duplicate_of,omitempty" doc:"The advisory that this one repeats"`
	ExternalID  string              `json:"external_id,omitempty" doc:"The source's own name for it"`
	ExternalURL string              `json:"external_url,omitempty" doc:"Where an outside source published it"`
}

type advisoryOutput struct{ Body Advisory }

func (s *server) getAdvisory(ctx context.Context, q *request, in *struct {
	ID int64 `path:"id" minimum:"1" maximum:"9007199254740991" doc:"The advisory's id" example:"12"`
}) (*advisoryOutput, error) {
	a, err := s.advisory(ctx, q, in.ID)
	if err != nil {
		return nil, err
	}
	return &advisoryOutput{*a}, nil
}

func (s *server) advisory(ctx context.Context, q *request, id int64) (*Advisory, error) {
	a, err := advisory.Get(ctx, s.DB, q.caller, id)
	if err != nil {
		return nil, err
	}
	seen, err := advisory.ReadSightings(ctx, s.DB, q.caller, id)
	if err != nil {
		return nil, err
	}
	matched, err := advisory.Matched(ctx, s.DB, q.caller, id)
	if err != nil {
		return nil, err
	}
	full := &Advisory{
		AdvisorySummary: q.summary(a, seen[id], matched[id]), Text: q.text(a, a.Body), Products: []string{},
		Techniques: names[string](a.Techniques), Indicators: make([]advisoryIndicator, len(a.Indicators)),
		Related: append([]int64{}, a.Related...), DuplicateOf: a.DuplicateOf, ExternalID: a.ExternalID, ExternalURL: a.ExternalURL,
	}
	for line := range strings.Lines(a.Products) {
		if line = strings.TrimSpace(line); line != "" {
			full.Products = append(full.Products, q.text(a, line))
		}
	}
	for i, v := range a.Indicators {
		shown := advisoryIndicator{Kind: kindName(v.Kind), Value: v.Value, Host: v.Host}
		shown.Value, shown.Masked = q.value(a, v)
		full.Indicators[i] = shown
	}
	return full, nil
}
