// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"reflect"
	"strings"

	"teiten/internal/store"
)

// Delta is a value before and after a change; it is written as
// {"before": …, "after": …}.
type Delta struct {
	Before any `json:"before"`
	After  any `json:"after"`
}

// Personal returns what a record holds in place of a personal value, such as an
// address or a login: "h:" and 126 bits of keyed hash in 32 hexadecimal digits.
// The key is the store's own (store.DB.Key), so that nobody outside can try
// values out, and whoever runs the store and knows a value can find its records.
// Bring the value into one form first: Personal tells "A" from "a". Nothing is
// made of nothing.
func Personal(q store.Queryer, value string) string {
	if value == "" {
		return ""
	}
	return fmt.Sprintf("h:%016x%016x", q.Key("audit personal 1", value), q.Key("audit personal 2", value))
}

// Change returns the pairs for Append that say what differs between two states
// of a thing, each as a Delta. The states are structs of one type; only fields
// with a tag are told, under the name that it gives, so that a field that is
// added later stays out of the record until somebody has thought about it:
//
//	type Account struct {
//		Role string `audit:"role"`
//		Mail string `audit:"mail,personal"` // a string, as Personal gives it
//		Hash string                         // never told
//	}
func Change[T any](q store.Queryer, before, after T) []any {
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	if b.Kind() != reflect.Struct {
		panic("audit: Change compares structs, not " + b.Kind().String())
	}
	var pairs []any
	for i := range b.NumField() {
		name, how, _ := strings.Cut(b.Type().Field(i).Tag.Get("audit"), ",")
		if name == "" {
			continue
		}
		was, is := b.Field(i).Interface(), a.Field(i).Interface()
		if reflect.DeepEqual(was, is) {
			continue
		}
		if how == "personal" {
			was, is = Personal(q, b.Field(i).String()), Personal(q, a.Field(i).String())
		}
		pairs = append(pairs, name, Delta{was, is})
	}
	return pairs
}
