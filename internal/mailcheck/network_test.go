// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"context"
	"errors"
	"go/parser"
	"go/token"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/mailcorpus"
)

// Deciding asks nobody: the package imports nothing that opens connections, and
// what a library could use for it is a trap here that stays shut.
func TestAsksNobody(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			switch path, _ := strconv.Unquote(i.Path.Value); path {
			case "net", "net/http", "os/exec", "net/smtp", "net/rpc", "teiten/internal/outbound", "teiten/internal/mailer", "syscall":
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
	var asked atomic.Int32
	trap := func(context.Context, string, string) (net.Conn, error) {
		asked.Add(1)
		return nil, errors.New("a check must not connect")
	}
	resolver, transport := net.DefaultResolver, http.DefaultTransport
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: trap}
	http.DefaultTransport = &http.Transport{DialContext: trap}
	defer func() { net.DefaultResolver, http.DefaultTransport = resolver, transport }()
	if _, err := net.DefaultResolver.LookupHost(t.Context(), "trap.example"); err == nil || asked.Load() == 0 {
		t.Fatal("the trap does not work")
	}
	asked.Store(0)
	_, _, raw := signed(t, "amazon.co.jp")
	mails := [][]byte{raw}
	for s := range mailcorpus.Phishing(3, 60) {
		mails = append(mails, s.Raw)
	}
	for _, raw := range mails {
		m, err := mail.Read(raw, mail.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		mailcheck.Judge(m, mailcheck.Facts{DKIM: func(string) (string, bool) { return "", false }})
		mailcheck.Judge(m, mailcheck.Facts{})
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d connections were tried", n)
	}
}
