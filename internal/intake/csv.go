// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"io"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

// column is what a column of a CSV file says of its row.
type column int

const (
	ofValue column = iota
	ofKind
	ofDate
	ofBrand
	ofCategory
	ofConfidence
	ofTLP
	columns
)

// headers are the names by which columns are recognised, after NFKC, in lower
// case and without blanks, "_" and "-". The first name of each language is the
// one that help texts give.
var headers = map[column][]string{
	ofValue: {"value", "指標", "indicator", "ioc", "url", "domain", "ip", "host", "hash", "address", "ドメイン", "ipアドレス",
		"ハッシュ", "ハッシュ値", "アドレス", "値", "ホスト", "observable"},
	ofKind:       {"kind", "種類", "type", "種別", "indicatortype", "iocタイプ", "タイプ"},
	ofDate:       {"date", "日付", "観測日時", "日時", "観測日", "確認日", "確認日時", "検知日時", "検知日", "observedat", "datetime", "time", "timestamp", "firstseen", "lastseen", "dateadded"},
	ofBrand:      {"brand", "ブランド", "なりすまし先", "description", "騙られたブランド", "target"},
	ofCategory:   {"category", "分類", "カテゴリ", "カテゴリー"},
	ofConfidence: {"confidence", "確度", "信頼度"},
	ofTLP:        {"tlp", "共有範囲"},
}

var columnOf = func() map[string]column {
	m := map[string]column{}
	for c, names := range headers {
		for _, n := range names {
			m[n] = c
		}
	}
	return m
}()

var headerSpace = strings.NewReplacer(" ", "", "　", "", "_", "", "-", "", "\ufeff", "")

// layout says which field is what; -1 for a column that is absent.
type layout struct {
	at      [columns]int
	width   int
	ignored []string
}

// readHeader recognises the columns of a header row; false without a column
// for the value. Of two columns of one meaning the first counts, but "url"
// before "host" or "ip" beside it.
func readHeader(fields []string) (l layout, ok bool) {
	for c := range l.at {
		l.at[c] = -1
	}
	l.width = len(fields)
	for i, f := range fields {
		name := headerSpace.Replace(strings.ToLower(norm.NFKC.String(strings.TrimSpace(f))))
		c, known := columnOf[name]
		switch {
		case known && (l.at[c] < 0 || name == "url"):
			l.at[c] = i
		default:
			l.ignored = append(l.ignored, clip(f))
		}
	}
	return l, l.at[ofValue] >= 0
}

// readCSV reads a table whose header names its columns. The delimiter is the one
// with which the header makes sense. Lines before the header and rows that begin
// with "#" are comments; a header may stand in one.
func readCSV(in io.Reader, r *refiner) (ignored []string, err error) {
	t := &table{lines: newLines(in)}
	l, err := t.header()
	if err != nil {
		return nil, err
	}
	for {
		fields, line, err := t.next()
		switch {
		case err == io.EOF:
			return l.ignored, nil
		case skips(err):
			err = r.reject(line, err)
		case err != nil:
			return l.ignored, damaged(err, line)
		case strings.HasPrefix(fields[0], "#"):
		case len(fields) <= l.last(), len(fields) > l.width && !blank(fields[l.width:]):
			err = r.reject(line, fault.New(fault.Invalid, "import.columns", "want", l.width, "found", len(fields)))
		default:
			err = r.csvRow(line, l, fields)
		}
		if err != nil {
			return l.ignored, err
		}
	}
}

func (t *table) header() (layout, error) {
	for range 100 {
		text, err := t.lines.next()
		if err == io.EOF {
			break
		}
		if err != nil && !skips(err) {
			return layout{}, damaged(err, t.lines.n)
		}
		comment := strings.HasPrefix(text, "#")
		if strings.TrimSpace(text) == "" {
			continue
		}
		for _, comma := range []byte{',', '\t', ';'} {
			t.comma = comma
			if open, err := t.split(strings.TrimSpace(strings.TrimLeft(text, "#"))); err == nil && !open {
				if l, ok := readHeader(t.fields); ok {
					return l, nil
				}
			}
		}
		if !comment {
			break
		}
	}
	return layout{}, fault.New(fault.Invalid, "import.csv_header", "names", headerNames())
}

