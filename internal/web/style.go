// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"teiten/internal/category"
	"teiten/internal/chart"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

// stylePage shows every shared part, for those who build pages. Its data are
// made up; its addresses are reserved for documentation (RFC 2606, RFC 5737).
type stylePage struct {
	Head
	Errors []FieldError
	Form   styleForm

	Icons      []string
	Levels     []tlp.Level
	Categories []category.Category
	Rows       []styleRow
	Hostile    []string
	Diff       []DiffPart
	Progress   Progress
	Tabs       []Tab
	Pager      Pager
	Tiles      []string
	TileValues []int
	Spark      []template.HTML
	Figures    []template.HTML
}

type styleForm struct {
	URL, Note, Category, Received, Techniques, File, Agree Field
}

func (f *styleForm) fields() []*Field {
	return []*Field{&f.URL, &f.Note, &f.Category, &f.Received, &f.Techniques, &f.File, &f.Agree}
}

type styleRow struct {
	Title    string
	Category category.Category
	TLP      tlp.Level
	Count    int
	At       time.Time
}

// style shows the guide.
func (s *Server) style(w http.ResponseWriter, _ *http.Request, q *Request) error {
	return s.render(w, q, http.StatusOK, "style", newStylePage(q))
}

// styleForm refuses what lacks a URL, and thanks for the rest.
func (s *Server) styleForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	page := newStylePage(q)
	for _, f := range page.Form.fields() {
		f.Fill(r.PostForm)
	}
	if page.Form.URL.Value != "" {
		n := utf8.RuneCountInString(page.Form.URL.Value)
		return s.done(w, r, "/style", Flash{Key: "web.style.sent", Args: map[string]string{"n": strconv.Itoa(n)}, Undo: "/style/withdraw"})
	}
	err := fault.New(fault.Invalid, "web.style.url.missing").At(page.Form.URL.Name)
	page.Errors, _ = q.Refuse(err, page.Form.fields()...)
	return s.render(w, q, http.StatusUnprocessableEntity, "style", page)
}

// stylePreview answers the form's script with how the input will look.
func (s *Server) stylePreview(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	page := newStylePage(q)
	page.Form.URL.Fill(r.PostForm)
	page.Form.Note.Fill(r.PostForm)
	return s.fragment(w, q, "style", "style-preview", page)
}

// styleWithdraw shows how a change asks before it is made.
func (s *Server) styleWithdraw(w http.ResponseWriter, r *http.Request, q *Request) error {
	yes, err := s.confirmed(w, r, q, q.T("web.style.danger.ask"), q.T("web.style.danger"), "/style", true)
	if err != nil || !yes {
		return err
	}
	return s.done(w, r, "/style", Flash{Key: "web.style.withdrawn"})
}

