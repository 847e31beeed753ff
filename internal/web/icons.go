// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"html/template"
)

// drawings are the icons: paths on a 20 by 20 grid, drawn as lines of the
// text's colour.
var drawings = map[string]string{
	"search":         `<circle cx="8.5" cy="8.5" r="5"/><path d="m12.5 12.5 4.5 4.5"/>`,
	"mail":           `<rect x="2.5" y="4.5" width="15" height="11.5" rx="1.5"/><path d="m3 5.5 7 5.8 7-5.8"/>`,
	"menu":           `<path d="M3 5.5h14M3 10h14M3 14.5h14"/>`,
	"user":           `<circle cx="10" cy="6.5" r="3.2"/><path d="M3.5 17c.6-3.6 3-5.4 6.5-5.4s5.9 1.8 6.5 5.4"/>`,
	"globe":          `<circle cx="10" cy="10" r="7.2"/><path d="M2.8 10h14.4M10 2.8c2.7 2 3.6 4.5 3.6 7.2s-.9 5.2-3.6 7.2c-2.7-2-3.6-4.5-3.6-7.2s.9-5.2 3.6-7.2Z"/>`,
	"check":          `<path d="m3.5 10.5 4.2 4.2 8.8-9.4"/>`,
	"done":           `<circle cx="10" cy="10" r="7.5"/><path d="m6.3 10.3 2.6 2.6 4.9-5.5"/>`,
	"alert":          `<path d="M10 2.8 18 16.8H2Z"/><path d="M10 8v4.3M10 14.3v.4"/>`,
	"stop":           `<path d="M6.9 2.5h6.2l4.4 4.4v6.2l-4.4 4.4H6.9l-4.4-4.4V6.9Z"/><path d="M10 6v5M10 13.5v.4"/>`,
	"info":           `<circle cx="10" cy="10" r="7.5"/><path d="M10 9v5M10 6v.4"/>`,
	"key":            `<circle cx="6.5" cy="13.5" r="3.5"/><path d="m9 11 7.5-7.5M13 7l2.5 2.5"/>`,
	"close":          `<path d="m5 5 10 10M15 5 5 15"/>`,
	"copy":           `<rect x="7" y="7" width="9.5" height="9.5" rx="1.5"/><path d="M13 7V5a1.5 1.5 0 0 0-1.5-1.5H5A1.5 1.5 0 0 0 3.5 5v6.5A1.5 1.5 0 0 0 5 13h2"/>`,
	"download":       `<path d="M10 3v9.5m-4-3.7 4 4 4-4M3.5 16.5h13"/>`,
	"upload":         `<path d="M10 13V3.5M6 7.2l4-4 4 4M3.5 16.5h13"/>`,
	"undo":           `<path d="M7 4 3.5 7.5 7 11M4 7.5h7.5a4.5 4.5 0 0 1 0 9H8"/>`,
	"plus":           `<path d="M10 4v12M4 10h12"/>`,
	"minus":          `<path d="M4 10h12"/>`,
	"right":          `<path d="m7.5 4.5 5.5 5.5-5.5 5.5"/>`,
	"down":           `<path d="m4.5 7.5 5.5 5.5 5.5-5.5"/>`,
	"first":          `<path d="M15 4.5 9.5 10l5.5 5.5M5 4.5v11"/>`,
	"bell":           `<path d="M4 14.5h12l-1.5-2.3V8.5a4.5 4.5 0 0 0-9 0v3.7ZM8.2 17h3.6"/>`,
	"filter":         `<path d="M3 4h14l-5.5 6.5v5l-3 1.5v-6.5Z"/>`,
	"file":           `<path d="M5 2.5h6.5L15.5 6.5v11H5ZM11.5 2.5v4h4"/>`,
	"print":          `<path d="M6 7V3h8v4M6 14H3.5V7h13v7H14M6 11.5h8V17H6Z"/>`,
	"clock":          `<circle cx="10" cy="10" r="7.5"/><path d="M10 5.5V10l3 2"/>`,
	"building":       `<path d="M4 17.5v-15h8v15M12 8h4v9.5M2.5 17.5h15M8 5v3M6.5 6.5h3M6.7 11.5h2.6M6.7 14.5h2.6"/>`,
	"chart":          `<path d="M3 3v14h14M7 14v-4M11 14V6M15 14V9"/>`,
	"help":           `<circle cx="10" cy="10" r="7.5"/><path d="M7.6 7.8C7.7 6.5 8.6 5.7 10 5.7s2.4.8 2.4 2c0 1.8-2.4 1.7-2.4 3.7M10 13.9v.4"/>`,
	"shield":         `<path d="M10 2.5 16.5 5v4.5c0 3.8-2.5 6.5-6.5 8-4-1.5-6.5-4.2-6.5-8V5Z"/>`,
	"sighting":       `<path d="M2 10c2-3.5 4.7-5.2 8-5.2s6 1.7 8 5.2c-2 3.5-4.7 5.2-8 5.2S4 13.5 2 10Z"/><circle cx="10" cy="10" r="2.4"/>`,
	"malicious_site": `<rect x="2.5" y="3.5" width="15" height="13" rx="1.5"/><path d="M2.5 7h15M7.5 9.7l5 4.6M12.5 9.7l-5 4.6"/>`,
	"phishing":       `<path d="M11.5 2.5v9a3.7 3.7 0 0 1-7.4 0V9l2.8 2.5"/><circle cx="11.5" cy="2.8" r=".6"/><path d="M11.5 6h5"/>`,
	"targeted":       `<circle cx="10" cy="10" r="6.5"/><circle cx="10" cy="10" r="2.2"/><path d="M10 1.5v4M10 14.5v4M1.5 10h4M14.5 10h4"/>`,
	"notice":         `<path d="M3 8v4h3l7.5 4V4L6 8ZM16 8c.9 1.2.9 2.8 0 4M6 12l1 4.5h2l-.8-3.3"/>`,
}

// icon returns a drawing. It is decoration: the words beside it say the same.
func icon(name string) (template.HTML, error) {
	paths, ok := drawings[name]
	if !ok {
		return "", fmt.Errorf("web: no icon %q", name)
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">` + paths + `</svg>`), nil
}