// headerNames lists the accepted names for the message.
func headerNames() string {
	var all []string
	for c := range columns {
		all = append(all, headers[c][0]+" / "+headers[c][1])
	}
	return strings.Join(all, ", ")
}

// last is the last column that is read: rows may leave out those behind it.
func (l *layout) last() int {
	last := 0
	for _, at := range l.at {
		last = max(last, at)
	}
	return last
}

func (l *layout) field(fields []string, c column) string {
	if i := l.at[c]; i >= 0 && i < len(fields) {
		return strings.TrimSpace(fields[i])
	}
	return ""
}

func (r *refiner) csvRow(line int64, l layout, fields []string) error {
	w := row{line: line, brand: l.field(fields, ofBrand), confidence: intel.DefaultConfidence, tlp: r.opts.TLP, category: r.opts.Category}
	// Not trimmed: blanks in the value itself are part of what was written.
	w.written = fields[l.at[ofValue]]
	if strings.TrimSpace(w.written) == "" {
		return r.reject(line, fault.New(fault.Invalid, "import.value_empty"))
	}
	if w.brand == "" {
		w.brand = r.opts.Brand
	}
	var err error
	if w.seen, err = parseDate(l.field(fields, ofDate), r.opts.now); err != nil {
		return r.reject(line, err)
	}
	if w.kind, err = parseKind(l.field(fields, ofKind)); err != nil {
		return r.reject(line, err)
	}
	if s := l.field(fields, ofCategory); s != "" {
		if w.category, err = parseCategory(s); err != nil {
			return r.reject(line, err)
		}
	}
	if s := l.field(fields, ofConfidence); s != "" {
		n, err := strconv.Atoi(strings.TrimSuffix(norm.NFKC.String(s), "%"))
		if err != nil || n < 0 || n > 100 {
			return r.reject(line, fault.New(fault.Invalid, "import.confidence", "value", quote(s)))
		}
		w.confidence = n
	}
	if s := l.field(fields, ofTLP); s != "" {
		if w.tlp, err = tlp.Parse(norm.NFKC.String(s)); err != nil {
			return r.reject(line, err)
		}
	}
	if r.narrow {
		w.tlp = tlp.Red
	}
	for c := range columns {
		w.identity = append(w.identity, l.field(fields, c))
	}
	return r.add(w)
}

// kindNames are the words for kinds in tables of others: our own, Japanese ones,
// and those of MISP and of mail and proxy products.
var kindNames = map[string]indicator.Kind{
	"uri": indicator.URL, "link": indicator.URL,
	"hostname": indicator.Domain, "host": indicator.Domain, "fqdn": indicator.Domain, "ドメイン": indicator.Domain, "ドメイン名": indicator.Domain, "ホスト名": indicator.Domain, "ホスト": indicator.Domain,
	"network": indicator.CIDR, "ネットワーク": indicator.CIDR,
	"mail": indicator.Email, "emailsrc": indicator.Email, "emaildst": indicator.Email, "メール": indicator.Email, "メールアドレス": indicator.Email,
}

// loose are words for several kinds: the value tells which.
var loose = map[string]bool{
	"": true, "ip": true, "ipアドレス": true, "ipaddress": true, "ipsrc": true, "ipdst": true, "address": true, "アドレス": true,
	"hash": true, "ハッシュ": true, "ハッシュ値": true, "file": true, "ファイル": true, "ioc": true, "indicator": true,
}

func parseKind(s string) (indicator.Kind, error) {
	name := headerSpace.Replace(strings.ToLower(norm.NFKC.String(s)))
	if loose[name] {
		return "", nil
	}
	for _, k := range indicator.Kinds {
		if name == string(k) {
			return k, nil
		}
	}
	if k, ok := kindNames[name]; ok {
		return k, nil
	}
	return "", fault.New(fault.Invalid, "indicator.kind", "kind", clip(s))
}

func parseCategory(s string) (category.Category, error) {
	s = norm.NFKC.String(s)
	for _, c := range category.All() {
		for _, lang := range locale.Langs {
			if strings.EqualFold(s, c.Name(lang)) || strings.EqualFold(s, string(c)) {
				return c, nil
			}
		}
	}
	return "", fault.New(fault.Invalid, "category.unknown", "value", clip(s))
}

func blank(fields []string) bool {
	for _, f := range fields {
		if strings.TrimSpace(f) != "" {
			return false
		}
	}
	return true
}
