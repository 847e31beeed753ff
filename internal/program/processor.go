// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package program

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Processor is for how long the program and those that it started have kept a
// processor busy, to a hundredth of a second (proc(5)). Linux only; what has
// ended does not count.
func (p *Process) Processor() (spent time.Duration) {
	p.t.Helper()
	group := strconv.Itoa(p.cmd.Process.Pid)
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		p.t.Fatal(err)
	}
	found := false
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		f := strings.Fields(rest) // state, parent, process group, …
		if len(f) < 13 || f[2] != group {
			continue
		}
		found = true
		for _, ticks := range f[11:13] { // utime and stime
			n, err := strconv.ParseInt(ticks, 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			spent += time.Duration(n) * (time.Second / 100)
		}
	}
	if !found {
		p.t.Fatalf("%s is not running", p.name)
	}
	return spent
}
