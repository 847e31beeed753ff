// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/trend"
)

// trendsCSV answers with the counts of the page with the same parameters, each
// item by itself, periods without anything left out. The byte order mark makes
// spreadsheets read UTF-8.
func (s *Server) trendsCSV(w http.ResponseWriter, r *http.Request, q *Request) error {
	asked, err := askTrend(q)
	if err != nil {
		return err
	}
	all, err := trend.Read(r.Context(), s.DB, q.Caller, asked.Query)
	if err != nil {
		return err
	}
	type key struct{ period, item string }
	var mine map[key]int64
	if q.Caller.OrgKind == caller.Institution {
		ask := asked.Query
		ask.Org = q.Caller.Org
		points, err := trend.Read(r.Context(), s.DB, q.Caller, ask)
		if err != nil {
			return err
		}
		mine = map[key]int64{}
		for _, p := range points {
			mine[key{p.Period, p.Item}] = p.Count
		}
	}
	if err := audit.Taken(r.Context(), s.DB, q.Caller, "trend.export", "trends"); err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("\ufeff")
	out := csv.NewWriter(&b)
	out.UseCRLF = true // RFC 4180 section 2
	head := []string{"series", "period", string(asked.Dimension), "name", "count"}
	if mine != nil {
		head = append(head, "own")
	}
	out.Write(head)
	for _, p := range all {
		row := []string{string(asked.Series), p.Period, csvCell(p.Item), csvCell(itemName(q, asked.Dimension, p.Item)), p.Shown().Text(q.Lang)}
		if mine != nil {
			row = append(row, strconv.FormatInt(mine[key{p.Period, p.Item}], 10))
		}
		out.Write(row)
	}
	out.Flush() // to memory: it cannot fail
	name := fmt.Sprintf("teiten-%s-%s-%s-%s.csv", asked.Series, asked.Dimension, trend.DayText(asked.From), trend.DayText(asked.To))
	sendCSV(w, name, b.Bytes())
	return nil
}

// sendCSV answers with a file to keep.
func sendCSV(w http.ResponseWriter, name string, content []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(content) // the client may have gone
}
