// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package program

import "syscall"

// attributes put a program into a process group of its own, so that its
// children are stopped with it. Only Linux can also tie its life to ours.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
