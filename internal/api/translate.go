// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
)

// What this package's reader of JSON says, in the manner of package validation.
const (
	msgNotUTF8   = "body is not UTF-8"
	msgMalformed = "malformed JSON at byte %d"
	msgMismatch  = "JSON does not fit at %s"
)

// sentence is a message of the framework, and the code and argument that it
// means here.
type sentence struct {
	pattern   *regexp.Regexp
	code, arg string
}

// sentences are all messages that the operations' schemas can give rise to; the
// first that fits is meant.
var sentences = []sentence{
	say(validation.MsgUnexpectedProperty, "api.unknown_field", ""),
	say("unknown query parameter", "api.unknown_parameter", ""),
	say(validation.MsgExpectedRequiredProperty, "api.required", "name"),
	say("required %s parameter is missing", "api.required_parameter", ""),
	say(validation.MsgExpectedString, "api.string", ""),
	say(validation.MsgExpectedBoolean, "api.boolean", ""),
	say("invalid boolean", "api.boolean", ""),
	say(validation.MsgExpectedInteger, "api.integer", ""),
	say("invalid integer", "api.integer", ""),
	say(validation.MsgExpectedNumber, "api.integer", ""),
	say(validation.MsgExpectedArray, "api.array", ""),
	say(validation.MsgExpectedObject, "api.object", ""),
	say(validation.MsgExpectedOneOf, "api.enum", "values"),
	say(validation.MsgExpectedMinimumNumber, "api.minimum", "least"),
	say(validation.MsgExpectedMaximumNumber, "api.maximum", "most"),
	say(validation.MsgExpectedMinLength, "api.short", "least"),
	say(validation.MsgExpectedMaxLength, "api.long", "most"),
	say(validation.MsgExpectedMinItems, "api.few", "least"),
	say(validation.MsgExpectedMaxItems, "api.many", "most"),
	say(validation.MsgExpectedRFC3339Date, "api.date", ""),
	say(validation.MsgExpectedRFC3339DateTime, "api.date_time", ""),
	say("request body is required", "api.body_empty", ""),
	say("request body is too large limit=%s bytes", "api.too_large", ""),
	say("request body read timeout", "api.timeout", ""),
	say("cannot read request body", "api.body_read", ""),
	say(huma.ErrUnknownContentType.Error()+"%s", "api.media_type", ""),
	say(msgNotUTF8, "api.utf8", ""),
	say(msgMalformed, "api.json", "offset"),
	say(msgMismatch, "api.mismatch", "name"),
	say(validation.MsgExpectedMatchPattern, "api.pattern", ""),
}

// say turns a format of fmt into a pattern that reads the argument back.
func say(format, code, arg string) sentence {
	p := regexp.QuoteMeta(format)
	for _, verb := range []string{"%s", "%d", "%v"} {
		p = strings.ReplaceAll(p, verb, "(.*)")
	}
	return sentence{regexp.MustCompile(`(?s)\A` + p + `\z`), code, arg}
}

// translate gives what the framework found wrong the same shape as a fault.
func (s *server) translate(hc huma.Context, _ string, body any) (any, error) {
	found, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	q := requestOf(hc.Context())
	var all []Detail
	if found.Detail == "validation failed" {
		for _, e := range found.Errors {
			all = append(all, q.detail(e))
		}
	} else { // of the whole request; what it gives as errors are causes
		all = append(all, q.detail(&huma.ErrorDetail{Message: found.Detail}))
	}
	// Maps are walked in any order; an answer is the same each time.
	slices.SortStableFunc(all, func(a, b Detail) int { return strings.Compare(a.Location, b.Location) })
	p := q.newProblem(found.Status, all[0].Code, all[0].Detail)
	if p.Code == "fault.internal" {
		s.Log.Error("api: the framework's message is not known", "operation", q.op.name(), "request", q.id)
	}
	if len(all) == 1 {
		p.Field = all[0].Location
	}
	if all[0].Location != "" {
		p.Errors = all[:min(len(all), maxDetails)]
	}
	return p, nil
}

// detail translates one message. Values are not told back: they may be what
// nobody should meet undefanged.
func (q *request) detail(e *huma.ErrorDetail) Detail {
	d := Detail{Location: short(e.Location)}
	for _, s := range sentences {
		m := s.pattern.FindStringSubmatch(e.Message)
		if m == nil {
			continue
		}
		if s.code == "api.too_large" && len(q.op.takes) > 0 { // a mail is not sent in pieces
			d.Code, d.Detail = "report.large", q.lang.T("report.large", "most", q.op.most()>>20)
			return d
		}
		args := []any{"name", lastName(d.Location), "most", strconv.Itoa(maxBody)}
		if s.arg != "" {
			args = append(args, s.arg, number(short(m[1])))
		}
		if s.code == "api.required" {
			d.Location += "." + m[1]
		}
		d.Code, d.Detail = s.code, q.lang.T(s.code, args...)
		return d
	}
	d.Code, d.Detail = "fault.internal", q.lang.T("fault.internal")
	return d
}

// number is a number if s is one, so that the sentence writes it as such.
func number(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == float64(int64(f)) {
		return int64(f)
	}
	return s
}

// lastName is the last part of a location, without its index.
func lastName(location string) string {
	return location[strings.LastIndexByte(location, '.')+1:]
}

// format reads and writes JSON.
func format() huma.Format {
	return huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
}

// unmarshal reads JSON (RFC 8259). encoding/json would put a replacement
// character where a client's text is not UTF-8, and its errors quote the input.
func unmarshal(data []byte, v any) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // section 8.1 allows to ignore it
	if !utf8.Valid(data) {
		return errors.New(msgNotUTF8)
	}
	err := json.Unmarshal(data, v)
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf(msgMalformed, syntax.Offset)
	case errors.As(err, &mismatch):
		return fmt.Errorf(msgMismatch, mismatch.Field)
	case err != nil:
		return fmt.Errorf(msgMalformed, len(data))
	}
	return nil
}
