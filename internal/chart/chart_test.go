// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"teiten/internal/locale"
)

var update = flag.Bool("update", false, "write the golden files")

var april = time.Date(2025, 4, 1, 0, 0, 0, 0, locale.Tokyo)

// year is a chart of n series over 12 months.
func year(lang locale.Lang, n int) Chart {
	c := Chart{
		ID: "c", Lang: lang, Title: "月ごとの <登録> & 件数", Desc: "過去 12 か月の件数です。", Unit: "件", Across: "月",
		Labels: Months(lang, april, 12),
	}
	for i := range n {
		s := Series{Name: fmt.Sprintf("系列 %d", i+1)}
		for at := range c.Labels {
			s.Values = append(s.Values, float64((i*7+at*5)%13))
		}
		c.Series = append(c.Series, s)
	}
	return c
}

func TestGolden(t *testing.T) {
	gap := year(locale.Japanese, 2)
	gap.Series[0].Values[3] = None
	gap.Series[1].Values = gap.Series[1].Values[:5]
	for name, got := range map[string]template.HTML{
		"bars":      year(locale.Japanese, 1).Bars(),
		"bars-en":   year(locale.English, 1).Bars(),
		"grouped":   year(locale.Japanese, 3).Bars(),
		"stacked":   year(locale.Japanese, 4).StackedBars(),
		"many":      year(locale.Japanese, 60).StackedBars(),
		"lines":     gap.Lines(),
		"ranking":   year(locale.Japanese, 1).Ranking(),
		"sparkline": Sparkline(locale.Japanese, "登録", []float64{1, 4, None, 2, 8}),
	} {
		t.Run(name, func(t *testing.T) {
			elements(t, got)
			file := filepath.Join("testdata", name+".html")
			text := strings.ReplaceAll(string(got), "><", ">\n<") + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if text != string(want) {
				t.Errorf("differs from %s; look at the drawing, then run with -update", file)
			}
		})
	}
}

// element is a start tag with the tags around it.
type element struct {
	name, parent string
	attr         map[string]string
	in           string // class of the drawing it stands in
}

// elements reads a drawing as XML, which it must be, and holds what the content
// security policy and screen readers need.
func elements(t *testing.T, h template.HTML) []element {
	t.Helper()
	var list []element
	var path []string
	in, ids := "", map[string]bool{}
	var refers []string
	d := xml.NewDecoder(strings.NewReader(string(h)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attr: map[string]string{}, in: in}
			if len(path) > 0 {
				e.parent = path[len(path)-1]
			}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
				switch {
				case a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on"):
					t.Errorf("<%s %s>: forbidden by the content security policy", e.name, a.Name.Local)
				case a.Name.Local == "id" && ids[a.Value]:
					t.Errorf("id %q stands twice", a.Value)
				case a.Name.Local == "id":
					ids[a.Value] = true
				case a.Name.Local == "aria-labelledby":
					refers = append(refers, strings.Fields(a.Value)...)
				case strings.HasPrefix(a.Value, "url(#"):
					refers = append(refers, strings.TrimSuffix(strings.TrimPrefix(a.Value, "url(#"), ")"))
				}
				for _, bad := range []string{"NaN", "Inf", "e+"} {
					if strings.Contains(a.Value, bad) && a.Name.Local != "aria-label" {
						t.Errorf("<%s %s=%q>", e.name, a.Name.Local, a.Value)
					}
				}
			}
			if e.name == "svg" {
				in = e.attr["class"]
				e.in = in
				if e.attr["aria-hidden"] != "true" && (e.attr["role"] != "img" || e.attr["aria-labelledby"]+e.attr["aria-label"] == "") {
					t.Errorf("<svg class=%q> has no name", in)
				}
			}
			path = append(path, e.name)
			list = append(list, e)
		case xml.EndElement:
			path = path[:len(path)-1]
			if token.Name.Local == "svg" {
				in = ""
			}
		}
	}
	for _, id := range refers {
		if !ids[id] {
			t.Errorf("#%s is not there", id)
		}
	}
	return list
}

func (e element) number(t *testing.T, name string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(e.attr[name], 64)
	if err != nil {
		t.Fatalf("<%s %s=%q>: %v", e.name, name, e.attr[name], err)
	}
	return v
}

// bars returns the rectangles of one drawing.
func bars(list []element, in string) (found []element) {
	for _, e := range list {
		if e.name == "rect" && strings.HasPrefix(e.attr["class"], "bar ") && e.in == in {
			found = append(found, e)
		}
	}
	return found
}

// TestBarsAreProportional draws random counts: each bar's height is its number
// times one factor, to the thousandth of a pixel that coordinates have.
func TestBarsAreProportional(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		c := year(locale.Japanese, 1)
		n := 1 + random.IntN(40)
		c.Labels, c.Series[0].Values = Days(locale.Japanese, april, n), nil
		scale := math.Pow(10, float64(random.IntN(9)))
		var drawn []float64
		for range n {
			v := math.Floor(random.Float64() * scale)
			c.Series[0].Values = append(c.Series[0].Values, v)
			if v > 0 {
				drawn = append(drawn, v)
			}
		}
		checkProportion(t, c.Bars(), "chart chart-wide", "height", drawn)
		checkProportion(t, c.Bars(), "chart chart-narrow", "height", drawn)
		checkProportion(t, c.Ranking(), "chart chart-wide", "width", drawn)
	}
}

