// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"teiten/internal/audit"
	"teiten/internal/fault"
	"teiten/internal/locale"
)

// Problem is why an operation was not done (RFC 9457).
type Problem struct {
	Type     string   `json:"type" doc:"urn:teiten:fault: and the code" example:"urn:teiten:fault:advisory.title_empty"`
	Title    string   `json:"title" doc:"What sort of problem it is, in the language of Accept-Language (ja, the default, or en)" example:"入力に直すところがあります。"`
	Status   int      `json:"status" doc:"The HTTP status" minimum:"400" maximum:"599" example:"422"`
	Detail   string   `json:"detail" doc:"What is wrong and what to do about it, for people, in the same language" example:"題名がありません。何が起きたかを一行で書いてください。"`
	Instance string   `json:"instance,omitempty" doc:"urn:teiten:request: and the request's id, by which the operator finds it in the log" example:"urn:teiten:request:EXAMPLE5REQ2"`
	Code     string   `json:"code" doc:"What is wrong, for programs; it does not change with the language" example:"advisory.title_empty"`
	Field    string   `json:"field,omitempty" doc:"Where it is wrong, when there is one place" example:"body.title"`
	Errors   []Detail `json:"errors,omitempty" doc:"Everything that is wrong with the input, by place, at most 50" maxItems:"50"`
}

// Detail is one thing that is wrong with the input.
type Detail struct {
	Code     string `json:"code" doc:"What is wrong, for programs" example:"api.required"`
	Detail   string `json:"detail" doc:"What is wrong, for people"`
	Location string `json:"location,omitempty" doc:"Where: body, query or path, and the field" example:"body.indicators[3].value"`
}

const maxDetails = 50

// Error is for logs and tests.
func (p *Problem) Error() string { return p.Code }

// GetStatus gives the answer its status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType gives the answer its media type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statuses are those of the kinds of fault.
var statuses = map[fault.Kind]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.NotFound:        http.StatusNotFound,
	fault.Forbidden:       http.StatusForbidden,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.TooMany:         http.StatusTooManyRequests,
	fault.Conflict:        http.StatusConflict,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.Unavailable:     http.StatusServiceUnavailable,
}

// statusOf is where a code says more than its kind: what cannot be read at all
// is malformed, not merely invalid.
var statusOf = map[string]int{
	"api.query":      http.StatusBadRequest,
	"api.repeated":   http.StatusBadRequest,
	"api.cursor":     http.StatusBadRequest,
	"api.method":     http.StatusMethodNotAllowed,
	"api.media_type": http.StatusUnsupportedMediaType,
	"api.mail_type":  http.StatusUnsupportedMediaType,
}

// problem makes the answer to a failure. Refusals are audited, and the causes
// of internal failures logged; neither is told.
func (s *server) problem(ctx context.Context, q *request, err error) *Problem {
	f := fault.From(err)
	switch f.Kind {
	case fault.Forbidden:
		s.denied(ctx, q)
	case fault.Internal, fault.Unavailable:
		s.Log.Error("api", "operation", q.op.name(), "request", q.id, "error", err)
	}
	status, ok := statusOf[f.Code]
	if !ok {
		status = statuses[f.Kind]
	}
	p := q.newProblem(status, f.Code, q.lang.Fault(f))
	if f.Field != "" {
		p.Field = q.in + "." + f.Field
		p.Errors = []Detail{{Code: p.Code, Detail: p.Detail, Location: p.Field}}
	}
	return p
}

func (q *request) newProblem(status int, code, detail string) *Problem {
	p := &Problem{
		Type: "urn:teiten:fault:" + code, Title: q.lang.T(titleOf(status)), Status: status, Detail: detail, Code: code,
	}
	if q.id != "" {
		p.Instance = "urn:teiten:request:" + q.id
	}
	return p
}

// titleOf is the key of the title that problems of a status share.
func titleOf(status int) string {
	key := "api.problem." + strings.ToLower(strings.ReplaceAll(http.StatusText(status), " ", "_"))
	if locale.Has(key) {
		return key
	}
	return "api.problem.other"
}

// denied records that a known caller was refused.
func (s *server) denied(ctx context.Context, q *request) {
	if q.caller.Role == "" || q.op == nil {
		return
	}
	// The refusal is recorded even if the caller does not wait for it.
	if err := audit.Denied(context.WithoutCancel(ctx), s.DB, q.caller, q.op.route(), "route"); err != nil {
		s.Log.Error("audit of a denial", "operation", q.op.name(), "request", q.id, "error", err)
	}
}

// send writes a problem where no operation does it.
func (s *server) send(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	// What cannot be written any more, nobody reads.
	_ = enc.Encode(p)
}

// short keeps a client's inventions short where they are told back.
func short(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return s
}
