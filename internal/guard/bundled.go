// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
)

// Origin, licence and checksums are in lists/ORIGIN.md.
//
//go:embed lists/*.json lists/*.json.gz
var bundled embed.FS

// Bundled returns the lists that come with the program, ordered by file name.
// They are unpacked at the first call, which takes about 0.1 s, and kept, which
// takes about 2 MB. The slice is the caller's; nobody changes the lists.
func Bundled() ([]*List, error) {
	lists, err := unpacked()
	return slices.Clone(lists), err
}

var unpacked = sync.OnceValues(func() ([]*List, error) {
	files, err := bundled.ReadDir("lists")
	if err != nil {
		return nil, err
	}
	lists := make([]*List, 0, len(files))
	for _, f := range files {
		l, err := readBundled(path.Join("lists", f.Name()))
		if err != nil {
			return nil, fmt.Errorf("guard: bundled list %s: %w", f.Name(), err)
		}
		lists = append(lists, l)
	}
	return lists, nil
})

func readBundled(name string) (*List, error) {
	file, err := bundled.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			return nil, err
		}
	}
	return ParseList(r)
}
