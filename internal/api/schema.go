// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"teiten/internal/advisory"
	"teiten/internal/category"
	"teiten/internal/disclose"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

// The framework keeps these two for the whole program; it offers no other way.
func init() {
	huma.ValidateStrictCasing = true  // "Title" is not "title"
	huma.DefaultArrayNullable = false // a list of nothing is []
}

// stamp is a moment in answers: RFC 3339, UTC, microseconds, as they are stored.
type stamp struct{ time.Time }

const stampLayout = "2006-01-02T15:04:05.000000Z"

// MarshalJSON writes the moment.
func (s stamp) MarshalJSON() ([]byte, error) {
	return []byte(`"` + s.UTC().Format(stampLayout) + `"`), nil
}

// Schema documents a stamp.
func (stamp) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Examples: []any{"2026-03-04T00:15:00.000000Z"}}
}

// shownCount is a count that may be hidden because it would name somebody.
type shownCount struct{ disclose.Shown }

// Schema documents a count: a number, or what is told instead.
func (shownCount) Schema(huma.Registry) *huma.Schema {
	no, least := false, 0.0
	hidden := func(name string, s *huma.Schema) *huma.Schema {
		return &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{name: s}, Required: []string{name}, AdditionalProperties: no}
	}
	return &huma.Schema{
		Description: "A number; or, where it would tell who is meant, fewer_than: it is above 0 and of fewer institutions than this; " +
			"or withheld, lest another number be computed from it. The ISAC's operators and analysts have every number",
		OneOf: []*huma.Schema{
			{Type: huma.TypeInteger, Minimum: &least},
			hidden("fewer_than", &huma.Schema{Type: huma.TypeInteger, Examples: []any{3}}),
			hidden("withheld", &huma.Schema{Type: huma.TypeBoolean}),
		},
		Examples: []any{17},
	}
}

// The words of the nouns as the document lists them.
type (
	categoryName   string
	noticeName     string
	levelName      string
	stateName      string
	firstStateName string // of a submission
	kindName       string
	effectName     string
	seriesName     string
	dimensionName  string
)

// Schema documents the categories.
func (categoryName) Schema(huma.Registry) *huma.Schema {
	return words("Category: 悪意のあるサイト, フィッシング, 標的型, 注意喚起", category.All()...)
}

// Schema documents the kinds of notice.
func (noticeName) Schema(huma.Registry) *huma.Schema {
	return words("What a notice (注意喚起) is about", category.AllNotices()...)
}

// Schema documents the levels.
func (levelName) Schema(huma.Registry) *huma.Schema {
	names := make([]levelName, len(tlp.Levels))
	for i, l := range tlp.Levels {
		names[i] = levelName(l.String())
	}
	return words("Traffic Light Protocol 2.0 (共有範囲), without the prefix TLP:", names...)
}

// Schema documents the states.
func (stateName) Schema(huma.Registry) *huma.Schema {
	return words("Where an advisory is on its way", advisory.States...)
}

// Schema documents the states in which an advisory can be submitted.
func (firstStateName) Schema(huma.Registry) *huma.Schema {
	return words("", advisory.Draft, advisory.InReview, advisory.Published)
}

// Schema documents the kinds of indicator.
func (kindName) Schema(huma.Registry) *huma.Schema {
	return words("What the indicator (指標) names", indicator.Kinds...)
}

// Schema documents the effects of guard lists.
func (effectName) Schema(huma.Registry) *huma.Schema {
	names := make([]effectName, len(guard.Effects))
	for i, e := range guard.Effects {
		names[i] = effectName(e.String())
	}
	return words("What a list may keep out of filters", names...)
}

// Schema documents the series.
func (seriesName) Schema(huma.Registry) *huma.Schema {
	return words("What is counted", trend.AllSeries...)
}

// Schema documents the dimensions; an advisory has all of them.
func (dimensionName) Schema(huma.Registry) *huma.Schema {
	return words("By what it is counted", trend.Advisory.Dimensions()...)
}

func words[T ~string](about string, all ...T) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: about}
	for _, w := range all {
		s.Enum = append(s.Enum, string(w))
	}
	return s
}

// names writes words of a noun as those of the document.
func names[To, From ~string](all []From) []To {
	out := make([]To, len(all)) // [] rather than null
	for i, w := range all {
		out[i] = To(w)
	}
	return out
}

// level reads a TLP label of a filter; nil for "". A "+" that was not escaped
// in an address arrives as a blank.
func level(s string) (*tlp.Level, error) {
	if s == "" {
		return nil, nil
	}
	l, err := tlp.Parse(strings.ReplaceAll(strings.TrimSpace(s), " ", "+"))
	if err != nil {
		return nil, fault.From(err).At("tlp")
	}
	return &l, nil
}

// day reads a day in Tokyo, which the schema has checked; zero for "".
func day(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.ParseInLocation(time.DateOnly, s, locale.Tokyo)
}
