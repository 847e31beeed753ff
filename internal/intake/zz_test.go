package intake

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"teiten/internal/store"
)

func pgCPU(dir string) float64 {
	b, _ := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	pm := strings.Fields(string(b))[0]
	total := 0.0
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, s := range stats {
		b, err := os.ReadFile(s)
		if err != nil {
			continue
		}
		f := strings.Fields(string(b[strings.LastIndex(string(b), ")")+2:]))
		g := func(i int) float64 { v, _ := strconv.ParseFloat(f[i], 64); return v / 100 }
		pid := strings.Split(s, "/")[2]
		if f[1] == pm || pid == pm {
			total += g(11) + g(12)
		}
		if pid == pm {
			total += g(13) + g(14)
		}
	}
	return total
}
func self() float64 {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}

func BenchmarkZZ(b *testing.B) {
	files := realFiles(b)
	g := theGuard(b)
	ctx := context.Background()
	fresh := durablePostgres(b)
	var made *ready
	for b.Loop() {
		o := fresh()
		dir := o.Database[strings.Index(o.Database, "host=")+5:]
		db, err := store.Open(ctx, o)
		if err != nil {
			b.Fatal(err)
		}
		c := operator(b, db)
		x, y, w := self(), pgCPU(dir), time.Now()
		if _, err := importFiles(ctx, db, c, g, Defaults(JPCERT), files); err != nil {
			b.Fatal(err)
		}
		b.Logf("ours: self %.2f pg %.2f wall %.1f", self()-x, pgCPU(dir)-y, time.Since(w).Seconds())
		if made == nil {
			made = readReady(b, db)
		}
		db.Close()
		for _, n := range []int{20000, 1 << 30} {
			o = fresh()
			db, _ = store.Open(ctx, o)
			db.Close()
			x, y, w = self(), pgCPU(dir), time.Now()
			copyAll(n)(b, o, made)
			b.Logf("copy %d: self %.2f pg %.2f wall %.1f", n, self()-x, pgCPU(dir)-y, time.Since(w).Seconds())
		}
	}
}
