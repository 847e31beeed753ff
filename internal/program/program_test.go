// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package program_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"teiten/internal/program"
)

func TestRunsAsAnOrdinaryUser(t *testing.T) {
	dir := program.Dir(t)
	out, err := program.Run(t, program.Cmd{Path: "/bin/sh", Dir: dir,
		Args: []string{"-c", "id -u && touch mine && pwd"}})
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Fields(out)
	if len(lines) != 2 || lines[0] == "0" || lines[1] != dir {
		t.Errorf("id and directory: %q, want an ordinary user in %s", lines, dir)
	}
}

func TestRunReportsFailure(t *testing.T) {
	out, err := program.Run(t, program.Cmd{Path: "/bin/sh", Args: []string{"-c", "echo why >&2; exit 3"}})
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 3 || out != "why\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestStopEndsChildrenToo(t *testing.T) {
	p := program.Start(t, program.Cmd{Path: "/bin/sh", Args: []string{"-c", "sleep 300 & echo $!; wait"}})
	pid := waitPid(t, p)
	p.Stop()
	if p.Running() {
		t.Error("still running after Stop")
	}
	gone(t, pid)
}

func TestFreePort(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		port := program.FreePort(t)
		if seen[port] {
			t.Fatalf("port %d given twice", port)
		}
		seen[port] = true
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}

func TestFindLooksOutsidePath(t *testing.T) {
	t.Setenv("PATH", "/nonexistent")
	for _, name := range []string{"squid", "unbound", "dnsmasq"} {
		if program.Find(name) == "" {
			t.Errorf("%s not found; install squid, unbound and dnsmasq-base", name)
		}
	}
	if path := program.Find("no-such-program"); path != "" {
		t.Errorf("found %s", path)
	}
}

// TestHelperDies is run by the tests below in a process of its own.
func TestHelperDies(t *testing.T) {
	how := os.Getenv("PROGRAM_TEST_DIE")
	if how == "" {
		return
	}
	p := program.Start(t, program.Cmd{Path: "/bin/sleep", Args: []string{"300"}})
	q := program.Start(t, program.Cmd{Path: "/bin/sh", Args: []string{"-c", "echo $$; exec sleep 300"}})
	fmt.Printf("pid %d\n", waitPid(t, q))
	_ = p
	switch how {
	case "panic":
		panic("on purpose")
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}

func TestNothingOutlivesThePanicOrDeathOfATest(t *testing.T) {
	for _, how := range []string{"panic", "kill"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestHelperDies$")
		// The killed helper cannot remove its directories: they lie in ours.
		cmd.Env = append(os.Environ(), "PROGRAM_TEST_DIE="+how, "TMPDIR="+program.Dir(t))
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Fatalf("%s: the helper ended well:\n%s", how, out)
		}
		pid := 0
		scan := bufio.NewScanner(strings.NewReader(string(out)))
		for scan.Scan() {
			fmt.Sscanf(scan.Text(), "pid %d", &pid)
		}
		if pid == 0 {
			t.Fatalf("%s: no pid in:\n%s", how, out)
		}
		gone(t, pid)
	}
}

func waitPid(t *testing.T, p *program.Process) int {
	t.Helper()
	for range 250 {
		if pid, err := strconv.Atoi(strings.TrimSpace(p.Output())); err == nil {
			return pid
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("no pid in %q", p.Output())
	return 0
}

// gone waits until a process has ended; one that waits to be collected by a
// distant parent counts as ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 250 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}
