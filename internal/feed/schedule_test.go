// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	const h = time.Hour
	tests := []struct {
		run    Run
		jitter float64
		want   time.Duration
	}{
		{Run{}, 0, DefaultInterval},
		{Run{Interval: h}, 0, h},
		{Run{Interval: h}, 1, h + 6*time.Minute},
		{Run{Interval: time.Second}, 0, MinInterval},
		{Run{Interval: -h}, 0, MinInterval},
		{Run{Interval: h, Failures: -1}, 0, h},
		{Run{Interval: h, Failures: 1}, 0, 2 * h},
		{Run{Interval: h, Failures: 1}, 1, 90 * time.Minute},
		{Run{Interval: h, Failures: 2}, 0, 4 * h},
		{Run{Interval: h, Failures: 4}, 0, 16 * h},
		{Run{Interval: h, Failures: 5}, 0, 24 * h},
		{Run{Interval: h, Failures: 1 << 30}, 0, 24 * h},
		{Run{Interval: h, Failures: 1 << 30}, 1, 18 * h},
		{Run{Interval: 20 * h, Failures: 3}, 1, 20 * h}, // never sooner than after a success
		{Run{Interval: 48 * h, Failures: 3}, 0, 48 * h},
		{Run{Interval: h, RetryAfter: 30 * time.Minute}, 0, h},
		{Run{Interval: h, RetryAfter: 3 * h}, 0, 3 * h},
		{Run{Interval: h, Failures: 1, RetryAfter: 3 * h}, 0, 3 * h},
		{Run{Interval: h, Failures: 1, RetryAfter: 1<<63 - 1}, 0, MaxRetryAfter},
		{Run{Interval: h, RetryAfter: -h}, 0, h},
		{Run{Interval: h}, -5, h},
		{Run{Interval: h}, 5, h + 6*time.Minute},
	}
	for _, tt := range tests {
		if got := tt.run.Wait(tt.jitter); got != tt.want {
			t.Errorf("%+v.Wait(%v) = %v, want %v", tt.run, tt.jitter, got, tt.want)
		}
	}
	now := utc(2026, 3, 4, 0, 0, 0)
	if got := (Run{Interval: h, Failures: 1}).Next(now, 0); !got.Equal(now.Add(2 * h)) {
		t.Errorf("Next = %v", got)
	}
}
