// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"mime"
	"slices"
	"strconv"

	"teiten/internal/fault"
	"teiten/internal/mailcheck"
	"teiten/internal/report"
)

// mailTypes are the media types in which a mail is handed in. What it is, its
// bytes say.
var mailTypes = []string{"message/rfc822", "application/vnd.ms-outlook", "text/plain", "application/octet-stream"}

// mailInput is a mail and what was done with it.
type mailInput struct {
	Type    string `header:"Content-Type" hidden:"true"`
	Did     string `query:"did" enum:"clicked,entered,opened,replied" doc:"What the person did with the mail already, which changes the advice: followed a link, entered a password, opened an attachment, replied"`
	RawBody []byte
}

func (in *mailInput) check() error {
	if kind, _, err := mime.ParseMediaType(in.Type); err != nil || !slices.Contains(mailTypes, kind) {
		return fault.New(fault.Invalid, "api.mail_type")
	}
	return nil
}

type checkOutput struct{ Body mailcheck.Report }

func (s *server) checkMail(ctx context.Context, q *request, in *mailInput) (*checkOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	answer, err := s.Checker.Check(ctx, s.DB, q.caller, in.RawBody)
	if err != nil {
		return nil, err
	}
	if err := mailcheck.Learn(ctx, s.DB, q.caller, answer); err != nil {
		return nil, err
	}
	return &checkOutput{answer.JSON(q.lang, mailcheck.Action(in.Did))}, nil
}

// mailReport is what became of a report.
type mailReport struct {
	ID    int64            `json:"id" minimum:"1" doc:"The number of the report (受付番号)"`
	Check mailcheck.Report `json:"check" doc:"The answer about the mail"`
}

type reportOutput struct {
	Location string `header:"Location" doc:"The page of the report" example:"/reports/12"`
	Body     mailReport
}

func (s *server) reportMail(ctx context.Context, q *request, in *mailInput) (*reportOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	did := mailcheck.Action(in.Did)
	id, answer, err := report.SubmitRaw(ctx, s.DB, s.Blobs, s.Checker, q.caller, in.RawBody, report.Submission{Did: did, Channel: report.API})
	if err != nil {
		return nil, err
	}
	if s.Wake != nil {
		s.Wake()
	}
	return &reportOutput{Location: "/reports/" + strconv.FormatInt(id, 10), Body: mailReport{ID: id, Check: answer.JSON(q.lang, did)}}, nil
}
