// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"

	"teiten/internal/category"
	"teiten/internal/fault"
)

// maxKEV bounds a catalogue, in bytes; CISA's had 1.3 MB in 2025.
const maxKEV = 64 << 20

// vulnerability is an entry of CISA's catalogue of known exploited
// vulnerabilities (its JSON schema, version of 2025).
type vulnerability struct {
	CVE        string   `json:"cveID"`
	Vendor     string   `json:"vendorProject"`
	Product    string   `json:"product"`
	Name       string   `json:"vulnerabilityName"`
	Added      string   `json:"dateAdded"`
	Summary    string   `json:"shortDescription"`
	Action     string   `json:"requiredAction"`
	Due        string   `json:"dueDate"`
	Ransomware string   `json:"knownRansomwareCampaignUse"`
	Notes      string   `json:"notes"`
	CWEs       []string `json:"cwes"`
}

var cveID = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,10}$`)

// readKEV reads a whole catalogue. An entry that lacks what identifies it is a
// problem; anything that is not JSON to the very end refuses the file.
func readKEV(data []byte, o Options) (docs []document, problems []Problem, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	broken := func(err error) error { return badJSON(err, data, d.InputOffset()) }
	if t, err := d.Token(); err != nil {
		return nil, nil, broken(err)
	} else if t != json.Delim('{') {
		return nil, nil, fault.New(fault.Invalid, "import.kev_shape")
	}
	var version string
	count, listed := -1, false
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, broken(err)
		}
		switch name {
		case "catalogVersion":
			err = d.Decode(&version)
		case "count":
			err = d.Decode(&count)
		case "vulnerabilities":
			listed = true
			docs, problems, err = entries(d, data, o)
		default:
			err = d.Decode(new(json.RawMessage))
		}
		if err != nil {
			return nil, nil, broken(err)
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, nil, broken(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, nil, fault.New(fault.Invalid, "import.json_more", "line", lineAt(data, d.InputOffset()))
	}
	if !listed {
		return nil, nil, fault.New(fault.Invalid, "import.kev_shape")
	}
	if n := len(docs) + len(problems); count >= 0 && count != n {
		return nil, nil, fault.New(fault.Invalid, "import.kev_count", "count", count, "found", n)
	}
	for i := range docs {
		docs[i].version, docs[i].edition = clip(version), clip(version)
	}
	return docs, problems, nil
}

func entries(d *json.Decoder, data []byte, o Options) (docs []document, problems []Problem, err error) {
	t, err := d.Token()
	if err != nil {
		return nil, nil, err
	}
	if t != json.Delim('[') {
		return nil, nil, fault.New(fault.Invalid, "import.kev_shape")
	}
	seen := map[string]bool{}
	line, from := int64(1), int64(0)
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, nil, err
		}
		begin := d.InputOffset() - int64(len(raw))
		line, from = line+int64(bytes.Count(data[from:begin], []byte{'\n'})), begin
		var v vulnerability
		doc, err := document{}, json.Unmarshal(raw, &v)
		if err != nil {
			err = badJSON(err, raw, 0)
		} else if doc, err = v.document(o); err == nil && seen[doc.id] {
			err = fault.New(fault.Invalid, "import.kev_twice", "cve", doc.id)
		}
		if err != nil {
			f := *fault.From(err)
			delete(f.Args, "line") // that of the entry is what counts
			problems = append(problems, Problem{Line: line, Err: &f})
			continue
		}
		seen[doc.id] = true
		doc.line = line
		docs = append(docs, doc)
	}
	_, err = d.Token()
	return docs, problems, err
}

const labelRansomware = "ランサムウェアでの悪用"

// document writes the entry as an advisory. Its texts stay English, for a
// translation by us would be ours to answer for.
func (v *vulnerability) document(o Options) (document, error) {
	if !cveID.MatchString(v.CVE) {
		return document{}, fault.New(fault.Invalid, "import.kev_cve", "value", clip(v.CVE))
	}
	for _, f := range []struct{ name, value string }{{"vendorProject", v.Vendor}, {"product", v.Product}} {
		if strings.TrimSpace(f.value) == "" {
			return document{}, fault.New(fault.Invalid, "import.kev_field", "field", f.name, "cve", v.CVE)
		}
	}
	added, ok := day(v.Added)
	if !ok {
		return document{}, fault.New(fault.Invalid, "import.kev_date", "field", "dateAdded", "value", clip(v.Added), "cve", v.CVE)
	}
	if _, ok := day(v.Due); !ok && v.Due != "" {
		return document{}, fault.New(fault.Invalid, "import.kev_date", "field", "dueDate", "value", clip(v.Due), "cve", v.CVE)
	}
	ransomware := prose(v.Ransomware, 100)
	switch v.Ransomware {
	case "Known":
		ransomware = "確認されている"
	case "Unknown":
		ransomware = "知られていない"
	}
	due := v.Due
	if due != "" {
		due += "（米国の政府機関に課された期限）"
	}
	product := oneLine(v.Vendor, 100) + " " + oneLine(v.Product, 1000)
	c := notice(o)
	c.NoticeKind = category.ExploitedVulnerability
	c.Title = titleText(v.CVE + " " + oneLine(product, 150) + "（悪用が確認された脆弱性）")
	c.Products, c.ObservedAt = product, added
	c.Body = bodyText("米国のCISAが、実際の攻撃に使われたことを確かめた脆弱性です。"+
		"使っている製品かどうかを確かめ、使っていれば、期限にかかわらず早く対応してください。", []fact{
		{"製品", prose(product, 1100)},
		{"CVE", v.CVE},
		{"名称", prose(v.Name, 500)},
		{"内容", prose(v.Summary, 5000)},
		{"必要な対応", prose(v.Action, 3000)},
		{"対応の期限", due},
		{labelRansomware, ransomware},
		{"弱点の種類", prose(strings.Join(v.CWEs, ", "), 500)},
		{"カタログへの登録日", v.Added},
		{"参考", oneLine(v.Notes, 3000)},
		{"出典", "CISA Known Exploited Vulnerabilities Catalog（CC0）"},
	})
	if err := c.Check(false); err != nil {
		return document{}, err
	}
	return document{
		source: sourceOf[KEV], id: v.CVE, published: added, Content: c,
		url: "https://www.cisa.gov/known-exploited-vulnerabilities-catalog?search_api_fulltext=" + v.CVE,
	}, nil
}
