// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/report"
	"teiten/internal/technique"
)

// tableMost is how many indicators a page looks up and shows at a time.
const tableMost = 100

// detailPage is one advisory, whole.
type detailPage struct {
	Head
	A          *advisory.Advisory
	Row        row
	NoticeName string
	TLPMeans   string
	Body       template.HTML
	Products   []string
	Brand      string
	Reference  string // the outside source's own name and address
	Techniques []technique.Technique
	Marks      []mark
	MarkFrom   int // place of the first of Marks, from 0
	MarkCount  int
	MarkNext   string // address of the next ones, or ""
	AllMarks   string // what the button copies: those shown, one a line
	Entries    int    // of Marks, how many filters get
	Linked     []row
	Near       []nearRow // what it may repeat, for those who decide about it
	Comments   []commentRow
	Standing   int // comments that have not been removed
	Opinions   advisory.Opinions
	Revisions  int
	Protection *protectionView // nil if it came of no report
	Case       string          // address of the case that it came of, for those who see cases; or ""

	MayReview, MayEdit, MaySight, MayComment, MayDecide bool
	CanPublish, CanReturn, CanCorrect, CanWithdraw      bool
	CanDiscard, CanRestore, CanSee                      bool
	Reaches                                             bool // published, more than the members read it
	ReasonFor                                           string
	Reason, Comment                                     Field
	Errors                                              []FieldError
}

// mark is an indicator as a table shows it.
type mark struct {
	Kind    indicator.Kind
	Shown   string
	Masked  bool
	Href    string // of its own page, if somebody claimed it
	Entry   bool
	Host    bool // its host as a whole too
	Why     []string
	Hit     intel.Hit
	Expired bool
}

// marks looks indicators up and says what becomes of them.
func (s *Server) marks(ctx context.Context, q *Request, values []indicator.Value) ([]mark, error) {
	if len(values) == 0 {
		return nil, nil
	}
	g, err := s.Guards.Current(ctx)
	if err != nil {
		return nil, err
	}
	hits, err := intel.Lookup(ctx, s.DB, s.DB.Key, q.Caller, values)
	if err != nil {
		return nil, err
	}
	list := make([]mark, len(values))
	for i, v := range values {
		_, masked := indicator.Mask(v.Kind, v.Value)
		verdict, err := intel.Judge(ctx, s.DB, q.Caller, g, v)
		if err != nil {
			return nil, err
		}
		m := mark{
			Kind: v.Kind, Shown: shown(v), Masked: masked, Hit: hits[i],
			Entry: verdict.Entry, Host: verdict.HostEntry, Why: q.reasons(verdict),
		}
		if hits[i].Known {
			m.Href = indicatorAddress(s.DB.Key(string(v.Kind), v.Value))
			m.Expired = !hits[i].Active
		}
		list[i] = m
	}
	return list, nil
}

// reasons says in sentences why the guard decides so.
func (q *Request) reasons(v guard.Verdict) []string {
	var all []string
	for _, r := range v.Reasons {
		switch r.Slug {
		case guard.SlugOverrule:
			all = append(all, q.T("guard.reason.overrule", "by", r.Overrule.By, "date", q.Lang.Date(r.Overrule.At), "reason", harmless(r.Overrule.Reason)))
		case guard.SlugSuffix:
			all = append(all, q.T("guard.reason.public_suffix", "matched", indicator.Defang(indicator.Domain, r.Matched)))
		default:
			all = append(all, q.T("guard.reason.list", "list", r.List, "matched", indicator.Defang(indicator.Domain, r.Matched)))
		}
	}
	return all
}

// commentRow is a remark with what may be done about it.
type commentRow struct {
	advisory.Comment
	Text    string
	Remove  string // address, or ""
	Restore string // address, or ""
	Gone    string // why only the reader and the ISAC see it, or ""
}

// load reads the advisory whose id stands in the address.
func (s *Server) load(r *http.Request, q *Request) (*advisory.Advisory, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, fault.Wrap(err, fault.NotFound, "fault.not_found")
	}
	return advisory.Get(r.Context(), s.DB, q.Caller, id)
}

func address(id int64) string { return "/advisories/" + itoa(id) }

func (s *Server) advisory(w http.ResponseWriter, r *http.Request, q *Request) error {
	a, err := s.load(r, q)
	if err != nil {
		return err
	}
	page, err := s.detail(r.Context(), q, a)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "advisory", page)
}

