package demo

import "context"

func (l *loader) public(ctx context.Context) error { return nil }
