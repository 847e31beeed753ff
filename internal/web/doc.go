// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package web is the portal that people see: pages rendered on the server that
// work without JavaScript, in Japanese and in English.
//
// # Add a page
//
// A page named "lessons" takes four small steps.
//
// First, lessons.go: the page struct and the handler. The struct embeds [Head];
// all that the template shows is a typed field. A handler returns its errors,
// which are rendered in one place, and writes nothing before that.
//
//	type lessonsPage struct {
//		Head
//		Lessons []lesson.Lesson
//		Pager   Pager
//	}
//
//	func (s *Server) lessons(w http.ResponseWriter, r *http.Request, q *Request) error {
//		list, next, err := s.Lessons.List(r.Context(), q.Caller, q.Get("after"))
//		if err != nil {
//			return err
//		}
//		return s.render(w, q, http.StatusOK, "lessons", &lessonsPage{
//			Head:    q.Head(q.T("lessons.title")),
//			Lessons: list,
//			Pager:   q.Pager(len(list), 0, next),
//		})
//	}
//
// Second, templates/lessons.html, which defines "main". The dot is the page
// struct, with the fields and methods of Head and Request within reach, such as
// .Title, .Caller, .Now and .With. The parts in templates/parts.html are shared
// by every page and shown at /style; the functions are listed at Server.funcs.
//
//	{{define "main"}}
//	<h1>{{.Title}}</h1>
//	<ul>{{range .Lessons}}<li>{{.Name}} {{tlp .TLP}} {{ago .At}}</li>{{end}}</ul>
//	{{template "pager" .Pager}}
//	{{end}}
//
// Third, a line in the table (routes.go, routes_intel.go or routes_tools.go),
// which says who may come: a route without a rule makes [New] panic. With nav,
// the page stands in the navigation of those who may open it, under the sentence
// "web.nav.lessons".
//
//	on("GET", "/lessons", Portal, anyRole, s.lessons, nav("lessons")),
//
// Fourth, a sample in lessons_test.go, with which a test executes the template
// in every language and looks for missing sentences, labels and ids.
//
//	func init() { sample("lessons", &lessonsPage{Lessons: …}) }
//
// Nothing is to be done for what members write in Japanese on a page in
// English: it is marked as Japanese when the page is rendered (japanese.go).
//
// A noun that pages need is a field of [Deps], filled by package cli.
//
// # Forms and changes
//
// A form is a struct of [Field] values made by [Request.Field]; the template
// shows each with {{template "field" .Form.URL}}. When a noun refuses the input,
// [Request.Refuse] puts the reason at its field and the page is rendered again
// with status 422, with {{template "errors" .Errors}} under its heading. After
// a change, Server.done redirects and says what happened, with an undo button if
// there is an address for it; no address of ours carries free text. A change
// that cannot be undone asks first: Server.confirmed. See style.go for all of it.
package web
