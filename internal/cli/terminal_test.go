// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import "testing"

func TestTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"題名": "題名",
		"偽の \x1b]0;pwned\x07 https://evil.example/a\r\n通知": "偽の ␛]0;pwned␇ hxxps://evil[.]example/a  通知",
	} {
		if got := terminal(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
