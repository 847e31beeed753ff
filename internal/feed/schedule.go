// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import "time"

// Limits of how often and how seldom a feed is asked.
const (
	MinInterval     = 15 * time.Minute
	DefaultInterval = time.Hour
	// MaxBackoff ends the growth of the wait after failures: a feed that works
	// again is noticed within a day.
	MaxBackoff = 24 * time.Hour
	// MaxRetryAfter bounds what a server may ask for, so that a mistake there
	// does not end a feed here.
	MaxRetryAfter = 7 * 24 * time.Hour
)

// Run is what decides when a feed is asked next.
type Run struct {
	// Interval is the operator's wish; 0 means DefaultInterval, less than
	// MinInterval means MinInterval.
	Interval time.Duration
	// Failures counts the fetches that failed since the last that did not.
	Failures int
	// RetryAfter is what the server asked for.
	RetryAfter time.Duration
}

// Wait returns how long to wait, for a jitter from 0 up to 1. After a success
// that is the interval and up to a tenth more, so that feeds of one server do
// not come together. After n failures it is 2ⁿ times the interval, at most
// MaxBackoff or the interval if that is longer, less up to a quarter. It is
// never shorter than the interval or than RetryAfter.
func (r Run) Wait(jitter float64) time.Duration {
	interval := r.Interval
	if interval == 0 {
		interval = DefaultInterval
	}
	interval = max(interval, MinInterval)
	jitter = min(max(jitter, 0), 1)

	wait := interval
	if r.Failures <= 0 {
		wait += time.Duration(float64(interval) / 10 * jitter)
	} else {
		longest := max(MaxBackoff, interval)
		for range r.Failures {
			if wait *= 2; wait >= longest {
				wait = longest
				break
			}
		}
		wait -= time.Duration(float64(wait) / 4 * jitter)
	}
	return max(wait, interval, min(r.RetryAfter, MaxRetryAfter))
}

// Next is Wait from now on.
func (r Run) Next(now time.Time, jitter float64) time.Time {
	return now.Add(r.Wait(jitter))
}
