// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import "teiten/internal/indicator"

// marked makes a rule of a mark on files.
func marked(id string, weight int, of family, code string) rule {
	return rule{id, weight, of, func(v *view, say sayer) {
		if f, m := v.marked(code); f != nil {
			say(0, at("file", f.Path, m.what), "file", clip(f.Name), "what", defanged(m.what))
		}
	}}
}

// weighed makes a rule of a mark whose weight depends on what else is in the
// mail.
func weighed(id string, most int, of family, code string, weight func(v *view, f *file) int) rule {
	return rule{id, most, of, func(v *view, say sayer) {
		if f, _ := v.marked(code); f != nil {
			say(weight(v, f), at("file", f.Path, f.Name), "file", clip(f.Name))
		}
	}}
}

// marked returns the first file with the mark, nil for none.
func (v *view) marked(code string) (*file, mark) {
	for _, f := range v.files {
		for _, m := range f.marks {
			if m.code == code {
				return f, m
			}
		}
	}
	return nil, mark{}
}

func defanged(s string) string {
	if v, ok := indicator.Recognise(s); ok && v.Kind == indicator.URL {
		return shown(v)
	}
	return clip(s)
}

var formRules = []rule{
	{"form.mail", 50, formFamily, func(v *view, say sayer) {
		for _, b := range v.bodies {
			if b.r != nil && (b.r.page.passwords > 0 || b.r.page.forms > 0 && b.r.page.inputs >= 2 && v.has(password, card, login)) {
				weight := 40
				if b.r.page.passwords > 0 {
					weight = 60
				}
				say(weight, at("form", b.path, ""))
				return
			}
		}
	}},
	marked("form.file", 80, formFamily, "form"),
	{"form.script", 30, formFamily, func(v *view, say sayer) {
		for _, b := range v.bodies {
			if b.r != nil && (b.r.page.scripts > 0 || b.r.page.handlers > 2) {
				weight := 10
				if smuggles(b.r.page.script.String()) != "" {
					weight = 40
				}
				say(weight, at("html", b.path, ""))
				return
			}
		}
	}},
}

var fileRules = []rule{
	marked("file.program", 80, fileFamily, "program"),
	marked("file.script", 80, fileFamily, "script"),
	marked("file.container", 65, fileFamily, "container"),
	marked("file.archive_program", 80, fileFamily, "archive_program"),
	marked("file.archive_macro", 45, fileFamily, "archive_macro"),
	marked("file.archive_html", 40, fileFamily, "archive_html"),
	marked("file.smuggling", 85, disguiseFamily, "smuggling"),
	marked("file.svg_script", 75, fileFamily, "svg_script"),
	marked("file.svg_link", 50, fileFamily, "svg_link"),
	marked("file.forwards", 45, fileFamily, "forwards"),
	weighed("file.html", 30, fileFamily, "html", func(v *view, f *file) int {
		if v.asks() || v.has(paper, openIt, deadline, login) || f.has("form_plain") {
			return 35
		}
		return 15
	}),
	weighed("file.macro", 40, fileFamily, "macro", func(v *view, _ *file) int {
		if v.has(macro, paper, deadline) {
			return 45
		}
		return 25 // hospitals do mail sheets with macros
	}),
	marked("file.template", 70, disguiseFamily, "template"),
	marked("file.object", 30, fileFamily, "object"),
	marked("file.double", 80, disguiseFamily, "double"),
	marked("file.rlo", 90, disguiseFamily, "rlo"),
	marked("file.spaces", 80, disguiseFamily, "spaces"),
	marked("file.mismatch", 60, disguiseFamily, "mismatch"),
	marked("file.pdf_launch", 60, fileFamily, "pdf_launch"),
	weighed("file.pdf_script", 35, fileFamily, "pdf_script", func(_ *view, f *file) int {
		if f.has("pdf_action") || f.has("pdf_file") {
			return 40
		}
		return 15 // forms of authorities have scripts, and seldom start by themselves
	}),
	{"file.pdf_link", 25, fileFamily, func(v *view, say sayer) {
		for _, f := range v.files {
			for _, m := range f.marks {
				if m.code != "pdf_link" || !v.asks() {
					continue
				}
				if val, _, ok := normal(m.what); ok && !v.isOwn(val.Host) && v.k.brandOf(val.Host) == nil && !registered(val.Host) {
					say(0, at("file", f.Path, m.what), "file", clip(f.Name), "host", shownHost(val.Host))
					return
				}
			}
		}
	}},
	{"file.encrypted", 0, fileFamily, encryptedFile},
}

// encryptedFile: an encrypted archive cannot be looked into by any gateway. In
// Japan it is also an ordinary habit to send one and its password in a second
// mail (PPAP), so that alone, and with the promise of a password, it means
// nothing. With the password beside it, it hides from gateways only.
func encryptedFile(v *view, say sayer) {
	for _, f := range v.files {
		if !f.Encrypted || f.kind == "pdf" || f.kind == "ole" {
			continue
		}
		weight := 0
		if v.has(archivePassword) && !v.has(passwordLater) {
			weight = 35
			if v.free || v.has(deadline, run) || f.has("archive_program") || f.has("archive_macro") || v.has(macro) || v.saysOther() {
				weight = 45
			}
		}
		say(weight, at("file", f.Path, f.Name), "file", clip(f.Name))
		return
	}
}

// saysOther reports whether the display name is another address or a name of ours.
func (v *view) saysOther() bool {
	other := false
	mark := func(int, []Place, ...any) { other = true }
	nameAddress(v, mark)
	nameOwn(v, mark)
	return other
}
