// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

	"teiten/internal/fault"
)

// PostForm sends a form and returns the answer, with its body whatever the
// status: servers explain a refusal there. The user and the password go as
// RFC 7617 Basic authentication, as they are; with neither, none is sent.
//
// A redirect is refused: what the form and the header hold was meant for one
// server only. Errors are those of Get.
func (c *Client) PostForm(ctx context.Context, rawURL string, form url.Values, user, password string) (*Response, error) {
	if c.invalid != nil {
		return nil, c.invalid
	}
	u, err := c.target(rawURL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.policy.Timeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	body := []byte(form.Encode())
	req := (&http.Request{
		Method: http.MethodPost,
		URL:    u,
		Host:   u.Host,
		Header: http.Header{
			"User-Agent":      {c.policy.UserAgent},
			"Accept":          {"application/json"},
			"Accept-Encoding": {"gzip"},
			"Content-Type":    {"application/x-www-form-urlencoded"},
		},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
	}).WithContext(context.WithValue(ctx, hopKey{}, &hop{}))
	if user != "" || password != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, c.explain(ctx, u.Hostname(), err)
	}
	defer resp.Body.Close()
	if isRedirect(resp.StatusCode) {
		return nil, fault.New(fault.Forbidden, "outbound.redirects", "limit", 0)
	}
	resp.Header.Del("Set-Cookie")
	out := &Response{Status: resp.StatusCode, Header: resp.Header, URL: u.String()}
	if out.Body, err = c.readBody(ctx, stop, u.Hostname(), resp); err != nil {
		return nil, err
	}
	return out, nil
}
