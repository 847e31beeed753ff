// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Teiten is an information-security platform for hospitals: they share what
// they see, and what one sees in the morning protects the others at noon.
package main

import (
	"os"

	"teiten/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
