// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package program

import (
	"os"
	"path/filepath"
	"testing"
)

// RealData returns the path of a file or folder of real data: lists, feeds and
// mails that other people publish, which are read but are no part of the
// project. They lie in data below the folder that TEITEN_SHARED names, or in
// ../shared beside the repository. Where they are absent the test is skipped,
// but where CI is set it fails: there a test that does not run must not look
// green.
//
// It is for the tests of the packages directly in internal.
func RealData(t testing.TB, parts ...string) string {
	t.Helper()
	root := os.Getenv("TEITEN_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(append([]string{root, "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		absent(t, "the real data is not at hand: %v", err)
	}
	return path
}

// Root skips a test that only root can run, and fails it where CI is set.
func Root(t testing.TB, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		absent(t, "only root can run this: %s", why)
	}
}

// Rare is Need for a program that not every release of Debian has: where it is
// not installed the test is skipped, but where CI is set it fails.
func Rare(t testing.TB, name string) string {
	t.Helper()
	path := Find(name)
	if path == "" {
		absent(t, "%s is not installed, and this release may not have it: see scripts/test-deps", name)
	}
	return path
}

func absent(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("CI must run every test: "+format, args...)
	}
	t.Skipf(format, args...)
}