// detail gathers everything that the page of an advisory shows.
func (s *Server) detail(ctx context.Context, q *Request, a *advisory.Advisory) (*detailPage, error) {
	list, err := rows(ctx, s.DB, q.Caller, []*advisory.Advisory{a})
	if err != nil {
		return nil, err
	}
	page := &detailPage{
		A: a, Row: list[0], TLPMeans: q.T("web.tlp." + a.TLP.Class()), Body: markdown(a.Body, a.Indicators),
		Brand: harmless(a.Brand), MarkCount: len(a.Indicators),
		Reason:  q.Field("textarea", "reason", "detail.reason"),
		Comment: q.Field("textarea", "body", "detail.comment"),
	}
	page.Head = q.Head(page.Row.Heading, Crumb{"/advisories", q.T("list.title")})
	page.Reason.Rows, page.Reason.Required, page.Reason.Max = 3, true, 1000
	page.Comment.Rows, page.Comment.Required, page.Comment.Max = 3, true, 2000
	if a.NoticeKind != "" {
		page.NoticeName = a.NoticeKind.Name(q.Lang)
	}
	for p := range strings.Lines(a.Products) {
		page.Products = append(page.Products, harmless(strings.TrimSpace(p)))
	}
	if a.ExternalID != "" || a.ExternalURL != "" {
		page.Reference = strings.TrimSpace(harmless(a.ExternalID) + " " + harmless(a.ExternalURL))
	}
	for _, id := range a.Techniques {
		t, known := q.vocabulary().Get(id)
		if !known {
			t = technique.Technique{ID: harmless(id), Ja: harmless(id), En: harmless(id)}
		}
		page.Techniques = append(page.Techniques, t)
	}
	if err := s.detailMarks(ctx, q, page); err != nil {
		return nil, err
	}
	if err := s.detailReactions(ctx, q, page); err != nil {
		return nil, err
	}
	if page.Protection, err = s.protection(ctx, q, a.ID); err != nil {
		return nil, err
	}
	of, err := report.CaseOf(ctx, s.DB, q.Caller, a.ID)
	if err != nil {
		return nil, err
	}
	if of != 0 {
		page.Case = caseAddress(of)
	}
	page.rights(q.Caller)
	return page, nil
}

func (s *Server) detailMarks(ctx context.Context, q *Request, page *detailPage) error {
	from := int(max(0, min(q.Int("from", 0), int64(page.MarkCount))))
	values := page.A.Indicators[from:min(from+tableMost, page.MarkCount)]
	var err error
	if page.Marks, err = s.marks(ctx, q, values); err != nil {
		return err
	}
	page.MarkFrom = from
	if end := from + len(values); end < page.MarkCount {
		page.MarkNext = q.With("from", strconv.Itoa(end)) + "#indicators"
	}
	lines := make([]string, len(page.Marks))
	for i, m := range page.Marks {
		lines[i] = m.Shown
		if m.Entry {
			page.Entries++
		}
	}
	page.AllMarks = strings.Join(lines, "\n")
	return nil
}

func (s *Server) detailReactions(ctx context.Context, q *Request, page *detailPage) error {
	id := page.A.ID
	linked, err := advisory.Links(ctx, s.DB, q.Caller, id)
	if err != nil {
		return err
	}
	if page.Linked, err = rows(ctx, s.DB, q.Caller, linked); err != nil {
		return err
	}
	if !page.A.State.Public() {
		if page.Near, err = s.near(ctx, q, id, page.A.Title, page.A.Indicators); err != nil {
			return err
		}
	}
	comments, err := advisory.Comments(ctx, s.DB, q.Caller, id)
	if err != nil {
		return err
	}
	for _, c := range comments {
		one := commentRow{Comment: c, Text: harmless(c.Body, page.A.Indicators...)}
		at := address(id) + "/comments/" + itoa(c.ID)
		switch review := advisory.MayReview(q.Caller); {
		case c.Removed.IsZero() && (review || c.Account == q.Caller.Account):
			one.Remove = at + "/remove"
		case !c.Removed.IsZero() && review:
			one.Gone, one.Restore = q.T("detail.comment.moderated"), at+"/restore"
		case !c.Removed.IsZero():
			one.Gone = q.T("detail.comment.moderated.author")
		}
		if c.Removed.IsZero() {
			page.Standing++
		}
		page.Comments = append(page.Comments, one)
	}
	if page.Opinions, err = advisory.ReadOpinions(ctx, s.DB, q.Caller, id); err != nil {
		return err
	}
	revisions, err := advisory.Revisions(ctx, s.DB, q.Caller, id)
	page.Revisions = len(revisions)
	return err
}

// rights says which buttons stand on the page. The nouns check again.
func (p *detailPage) rights(c caller.Caller) {
	state := p.A.State
	p.MayReview, p.MayEdit = advisory.MayReview(c), advisory.MayEdit(c, p.A)
	p.MaySight, p.MayComment, p.MayDecide = advisory.MaySight(c), advisory.MayComment(c), advisory.MayDecide(c)
	current := state == advisory.Published || state == advisory.Corrected
	p.CanPublish = p.MayReview && (state == advisory.InReview || state == advisory.Draft && p.A.Org == c.Org)
	p.CanReturn = p.MayReview && state == advisory.InReview
	p.CanCorrect = p.MayReview && state.Public()
	p.CanWithdraw = p.MayReview && current
	p.CanDiscard = p.MayEdit && (state == advisory.Draft || state == advisory.InReview)
	p.CanRestore = p.MayEdit && state == advisory.Discarded
	p.CanSee = p.MaySight && current
	p.MayDecide = p.MayDecide && state.Public()
	p.Reaches = wide(p.A)
}

// wide reports whether publication reaches more than the member institutions,
// so that it is asked for twice.
func wide(a *advisory.Advisory) bool { return a.Wide() }

// Question asks whether the advisory helped to decide.
func (p *detailPage) Question() question {
	return newQuestion(address(p.A.ID)+"/helped", p.Opinions)
}

// SpanText is how long it took from registration to publication.
func (p *detailPage) SpanText() string { return p.duration(p.A.TimeToPublish()) }

// question is "did this help you decide?" with the answers so far.
type question struct {
	Act      string
	Opinions advisory.Opinions
	Count    int
	Yes, No  bool // the caller's own answer
}

func newQuestion(act string, o advisory.Opinions) question {
	return question{
		Act: act, Opinions: o, Count: o.Helped + o.NotHelped,
		Yes: o.Mine != nil && *o.Mine, No: o.Mine != nil && !*o.Mine,
	}
}
