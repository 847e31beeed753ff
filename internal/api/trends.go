// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"time"

	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/trend"
)

// daysMost is the longest period that is told by days; by months it is the
// noun's 30 years.
const daysMost = 3 * 366

type trendInput struct {
	Series    seriesName    `query:"series" default:"advisory" doc:"advisory: published, on the day of publication; sighting: \"we received it too\" (うちにも届いた), on the day it was told; observation: rows of lists, on the day they were observed"`
	Dimension dimensionName `query:"dimension" default:"category" doc:"By what to count. Observations have no technique and no notice_kind"`
	Item      string        `query:"item" maxLength:"200" doc:"Only this item of the dimension" example:"phishing"`
	From      string        `query:"from" format:"date" doc:"The first day, of Asia/Tokyo; the first of the month eleven months ago when left out" example:"2026-01-01"`
	To        string        `query:"to" format:"date" doc:"The last day, included; today when left out" example:"2026-03-31"`
	Monthly   bool          `query:"monthly" doc:"Count by months rather than days. By days a period has at most 1,098 days, by months 30 years"`
	Mine      bool          `query:"mine" doc:"Only what the caller's own organisation published, saw or observed"`
}

// trendCounts are the counts of one series by one dimension.
type trendCounts struct {
	Series    seriesName    `json:"series"`
	Dimension dimensionName `json:"dimension"`
	From      string        `json:"from" format:"date" doc:"The first day, of Asia/Tokyo" example:"2026-01-01"`
	To        string        `json:"to" format:"date" doc:"The last day, included" example:"2026-03-31"`
	Monthly   bool          `json:"monthly"`
	Mine      bool          `json:"mine"`
	Periods   []string      `json:"periods" doc:"Every day (2026-03-04) or month (2026-03) from first to last" example:"2026-01, 2026-02, 2026-03"`
	Points    []trendPoint  `json:"points" doc:"By period and item, without zeros"`
}

type trendPoint struct {
	Period string     `json:"period" doc:"A day or a month" example:"2026-03"`
	Item   string     `json:"item" doc:"A category, technique id, kind of notice, brand or source" example:"phishing"`
	Count  shownCount `json:"count"`
}

type trendOutput struct{ Body trendCounts }

func (s *server) trends(ctx context.Context, q *request, in *trendInput) (*trendOutput, error) {
	ask, err := in.read(q, time.Now())
	if err != nil {
		return nil, err
	}
	points, err := trend.Read(ctx, s.DB, q.caller, ask)
	if err != nil {
		return nil, at(err, map[string]string{"trend.dimension": "dimension", "trend.period": "from"})
	}
	out := &trendOutput{trendCounts{
		Series: in.Series, Dimension: in.Dimension, From: trend.DayText(ask.From), To: trend.DayText(ask.To),
		Monthly: in.Monthly, Mine: in.Mine, Periods: names[string](ask.Periods()), Points: make([]trendPoint, len(points)),
	}}
	for i, p := range points {
		out.Body.Points[i] = trendPoint{p.Period, p.Item, shownCount{p.Shown()}}
	}
	return out, nil
}

// read makes the noun's query of it.
func (in *trendInput) read(q *request, now time.Time) (trend.Query, error) {
	ask := trend.Query{
		Series: trend.Series(in.Series), Dimension: trend.Dimension(in.Dimension), Item: in.Item, Monthly: in.Monthly,
	}
	now = now.In(locale.Tokyo)
	from, err := day(in.From)
	if err != nil {
		return ask, err
	}
	to, err := day(in.To)
	if err != nil {
		return ask, err
	}
	if to.IsZero() {
		to = now
	}
	if from.IsZero() {
		from = time.Date(to.Year(), to.Month()-11, 1, 0, 0, 0, 0, locale.Tokyo)
	}
	ask.From, ask.To = trend.Day(from), trend.Day(to)
	if ask.From == trend.NoDay || ask.To == trend.NoDay || ask.From > ask.To {
		return ask, fault.New(fault.Invalid, "trend.period").At("from")
	}
	if !in.Monthly && ask.To-ask.From >= daysMost {
		return ask, fault.New(fault.Invalid, "api.days", "most", daysMost).At("from")
	}
	if in.Mine {
		if q.caller.Org == 0 { // 0 would be everybody's
			return ask, fault.New(fault.Forbidden, "fault.forbidden")
		}
		ask.Org = q.caller.Org
	}
	return ask, nil
}

// at names the field at fault where the noun, which has no fields, does not.
func at(err error, fields map[string]string) error {
	f := fault.From(err)
	if field := fields[f.Code]; field != "" && f.Field == "" {
		return f.At(field)
	}
	return err
}
