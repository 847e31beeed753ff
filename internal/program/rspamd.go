// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package program

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Rspamd is a running rspamd that asks nobody: a resolver that is not there, no
// lists, no store, and its own folders.
type Rspamd struct {
	t       testing.TB
	address string
	process *Process
}

// StartRspamd starts one with a single worker, and ends it with the test. It
// takes half a minute, in which it compiles its expressions.
func StartRspamd(t testing.TB) *Rspamd {
	t.Helper()
	path, dir, port := Need(t, "rspamd"), Dir(t), FreePort(t)
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
		"worker-controller.inc": fmt.Sprintf("bind_socket = \"127.0.0.1:%d\";\n", FreePort(t)),
		"worker-proxy.inc":      off, "worker-fuzzy.inc": off, "rbl.conf": off, "surbl.conf": off, "fuzzy_check.conf": off, "asn.conf": off, "url_redirector.conf": off,
	} {
		WriteFile(t, local, name, []byte(content))
	}
	r := &Rspamd{t: t, address: fmt.Sprintf("http://127.0.0.1:%d/checkv2", port)}
	r.process = Start(t, Cmd{Path: path, Dir: dir, Args: []string{"-f", "-i", "-c", "/etc/rspamd/rspamd.conf", "--var=LOCAL_CONFDIR=" + dir,
		"--var=DBDIR=" + dir + "/db", "--var=RUNDIR=" + dir + "/run", "--var=LOGDIR=" + dir + "/log", "-p", dir + "/run/pid"}})
	r.process.Wait(2*time.Minute, func(context.Context) error {
		_, _, err := r.scan([]byte("Subject: x\r\n\r\nx\r\n"))
		return err
	})
	return r
}

func (r *Rspamd) scan(raw []byte) (action string, score float64, err error) {
	res, err := http.Post(r.address, "message/rfc822", bytes.NewReader(raw))
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

// Scan returns what it would do with a mail: "no action", "greylist", "add
// header", "rewrite subject", "soft reject" or "reject".
func (r *Rspamd) Scan(raw []byte) (action string, score float64) {
	r.t.Helper()
	action, score, err := r.scan(raw)
	if err != nil {
		r.t.Fatal(err)
	}
	return action, score
}

// Processor is for how long it has kept a processor busy.
func (r *Rspamd) Processor() time.Duration { return r.process.Processor() }
