// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"
	"net/mail"
	"strings"

	"golang.org/x/text/unicode/norm"

	"teiten/internal/fault"
	"teiten/internal/store"
)

const (
	minLogin = 3
	maxLogin = 64
	maxMail  = 254 // RFC 5321 section 4.5.3.1.3, without the brackets
)

// FoldLogin returns the one form in which a login is stored and looked up:
// full-width letters narrowed (NFKC, UAX #15), lower case. It consists of 3 to
// 64 letters a to z, digits and . _ - @, and begins with a letter or digit, so
// that no two logins look alike.
func FoldLogin(written string) (string, error) {
	if len(written) > 8*maxLogin {
		return "", fault.New(fault.Invalid, "member.login_length", "least", minLogin, "most", maxLogin).At("login")
	}
	s := strings.ToLower(norm.NFKC.String(strings.TrimSpace(written)))
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 'a' && b <= 'z', b >= '0' && b <= '9':
		case i > 0 && strings.IndexByte("._-@", b) >= 0:
		default:
			return "", fault.New(fault.Invalid, "member.login_text").At("login")
		}
	}
	if len(s) < minLogin || len(s) > maxLogin {
		return "", fault.New(fault.Invalid, "member.login_length", "least", minLogin, "most", maxLogin).At("login")
	}
	return s, nil
}

// loginFree fails when another account has the login, also one that left: it
// may come back.
func loginFree(ctx context.Context, tx *store.Tx, login string, except int64) error {
	if login == "" {
		return nil
	}
	var n int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM account WHERE login = $1 AND id <> $2`, login, except).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fault.New(fault.Conflict, "member.login_taken").At("login")
	}
	return nil
}

// checkMail accepts "" or an address as people write it: addr-spec of RFC 5322
// section 3.4.1 without quotes, comments or white space.
func checkMail(s string) error {
	if s == "" {
		return nil
	}
	if len(s) > maxMail || strings.ContainsAny(s, " \t\r\n\"<>(),;:\\[]") || strings.Count(s, "@") != 1 {
		return fault.New(fault.Invalid, "member.mail").At("mail")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return fault.New(fault.Invalid, "member.mail").At("mail")
		}
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" {
		return fault.New(fault.Invalid, "member.mail").At("mail")
	}
	return nil
}
