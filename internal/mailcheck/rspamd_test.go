// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"iter"
	"strings"
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
	type set struct {
		name  string
		mails [][]byte
	}
	var sets []set
	for _, folder := range []string{"spam", "nice"} {
		sets = append(sets, set{"real " + folder + " of 2002", realMails(t, folder)})
	}
	for name, all := range map[string]iter.Seq[mailcorpus.Sample]{"generated phishing": mailcorpus.Phishing(20260302, 88), "generated ordinary": mailcorpus.Benign(20260302, 84)} {
		s := set{name: name}
		for m := range all {
			s.mails = append(s.mails, m.Raw)
		}
		sets = append(sets, s)
	}
	beside := program.StartRspamd(t)
	for _, s := range sets {
		ours, theirs, malicious := 0, 0, 0
		var time1, time2 time.Duration
		for _, raw := range s.mails {
			start := time.Now()
			m, err := mail.Read(raw, mail.Limits{})
			if err != nil {
				t.Errorf("%s: %v", s.name, err)
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
		n := len(s.mails)
		t.Logf("%s, %d mails: teiten flags %.1f %% (%d malicious) in %v each, rspamd %.1f %% in %v each", s.name, n,
			100*float64(ours)/float64(n), malicious, time1/time.Duration(n), 100*float64(theirs)/float64(n), time2/time.Duration(n))
		if malicious > 0 && (strings.HasSuffix(s.name, "ordinary") || strings.Contains(s.name, "nice")) {
			t.Errorf("%s: %d are malicious", s.name, malicious)
		}
	}
}
