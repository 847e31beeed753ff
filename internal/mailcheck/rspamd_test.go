// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/mailcorpus"
	"teiten/internal/program"
)

// rspamd starts a rspamd that asks nobody: a resolver that is not there, no
// lists, no store, and its own folders. It returns what it does with a mail.
func rspamd(t *testing.T) func(raw []byte) (action string, score float64) {
	t.Helper()
	path := program.Need(t, "rspamd")
	dir := program.Dir(t)
	port := program.FreePort(t)
	local := filepath.Join(dir, "local.d")
	for _, d := range []string{local, filepath.Join(dir, "db"), filepath.Join(dir, "run"), filepath.Join(dir, "log")} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d, 0o777); err != nil { // it runs as an ordinary user
			t.Fatal(err)
		}
	}
	off := "enabled = false;\n"
	for name, content := range map[string]string{
		"options.inc":           "dns { nameserver = [\"127.0.0.1:9:1\"]; timeout = 0.05s; retransmits = 1; }\n",
		"logging.inc":           "type = \"console\"; level = \"error\";\n",
		"worker-normal.inc":     fmt.Sprintf("bind_socket = \"127.0.0.1:%d\"; count = 1;\n", port),
		"worker-controller.inc": fmt.Sprintf("bind_socket = \"127.0.0.1:%d\";\n", program.FreePort(t)),
		"worker-proxy.inc":      off, "worker-fuzzy.inc": off, "rbl.conf": off, "surbl.conf": off, "fuzzy_check.conf": off, "asn.conf": off, "url_redirector.conf": off,
	} {
		program.WriteFile(t, local, name, []byte(content))
	}
	p := program.Start(t, program.Cmd{Path: path, Dir: dir, Args: []string{"-f", "-i", "-c", "/etc/rspamd/rspamd.conf", "--var=LOCAL_CONFDIR=" + dir,
		"--var=DBDIR=" + dir + "/db", "--var=RUNDIR=" + dir + "/run", "--var=LOGDIR=" + dir + "/log", "-p", dir + "/run/pid"}})
	address := fmt.Sprintf("http://127.0.0.1:%d/checkv2", port)
	scan := func(raw []byte) (string, float64, error) {
		res, err := http.Post(address, "message/rfc822", bytes.NewReader(raw))
		if err != nil {
			return "", 0, err
		}
		defer res.Body.Close()
		var out struct {
			Action string  `json:"action"`
			Score  float64 `json:"score"`
		}
		err = json.NewDecoder(res.Body).Decode(&out)
		return out.Action, out.Score, err
	}
	p.Wait(2*time.Minute, func(context.Context) error { // it compiles its expressions first
		_, _, err := scan([]byte("Subject: x\r\n\r\nx\r\n"))
		return err
	})
	return func(raw []byte) (string, float64) {
		action, score, err := scan(raw)
		if err != nil {
			t.Fatal(err)
		}
		return action, score
	}
}

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
	for name, all := range map[string]iter.Seq[mailcorpus.Sample]{"generated phishing": mailcorpus.Phishing(20260302, 300), "generated ordinary": mailcorpus.Benign(20260302, 300)} {
		s := set{name: name}
		for m := range all {
			s.mails = append(s.mails, m.Raw)
		}
		sets = append(sets, s)
	}
	scan := rspamd(t)
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
			action, _ := scan(raw)
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
