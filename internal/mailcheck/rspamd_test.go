// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"iter"
	"testing"
	"time"

	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/mailcorpus"
	"teiten/internal/program"
)

// Both judge the same mails in the same run. rspamd's is the word of a spam
// filter that may ask nobody; at "add header" it would mark a mail.
func TestBesideRspamd(t *testing.T) {
	if testing.Short() {
		t.Skip("starts rspamd, which takes a while")
	}
	generated := func(all iter.Seq[mailcorpus.Sample]) func(*testing.T) [][]byte {
		return func(*testing.T) (mails [][]byte) {
			for m := range all {
				mails = append(mails, m.Raw)
			}
			return mails
		}
	}
	real := func(folder string) func(*testing.T) [][]byte {
		return func(t *testing.T) [][]byte { return realMails(t, folder) }
	}
	beside := program.StartRspamd(t)
	for _, s := range []struct {
		name   string
		mails  func(*testing.T) [][]byte
		wanted bool
	}{
		{"real spam of 2002", real("spam"), false},
		{"real wanted mail of 2002", real("nice"), true},
		{"generated phishing", generated(mailcorpus.Phishing(20260302, 88)), false},
		{"generated ordinary mail", generated(mailcorpus.Benign(20260302, 84)), true},
	} {
		t.Run(s.name, func(t *testing.T) {
			mails := s.mails(t)
			ours, theirs, malicious := 0, 0, 0
			var time1, time2 time.Duration
			for _, raw := range mails {
				start := time.Now()
				m, err := mail.Read(raw, mail.Limits{})
				if err != nil {
					t.Error(err)
					continue
				}
				original, _ := m.Original()
				a := mailcheck.Judge(original, mailcheck.Facts{Now: time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)})
				time1 += time.Since(start)
				if a.Verdict != mailcheck.Unknown {
					ours++
				}
				if a.Verdict == mailcheck.Malicious {
					malicious++
				}
				start = time.Now()
				action, _ := beside.Scan(raw)
				time2 += time.Since(start)
				if action != "no action" && action != "greylist" {
					theirs++
				}
			}
			n := len(mails)
			t.Logf("%d mails: teiten flags %.1f %% (%d malicious) in %v each, rspamd %.1f %% in %v each", n,
				100*float64(ours)/float64(n), malicious, time1/time.Duration(n), 100*float64(theirs)/float64(n), time2/time.Duration(n))
			if s.wanted && malicious > 0 {
				t.Errorf("%d are malicious", malicious)
			}
		})
	}
}
