// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"strings"

	"teiten/internal/advisory"
	"teiten/internal/technique"
	"teiten/internal/trend"
)

// techniquesPage explains every attack technique and says how often it occurs.
type techniquesPage struct {
	Head
	Errors []FieldError
	Groups []tacticGroup
	Linked bool // the list of advisories exists
	Used   int  // how many techniques have at least one advisory
	May    bool // add the ISAC's own
	Form   techniqueForm
}

// techniqueForm adds one of the ISAC's own.
type techniqueForm struct{ ID, Tactic, Attack, Ja, En, AboutJa, AboutEn Field }

func (f *techniqueForm) fields() []*Field {
	return []*Field{&f.ID, &f.Tactic, &f.Attack, &f.Ja, &f.En, &f.AboutJa, &f.AboutEn}
}

type tacticGroup struct {
	Tactic, Name string
	Techniques   []techniqueRow
}

type techniqueRow struct {
	ID, Name, About string
	Own             bool // the ISAC's own
	Added           bool // by this ISAC, not with the program
	Attack          string
	Count           int64 // of advisories that the caller may see
}

func (s *Server) techniques(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.techniquesPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "techniques", page)
}

func (s *Server) techniquesPage(r *http.Request, q *Request) (*techniquesPage, error) {
	q.Path = "/techniques"
	page := &techniquesPage{Head: q.Head(q.T("tools.techniques.title")), May: advisory.MayReview(q.Caller)}
	page.Linked = page.Has("GET", "/advisories")
	known, err := advisory.Techniques(r.Context(), s.DB)
	if err != nil {
		return nil, err
	}
	today := trend.Day(q.Now)
	points, err := trend.Read(r.Context(), s.DB, q.Caller, trend.Query{
		Series: trend.Advisory, Dimension: trend.Technique, From: max(0, today-366*30), To: today, Monthly: true,
	})
	if err != nil {
		return nil, err
	}
	count := map[string]int64{}
	for _, p := range points {
		count[p.Item] += p.Count
	}
	for _, g := range known.Groups() {
		group := tacticGroup{Tactic: g.Tactic, Name: g.Name(q.Lang)}
		for _, t := range g.Techniques {
			_, builtIn := technique.Get(t.ID)
			row := techniqueRow{
				ID: t.ID, Name: t.Name(q.Lang), About: t.About(q.Lang), Own: t.Own(), Added: !builtIn, Attack: t.Attack, Count: count[t.ID],
			}
			if row.Count > 0 {
				page.Used++
			}
			group.Techniques = append(group.Techniques, row)
		}
		page.Groups = append(page.Groups, group)
	}
	if page.May {
		page.Form = newTechniqueForm(q)
	}
	return page, nil
}

func newTechniqueForm(q *Request) techniqueForm {
	f := techniqueForm{
		ID: q.Field("text", "id", "tools.techniques.id"), Tactic: q.Field("select", "tactic", "tools.techniques.tactic"),
		Attack: q.Field("text", "attack", "tools.techniques.attack"), Ja: q.Field("text", "ja", "tools.techniques.ja"),
		En: q.Field("text", "en", "tools.techniques.en"), AboutJa: q.Field("textarea", "about_ja", "tools.techniques.about_ja"),
		AboutEn: q.Field("textarea", "about_en", "tools.techniques.about_en"),
	}
	for _, g := range technique.Tactics() {
		f.Tactic.Options = append(f.Tactic.Options, Option{Value: g.Tactic, Label: g.Name(q.Lang)})
	}
	for _, field := range f.fields() {
		field.Required = field.Name != "attack"
	}
	f.ID.Code, f.Attack.Code, f.ID.Value = true, true, "isac."
	return f
}

func (s *Server) techniqueAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	given := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	t := technique.Technique{
		ID: given("id"), Attack: given("attack"), Tactic: given("tactic"), Ja: given("ja"), En: given("en"),
		AboutJa: given("about_ja"), AboutEn: given("about_en"),
	}
	why := advisory.AddTechnique(r.Context(), s.DB, q.Caller, t)
	if why == nil {
		return s.done(w, r, "/techniques#t-"+t.ID, Flash{Key: "tools.techniques.added", Undo: "/techniques/" + t.ID + "/remove"})
	}
	page, err := s.techniquesPage(r, q)
	if err != nil {
		return err
	}
	for _, f := range page.Form.fields() {
		f.Fill(r.PostForm)
	}
	var ok bool
	if page.Errors, ok = q.Refuse(why, page.Form.fields()...); !ok {
		return why
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "techniques", page)
}

func (s *Server) techniqueRemove(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := advisory.RemoveTechnique(r.Context(), s.DB, q.Caller, r.PathValue("id")); err != nil {
		return err
	}
	return s.done(w, r, "/techniques", Flash{Key: "tools.techniques.removed"})
}
