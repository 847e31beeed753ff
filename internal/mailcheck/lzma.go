// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// unpackLZMA unpacks size bytes, at most maxHeader7z. The dictionary that an
// archive asks for may be 4 GB; as large as what comes out is enough.
func unpackLZMA(properties, packed []byte, size int) ([]byte, error) {
	if len(properties) != 5 || size > maxHeader7z {
		return nil, err7z
	}
	dictionary := min(binary.LittleEndian.Uint32(properties[1:]), uint32(max(size, lzma.MinDictCap)))
	head := binary.LittleEndian.AppendUint32([]byte{properties[0]}, dictionary)
	head = binary.LittleEndian.AppendUint64(head, uint64(size))
	r, err := lzma.ReaderConfig{DictCap: maxHeader7z}.NewReader(io.MultiReader(bytes.NewReader(head), bytes.NewReader(packed)))
	if err != nil {
		return nil, err
	}
	out := make([]byte, size)
	_, err = io.ReadFull(r, out)
	return out, err
}
