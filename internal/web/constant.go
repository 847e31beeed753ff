// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"text/template/parse"
)

// constants are the functions whose answer is the same at every call with the
// same literals, as long as the portal runs.
type constants map[string]func(args []string) (html string, ok bool)

func (s *Server) constants(sentence func(key string, pairs ...any) string) constants {
	return constants{
		"t": func(args []string) (string, bool) {
			if len(args) != 1 {
				return "", false
			}
			return template.HTMLEscapeString(sentence(args[0])), true
		},
		"icon": func(args []string) (string, bool) {
			if len(args) != 1 {
				return "", false
			}
			drawing, err := icon(args[0])
			return string(drawing), err == nil
		},
		"asset": func(args []string) (string, bool) {
			if len(args) != 1 {
				return "", false
			}
			address, err := s.assets.address(args[0])
			return template.HTMLEscapeString(address), err == nil
		},
	}
}

// fold writes the calls of constant functions into the template as text, which
// spares every page some hundred calls by reflection. Our templates hold them
// in text and in quoted attributes only, where text that is escaped as HTML
// means itself; a test holds that no page has a script or style of its own.
// It must happen before the template's first execution.
func (k constants) fold(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for i, child := range n.Nodes {
			if text, ok := k.text(child); ok {
				n.Nodes[i] = text
				continue
			}
			k.fold(child)
		}
	case *parse.IfNode:
		k.fold(n.List)
		k.fold(n.ElseList)
	case *parse.RangeNode:
		k.fold(n.List)
		k.fold(n.ElseList)
	case *parse.WithNode:
		k.fold(n.List)
		k.fold(n.ElseList)
	}
}

// text is what an action says if it only calls a constant function with
// literals: {{t "web.name"}}.
func (k constants) text(node parse.Node) (*parse.TextNode, bool) {
	action, ok := node.(*parse.ActionNode)
	if !ok || len(action.Pipe.Decl) > 0 || len(action.Pipe.Cmds) != 1 {
		return nil, false
	}
	words := action.Pipe.Cmds[0].Args
	name, ok := words[0].(*parse.IdentifierNode)
	if !ok || k[name.Ident] == nil {
		return nil, false
	}
	var args []string
	for _, w := range words[1:] {
		literal, ok := w.(*parse.StringNode)
		if !ok {
			return nil, false
		}
		args = append(args, literal.Text)
	}
	text, ok := k[name.Ident](args)
	if !ok {
		return nil, false // the call itself says what is wrong
	}
	return &parse.TextNode{NodeType: parse.NodeText, Pos: action.Pos, Text: []byte(text)}, true
}
