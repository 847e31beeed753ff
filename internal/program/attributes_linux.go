// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package program

import "syscall"

// attributes put a program into a process group of its own, so that its
// children are stopped with it, and tie its life to ours. The Go runtime sets
// the death signal after it has changed the user, which would clear it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
