// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package program

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Cmd is a program to run.
type Cmd struct {
	Path string   // as Need returns it
	Args []string // without the program's name
	Env  []string // added to a small environment: PATH, LANG=C.UTF-8, HOME and TMPDIR in Dir
	Dir  string   // working directory; a new one of Dir if empty
}

// Limits of one program.
const (
	stopGrace  = 5 * time.Second  // between asking a program to stop and killing it
	runLimit   = 60 * time.Second // for Run
	keptOutput = 64 << 10         // bytes of output kept for the log, the last ones
)

// Process is a running program.
type Process struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	out  tail
	done chan struct{} // closed when the program has ended
	err  error         // of Wait, after done
	stop sync.Once     // afterwards the process group's number may be somebody else's
}

// Start runs a program in the background until the test ends. Its output goes
// to the test's log if the test fails.
func Start(t testing.TB, c Cmd) *Process {
	t.Helper()
	p := &Process{t: t, done: make(chan struct{})}
	p.cmd = command(t, c, &p.out)
	p.name = p.cmd.Path
	started := make(chan error)
	go func() {
		// The kernel sends the parent-death signal when the thread that
		// forked ends, not the process (prctl(2), PR_SET_PDEATHSIG): this
		// goroutine keeps its thread for as long as the program lives.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		t.Fatalf("cannot start %s: %v", p.name, err)
	}
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("output of %s %s:\n%s", p.name, strings.Join(c.Args, " "), p.Output())
		}
	})
	return p
}

// Run runs a program to its end, at most for a minute, and returns its output
// (standard output and error together) and an *exec.ExitError if it failed.
func Run(t testing.TB, c Cmd) (string, error) {
	t.Helper()
	p := Start(t, c)
	select {
	case <-p.done:
		p.Stop() // children that stayed behind
		return p.Output(), p.err
	case <-time.After(runLimit):
		t.Fatalf("%s did not end within %v", p.name, runLimit)
		return "", nil
	}
}

func command(t testing.TB, c Cmd, out *tail) *exec.Cmd {
	t.Helper()
	if c.Dir == "" {
		c.Dir = Dir(t)
	}
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin",
		"LANG=C.UTF-8",
		"HOME=" + c.Dir,
		"TMPDIR=" + c.Dir,
	}, c.Env...)
	cmd.Stdout, cmd.Stderr = out, out
	// A child that inherited the pipe must not keep Wait waiting for ever.
	cmd.WaitDelay = stopGrace
	cmd.SysProcAttr = attributes()
	if uid, gid, other := ordinary(t); other {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return cmd
}

// Stop ends the program and its children: asked first, killed after five
// seconds. It may be called more than once.
func (p *Process) Stop() {
	p.stop.Do(func() {
		if p.Running() {
			p.signal(syscall.SIGTERM)
		}
		select {
		case <-p.done:
		case <-time.After(stopGrace):
			p.t.Logf("%s did not stop when asked and was killed", p.name)
		}
		p.signal(syscall.SIGKILL)
		<-p.done
	})
}

// signal signals the program's process group, which it leads.
func (p *Process) signal(sig syscall.Signal) {
	err := syscall.Kill(-p.cmd.Process.Pid, sig)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		p.t.Logf("cannot signal %s: %v", p.name, err)
	}
}

// Output returns the last 64 KiB of what the program has written.
func (p *Process) Output() string { return p.out.String() }

// Running reports whether the program has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Wait calls ready until it returns nil. The test fails when the program ends
// before that or the limit passes.
func (p *Process) Wait(limit time.Duration, ready func(context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-p.done:
			p.t.Fatalf("%s ended before it was ready: %v", p.name, p.err)
		case <-ctx.Done():
			p.t.Fatalf("%s was not ready within %v: %v", p.name, limit, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// WaitTCP waits until somebody accepts connections on the port of 127.0.0.1.
func (p *Process) WaitTCP(port int, limit time.Duration) {
	p.t.Helper()
	p.Wait(limit, func(ctx context.Context) error {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// tail keeps the last bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (w *tail) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, b...)
	if over := len(w.buf) - keptOutput; over > 0 {
		w.buf = append(w.buf[:0], w.buf[over:]...)
	}
	return len(b), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.buf)
}
