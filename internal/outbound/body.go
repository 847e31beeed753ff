// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"teiten/internal/fault"
)

var errSlow = errors.New("outbound: body slower than the least rate")

// readBody reads the whole body within the policy's limits. A limit counts on
// both sides of decompression: the wire, because an endless stream of empty
// gzip members yields nothing; the result, because of gzip bombs.
func (c *Client) readBody(ctx context.Context, stop context.CancelCauseFunc, host string, resp *http.Response) ([]byte, error) {
	tooLarge := fault.New(fault.TooLarge, "outbound.body_size", "host", defang(host), "limit", c.policy.MaxBytes)
	if resp.ContentLength > c.policy.MaxBytes {
		return nil, tooLarge
	}
	wire := &meter{r: resp.Body, left: c.policy.MaxBytes}
	endWatch := c.watch(ctx, stop, wire)
	defer endWatch()

	var r io.Reader = wire
	switch coding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))); coding {
	case "", "identity":
	case "gzip", "x-gzip":
		zr, err := gzip.NewReader(wire)
		if err != nil {
			return nil, c.explainBody(ctx, host, wire, tooLarge, err)
		}
		r = zr
	default:
		return nil, fault.New(fault.Unavailable, "outbound.encoding", "host", defang(host))
	}

	body, err := io.ReadAll(io.LimitReader(r, c.policy.MaxBytes+1))
	if err != nil {
		return nil, c.explainBody(ctx, host, wire, tooLarge, err)
	}
	if int64(len(body)) > c.policy.MaxBytes {
		return nil, tooLarge
	}
	return slices.Clip(body), nil
}

func (c *Client) explainBody(ctx context.Context, host string, wire *meter, tooLarge *fault.Error, err error) error {
	switch {
	case wire.over:
		return tooLarge
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return fault.Wrap(err, fault.Unavailable, "outbound.encoding", "host", defang(host))
	}
	return c.explain(ctx, host, err)
}

// watch cancels the request when, over a window, fewer bytes arrive than the
// least rate wants. The read it guards may be blocked, so it runs beside it.
func (c *Client) watch(ctx context.Context, stop context.CancelCauseFunc, wire *meter) (end func()) {
	if c.policy.MinRate < 0 {
		return func() {}
	}
	least := int64(float64(c.policy.MinRate) * c.policy.RateWindow.Seconds())
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(c.policy.RateWindow)
		defer tick.Stop()
		var before int64
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
				now := wire.n.Load()
				if now-before < least {
					stop(errSlow)
					return
				}
				before = now
			}
		}
	}()
	return func() { close(done) }
}

// meter counts what is read and ends after left bytes.
type meter struct {
	r    io.Reader
	left int64
	n    atomic.Int64
	over bool
}

var errOver = errors.New("outbound: body over the limit")

func (m *meter) Read(p []byte) (int, error) {
	// One byte beyond the limit is asked for, to tell "exactly" from "more".
	if int64(len(p)) > m.left+1 {
		p = p[:m.left+1]
	}
	n, err := m.r.Read(p)
	m.n.Add(int64(n))
	if m.left -= int64(n); m.left < 0 {
		m.over = true
		return 0, errOver
	}
	return n, err
}

func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		const most = int64(1<<63-1) / int64(time.Second)
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}
