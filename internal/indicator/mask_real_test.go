// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
	"testing"
)

var (
	mailPattern = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`)
	triplet     = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	ipPattern   = regexp.MustCompile(`[?&]ip=\d`)
	runPattern  = regexp.MustCompile(`[A-Za-z0-9+_-]{8,}={0,2}`)
)

// carriesMail is an independent look for addresses, plain or percent-encoded.
func carriesMail(s string) bool {
	plain := triplet.ReplaceAllStringFunc(s, func(t string) string {
		b, _ := hex.DecodeString(t[1:])
		return string(b)
	})
	return mailPattern.MatchString(s) || mailPattern.MatchString(plain)
}

func carriesEncodedMail(s string) bool {
	for _, run := range runPattern.FindAllString(s, -1) {
		run = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(run, "="))
		if b, err := base64.RawStdEncoding.DecodeString(run); err == nil && mailPattern.Match(b) {
			return true
		}
	}
	return false
}

// TestMaskRealRows counts what the rows carry before and after masking.
func TestMaskRealRows(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	mails, encoded, ips, changed := 0, 0, 0, 0
	for i, row := range realRows(t) {
		m, did := Mask(URL, row)
		if did {
			changed++
		}
		hadMail := carriesMail(row)
		if hadMail {
			mails++
		}
		if carriesEncodedMail(row) {
			encoded++
			hadMail = true
		}
		hadIP := ipPattern.MatchString(row)
		if hadIP {
			ips++
		}
		if (hadMail || hadIP) && !did {
			t.Errorf("row %d is unchanged", i)
		}
		if carriesMail(m) || carriesEncodedMail(m) || ipPattern.MatchString(m) {
			t.Errorf("row %d still carries an address", i)
		}
		if did != (m != row) {
			t.Errorf("row %d: changed = %v", i, did)
		}
		if again, more := Mask(URL, m); more || again != m {
			t.Errorf("row %d: masking twice differs", i)
		}
		v, err := Normalise(URL, row)
		if err != nil {
			continue
		}
		n, err := Normalise(URL, m)
		if err != nil || n.Host != v.Host {
			t.Errorf("row %d: masking broke the URL: %v", i, err)
		}
		if mv, _ := Mask(URL, v.Value); carriesMail(mv) || carriesEncodedMail(mv) {
			t.Errorf("row %d: the normal form still carries an address", i)
		}
	}
	t.Logf("rows with a mail address %d, in base64 %d, with ip= %d; masked %d", mails, encoded, ips, changed)
	if mails != 793 || ips != 25 {
		t.Errorf("%d rows with mail and %d with ip=, want 793 and 25", mails, ips)
	}
}
