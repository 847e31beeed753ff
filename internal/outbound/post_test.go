// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestPostForm(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, r.Method, " ", user, " ", password, " ", r.PostFormValue("code"), " ", r.Header.Get("Cookie"))
	})
	resp, err := New(local(t, s)).PostForm(t.Context(), s.URL, url.Values{"code": {"あ&b"}}, "me", "p:w")
	if err != nil || resp.Status != 400 || string(resp.Body) != "POST me p:w あ&b " || resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("%+v %s, %v", resp, resp.Body, err)
	}
}

func TestPostFormWithoutCredentials(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("Authorization")) })
	resp, err := New(local(t, s)).PostForm(t.Context(), s.URL, nil, "", "")
	if err != nil || resp.Status != 200 || len(resp.Body) != 0 {
		t.Errorf("%+v, %v", resp, err)
	}
}

func TestPostFormRefusals(t *testing.T) {
	hits := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits++
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		case "/large":
			io.WriteString(w, strings.Repeat("x", 2000))
		}
	})
	p := local(t, s)
	p.MaxBytes = 1000
	c := New(p)
	_, err := c.PostForm(t.Context(), s.URL+"/away", url.Values{"secret": {"s"}}, "", "")
	wantCode(t, err, "outbound.redirects")
	_, err = c.PostForm(t.Context(), s.URL+"/large", nil, "", "")
	wantCode(t, err, "outbound.body_size")
	if hits != 2 {
		t.Errorf("%d requests: a redirect was followed", hits)
	}
	_, err = c.PostForm(t.Context(), "https://10.1.2.3/token", nil, "", "")
	wantCode(t, err, "outbound.address")
	_, err = New(Policy{}).PostForm(t.Context(), s.URL, nil, "", "")
	if err == nil {
		t.Error("a loopback server was asked")
	}
	_, err = New(Policy{AllowPrivate: []netip.Prefix{{}}}).PostForm(t.Context(), s.URL, nil, "", "")
	wantCode(t, err, "outbound.exception")
	s.Close()
	_, err = c.PostForm(t.Context(), s.URL, nil, "", "")
	wantCode(t, err, "outbound.connect")
}
