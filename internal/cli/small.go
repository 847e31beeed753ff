// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"os"

	"teiten/internal/fault"
)

// readSmall reads a small text file, or standard input for "-".
func readSmall(name string, in io.Reader) (string, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", fault.Wrap(err, fault.Invalid, "cli.import.open", "file", name)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 64<<10))
	return string(b), err
}
