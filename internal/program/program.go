// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package program lets tests run the real programs that Teiten's output is
// for: proxies, resolvers, databases, browsers. What such a program accepts is
// the only proof that a file is right.
//
// A program listens on loopback only, runs as an ordinary user even when root
// runs the tests (several refuse root, and none of them should have it), and
// never outlives its test: it is stopped by t.Cleanup, which also runs when the
// test panics, and on Linux killed by the kernel when the test process dies in
// a way that leaves no time to clean up.
package program

import (
	"cmp"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"testing"
)

// known says where a program may be besides PATH, what else it is called, and
// which Debian or Ubuntu packages bring it, if none of its own name does.
// scripts/test-deps installs them.
var known = map[string]struct {
	apt   string
	also  []string // other names
	globs []string // places before PATH; the last match in sorted order is taken
}{
	"unbound-checkconf": {apt: "unbound"},
	"unbound-control":   {apt: "unbound"},
	"named-checkzone":   {apt: "bind9-utils"},
	"dnsmasq":           {apt: "dnsmasq-base"},
	"dovecot":           {apt: "dovecot-imapd"},
	"initdb":            {apt: "postgresql", globs: []string{"/usr/lib/postgresql/*/bin/initdb"}},
	"certutil":          {apt: "libnss3-tools"},
	"pk12util":          {apt: "libnss3-tools"},
	"unshare":           {apt: "util-linux"},
	"id":                {apt: "coreutils"},
	"zbarimg":           {apt: "zbar-tools"},
	"cwebp":             {apt: "webp"},
	"7zz":               {apt: "7zip"},
	"chromium":          {also: []string{"chromium-browser", "google-chrome"}},
	"glewlwyd":          {apt: "dbconfig-no-thanks glewlwyd"},                         // without a database client
	"swaks":             {apt: "swaks libnet-ssleay-perl"},                            // the second for TLS
	"msgconvert":        {apt: "libemail-outlook-message-perl libemail-address-perl"}, // the first forgets that it needs the second
}

// Find returns the path of a program, looking in the places where distributions
// hide it, where what belongs to it lies beside it, in PATH, and in the
// directories of system programs that an ordinary PATH leaves out; "" if it is
// not installed.
func Find(name string) string {
	for _, glob := range known[name].globs {
		paths, _ := filepath.Glob(glob) // the only error is a bad pattern
		sort.Strings(paths)
		if len(paths) > 0 {
			return paths[len(paths)-1]
		}
	}
	for _, n := range append([]string{name}, known[name].also...) {
		if path, err := exec.LookPath(n); err == nil {
			if abs, err := filepath.Abs(path); err == nil {
				return abs
			}
		}
		for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
			if path, err := exec.LookPath(filepath.Join(dir, n)); err == nil {
				return path
			}
		}
	}
	return ""
}

// Need returns the path of a program. When it is absent the test fails, with
// the line that installs it: a check that is left out without a word proves
// nothing.
func Need(t testing.TB, name string) string {
	t.Helper()
	path := Find(name)
	if path == "" {
		t.Fatalf("this test runs %s, which is not installed; install it with:\n\tsudo apt-get install --no-install-recommends %s", name, packages(name))
	}
	return path
}

// packages are those of Debian and Ubuntu that bring a program.
func packages(name string) string { return cmp.Or(known[name].apt, name) }

var handedOut struct {
	sync.Mutex
	ports map[int]bool
}

// FreePort returns a port that is free on 127.0.0.1 for TCP and for UDP. It
// gives no port twice in one process; another process may still take it
// before the program under test does.
func FreePort(t testing.TB) int {
	t.Helper()
	handedOut.Lock()
	defer handedOut.Unlock()
	for range 100 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("no free port: %v", err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenPacket("udp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		l.Close()
		if err != nil {
			continue // free for TCP only
		}
		u.Close()
		if handedOut.ports[port] {
			continue
		}
		if handedOut.ports == nil {
			handedOut.ports = map[int]bool{}
		}
		handedOut.ports[port] = true
		return port
	}
	t.Fatal("no port is free for TCP and UDP")
	return 0
}

// Dir returns a new directory that the user as whom programs run owns, and
// that is removed when the test ends. testing.T.TempDir cannot serve: only its
// owner may enter it, and that is root when root runs the tests.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "teiten-program-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("cannot remove %s: %v", dir, err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	own(t, dir)
	return dir
}

// WriteFile writes a file below Dir that the programs' user owns and returns
// its path.
func WriteFile(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	own(t, path)
	return path
}

func own(t testing.TB, path string) {
	t.Helper()
	if uid, gid, other := ordinary(t); other {
		if err := os.Chown(path, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// ordinary returns the user as whom programs run when root runs the tests;
// other is false when the tests already run as somebody ordinary.
func ordinary(t testing.TB) (uid, gid uint32, other bool) {
	t.Helper()
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatalf("root runs the tests and there is no user nobody for the programs: %v", err)
	}
	u, err1 := strconv.ParseUint(nobody.Uid, 10, 32)
	g, err2 := strconv.ParseUint(nobody.Gid, 10, 32)
	if err1 != nil || err2 != nil || u == 0 {
		t.Fatalf("the user nobody has no ordinary ids: uid %q, gid %q", nobody.Uid, nobody.Gid)
	}
	return uint32(u), uint32(g), true
}
