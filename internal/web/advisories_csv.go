// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/fault"
	"teiten/internal/locale"
)

// csvPage is how many rows are read at a time.
const csvPage = 200

// advisoriesCSV sends a list as a file for spreadsheets: UTF-8 with a byte
// order mark, because Excel takes it for the local encoding otherwise. The text
// of a search comes in the body, never in the address.
func (s *Server) advisoriesCSV(w http.ResponseWriter, r *http.Request, q *Request) error {
	f, _, err := q.listFilter()
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	f.Text, f.Before, f.Limit = strings.TrimSpace(r.PostForm.Get("q")), 0, csvPage
	ctx := r.Context()
	first, err := advisory.List(ctx, s.DB, q.Caller, f) // a refusal is a page, not a broken file
	if err != nil {
		return err
	}
	if err := audit.Taken(ctx, s.DB, q.Caller, "advisory.export", "advisories"); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="teiten-advisories-`+q.Now.In(locale.Tokyo).Format("20060102")+`.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	if _, err := w.Write([]byte("\ufeff")); err != nil {
		return nil //nolint:nilerr // the client has gone
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write(csvHead(q)) // csv.Writer keeps its first error
	for page := first; ; {
		for _, a := range page.Items {
			record, err := s.csvRecord(ctx, q, a.ID)
			if fault.Is(err, fault.NotFound) {
				continue // narrowed since the page was read
			}
			if err != nil {
				s.Log.Error("file cut off", "request", q.ID, "error", err.Error())
				panic(http.ErrAbortHandler) // half a file must not look whole
			}
			_ = out.Write(record)
		}
		out.Flush()
		if out.Error() != nil || page.Next == 0 {
			return nil
		}
		f.Before = page.Next
		if page, err = advisory.List(ctx, s.DB, q.Caller, f); err != nil {
			s.Log.Error("file cut off", "request", q.ID, "error", err.Error())
			panic(http.ErrAbortHandler)
		}
	}
}

var csvColumns = []string{
	"id", "published", "registered", "state", "category", "notice", "tlp", "group", "title", "source", "brand",
	"techniques", "sightings", "minutes", "indicators",
}

func csvHead(q *Request) []string {
	head := make([]string, len(csvColumns))
	for i, c := range csvColumns {
		head[i] = q.T("list.column." + c)
	}
	return head
}

func (s *Server) csvRecord(ctx context.Context, q *Request, id int64) ([]string, error) {
	a, err := advisory.Get(ctx, s.DB, q.Caller, id)
	if err != nil {
		return nil, err
	}
	seen, err := advisory.ReadSightings(ctx, s.DB, q.Caller, id)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(a.Techniques))
	for i, t := range a.Techniques {
		names[i] = t + " " + q.techniqueName(t)
	}
	values := make([]string, len(a.Indicators))
	for i, v := range a.Indicators {
		values[i] = shown(v)
	}
	notice, minutes := "", ""
	if a.NoticeKind != "" {
		notice = a.NoticeKind.Name(q.Lang)
	}
	if !a.PublishedAt.IsZero() {
		minutes = strconv.FormatInt(int64(a.TimeToPublish()/time.Minute), 10)
	}
	record := []string{
		itoa(a.ID), csvTime(a.PublishedAt), csvTime(a.RegisteredAt), q.T("state." + string(a.State)), a.Category.Name(q.Lang), notice,
		a.TLP.Label(), harmless(a.GroupName), harmless(a.Title, a.Indicators...), sourceName(q.Lang, a.Source), harmless(a.Brand),
		strings.Join(names, "\n"), seen[id].Count.Text(q.Lang), minutes, strings.Join(values, "\n"),
	}
	for i := range record {
		record[i] = csvCell(record[i])
	}
	return record, nil
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(locale.Tokyo).Format("2006-01-02 15:04")
}

// csvCell keeps a spreadsheet from taking a cell for a formula (OWASP, CSV
// injection): a quotation mark before what would begin one.
func csvCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
