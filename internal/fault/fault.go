// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package fault is the one error type that reaches people. A fault names what
// is wrong by a code, which is also the key of its sentence in package locale,
// so that the web, the API and the command line give the same reason. The
// cause, which may carry technical or private detail, is kept apart for the log.
package fault

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Kind says how a surface should answer, independent of the reason.
type Kind int

const (
	// Internal is a failure of the program or its environment.
	Internal Kind = iota
	// Invalid is input that cannot be accepted as it is.
	Invalid
	// NotFound is an object that does not exist or that the caller may not know of.
	NotFound
	// Forbidden is an operation that the caller may not do.
	Forbidden
	// Conflict is a change that no longer fits what is stored.
	Conflict
	// TooLarge is input beyond a limit.
	TooLarge
	// Unavailable is a part that does not answer now; trying again may help.
	Unavailable
	// Unauthenticated is a request of which nobody has shown who makes it.
	Unauthenticated
	// TooMany is one request more than the caller may make now.
	TooMany
)

func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not_found"
	case Forbidden:
		return "forbidden"
	case Conflict:
		return "conflict"
	case TooLarge:
		return "too_large"
	case Unavailable:
		return "unavailable"
	case Unauthenticated:
		return "unauthenticated"
	case TooMany:
		return "too_many"
	default:
		return "internal"
	}
}

// Args fill the {names} in the sentence of a code. They are shown to people:
// never put a secret or a hostile URL that is not defanged in here.
type Args map[string]any

// Error is a reason that can be shown, with the cause that cannot.
type Error struct {
	Kind  Kind
	Code  string
	Args  Args
	Field string // the form or JSON field at fault, if there is one
	Err   error  // the cause; logged, never shown
}

// New returns a fault. Arguments come in pairs of name and value:
//
//	fault.New(fault.Invalid, "import.row_columns", "line", 12, "want", 3)
func New(kind Kind, code string, pairs ...any) *Error {
	return &Error{Kind: kind, Code: code, Args: args(code, pairs)}
}

// Wrap is New with a cause.
func Wrap(err error, kind Kind, code string, pairs ...any) *Error {
	return &Error{Kind: kind, Code: code, Args: args(code, pairs), Err: err}
}

// At names the field at fault and returns e.
func (e *Error) At(field string) *Error {
	e.Field = field
	return e
}

// Error is for logs and tests; people are given the locale's sentence.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	names := make([]string, 0, len(e.Args))
	for name := range e.Args {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(&b, " %s=%v", name, e.Args[name])
	}
	if e.Field != "" {
		fmt.Fprintf(&b, " field=%s", e.Field)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// From returns the fault in err's chain, or an Internal one that hides err.
// It returns nil for nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Wrap(err, Unavailable, "fault.interrupted")
	}
	return Wrap(err, Internal, "fault.internal")
}

// Is reports whether err carries a fault of the kind.
func Is(err error, kind Kind) bool {
	var f *Error
	return errors.As(err, &f) && f.Kind == kind
}

// Code returns the code of the fault in err's chain, or "".
func Code(err error) string {
	var f *Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func args(code string, pairs []any) Args {
	if len(pairs)%2 != 0 {
		panic("fault: " + code + ": arguments come in pairs")
	}
	if len(pairs) == 0 {
		return nil
	}
	a := make(Args, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		a[pairs[i].(string)] = pairs[i+1]
	}
	return a
}
