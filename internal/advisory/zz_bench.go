package advisory

import (
	"teiten/internal/caller"
	"teiten/internal/store"
)

func SQLForBench(f Filter, q store.Queryer, c caller.Caller) (string, []any, error) {
	s, args, err := f.sql(q, c)
	return `SELECT ` + columns + s + ` LIMIT 21`, args, err
}
