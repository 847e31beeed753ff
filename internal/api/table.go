// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/report"
	"teiten/internal/token"
)

// operation is one line of the table: where it is, who may call it, what it
// does and how it may fail.
type operation struct {
	method, path string
	may          permit.Permission
	scope        token.Scope // that a machine's token must have
	id           string      // in the document
	tag          string
	summary      string
	about        string
	status       int                        // of success; 0 means 200
	faults       []int                      // statuses beyond those that every operation may answer with
	content      map[string]*huma.MediaType // of success, when it is no JSON of a Go type
	takes        []string                   // media types of a body that is no JSON
	body         int64                      // most bytes of the body; 0 means maxBody

	bind func(s *server, op *operation, h huma.Operation)
}

// most is how many bytes a body may have.
func (op *operation) most() int64 {
	if op == nil || op.body == 0 {
		return maxBody
	}
	return op.body
}

// table is every operation with the permission that it takes. How far that
// reaches the nouns decide.
func (s *server) table() []operation {
	return []operation{
		{
			method: "GET", path: "/api/v1/advisories", may: permit.AdvisoryRead, scope: token.AdvisoriesRead, bind: bind(s.listAdvisories),
			id: "listAdvisories", tag: tagAdvisories, summary: "List advisories (情報の一覧)",
			about: "The advisories that the caller may see, the newest first. Follow `next` as `cursor` until it is absent: " +
				"nothing is left out or told twice, whatever is published meanwhile. " +
				"There is no free text in the address, because addresses are logged; see `searchAdvisories`.",
		},
		{
			method: "POST", path: "/api/v1/advisories/search", may: permit.SearchUse, scope: token.AdvisoriesRead, bind: bind(s.searchAdvisories),
			id: "searchAdvisories", tag: tagAdvisories, summary: "Search advisories (情報の検索)",
			about: "The same list, narrowed to the advisories in which every word of `text` occurs, in whatever width, case or kind of kana. " +
				"Words in 「」 or quotation marks stay together. It changes nothing.",
			faults: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
		},
		{
			method: "POST", path: "/api/v1/advisories", may: permit.AdvisoryRegister, scope: token.AdvisoriesWrite, bind: bind(s.submitAdvisory),
			id: "submitAdvisory", tag: tagAdvisories, summary: "Submit an advisory (情報の登録)",
			about: "Registers an advisory as a draft, for review, or, for the ISAC's operators and analysts, published at once. " +
				"Indicators may be written in any form (`hxxps://evil[.]example/`), or be extracted from `text`; what is stored is normalised. " +
				"With an `external_id`, repeating a request that was interrupted does no harm: it is a conflict.",
			status: http.StatusCreated,
			faults: []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
		},
		{
			method: "GET", path: "/api/v1/advisories/{id}", may: permit.AdvisoryRead, scope: token.AdvisoriesRead, bind: bind(s.getAdvisory),
			id: "getAdvisory", tag: tagAdvisories, summary: "Read an advisory (情報の詳細)",
			about: "One advisory with its indicators, techniques and sightings. One that the caller may not see does not exist for him. " +
				"What identifies a recipient in the text and the indicators of another organisation is masked with `*`.",
			faults: []int{http.StatusNotFound},
		},
		{
			method: "GET", path: "/api/v1/lookup", may: permit.SearchUse, scope: token.Lookup, bind: bind(s.lookupOne),
			id: "lookup", tag: tagIndicators, summary: "Look an indicator up (指標の照会)",
			about: "What the caller may know about a URL, domain, address, network, mail address or file hash, written in any form. " +
				"An indicator that is not known is an answer, not an error. The value is written to no log of this program.",
		},
		{
			method: "POST", path: "/api/v1/lookup", may: permit.SearchUse, scope: token.Lookup, bind: bind(s.lookupMany),
			id: "lookupBatch", tag: tagIndicators, summary: "Look many indicators up (指標の一括照会)",
			about: "Up to 1,000 values of one moment, answered in the same order. A value that is no indicator has `recognised: false`. " +
				"It changes nothing.",
			faults: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
		},
		{
			method: "POST", path: "/api/v1/mail-checks", may: permit.MailCheck, scope: token.MailCheck, bind: bind(s.checkMail),
			id: "checkMail", tag: tagMails, summary: "Check a mail (メールの確認)", takes: mailTypes, body: report.MaxMail,
			about: "Is this mail dangerous? The body is the mail as it is (RFC 5322), an Outlook .msg file, or pasted text; in a forwarded mail the original is looked for. " +
				"`verdict` is `malicious`, `suspicious` or `unknown`, which is not \"safe\". Nothing is kept, and nobody outside is asked.",
			faults: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
		},
		{
			method: "POST", path: "/api/v1/mail-reports", may: permit.MailReport, scope: token.MailCheck, bind: bind(s.reportMail),
			id: "reportMail", tag: tagMails, summary: "Report a mail (メールの通報)", takes: mailTypes, body: report.MaxMail,
			about: "The mail is checked, redacted and shared with the ISAC's analysts; the original stays with the institution, encrypted. " +
				"Reporting the same mail again is the same report. An institution whose report became an advisory counts among its sightings, without its name.",
			status: http.StatusCreated,
			faults: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
		},
		{
			method: "GET", path: "/api/v1/trends", may: permit.TrendRead, scope: token.TrendsRead, bind: bind(s.trends),
			id: "readTrends", tag: tagTrends, summary: "Read counts by day or month (傾向)",
			about: "How much was published, seen and observed, by days or months of Asia/Tokyo, as far as the caller may see it. " +
				"Series are never added up. Items with a count of 0 are left out; `periods` has every period. What has no date is in no period.",
		},
		{
			method: "GET", path: "/api/v1/techniques", may: permit.AdvisoryRead, scope: token.AdvisoriesRead, bind: bind(s.techniques),
			id: "listTechniques", tag: tagTechniques, summary: "List attack techniques (攻撃手法の一覧)",
			about: "The vocabulary of techniques, by tactic: those of MITRE ATT&CK with its ids, and the ISAC's own.",
		},
		{
			method: "GET", path: "/api/v1/openapi.json", may: permit.HelpRead, scope: token.Any, bind: bind(s.openAPIJSON),
			id: "openapiJSON", tag: tagDocument, summary: "This document as JSON",
			about:   "The OpenAPI 3.1 description of this API.",
			content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}},
		},
		{
			method: "GET", path: "/api/v1/openapi.yaml", may: permit.HelpRead, scope: token.Any, bind: bind(s.openAPIYAML),
			id: "openapiYAML", tag: tagDocument, summary: "This document as YAML",
			about:   "The OpenAPI 3.1 description of this API.",
			content: map[string]*huma.MediaType{"application/yaml": {Schema: &huma.Schema{Type: huma.TypeString}}},
		},
	}
}

