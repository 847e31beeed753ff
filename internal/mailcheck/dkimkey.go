// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/permit"
	"teiten/internal/store"
)

const (
	maxRecord  = 4096 // bytes of a key's TXT record
	maxKeyText = 64 << 10
	leastRSA   = 1024 // bits (RFC 8301, section 3.2)
)

// Key is the public key of a domain's signatures, as it is kept for checks.
type Key struct {
	Name      string    `json:"name"`      // selector._domainkey.domain, lower case
	Algorithm string    `json:"algorithm"` // rsa or ed25519
	Bits      int       `json:"bits"`
	Record    string    `json:"record"` // of the DNS (RFC 6376, section 3.6.1)
	Kept      time.Time `json:"kept"`
}

// ParseKey reads the record of a key as the DNS has it, as dig prints it or as a
// zone file has it: there a long record is several texts in quotation marks
// (RFC 1035, section 5.1), which belong together. The fault is Invalid with the
// code mailcheck.key_record, or mailcheck.key_weak for an RSA key of fewer than
// 1,024 bits, which proves nothing.
func ParseKey(text string) (Key, error) {
	bad := fault.New(fault.Invalid, "mailcheck.key_record").At("record")
	if len(text) > maxKeyText {
		return Key{}, bad
	}
	record := strings.Join(strings.Fields(unquoted(text)), " ")
	if record == "" || len(record) > maxRecord || strings.ContainsFunc(record, func(r rune) bool { return r < ' ' || r > '~' || r == '"' }) {
		return Key{}, bad
	}
	tags := map[string]string{}
	for i, part := range strings.Split(record, ";") {
		name, value, ok := strings.Cut(part, "=")
		if name = strings.TrimSpace(name); name == "" && !ok {
			continue // after the last semicolon
		}
		if _, twice := tags[name]; !ok || twice || name == "v" && i != 0 {
			return Key{}, bad
		}
		tags[name] = strings.ReplaceAll(value, " ", "")
	}
	if v, ok := tags["v"]; ok && v != "DKIM1" {
		return Key{}, bad
	}
	public, err := base64.StdEncoding.DecodeString(tags["p"])
	if err != nil || len(public) == 0 { // an empty one is a key that was revoked
		return Key{}, bad
	}
	k := Key{Record: record, Algorithm: strings.ToLower(tags["k"])}
	switch k.Algorithm {
	case "", "rsa":
		k.Algorithm, k.Bits = "rsa", rsaBits(public)
	case "ed25519": // RFC 8463, section 4
		if len(public) == ed25519.PublicKeySize {
			k.Bits = 8 * len(public)
		}
	}
	switch {
	case k.Bits == 0:
		return Key{}, bad
	case k.Algorithm == "rsa" && k.Bits < leastRSA:
		return Key{}, fault.New(fault.Invalid, "mailcheck.key_weak", "bits", k.Bits, "least", leastRSA).At("record")
	}
	return k, nil
}

// rsaBits is the length of an RSA key, in the form that RFC 6376 means or the
// bare one that it names; 0 of what is none.
func rsaBits(der []byte) int {
	if public, err := x509.ParsePKIXPublicKey(der); err == nil {
		if k, ok := public.(*rsa.PublicKey); ok {
			return k.N.BitLen()
		}
		return 0
	}
	if k, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return k.N.BitLen()
	}
	return 0
}

// unquoted joins the texts in quotation marks, if there are any: what stands
// around them is the zone file's.
func unquoted(text string) string {
	var b strings.Builder
	quoted, found, escaped := false, false, false
	for i := range len(text) {
		switch c := text[i]; {
		case escaped:
			b.WriteByte(c)
			escaped = false
		case c == '"':
			quoted, found = !quoted, true
		case quoted && c == '\\':
			escaped = true
		case quoted:
			b.WriteByte(c)
		}
	}
	if !found {
		return text
	}
	return b.String()
}

// keyName checks the name of a key and writes it as it is kept.
func keyName(name string) (string, error) {
	name = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
	selector, domain, ok := strings.Cut(name, "._domainkey.")
	v, err := indicator.Normalise(indicator.Domain, domain)
	if !ok || selector == "" || err != nil || v.Value != domain || len(name) > 253 || strings.ContainsFunc(selector, notInSelector) {
		return "", fault.New(fault.Invalid, "mailcheck.key_name").At("name")
	}
	return name, nil
}

// notInSelector: a selector is labels of a host name (RFC 6376, section 3.1);
// underscores are met besides.
func notInSelector(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
}

// KeepKey keeps the record of a DKIM key, such as "s1._domainkey.example.jp", in
// place of an earlier one, for checks to come. The record is read by ParseKey.
// Operators only: a wrong key would make a forged mail look signed.
func KeepKey(ctx context.Context, db *store.DB, c caller.Caller, name, record string) (Key, error) {
	if err := permit.Check(c, permit.InstallationManage); err != nil {
		return Key{}, err
	}
	name, err := keyName(name)
	if err != nil {
		return Key{}, err
	}
	k, err := ParseKey(record)
	if err != nil {
		return Key{}, err
	}
	k.Name = name
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		k.Kept = tx.Now
		if _, err := tx.Exec(ctx, writeKey, name, k.Record, store.Micros(tx.Now)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "mailcheck.key", "installation", "name", name, "kept", true)
	})
	return k, err
}

// DropKey forgets a key. The fault is NotFound with the code mailcheck.key_none
// if it is not kept.
func DropKey(ctx context.Context, db *store.DB, c caller.Caller, name string) error {
	if err := permit.Check(c, permit.InstallationManage); err != nil {
		return err
	}
	name, err := keyName(name)
	if err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, dropKey, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "mailcheck.key_none", "name", name)
		}
		return audit.Append(ctx, tx, "mailcheck.key", "installation", "name", name, "kept", false)
	})
}

// Keys returns the keys that are kept, by name, to operators.
func Keys(ctx context.Context, q store.Queryer, c caller.Caller) ([]Key, error) {
	if err := permit.Check(c, permit.InstallationManage); err != nil {
		return nil, err
	}
	return listKeys(ctx, q)
}
