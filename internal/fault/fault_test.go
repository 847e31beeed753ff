// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestFrom(t *testing.T) {
	own := New(Conflict, "a.b", "n", 1)
	for _, c := range []struct {
		err  error
		kind Kind
		code string
	}{
		{own, Conflict, "a.b"},
		{fmt.Errorf("while: %w", own), Conflict, "a.b"},
		{io.ErrUnexpectedEOF, Internal, "fault.internal"},
		{fmt.Errorf("query: %w", context.Canceled), Unavailable, "fault.interrupted"},
		{context.DeadlineExceeded, Unavailable, "fault.interrupted"},
		{errors.Join(io.EOF, own), Conflict, "a.b"},
	} {
		f := From(c.err)
		if f.Kind != c.kind || f.Code != c.code || !errors.Is(f, c.err) && f != own {
			t.Errorf("From(%v) = %v", c.err, f)
		}
	}
	if From(nil) != nil || Code(nil) != "" || Is(nil, Internal) {
		t.Error("nil is no fault")
	}
	if Code(io.EOF) != "" || Is(io.EOF, Internal) {
		t.Error("an error is no fault by itself")
	}
	if !Is(fmt.Errorf("while: %w", own), Conflict) || Is(own, Invalid) || Code(fmt.Errorf("while: %w", own)) != "a.b" {
		t.Error("the kind or the code is lost")
	}
}

func TestError(t *testing.T) {
	e := Wrap(io.EOF, Invalid, "import.row", "want", 3, "line", 12).At("file")
	if got := e.Error(); got != "import.row line=12 want=3 field=file: EOF" {
		t.Errorf("%s", got)
	}
	if !errors.Is(e, io.EOF) || e.Args["line"] != 12 || e.Field != "file" {
		t.Errorf("%+v", e)
	}
	if New(Invalid, "x").Args != nil {
		t.Error("no arguments are not nil")
	}
	defer func() {
		if recover() == nil {
			t.Error("half a pair is taken")
		}
	}()
	//lint:ignore SA5012 the odd number is what is tested
	New(Invalid, "x", "name")
}

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for k := Internal; k <= Unavailable; k++ {
		if s := k.String(); seen[s] {
			t.Errorf("%d is called %s too", k, s)
		} else {
			seen[s] = true
		}
	}
	if Kind(99).String() != "internal" {
		t.Error("an unknown kind is not internal")
	}
}
