// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"

	"teiten/internal/intake"
	"teiten/internal/tlp"
)

// public imports what CISA published: real notices beside the made-up ones.
func (l *loader) public(ctx context.Context) error {
	g, err := l.guards.Current(ctx)
	if err != nil {
		return err
	}
	names, err := fs.Glob(data, "data/public/icsma/*.json")
	if err != nil {
		return err
	}
	formats := map[string]intake.Format{"data/public/kev.json": intake.KEV}
	for _, name := range names {
		formats[name] = intake.CSAF
	}
	for name, format := range formats {
		b, err := data.ReadFile(name)
		if err != nil {
			return err
		}
		o := intake.Defaults(format)
		o.TLP = tlp.Clear
		sum, err := intake.File(ctx, l.db, l.analysts[0], g, o, path.Base(name), bytes.NewReader(b))
		if err != nil {
			return fmt.Errorf("demo: %s: %w", name, err)
		}
		if sum.Rejected > 0 {
			return fmt.Errorf("demo: %s: %d rejected, the first: %w", name, sum.Rejected, sum.Problems[0].Err)
		}
	}
	return nil
}
