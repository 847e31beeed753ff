// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"

	"teiten/internal/intel"
	"teiten/internal/technique"
)

// aboutPage says what runs here, under which terms, and where its data are from.
type aboutPage struct {
	Head
	Version  string
	Revision string
	Platform string
	Engine   string
	Modules  []aboutModule
	Lists    []aboutList
	Notice   template.HTML // of ATT&CK
}

type aboutModule struct{ Path, Version string }

type aboutList struct {
	Name    string
	Version int
	Values  int
	Own     bool // written for this program
}

func (s *Server) about(w http.ResponseWriter, r *http.Request, q *Request) error {
	page := &aboutPage{Head: q.Head(q.T("tools.about.title")), Platform: runtime.GOOS + "/" + runtime.GOARCH + ", " + runtime.Version()}
	page.Version, page.Revision = q.T("tools.about.development"), ""
	if s.Config.Version != "" {
		page.Version = s.Config.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		page.build(info)
	}
	page.Engine = s.DB.Engine().String()
	lists, err := intel.Lists(r.Context(), s.DB)
	if err != nil {
		return err
	}
	for _, l := range lists {
		if l.Bundled {
			page.Lists = append(page.Lists, aboutList{l.Name, l.Version, l.Values, strings.HasPrefix(l.Slug, "teiten-")})
		}
	}
	// The notice begins with a heading of its own; the page has one.
	_, notice, _ := strings.Cut(technique.Notice(), "\n")
	if page.Notice, err = renderProse(notice); err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "about", page)
}

// build takes revision and libraries from what the compiler recorded.
func (p *aboutPage) build(info *debug.BuildInfo) {
	for _, set := range info.Settings {
		if set.Key == "vcs.revision" {
			p.Revision = set.Value[:min(12, len(set.Value))]
		}
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		p.Modules = append(p.Modules, aboutModule{m.Path, m.Version})
	}
}
