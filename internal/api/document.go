// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"teiten/internal/disclose"
)

// Tags group the operations of the document.
const (
	tagAdvisories = "advisories"
	tagIndicators = "indicators"
	tagMails      = "mails"
	tagTrends     = "trends"
	tagTechniques = "techniques"
	tagDocument   = "document"
)

const about = `Teiten (定点) lets hospitals watch cyberattacks together. This is the portal for machines; it does the same as the pages, for the same people.

Every operation runs for one account, with its role and its organisation; ` + "`x-permission`" + ` names what the role must allow (the help page 役割と権限 has the table), ` + "`x-token-scope`" + ` what a machine's token must have. A machine shows a token, as ` + "`Authorization: Bearer`" + ` or as the password of HTTP Basic, or its own client certificate; a person's browser is let in by certificate and session. What that account may not see, by TLP 2.0 and organisation, does not exist for it. Each change and each refusal is audited.

- Times are RFC 3339 in UTC with microseconds; days are those of Asia/Tokyo. Ids are integers.
- Indicators are raw normalised values, never defanged. Do not fetch, resolve or link them.
- Unknown fields and parameters are refused by name. A body has at most 1 MiB and is JSON in UTF-8, but a mail, which is sent as it is; an operation takes at most 30 seconds.
- Errors are ` + "`application/problem+json`" + ` (RFC 9457). ` + "`code`" + ` is for programs and stays the same; ` + "`detail`" + ` is for people, in Japanese or, with ` + "`Accept-Language: en`" + `, in English.
- Fields may be added to answers; readers ignore those that they do not know.`

// responseNames are the components that describe problems, by status.
var responseNames = map[int]string{
	http.StatusBadRequest:            "Malformed",
	http.StatusUnauthorized:          "Unauthorized",
	http.StatusForbidden:             "Forbidden",
	http.StatusNotFound:              "NotFound",
	http.StatusConflict:              "Conflict",
	http.StatusRequestEntityTooLarge: "TooLarge",
	http.StatusUnsupportedMediaType:  "UnsupportedMediaType",
	http.StatusUnprocessableEntity:   "Invalid",
	http.StatusInternalServerError:   "Internal",
	http.StatusServiceUnavailable:    "Unavailable",
}

var responseTexts = map[int]string{
	http.StatusBadRequest:            "The request cannot be read: broken JSON, a broken address or a cursor that is none.",
	http.StatusUnauthorized:          "Nobody has shown who asks: no token, no certificate of a machine, no session; or one that is not valid (any more).",
	http.StatusForbidden:             "The caller may not do this. It is audited.",
	http.StatusNotFound:              "It does not exist, or the caller may not see it.",
	http.StatusConflict:              "It does not fit what is stored, such as an external_id that is known already.",
	http.StatusRequestEntityTooLarge: "It is beyond a limit.",
	http.StatusUnsupportedMediaType:  "The body is not application/json, or for a mail none of the kinds that are listed.",
	http.StatusUnprocessableEntity:   "A parameter or field cannot be accepted; errors say which and why.",
	http.StatusInternalServerError:   "Something went wrong in the program; the operator finds it in the log by instance.",
	http.StatusServiceUnavailable:    "A part does not answer now, or it took too long; try again later.",
}

// config is the framework's: JSON only, without its documentation page, which
// loads scripts from elsewhere, and without links to schemas in answers.
func (s *server) config() huma.Config {
	schemas := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	schemas.RegisterTypeAlias(reflect.TypeFor[disclose.Shown](), reflect.TypeFor[shownCount]()) // in what other packages answer
	components := &huma.Components{Schemas: schemas, Responses: map[string]*huma.Response{}}
	problem := schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	for status, name := range responseNames {
		components.Responses[name] = &huma.Response{
			Description: responseTexts[status],
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
		}
	}
	components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":       {Type: "http", Scheme: "bearer", BearerFormat: "ttn_…", Description: "A token of a machine (トークン), made in the portal."},
		"password":    {Type: "http", Scheme: "basic", Description: "The same token as the password; the user's name does not matter."},
		"certificate": {Type: "mutualTLS", Description: "A machine's own client certificate, or a person's with her session."},
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Teiten 定点", Version: "1", Description: about,
				License: &huma.License{Name: "Apache 2.0", Identifier: "Apache-2.0"}},
			Components: components,
			Security:   []map[string][]string{{"token": {}}, {"password": {}}, {"certificate": {}}},
			Tags: []*huma.Tag{
				{Name: tagAdvisories, Description: "Shared information (情報)"},
				{Name: tagIndicators, Description: "What is known about addresses, domains, URLs and files (指標)"},
				{Name: tagMails, Description: "Mails: check and report (メール)"},
				{Name: tagTrends, Description: "Counts (傾向)"},
				{Name: tagTechniques, Description: "Attack techniques (攻撃手法)"},
				{Name: tagDocument, Description: "This document"},
			},
		},
		Formats:       map[string]huma.Format{"application/json": format(), "json": format()},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{s.translate},
	}
}

// openAnswers lets the documented answers have further fields, so that a later
// version may add some; what clients send stays closed.
func openAnswers(o *huma.OpenAPI) {
	all := o.Components.Schemas.Map()
	sent := map[string]bool{}
	var mark func(*huma.Schema)
	mark = func(s *huma.Schema) {
		if s == nil {
			return
		}
		if name := path.Base(s.Ref); s.Ref != "" && !sent[name] {
			sent[name] = true
			mark(all[name])
		}
		mark(s.Items)
		for _, p := range s.Properties {
			mark(p)
		}
	}
	for _, item := range o.Paths {
		if item.Post != nil {
			for _, media := range item.Post.RequestBody.Content {
				mark(media.Schema)
			}
		}
	}
	for name, s := range all {
		if !sent[name] {
			s.AdditionalProperties = nil
		}
	}
}

// document is the description of the API, written once.
type document struct{ json, yaml []byte }

const documentHead = `# SPDX-FileCopyrightText: The Teiten Authors
# SPDX-License-Identifier: Apache-2.0
#
# Generated from the code of internal/api by: go test ./internal/api -update
`

func describe(o *huma.OpenAPI) (d document) {
	text, err := json.MarshalIndent(o, "", "  ")
	if err == nil {
		d.json = append(text, '\n')
		d.yaml, err = o.YAML()
	}
	if err != nil {
		panic(fmt.Sprintf("api: the document cannot be written: %v", err)) // it is the program's own
	}
	d.yaml = append([]byte(documentHead), d.yaml...)
	return d
}

type documentOutput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Body        []byte
}

func (s *server) openAPIJSON(context.Context, *request, *struct{}) (*documentOutput, error) {
	return &documentOutput{"application/json", s.doc.json}, nil
}

func (s *server) openAPIYAML(context.Context, *request, *struct{}) (*documentOutput, error) {
	return &documentOutput{"application/yaml", s.doc.yaml}, nil
}
