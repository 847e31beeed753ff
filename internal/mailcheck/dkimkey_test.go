// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"teiten/internal/fault"
	"teiten/internal/mailcheck"
)

// rsaKey is the record of a new key, in the form that RFC 6376 means.
func rsaKey(t testing.TB, bits int) (record string, bare string) {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der),
		"p=" + base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&k.PublicKey))
}

// A record is read in the forms in which people have it.
func TestParseKey(t *testing.T) {
	record, bare := rsaKey(t, 2048)
	half := len(record) / 2
	a, b := record[:half], record[half:]
	for name, text := range map[string]string{
		"the record":    record + "\n",
		"as dig prints": `"` + a + `" "` + b + `"` + "\n",
		"zone file":     "s1._domainkey\tIN\tTXT\t( \"" + a + "\"\n\t  \"" + b + "\" )  ; ----- DKIM key s1 for example.jp\n",
		"escaped":       `"` + strings.ReplaceAll(a, ";", `\;`) + b + `"`,
		"on many lines": strings.ReplaceAll(record, "; ", ";\r\n  "),
	} {
		k, err := mailcheck.ParseKey(text)
		if err != nil || k.Algorithm != "rsa" || k.Bits != 2048 || strings.ReplaceAll(k.Record, " ", "") != strings.ReplaceAll(record, " ", "") {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
	}
	if k, err := mailcheck.ParseKey(bare + ";"); err != nil || k.Algorithm != "rsa" || k.Bits != 2048 {
		t.Errorf("bare: %+v, %v", k, err)
	}
	ed := "k=ed25519; p=" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	if k, err := mailcheck.ParseKey(ed); err != nil || k.Algorithm != "ed25519" || k.Bits != 256 {
		t.Errorf("ed25519: %+v, %v", k, err)
	}
	for name, text := range map[string]string{
		"nothing": "", "words": "hello", "revoked": "v=DKIM1; p=", "another version": "v=DKIM2; " + bare, "version last": bare + "; v=DKIM1",
		"twice": record + "; " + bare, "two records": `"` + record + "\"\n\"" + record + `"`, "no base64": "p=***", "no key": "p=aGVsbG8=",
		"ed25519 too short": "k=ed25519; p=aGVsbG8=", "unknown algorithm": "k=dsa; " + bare, "rsa called ed25519": "k=ed25519; " + bare,
		"too long": record + "; n=" + strings.Repeat("x", 4096), "no text": "p=\x00" + bare[2:], "a tag without value": record + "; x",
		"huge": strings.Repeat(" ", 1<<20) + record,
	} {
		if k, err := mailcheck.ParseKey(text); fault.Code(err) != "mailcheck.key_record" {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
	}
	weak := rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1022, 1), E: 65537}
	if _, err := mailcheck.ParseKey("p=" + base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&weak))); fault.Code(err) != "mailcheck.key_weak" {
		t.Errorf("a key that proves nothing: %v", err)
	}
}

// What is kept can be kept again, and says the same.
func FuzzParseKey(f *testing.F) {
	record, bare := rsaKey(f, 1024)
	for _, s := range []string{record, bare, `"` + record + `"`, "k=ed25519; p=" + base64.StdEncoding.EncodeToString(make([]byte, 32)), `"a\"`, "v=DKIM1;;p=="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := mailcheck.ParseKey(text)
		if err != nil {
			return
		}
		again, err := mailcheck.ParseKey(k.Record)
		if err != nil || again != k || len(k.Record) > 4096 || k.Bits == 0 {
			t.Errorf("%q is kept as %+v, and that as %+v, %v", text, k, again, err)
		}
	})
}
