// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"teiten/internal/advisory"
	"teiten/internal/fault"
)

// A cursor says behind which row of a list the next page begins. It holds a
// version, the row's position and a checksum over both and the list's filter:
// with another filter it would lead somewhere, but not to the next page.
const (
	cursorVersion = 1
	cursorSize    = 1 + 8 + 4
	cursorText    = (cursorSize*8 + 5) / 6
)

// cursor writes the position of a page's last row; "" for 0, the last page.
func cursor(position int64, f advisory.Filter) string {
	if position == 0 {
		return ""
	}
	var b [cursorSize]byte
	b[0] = cursorVersion
	binary.BigEndian.PutUint64(b[1:], uint64(position))
	sum := checksum(b[:9], f)
	copy(b[9:], sum[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// position reads a cursor of a list with the filter; 0 for "".
func position(text string, f advisory.Filter) (int64, error) {
	if text == "" {
		return 0, nil
	}
	wrong := fault.New(fault.Invalid, "api.cursor").At("cursor")
	if len(text) != cursorText {
		return 0, wrong
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != cursorSize || b[0] != cursorVersion || checksum(b[:9], f) != [4]byte(b[9:]) {
		return 0, wrong
	}
	p := int64(binary.BigEndian.Uint64(b[1:]))
	if p == 0 {
		return 0, wrong
	}
	return p, nil
}

func checksum(head []byte, f advisory.Filter) (sum [4]byte) {
	f.Before, f.Limit = 0, 0 // the size of pages may change on the way
	text, err := json.Marshal(f)
	if err != nil {
		panic(fmt.Sprintf("api: a filter is no JSON: %v", err)) // it is plain data
	}
	all := sha256.Sum256(append(append(make([]byte, 0, len(head)+len(text)), head...), text...))
	copy(sum[:], all[:])
	return sum
}