func checkProportion(t *testing.T, drawing template.HTML, in, side string, values []float64) {
	t.Helper()
	// A bar too flat for a thousandth of a pixel is written with height 0 and
	// still counts as one.
	rects := bars(elements(t, drawing), in)
	if len(rects) != len(values) {
		t.Fatalf("%d bars for %d numbers", len(rects), len(values))
	}
	most, length := 0.0, 0.0
	for i, r := range rects {
		if values[i] > most {
			most, length = values[i], r.number(t, side)
		}
	}
	for i, r := range rects {
		if got, want := r.number(t, side), length*values[i]/most; math.Abs(got-want) > 0.0011 {
			t.Errorf("%g of %g is drawn as %g of %g, want %g", values[i], most, got, length, want)
		}
	}
}

// TestStacksAddUp draws random stacks: heights are proportional, each part
// begins where the one below ends, and the axis' marks lie where they say.
func TestStacksAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		c := year(locale.Japanese, 1+random.IntN(8))
		for i := range c.Series {
			for at := range c.Labels {
				c.Series[i].Values[at] = float64(random.IntN(1000))
			}
		}
		list := elements(t, c.StackedBars())
		rects := bars(list, "chart chart-wide")
		k, most := 0, 0.0
		for at := range c.Labels {
			total, _ := sumAt(c.Series, at)
			most = max(most, total)
		}
		marks := ticks(most)
		perUnit := 240 / marks[len(marks)-1]
		for at := range c.Labels {
			bottom := 262.0
			for _, s := range c.Series {
				v := s.Values[at]
				if v == 0 {
					continue
				}
				y, h := rects[k].number(t, "y"), rects[k].number(t, "height")
				if math.Abs(h-v*perUnit) > 0.0011 || math.Abs(y+h-bottom) > 0.003 {
					t.Fatalf("%g is drawn %g high from %g, want %g from %g", v, h, y+h, v*perUnit, bottom)
				}
				bottom = y
				k++
			}
		}
		if k != len(rects) {
			t.Errorf("%d bars, want %d", len(rects), k)
		}
	}
}

func TestTicks(t *testing.T) {
	for most, want := range map[float64][]float64{
		0: {0, 1}, 1: {0, 1}, 3: {0, 1, 2, 3}, 5: {0, 1, 2, 3, 4, 5}, 6: {0, 2, 4, 6}, 10: {0, 2, 4, 6, 8, 10},
		11: {0, 5, 10, 15}, 76: {0, 20, 40, 60, 80}, 100: {0, 20, 40, 60, 80, 100}, 101: {0, 50, 100, 150},
		43000: {0, 10000, 20000, 30000, 40000, 50000}, 2.5: {0, 1, 2, 3},
	} {
		if got := ticks(most); !slices.Equal(got, want) {
			t.Errorf("ticks(%g) = %v, want %v", most, got, want)
		}
	}
	random := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		most := math.Pow(10, random.Float64()*15)
		got := ticks(most)
		if last := got[len(got)-1]; last < most || got[len(got)-2] >= most || len(got) > 7 {
			t.Errorf("ticks(%g) = %v", most, got)
		}
	}
}

func TestNothingToDraw(t *testing.T) {
	for name, c := range map[string]Chart{
		"no series": year(locale.Japanese, 0),
		"no labels": {ID: "c", Lang: locale.Japanese, Series: []Series{{Values: []float64{1}}}},
		"unknown":   {ID: "c", Lang: locale.Japanese, Labels: []Label{{Text: "a"}}, Series: []Series{{Values: []float64{None}}}},
		"negative":  {ID: "c", Lang: locale.Japanese, Labels: []Label{{Text: "a"}}, Series: []Series{{Values: []float64{-1}}}},
		"infinite":  {ID: "c", Lang: locale.Japanese, Labels: []Label{{Text: "a"}}, Series: []Series{{Values: []float64{math.Inf(1)}}}},
	} {
		for _, got := range []template.HTML{c.Bars(), c.StackedBars(), c.Lines(), c.Ranking()} {
			elements(t, got)
			if !strings.Contains(string(got), "まだありません") || strings.Contains(string(got), "<svg") {
				t.Errorf("%s: %s", name, got)
			}
		}
		elements(t, c.Table())
	}
	if Sparkline(locale.Japanese, "x", []float64{1}) != "" || Sparkline(locale.Japanese, "x", nil) != "" {
		t.Error("a line of one point")
	}
}

