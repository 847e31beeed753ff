// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package bench measures the whole product where its users wait for it: looking
// up among a million indicators, searching 200,000 texts in Japanese, fetching a
// block list of a million entries, reading pages beside 20 others, starting the
// program. It has tests only.
//
// Every benchmark measures many operations by itself, is right with one
// iteration (make bench runs them with -benchtime 1x), and prints a ratio to
// something bare that it measures in the same run: figures of two machines, or
// of two days, can only be compared so. With -short the data is a twentieth.
// docs/performance.md tells what the figures mean.
package bench