// name is the operation's id for logs; "" before one is found.
func (op *operation) name() string {
	if op == nil {
		return ""
	}
	return op.id
}

// route is how the audit record names the operation.
func (op *operation) route() string { return op.method + " " + op.path }

// register puts an operation on the mux and into the document. It panics if
// the operation says too little to be safe.
func (s *server) register(op operation) {
	switch {
	case !slices.Contains(permit.Permissions(), op.may):
		panic("api: " + op.route() + ": no permission")
	case op.scope != token.Any && !slices.Contains(token.Scopes, op.scope):
		panic("api: " + op.route() + ": no scope")
	case op.bind == nil:
		panic("api: " + op.route() + ": no handler")
	}
	status := op.status
	if status == 0 {
		status = http.StatusOK
	}
	h := huma.Operation{
		Method: op.method, Path: op.path, OperationID: op.id, Tags: []string{op.tag}, Summary: op.summary, Description: op.about,
		DefaultStatus:                status,
		RejectUnknownQueryParameters: true,
		BodyReadTimeout:              within,
		MaxBodyBytes:                 op.most() + 1, // a body of exactly the limit is let through
		Extensions:                   op.extensions(),
		Responses:                    s.responses(op, status),
		Middlewares:                  huma.Middlewares{s.admit(&op)},
	}
	if len(op.takes) > 0 {
		h.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		for _, t := range op.takes {
			h.RequestBody.Content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
		}
	}
	op.bind(s, &op, h)
}

// extensions tell what a caller needs: which permission, and of a machine's
// token which scope.
func (op *operation) extensions() map[string]any {
	x := map[string]any{"x-permission": op.may}
	if op.scope != token.Any {
		x["x-token-scope"] = op.scope
	}
	return x
}

// responses documents how an operation answers.
func (s *server) responses(op operation, status int) map[string]*huma.Response {
	all := map[string]*huma.Response{
		strconv.Itoa(status): {Description: http.StatusText(status), Content: op.content},
	}
	faults := append([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity,
		http.StatusInternalServerError, http.StatusServiceUnavailable}, op.faults...)
	for _, f := range faults {
		all[strconv.Itoa(f)] = &huma.Response{Ref: "#/components/responses/" + responseNames[f]}
	}
	return all
}

// admit finds out who calls and holds the operation's roles against it, before
// anything of the request is read.
func (s *server) admit(op *operation) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		ctx := r.Context()
		q := requestOf(ctx)
		q.op = op
		if op.method == http.MethodPost {
			q.in = "body"
		}
		c, err := s.Caller(r, op.scope)
		switch {
		case err == nil:
			q.caller = c
			err = permit.Check(c, op.may)
		case fault.Is(err, fault.NotFound): // the account, not what the address names
			err = fault.Wrap(err, fault.Forbidden, "fault.forbidden")
		}
		if err != nil {
			s.send(w, s.problem(ctx, q, err))
			return
		}
		next(hc)
	}
}

// bind makes an operation of a method: faults become problems.
func bind[I, O any](do func(context.Context, *request, *I) (*O, error)) func(*server, *operation, huma.Operation) {
	return func(s *server, op *operation, h huma.Operation) {
		huma.Register(s.api, h, func(ctx context.Context, in *I) (*O, error) {
			q := requestOf(ctx)
			out, err := do(ctx, q, in)
			if err != nil {
				return nil, s.problem(ctx, q, err)
			}
			return out, nil
		})
	}
}
