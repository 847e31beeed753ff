// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"strconv"

	"teiten/internal/audit"
	"teiten/internal/locale"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// auditCSV sends the records that the page with the same parameters lists, all
// of them, the oldest first; with format=jsonl as one JSON object a line.
func (s *Server) auditCSV(w http.ResponseWriter, r *http.Request, q *Request) error {
	format, kind := audit.CSV, "text/csv; charset=utf-8; header=present"
	if q.Get("format") == string(audit.JSONLines) {
		format, kind = audit.JSONLines, "application/jsonl; charset=utf-8"
	}
	f := q.auditFilter()
	f.Before = 0
	file := &auditFile{ResponseWriter: w, kind: kind, name: "teiten-audit-" + q.Now.In(locale.Tokyo).Format("20060102") + "." + string(format)}
	if format == audit.CSV {
		file.mark = "\ufeff" // spreadsheets take the file for the local encoding otherwise
	}
	_, err := audit.Export(r.Context(), s.DB, q.Caller, f, format, file)
	if err != nil && file.begun {
		s.Log.Error("file cut off", "request", q.ID, "error", err.Error())
		panic(http.ErrAbortHandler) // half a file must not look whole
	}
	if err == nil && !file.begun {
		_, err = file.Write(nil) // JSON of nothing
	}
	return err
}

// auditFile is an answer that becomes a file with its first byte, so that a
// refusal before it is a page.
type auditFile struct {
	http.ResponseWriter
	kind, name, mark string
	begun            bool
}

func (f *auditFile) Write(b []byte) (int, error) {
	if !f.begun {
		f.begun = true
		h := f.Header()
		h.Set("Content-Type", f.kind)
		h.Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
		h.Set("Cache-Control", "no-store")
		if _, err := f.ResponseWriter.Write([]byte(f.mark)); err != nil {
			return 0, err
		}
	}
	return f.ResponseWriter.Write(b)
}

// auditCheckpoint sends the newest checkpoint as a file to keep; with since, the
// size of one that was kept, it comes with the proof that it continues that one.
func (s *Server) auditCheckpoint(w http.ResponseWriter, r *http.Request, q *Request) error {
	ctx := r.Context()
	if err := permit.Check(q.Caller, permit.AuditOwnRead); err != nil {
		return err
	}
	since := q.Int("since", 0)
	text, err := audit.Prove(ctx, s.DB, since)
	if err != nil {
		return err
	}
	c, err := audit.Newest(ctx, s.DB)
	if err != nil {
		return err
	}
	name := "teiten-proof-"
	if q.Get("since") == "" {
		text, name = c.Note, "teiten-checkpoint-"
	}
	err = s.DB.Write(ctx, q.Caller, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "audit.checkpoint", "audit/"+strconv.FormatInt(c.Size, 10))
	})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+strconv.FormatInt(c.Size, 10)+`.txt"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(text)) // the client may have gone
	return nil
}
