// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jhillyerd/enmime/v2"

	"teiten/internal/program"
)

type realMail struct {
	name string
	raw  []byte
}

func realMails(t testing.TB) []realMail {
	t.Helper()
	root := program.RealData(t, "mail")
	var all []realMail
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		base := filepath.Base(name)
		if strings.EqualFold(base, "README.md") || strings.HasPrefix(strings.ToUpper(base), "LICENSE") || strings.HasSuffix(base, ".json") {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		all = append(all, realMail{filepath.ToSlash(rel), b})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// better are the mails whose subject or sender enmime does not read, and why.
var better = map[string]string{
	"mikel-mail/MIT-LICENSE":                                 "no mail, read as text",
	"spamassassin/NOTICE":                                    "no mail, read as text",
	"mikel-mail/error_emails/bad_encoded_subject.eml":        "unknown charset in the subject",
	"mikel-mail/error_emails/invalid_subject_characters.eml": "raw Latin-1 in the subject",
	"mikel-mail/plain_emails/mix_caps_content_type.eml":      "a sender without brackets",
	"mikel-mail/plain_emails/raw_email_simple.eml":           "a line before the header",
	"spamassassin/nice/cjk/big5-base64.1":                    "raw Big5 in the subject",
	"spamassassin/nice/cjk/gb2312.1":                         "raw GB 2312 in the header",
	"spamassassin/nice/unicode1":                             "language in the encoded words",
	"spamassassin/nice/unicode2":                             "a sender without an address",
	"spamassassin/spam/008":                                  "two From fields",
	"spamassassin/spam/badctype1":                            "a media type without a slash",
	"spamassassin/spam/bsmtp":                                "an SMTP dialogue around the mail",
}

// TestRealMails reads all of them, and compares with enmime where that is right.
func TestRealMails(t *testing.T) {
	mails := realMails(t)
	if len(mails) < 114 {
		t.Errorf("only %d mails", len(mails))
	}
	used := map[string]bool{}
	for _, r := range mails {
		m, err := Read(r.raw, Limits{})
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
			continue
		}
		differs := ""
		e, err := enmime.ReadEnvelope(bytes.NewReader(r.raw))
		if err != nil {
			differs = err.Error()
		} else {
			if s := e.GetHeader("Subject"); !sameText(s, m.Subject) {
				differs = "subject " + s + " but " + m.Subject
			}
			list, _ := e.AddressList("From") // none where it cannot be read
			for i, a := range list {
				if i >= len(m.From) || !strings.EqualFold(a.Address, m.From[i].Address) {
					differs = "from " + a.Address
				}
			}
			if len(m.From) > len(list) {
				differs = "more senders"
			}
		}
		if differs == "" {
			continue
		}
		if used[r.name] = true; better[r.name] == "" {
			t.Errorf("%s: enmime reads otherwise: %s", r.name, differs)
		}
	}
	for name := range better {
		if !used[name] {
			t.Errorf("%s: enmime reads it too", name)
		}
	}
}
