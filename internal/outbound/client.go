// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/net/http/httpguts"

	"teiten/internal/fault"
)

// maxValidator bounds an ETag or Last-Modified that is sent back, in bytes.
const maxValidator = 1024

// Client asks servers within a Policy. It is safe for concurrent use.
type Client struct {
	policy    Policy
	invalid   error // what Policy.Check said
	transport *http.Transport
}

// Response is what a server answered at the end of all redirects.
type Response struct {
	// Status is the HTTP status; redirects that were followed do not appear.
	Status int
	// Header is the answer's header, without Set-Cookie.
	Header http.Header
	// URL is where the answer came from.
	URL string
	// MovedTo is URL when every redirect on the way was permanent (301, 308),
	// so that the stored address should be changed; otherwise "".
	MovedTo string
	// Body is the decompressed body of a 200 answer; that of any other status
	// is not read.
	Body []byte
}

// New returns a client that keeps to the policy. A policy that cannot be used
// shows at the first Get, or earlier by Policy.Check.
func New(p Policy) *Client {
	c := &Client{policy: p.withDefaults(), invalid: p.Check()}
	dialer := &net.Dialer{Timeout: c.policy.HeaderTimeout, Resolver: c.policy.Resolver}
	var proxy func(*http.Request) (*url.URL, error)
	if p.Proxy != nil {
		proxy = http.ProxyURL(p.Proxy) // dialled as it stands: the operator named it
	} else {
		dialer.ControlContext = c.control
	}
	// HTTP/1.1 only, as a transport with its own dialer is unless told otherwise:
	// one request a connection gains nothing from HTTP/2.
	c.transport = &http.Transport{
		Proxy:                  proxy,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.RootCAs},
		TLSHandshakeTimeout:    c.policy.HeaderTimeout,
		ResponseHeaderTimeout:  c.policy.HeaderTimeout,
		MaxResponseHeaderBytes: c.policy.MaxHeaderBytes,
		// Each request dials, so each is judged; feeds are asked once an hour.
		DisableKeepAlives: true,
		// body.go decompresses, within limits.
		DisableCompression: true,
	}
	return c
}

// Get asks for a URL. The validators etag and lastModified of an earlier answer
// may be empty; with them the server can answer 304. Any final status is an
// answer and not an error; errors are faults of the area "outbound":
//
//   - Invalid or Forbidden: the URL, an address or a redirect is refused;
//   - TooLarge: a limit on bytes;
//   - Unavailable: the server or the network does not answer as it should.
func (c *Client) Get(ctx context.Context, rawURL, etag, lastModified string) (*Response, error) {
	if c.invalid != nil {
		return nil, c.invalid
	}
	u, err := c.target(rawURL)
	if err != nil {
		return nil, err
	}
	// The watch ends a body that is too slow with a cause of its own.
	ctx, cancel := context.WithTimeout(ctx, c.policy.Timeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	header := http.Header{
		"User-Agent":      {c.policy.UserAgent},
		"Accept":          {"*/*"},
		"Accept-Encoding": {"gzip"},
	}
	setValidator(header, "If-None-Match", etag)
	setValidator(header, "If-Modified-Since", lastModified)

	permanent, h := true, &hop{}
	for redirects := 0; ; redirects++ {
		resp, err := c.roundTrip(context.WithValue(ctx, hopKey{}, h), u, header)
		if err != nil {
			return nil, err
		}
		if !isRedirect(resp.StatusCode) {
			out, err := c.answer(ctx, stop, u, resp)
			if err == nil && redirects > 0 && permanent {
				out.MovedTo = out.URL
			}
			return out, err
		}
		resp.Body.Close()
		if redirects >= c.policy.MaxRedirects {
			return nil, fault.New(fault.Forbidden, "outbound.redirects", "limit", max(c.policy.MaxRedirects, 0))
		}
		permanent = permanent && (resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusPermanentRedirect)
		h = h.next()
		if u, err = c.redirected(u, resp.Header.Get("Location")); err != nil {
			return nil, err
		}
	}
}

func (c *Client) roundTrip(ctx context.Context, u *url.URL, header http.Header) (*http.Response, error) {
	// http.Client is not used: it adds a Referer and would follow by its own rules.
	req := (&http.Request{
		Method:     http.MethodGet,
		URL:        u,
		Host:       u.Host,
		Header:     header.Clone(),
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
	}).WithContext(ctx)
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, c.explain(ctx, u.Hostname(), err)
	}
	return resp, nil
}

func (c *Client) redirected(from *url.URL, location string) (*url.URL, error) {
	if location == "" {
		return nil, fault.New(fault.Unavailable, "outbound.redirect_nowhere", "host", defang(from.Hostname()))
	}
	if len(location) > maxURL {
		return nil, fault.New(fault.TooLarge, "outbound.url_length", "limit", maxURL)
	}
	next, err := from.Parse(location)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "outbound.redirect_nowhere", "host", defang(from.Hostname()))
	}
	if from.Scheme == "https" && next.Scheme == "http" {
		return nil, fault.New(fault.Forbidden, "outbound.redirect_downgrade", "host", defang(next.Hostname()))
	}
	return c.target(next.String())
}

func (c *Client) answer(ctx context.Context, stop context.CancelCauseFunc, u *url.URL, resp *http.Response) (*Response, error) {
	defer resp.Body.Close()
	resp.Header.Del("Set-Cookie")
	out := &Response{Status: resp.StatusCode, Header: resp.Header, URL: u.String()}
	if resp.StatusCode != http.StatusOK {
		return out, nil
	}
	body, err := c.readBody(ctx, stop, u.Hostname(), resp)
	if err != nil {
		return nil, err
	}
	out.Body = body
	return out, nil
}

func isRedirect(status int) bool {
	return slices.Contains([]int{301, 302, 303, 307, 308}, status)
}

func setValidator(h http.Header, name, value string) {
	// A stored value that cannot be sent costs a full answer, not the feed.
	if value != "" && len(value) <= maxValidator && httpguts.ValidHeaderFieldValue(value) {
		h.Set(name, value)
	}
}

// RetryAfter reads the header of that name (RFC 9110 section 10.2.3), in
// seconds or as a date; 0 means that there is none, or one that has passed.
func (r *Response) RetryAfter(now time.Time) time.Duration {
	return parseRetryAfter(r.Header.Get("Retry-After"), now)
}
