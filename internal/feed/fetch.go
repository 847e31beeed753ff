// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"context"
	"net/http"
	"time"

	"teiten/internal/fault"
	"teiten/internal/outbound"
)

// State is what is kept of a feed between two fetches.
type State struct {
	URL          string
	ETag         string // of the last answer 200, as it was sent
	LastModified string // likewise
}

// Result is what a fetch gave. It is meaningful beside an error too: then only
// Status and RetryAfter may be set.
type Result struct {
	// Feed is nil when nothing has changed since State's validators.
	Feed        *Feed
	NotModified bool
	// State is what to keep for the next time, with a new URL if the server
	// said that the feed has moved for good.
	State State
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// RetryAfter is how long the server wants to be left alone; 0 if it did
	// not say.
	RetryAfter time.Duration
}

// maxStored bounds a validator that is kept, in bytes; longer ones are not
// sent back.
const maxStored = 1024

// Fetch asks for a feed and parses it. An answer 304 is a Result without Feed.
// Errors are faults of the areas "outbound" and "feed"; the caller stores none
// of the new State with one, so the next fetch asks for everything again.
func Fetch(ctx context.Context, client *outbound.Client, s State) (Result, error) {
	r := Result{State: s}
	resp, err := client.Get(ctx, s.URL, s.ETag, s.LastModified)
	if err != nil {
		return r, err
	}
	r.Status = resp.Status
	r.RetryAfter = resp.RetryAfter(time.Now())
	moved := s.URL
	if resp.MovedTo != "" {
		moved = resp.MovedTo
	}
	switch {
	case resp.Status == http.StatusNotModified && (s.ETag != "" || s.LastModified != ""):
		r.NotModified = true
		r.State.URL = moved
		// RFC 9110 section 15.4.5: a 304 may renew the validators.
		r.State.ETag = keep(resp.Header.Get("ETag"), s.ETag)
		r.State.LastModified = keep(resp.Header.Get("Last-Modified"), s.LastModified)
		return r, nil
	case resp.Status != http.StatusOK:
		return r, statusFault(resp.Status)
	}
	feed, err := parse(resp.Body, resp.Header.Get("Content-Type"), resp.URL)
	if err != nil {
		return r, err
	}
	r.Feed = feed
	r.State = State{
		URL:          moved,
		ETag:         keep(resp.Header.Get("ETag"), ""),
		LastModified: keep(resp.Header.Get("Last-Modified"), ""),
	}
	return r, nil
}

func keep(value, otherwise string) string {
	if value == "" || len(value) > maxStored {
		return otherwise
	}
	return value
}

func statusFault(status int) error {
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return fault.New(fault.Unavailable, "feed.busy", "status", status)
	case status == http.StatusGone:
		return fault.New(fault.NotFound, "feed.gone")
	case status == http.StatusNotFound:
		return fault.New(fault.NotFound, "feed.missing")
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return fault.New(fault.Forbidden, "feed.denied", "status", status)
	}
	return fault.New(fault.Unavailable, "feed.status", "status", status)
}
