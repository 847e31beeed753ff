// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"

	"teiten/internal/permit"
	"teiten/internal/report"
)

// checkBody is the largest mail, with what the form adds to it.
const checkBody = report.MaxMail + maxPaste + 1<<20

// mailRoutes are the pages about mails: check and report, cases, originals.
func (s *Server) mailRoutes() []route {
	const held, reported, one = "/check/{id}", "/reports/{id}", "/cases/{id}"
	return []route{
		on("GET", "/check", Portal, may(permit.MailCheck).orWard(), s.checkForm, nav("check")),
		on("POST", "/check", Portal, may(permit.MailCheck).orWard(), s.checkNew, holding(report.MaxMail, checkBody), within(uploadTime)),
		on("GET", held, Portal, may(permit.MailCheck).orWard(), s.checkAnswer),
		on("GET", held+"/report", Portal, may(permit.MailReport).orWard(), s.reportPreview),
		on("POST", held+"/report", Portal, may(permit.MailReport).orWard(), s.reportNew),

		on("GET", "/reports", Portal, may(permit.MailReportRead), s.reports),
		on("GET", reported, Portal, may(permit.MailReportRead).orWard(), s.reportShow),
		on("POST", reported+"/withdraw", Portal, may(permit.MailReport), s.reportWithdraw),
		on("GET", reported+"/original", Portal, may(permit.MailOriginal), s.reportOriginal, within(uploadTime)),
		on("POST", reported+"/ask", Portal, may(permit.MailCase), s.originalAsk),
		on("POST", "/consents/{id}", Portal, may(permit.MailOriginal), s.consentAnswer),
		on("POST", "/consents/{id}/revoke", Portal, may(permit.MailOriginal), s.consentRevoke),
		on("POST", "/notices/read", Portal, may(permit.MailReportRead), s.noticesRead),

		on("GET", "/cases", Portal, may(permit.MailCase), s.cases, nav("cases")),
		on("GET", one, Portal, may(permit.MailCase), s.caseShow),
		on("POST", one+"/take", Portal, may(permit.MailCase), s.caseAct("cases.taken", func(ctx context.Context, q *Request, _ *http.Request, id int64) error {
			return report.Take(ctx, s.DB, q.Caller, id)
		})),
		on("POST", one+"/dismiss", Portal, may(permit.MailCase), s.caseAct("cases.dismissed", func(ctx context.Context, q *Request, r *http.Request, id int64) error {
			return report.Dismiss(ctx, s.DB, q.Caller, id, seenRevision(r), r.PostForm.Get("reason"))
		})),
		on("POST", one+"/reopen", Portal, may(permit.MailCase), s.caseAct("cases.reopened", func(ctx context.Context, q *Request, r *http.Request, id int64) error {
			return report.Reopen(ctx, s.DB, q.Caller, id, r.PostForm.Get("reason"))
		})),
		on("POST", one+"/merge", Portal, may(permit.MailCase), s.caseAct("cases.merged", func(ctx context.Context, q *Request, r *http.Request, id int64) error {
			return report.Merge(ctx, s.DB, q.Caller, id, number64(r.PostForm.Get("other")))
		})),
		on("POST", one+"/link", Portal, may(permit.MailCase), s.caseAct("cases.linked", func(ctx context.Context, q *Request, r *http.Request, id int64) error {
			return report.Link(ctx, s.DB, s.Mailer, q.Caller, id, number64(r.PostForm.Get("advisory")))
		})),
		on("POST", one+"/split", Portal, may(permit.MailCase), s.caseSplit),
		on("POST", one+"/draft", Portal, may(permit.MailCase), s.caseDraft),
	}
}
