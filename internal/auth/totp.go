// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

const (
	totpDigits = 6
	totpPeriod = 30 // seconds, RFC 6238 section 4.1
	totpSecret = 20 // bytes, RFC 4226 section 4 R6
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

func newSecret() []byte {
	b := make([]byte, totpSecret)
	rand.Read(b)
	return b
}

// secretUse is bound to an account's encrypted secret.
func secretUse(account int64) string { return object("totp", account) }

// isTOTP reports whether a normalised code has the form of one from an app.
func isTOTP(code string) bool {
	if len(code) != totpDigits {
		return false
	}
	_, ok := number([]rune(code))
	return ok
}

// matchTOTP returns the step whose code it is: the present one, or the one
// before or after it for clocks that differ (RFC 6238 section 5.2). All three
// are computed whatever the outcome.
func matchTOTP(secret []byte, code string, now time.Time) (step int64, ok bool) {
	text := base32Text.EncodeToString(secret)
	present := now.Unix() / totpPeriod
	for _, s := range []int64{present + 1, present - 1, present} {
		want, err := hotp.GenerateCodeCustom(text, uint64(s), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// Provisioning is what an authenticator app must be given.
type Provisioning struct {
	Secret string // base32 in groups of four, to be typed where no camera is
	URI    string // otpauth://totp/…, for the QR code
}

// provisioning writes a secret as apps read it: the key URI format of Google
// Authenticator, with %20 for a space because not every app knows "+".
func provisioning(issuer, login string, secret []byte) Provisioning {
	text := base32Text.EncodeToString(secret)
	esc := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	var groups []string
	for rest := text; rest != ""; rest = rest[4:] {
		groups = append(groups, rest[:4])
	}
	return Provisioning{
		Secret: strings.Join(groups, " "),
		URI: "otpauth://totp/" + esc(issuer) + ":" + esc(login) + "?secret=" + text + "&issuer=" + esc(issuer) +
			"&algorithm=SHA1&digits=6&period=30",
	}
}
