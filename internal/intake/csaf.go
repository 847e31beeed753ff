// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

const (
	maxCSAF         = 16 << 20 // bytes of a document
	maxBranches     = 32       // depth of the product tree
	maxProductNames = 3900     // characters; an advisory holds 4,000
	maxFlaws        = 40       // vulnerabilities that the body describes
	maxBody         = 20_000   // characters; the limit of an advisory
	labelVersion    = "版"
)

// csafDocument is what we read of a security advisory in CSAF 2.0 (OASIS
// Standard, 18 November 2022, section 3.2).
type csafDocument struct {
	Document struct {
		Category     string `json:"category"`
		Version      string `json:"csaf_version"`
		Title        string `json:"title"`
		Distribution struct {
			TLP struct {
				Label string `json:"label"`
			} `json:"tlp"`
		} `json:"distribution"`
		Notes      []csafNote      `json:"notes"`
		Publisher  csafPublisher   `json:"publisher"`
		References []csafReference `json:"references"`
		Tracking   struct {
			ID      string `json:"id"`
			Version string `json:"version"`
			Status  string `json:"status"`
			Initial string `json:"initial_release_date"`
			Current string `json:"current_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	Products struct {
		Branches []csafBranch `json:"branches"`
		Names    []struct {
			Name string `json:"name"`
		} `json:"full_product_names"`
	} `json:"product_tree"`
	Flaws []csafFlaw `json:"vulnerabilities"`
}

type csafNote struct {
	Category string `json:"category"`
	Title    string `json:"title"`
	Text     string `json:"text"`
}

type csafPublisher struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type csafReference struct {
	Category string `json:"category"`
	URL      string `json:"url"`
}

type csafBranch struct {
	Category string       `json:"category"`
	Name     string       `json:"name"`
	Branches []csafBranch `json:"branches"`
	Product  *struct {
		Name string `json:"name"`
	} `json:"product"`
}

type csafFlaw struct {
	CVE   string `json:"cve"`
	Title string `json:"title"`
	CWE   struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"cwe"`
	Notes  []csafNote `json:"notes"`
	Scores []struct {
		V3 *csafScore `json:"cvss_v3"`
		V2 *csafScore `json:"cvss_v2"`
	} `json:"scores"`
	Remediations []struct {
		Category string `json:"category"`
		Details  string `json:"details"`
		URL      string `json:"url"`
	} `json:"remediations"`
}

type csafScore struct {
	Score    float64 `json:"baseScore"`
	Severity string  `json:"baseSeverity"`
	Vector   string  `json:"vectorString"`
}

// readCSAF reads one document; it is taken whole or not at all.
func readCSAF(data []byte, o Options) ([]document, []Problem, error) {
	var d csafDocument
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, nil, badJSON(err, data, 0)
	}
	doc, err := d.document(o)
	if err != nil {
		return nil, nil, err
	}
	return []document{doc}, nil, nil
}

func (d *csafDocument) document(o Options) (document, error) {
	t := &d.Document.Tracking
	switch {
	case d.Document.Version == "" || t.ID == "":
		return document{}, fault.New(fault.Invalid, "import.csaf_shape")
	case !strings.HasPrefix(d.Document.Version, "2."):
		return document{}, fault.New(fault.Invalid, "import.csaf_version", "version", clip(d.Document.Version))
	case t.Status != "final" && t.Status != "interim":
		return document{}, fault.New(fault.Invalid, "import.csaf_status", "status", clip(t.Status))
	}
	for _, f := range []struct{ name, value string }{
		{"document.title", d.Document.Title}, {"document.tracking.version", t.Version}, {"document.publisher.name", d.Document.Publisher.Name},
	} {
		if strings.TrimSpace(f.value) == "" {
			return document{}, fault.New(fault.Invalid, "import.csaf_field", "field", f.name)
		}
	}
	published, err := time.Parse(time.RFC3339, t.Initial)
	if err != nil || published.Year() < earliest || published.Year() >= 2100 {
		return document{}, fault.New(fault.Invalid, "import.csaf_date", "value", clip(t.Initial))
	}
	changed, err := time.Parse(time.RFC3339, t.Current)
	if err != nil {
		changed = published
	}
	id := oneLine(t.ID, 100)
	doc := document{
		source: d.source(), id: id, url: d.web(), version: clip(t.Version), published: published,
		edition: "第 " + clip(t.Version) + " 版", Content: notice(o),
	}
	c := &doc.Content
	if label := d.Document.Distribution.TLP.Label; label != "" {
		if c.TLP, err = tlp.Parse(label); err != nil {
			return document{}, err
		}
	}
	kind := "脆弱性"
	if doc.source == sourceOf[CSAF] {
		kind = "医療機器の脆弱性"
	}
	c.NoticeKind = category.Vulnerability
	c.Title = titleText(id + " " + oneLine(d.Document.Title, 120) + "（" + kind + "）")
	c.Products, c.ObservedAt = d.products(), published
	intro := oneLine(d.Document.Publisher.Name, 100) + " が公表した" + kind +
		"の情報です。使っている製品かどうかを確かめ、使っていれば、対応を製造元に確かめてください。"
	for _, most := range []int{250, 80, 0} { // characters about each vulnerability, until it fits
		if c.Body = bodyText(intro, d.facts(id, changed, most)); utf8.RuneCountInString(c.Body) <= maxBody {
			break
		}
	}
	return doc, c.Check(false)
}

// source is under whose name the document is kept: CISA's medical advisories
// under a name of their own, others under their publisher's.
func (d *csafDocument) source() string {
	if d.Document.Publisher.Name == "CISA" && strings.HasPrefix(d.Document.Tracking.ID, "ICSMA-") {
		return sourceOf[CSAF]
	}
	return oneLine(d.Document.Publisher.Name, 100) + " CSAF"
}

// web is the page for people among the document's references to itself.
func (d *csafDocument) web() string {
	for _, r := range d.Document.References {
		if r.Category == "self" && strings.HasPrefix(r.URL, "https://") && !strings.HasSuffix(r.URL, ".json") && len(r.URL) < 1000 {
			return oneLine(r.URL, 1000)
		}
	}
	return ""
}

// products names each product once, with its vendor, one a line.
func (d *csafDocument) products() string {
	var all []string
	size, left := 0, 0
	add := func(name string) {
		name = oneLine(name, 300)
		switch n := len([]rune(name)) + 1; {
		case name == "" || slices.Contains(all, name):
		case size+n > maxProductNames || len(all) == 200:
			left++
		default:
			all, size = append(all, name), size+n
		}
	}
	var walk func(branches []csafBranch, vendor string, depth int)
	walk = func(branches []csafBranch, vendor string, depth int) {
		if depth > maxBranches {
			return
		}
		for _, b := range branches {
			v := vendor
			if b.Category == "vendor" {
				v = b.Name
			}
			if b.Product != nil {
				name := b.Product.Name
				if !strings.HasPrefix(name, v) {
					name = v + " " + name
				}
				add(name)
			}
			walk(b.Branches, v, depth+1)
		}
	}
	walk(d.Products.Branches, "", 0)
	for _, p := range d.Products.Names {
		add(p.Name)
	}
	if left > 0 {
		all = append(all, fmt.Sprintf("ほか %s 製品", locale.Number(int64(left))))
	}
	return strings.Join(all, "\n")
}

func (d *csafDocument) facts(id string, changed time.Time, most int) []fact {
	all := []fact{
		{"番号", prose(id, 100)},
		{labelVersion, d.Document.Tracking.Version + " （" + changed.In(locale.Tokyo).Format(time.DateOnly) + "）"},
		{"影響", prose(d.note("Risk evaluation", "Summary"), 1500)},
		{"悪用のしやすさ", prose(d.note("Exploitability"), 1000)},
		{"製品が使われている地域", prose(d.note("Countries/areas deployed"), 300)},
	}
	var fixes []string
	for i, f := range d.Flaws {
		for _, r := range f.Remediations {
			if s := prose(strings.TrimSpace(r.Details+" "+r.URL), 500); s != "" && !slices.Contains(fixes, s) && len(fixes) < 8 {
				fixes = append(fixes, s)
			}
		}
		if i < maxFlaws {
			all = append(all, f.fact(i, most))
		}
	}
	if left := len(d.Flaws) - maxFlaws; left > 0 {
		all = append(all, fact{"ほかの脆弱性", fmt.Sprintf("%d 件", left)})
	}
	for i, s := range fixes {
		all = append(all, fact{fmt.Sprintf("対応 %d", i+1), s})
	}
	origin := oneLine(d.Document.Publisher.Name, 100)
	if origin == "CISA" {
		origin += "（米国政府の著作物）"
	}
	return append(all, fact{"参考", d.web()}, fact{"出典", origin})
}

// fact describes a vulnerability in one line.
func (f *csafFlaw) fact(i, most int) fact {
	label := oneLine(f.CVE, 40)
	if label == "" {
		label = fmt.Sprintf("脆弱性 %d", i+1)
	}
	var parts []string
	for _, s := range f.Scores {
		score := s.V3
		if score == nil {
			score = s.V2
		}
		if score != nil {
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("CVSS %.1f %s", score.Score, prose(score.Severity, 20))))
			break
		}
	}
	if f.CWE.ID != "" {
		parts = append(parts, prose(f.CWE.ID+" "+f.CWE.Name, 120))
	}
	for _, n := range f.Notes {
		if most > 0 && (n.Category == "summary" || n.Category == "description") {
			parts = append(parts, prose(n.Text, most))
			break
		}
	}
	return fact{label, strings.Join(parts, "、")}
}

// note returns the first note of one of the titles.
func (d *csafDocument) note(titles ...string) string {
	for _, title := range titles {
		for _, n := range d.Document.Notes {
			if strings.EqualFold(n.Title, title) {
				return n.Text
			}
		}
	}
	return ""
}
