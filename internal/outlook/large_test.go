// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"teiten/internal/outlook"
	"teiten/internal/outlooktest"
)

// TestLarge reads a file of 80 MiB, in one piece and scattered. Joining the pieces in
// quadratic time would take minutes.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 80 MiB")
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 40<<20/16)
	b := outlooktest.Msg(outlook.Item{Subject: "x", Attachments: []outlook.Attachment{{Name: "a", Data: data}, {Name: "b", Data: data}}}, outlooktest.Options{})
	within(t, "80 MiB in one piece", 5*time.Second, 40<<20, func() {
		got, err := outlook.ReadMsg(b, outlook.Limits{})
		if err != nil || len(got.Attachments) != 2 || !bytes.Equal(got.Attachments[1].Data, data) {
			t.Errorf("%v", err)
		}
	})
	// The streams of the two are interleaved sector by sector: two pieces become
	// as many as there are sectors.
	fats := int(binary.LittleEndian.Uint32(b[44:]))
	first := int(binary.LittleEndian.Uint32(b[76:]))
	table := b[512*(1+first):][:512*fats]
	n := uint32(len(data) / 512)
	for i := range n {
		binary.LittleEndian.PutUint32(table[4*i:], n+i)
		next := i + 1
		if i == n-1 {
			next = 0xFFFFFFFE
		}
		binary.LittleEndian.PutUint32(table[4*(n+i):], next)
	}
	within(t, "80 MiB in 163,840 pieces", 10*time.Second, 200<<20, func() {
		got, err := outlook.ReadMsg(b, outlook.Limits{})
		if err != nil || len(got.Attachments) != 2 || !bytes.Equal(got.Attachments[0].Data, data) {
			t.Errorf("%v", err)
		}
	})
}
