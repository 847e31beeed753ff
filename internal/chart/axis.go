// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"teiten/internal/locale"
)

// Months returns the labels of n months from the month of t, in Tokyo.
func Months(lang locale.Lang, t time.Time, n int) []Label {
	t = t.In(locale.Tokyo)
	labels := make([]Label, 0, max(n, 0))
	for i := range n {
		m := time.Date(t.Year(), t.Month()+time.Month(i), 1, 0, 0, 0, 0, locale.Tokyo)
		if lang == locale.English {
			labels = append(labels, Label{m.Format("Jan"), m.Format("2006")})
		} else {
			labels = append(labels, Label{strconv.Itoa(int(m.Month())) + "月", strconv.Itoa(m.Year()) + "年"})
		}
	}
	return labels
}

// Days returns the labels of n days from the day of t, in Tokyo.
func Days(lang locale.Lang, t time.Time, n int) []Label {
	t = t.In(locale.Tokyo)
	labels := make([]Label, 0, max(n, 0))
	for i := range n {
		d := time.Date(t.Year(), t.Month(), t.Day()+i, 0, 0, 0, 0, locale.Tokyo)
		if lang == locale.English {
			labels = append(labels, Label{strconv.Itoa(d.Day()), d.Format("Jan 2006")})
		} else {
			labels = append(labels, Label{strconv.Itoa(d.Day()), d.Format("2006年1月")})
		}
	}
	return labels
}

// ticks returns the values marked on the vertical axis, from zero in equal
// round steps (1, 2 or 5 times a power of ten) to at least most. Counts have no
// marks between whole numbers.
func ticks(most float64) []float64 {
	const wanted = 5
	step := 1.0
	if most > wanted {
		power := math.Pow(10, math.Floor(math.Log10(most/wanted)))
		step = 10 * power
		for _, m := range []float64{1, 2, 5} {
			if m*power*wanted >= most {
				step = m * power
				break
			}
		}
	}
	list := []float64{0}
	for i := 1.0; list[len(list)-1] < most || i == 1; i++ {
		list = append(list, i*step)
	}
	return list
}

// write gives a number as text: whole with commas, otherwise one decimal.
func write(v float64) string {
	if v == math.Trunc(v) {
		if math.Abs(v) < 1<<62 {
			return locale.Number(int64(v))
		}
		return strconv.FormatFloat(v, 'e', 2, 64)
	}
	whole, part, _ := strings.Cut(strconv.FormatFloat(v, 'f', 1, 64), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return strconv.FormatFloat(v, 'e', 2, 64)
	}
	if part == "0" {
		return locale.Number(n)
	}
	return locale.Number(n) + "." + part
}

// short gives a number of an axis in little room: 12万 and 3億, 120k and 3M.
func short(lang locale.Lang, v float64) string {
	type unit struct {
		size float64
		name string
	}
	units := []unit{{1e12, "兆"}, {1e8, "億"}, {1e4, "万"}}
	if lang == locale.English {
		units = []unit{{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e4, "k"}}
	}
	for _, u := range units {
		if v >= u.size {
			size := u.size
			if u.name == "k" {
				size = 1e3 // from ten thousand on, counted in thousands
			}
			if q := v / size; q < 1e6 {
				return strconv.FormatFloat(q, 'f', -1, 64) + u.name
			}
			return fmt.Sprintf("%.0e", v)
		}
	}
	return write(v)
}

// num writes a coordinate with at most three decimals.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 3, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}