func newStylePage(q *Request) *stylePage {
	p := &stylePage{Head: q.Head(q.T("web.style.title"))}
	p.Icons = slices.Sorted(maps.Keys(drawings))
	p.Levels = tlp.Levels
	p.Categories = category.All()
	p.Form = styleForm{
		URL:        q.Field("text", "url", "web.style.url"),
		Note:       q.Field("textarea", "note", "web.style.note"),
		Category:   q.Field("radio", "category", "web.style.category"),
		Received:   q.Field("date", "received", "web.style.received"),
		Techniques: q.Field("select", "technique", "web.style.techniques"),
		File:       q.Field("file", "file", "web.style.attached"),
		Agree:      q.Field("checkbox", "agree", "web.style.agree"),
	}
	f := &p.Form
	f.URL.Required, f.URL.Code, f.Note.Rows, f.File.Accept = true, true, 4, ".eml,.msg"
	f.Category.Value = string(category.Phishing)
	for _, c := range category.All() {
		f.Category.Options = append(f.Category.Options, Option{string(c), c.Name(q.Lang), c.About(q.Lang)})
	}
	for _, id := range []string{"T1566.001", "T1566.002", "T1190"} {
		f.Techniques.Options = append(f.Techniques.Options, Option{Value: id, Label: id})
	}
	for i, row := range []styleRow{
		{Category: category.Phishing, TLP: tlp.Green, Count: 12},
		{Category: category.Targeted, TLP: tlp.AmberStrict, Count: 3},
		{Category: category.MaliciousSite, TLP: tlp.Clear, Count: 27},
		{Category: category.Notice, TLP: tlp.Clear, Count: 0},
	} {
		row.Title = q.T("web.style.row" + strconv.Itoa(i+1))
		row.At = q.Now.Add(-time.Duration(1+i*i*9) * time.Hour)
		p.Rows = append(p.Rows, row)
	}
	p.Hostile = []string{
		"https://login.hospital-portal.example/renew?account=42&next=%2F",
		"203.0.113.7",
		"invoice@supplier.example",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	}
	p.Diff = []DiffPart{{"del", q.T("web.style.before")}, {"ins", q.T("web.style.after")}, {"same", q.T("web.style.info.text")}}
	p.Progress = Progress{Label: q.T("web.style.progress"), Done: 12840, Total: 43000}
	p.Tabs = []Tab{
		{Href: "/style", Name: q.T("web.style.all"), Count: 42, Counted: true, Current: true},
		{Href: "/style", Name: category.Phishing.Name(q.Lang), Count: 17, Counted: true},
		{Href: "/style", Name: category.Targeted.Name(q.Lang), Count: 5, Counted: true},
	}
	p.Pager = Pager{Shown: 4, Total: 42, Next: "/style"}
	p.styleCharts(q)
	return p
}

func (p *stylePage) styleCharts(q *Request) {
	months := chart.Months(q.Lang, q.Now.In(locale.Tokyo).AddDate(0, -11, 0), 12)
	counts := [][]float64{
		{4, 6, 5, 9, 12, 8, 7, 11, 14, 13, 18, 16},
		{12, 14, 11, 19, 22, 25, 21, 24, 30, 28, 35, 41},
		{1, 0, 2, 1, 3, 2, 4, 2, 3, 5, 4, 6},
		{8, 9, 7, 11, 10, 12, 9, 13, 12, 15, 14, 13},
	}
	byMonth := chart.Chart{
		ID: "c-months", Lang: q.Lang, Title: q.T("web.style.chart.year"), Desc: q.T("web.style.chart.year.about"),
		Unit: q.T("web.style.cases"), Across: q.T("web.style.month"), Labels: months,
	}
	for i, c := range category.All() {
		byMonth.Series = append(byMonth.Series, chart.Series{Name: c.Name(q.Lang), Values: counts[i]})
	}
	minutes := chart.Chart{
		ID: "c-minutes", Lang: q.Lang, Title: q.T("web.style.chart.lines"), Unit: q.T("web.style.minutes"),
		Across: q.T("web.style.month"), Labels: months,
		Series: []chart.Series{
			{Name: category.Phishing.Name(q.Lang), Values: []float64{310, 280, 262, chart.None, 190, 151, 120, 96, 88, 71, 64, 48}},
			{Name: category.Targeted.Name(q.Lang), Values: []float64{540, 610, 480, 470, 390, 402, 350, 288, 260, 240, 180, 175}},
		},
	}
	bars := byMonth
	bars.ID, bars.Title, bars.Desc, bars.Series = "c-bars", q.T("web.style.month.new"), "", byMonth.Series[1:2]
	ranking := chart.Chart{
		ID: "c-ranking", Lang: q.Lang, Title: q.T("web.style.chart.bars"), Unit: q.T("web.style.cases"), Across: q.T("web.style.techniques"),
		Labels: []chart.Label{{Text: "T1566.002"}, {Text: "T1566.001"}, {Text: "T1190"}, {Text: "T1204.002"}},
		Series: []chart.Series{{Values: []float64{121, 64, 23, 8}}},
	}
	p.Figures = []template.HTML{byMonth.StackedBars(), bars.Bars(), minutes.Lines(), ranking.Ranking()}
	p.Tiles, p.TileValues = []string{"new", "mine", "time"}, []int{76, 4, 48}
	for i, key := range p.Tiles {
		p.Spark = append(p.Spark, chart.Sparkline(q.Lang, q.T("web.style.month."+key), counts[i]))
	}
}