func TestExtremes(t *testing.T) {
	for name, values := range map[string][]float64{
		"zero": {0, 0}, "one point": {7}, "huge": {1, 9e15, 3e12}, "huger": {1e300, 1e18}, "fraction": {0.25, 1.5}, "gap": {None, 3, None},
	} {
		t.Run(name, func(t *testing.T) {
			c := Chart{ID: "c", Lang: locale.Japanese, Title: "t", Labels: Months(locale.Japanese, april, len(values)), Series: []Series{{Values: values}}}
			for _, got := range []template.HTML{c.Bars(), c.StackedBars(), c.Lines(), c.Ranking(), Sparkline(locale.English, "t", values)} {
				if got != "" {
					elements(t, got)
				}
			}
		})
	}
}

func TestManySeries(t *testing.T) {
	c := year(locale.Japanese, 60)
	c.Sums = true
	shown := c.top()
	if len(shown) != Classes || shown[Classes-1].Name != "その他（53）" || c.look(Classes-1, shown) != 0 {
		t.Fatalf("%d series, the last %q", len(shown), shown[len(shown)-1].Name)
	}
	for at := range c.Labels {
		want, _ := sumAt(c.Series, at)
		if got, _ := sumAt(shown, at); got != want {
			t.Errorf("label %d: the drawing adds up to %g, the numbers to %g", at, got, want)
		}
	}
	if rows := strings.Count(string(c.Table()), `<th scope="row">`); rows != 60 {
		t.Errorf("the table has %d of 60 series", rows)
	}
	c.Sums = false
	if shown = c.top(); len(shown) != Classes-1 {
		t.Errorf("medians were added: %d series", len(shown))
	}
	if !strings.Contains(string(c.Lines()), "ほかの 53 系列") {
		t.Error("the legend does not say that series are missing")
	}
	if got := len(year(locale.Japanese, 8).top()); got != 8 {
		t.Errorf("8 series become %d", got)
	}
}

// TestLooksDiffer holds that two series never differ by colour alone.
func TestLooksDiffer(t *testing.T) {
	fills, lines := map[string]int{}, map[string]int{}
	for look := 1; look <= Classes; look++ {
		if other, twice := fills[hatches[look]]; twice {
			t.Errorf("looks %d and %d have one pattern", other, look)
		}
		fills[hatches[look]] = look
		if other, twice := lines[points[look]]; twice || points[look] == "" {
			t.Errorf("looks %d and %d have one point", other, look)
		}
		lines[points[look]] = look
	}
}

func TestLabels(t *testing.T) {
	ja := Months(locale.Japanese, time.Date(2025, 11, 30, 20, 0, 0, 0, time.UTC), 3)
	if want := []Label{{"12月", "2025年"}, {"1月", "2026年"}, {"2月", "2026年"}}; !slices.Equal(ja, want) {
		t.Errorf("%v, want %v: months are those of Tokyo", ja, want)
	}
	if en := Months(locale.English, april, 1); en[0] != (Label{"Apr", "2025"}) {
		t.Errorf("%v", en)
	}
	if days := Days(locale.Japanese, time.Date(2024, 2, 28, 0, 0, 0, 0, locale.Tokyo), 3); !slices.Equal(days, []Label{{"28", "2024年2月"}, {"29", "2024年2月"}, {"1", "2024年3月"}}) {
		t.Errorf("%v", days)
	}
	for _, c := range []struct {
		lang locale.Lang
		v    float64
		want string
	}{
		{"ja", 9999, "9,999"}, {"ja", 10000, "1万"}, {"ja", 25000, "2.5万"}, {"ja", 2e8, "2億"}, {"ja", 3e12, "3兆"},
		{"en", 9999, "9,999"}, {"en", 25000, "25k"}, {"en", 2e6, "2M"}, {"en", 2e9, "2B"}, {"ja", 0.5, "0.5"},
	} {
		if got := short(c.lang, c.v); got != c.want {
			t.Errorf("short(%s, %g) = %q, want %q", c.lang, c.v, got, c.want)
		}
	}
	if got := fit("とても長い施設の名前がここに入ります", 100); !strings.HasSuffix(got, "…") || float64(textWidth(got)) > 100 {
		t.Errorf("fit: %q", got)
	}
	// Labels never touch: at 340 pixels 31 days are thinned out.
	c := Chart{ID: "c", Lang: locale.Japanese, Labels: Days(locale.Japanese, april, 31), Series: []Series{{Values: make([]float64, 31)}}}
	var last float64
	n := 0
	for _, e := range elements(t, c.Bars()) {
		if e.in == "chart chart-narrow" && e.name == "text" && e.attr["text-anchor"] == "middle" && e.attr["y"] == "225" {
			if x := e.number(t, "x"); n > 0 && x-last < 2*digit {
				t.Errorf("labels at %g and %g touch", last, x)
			}
			last = e.number(t, "x")
			n++
		}
	}
	if n < 5 {
		t.Errorf("%d labels of 31 days", n)
	}
}

func BenchmarkStackedBars(b *testing.B) {
	c := year(locale.Japanese, 4)
	for b.Loop() {
		_ = c.StackedBars()
	}
}
