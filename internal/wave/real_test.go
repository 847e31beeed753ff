// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"teiten/internal/mail"
	"teiten/internal/program"
)

// TestRealMail prints how many pairs of SpamAssassin's test mails are taken for
// one wave. Many of them are the same mail in different wrappings, so that what
// is taken for one must be one: the same subject, or a body of which most is the
// same.
func TestRealMail(t *testing.T) {
	prints := func(folder string) (all []Print) {
		err := filepath.WalkDir(program.RealData(t, "mail", "spamassassin", folder), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if m, err := mail.Read(raw, mail.Limits{}); err == nil {
				if p := Of(m, key); !p.Empty() {
					all = append(all, p)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	nice, spam := prints("nice"), prints("spam")
	if len(nice) < 30 || len(spam) < 30 {
		t.Fatalf("only %d wanted mails and %d others", len(nice), len(spam))
	}
	all, of := append(nice, spam...), len(nice)
	inside, across, pairs := 0, 0, 0
	for i := range all {
		for j := i + 1; j < len(all); j++ {
			pairs++
			if Alike(&all[i], &all[j]) < Threshold {
				continue
			}
			if inside++; i < of && j >= of {
				across++
			}
			if text := resemblance(all[i].Text, all[j].Text); text < 0.5 && shared(&all[i], &all[j])[subject] == 0 {
				t.Errorf("mails %d and %d are one wave by %.2f; bodies %.2f", i, j, Alike(&all[i], &all[j]), text)
			}
		}
	}
	t.Logf("%d mails: %d of %d pairs are one wave, %d of them an ordinary mail with spam", len(all), inside, pairs, across)
}
