// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package storetest gives tests an empty store on each engine. PostgreSQL is a
// real server, started once for a test program on a socket of its own, as an
// ordinary user even when root runs the tests, and gone when the program ends.
package storetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"teiten/internal/store"
)

// Each runs fn as a subtest on an empty store of each engine.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
}

// SQLite opens an empty SQLite store for the test.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return open(t, store.Options{Data: t.TempDir(), Volatile: true})
}

// Postgres opens an empty PostgreSQL store for the test.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	return open(t, store.Options{Database: Address(t), Volatile: true})
}

func open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

var (
	startOnce sync.Once
	socketDir string
	startErr  error
	count     atomic.Int64
	keep      []io.Closer // the server's lifeline: only the end of this process closes it
)

// Address returns the address of a new, empty PostgreSQL database.
func Address(t testing.TB) string {
	t.Helper()
	startOnce.Do(func() { socketDir, startErr = startPostgres() })
	if startErr != nil {
		t.Fatalf("PostgreSQL: %v", startErr)
	}
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, "postgres://teiten@/postgres?host="+socketDir)
	if err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	defer admin.Close(ctx)
	name := fmt.Sprintf("t%d", count.Add(1))
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		admin, err := pgx.Connect(ctx, "postgres://teiten@/postgres?host="+socketDir)
		if err != nil {
			return
		}
		defer admin.Close(ctx)
		admin.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
	})
	return "postgres://teiten@/" + name + "?host=" + socketDir
}

// script keeps the server's life within ours: its standard input is a pipe
// from this process, so that it ends when this process does, however it does.
const script = `set -e
bin=$1 dir=$2
"$bin/initdb" -D "$dir/data" -U teiten -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 ||
	{ cat "$dir/initdb.log" >&2; exit 1; }
"$bin/postgres" -D "$dir/data" -k "$dir" -h "" -c fsync=off -c full_page_writes=off -c shared_buffers=64MB \
	-c max_connections=200 -c log_min_messages=warning >"$dir/log" 2>&1 </dev/null &
pid=$!
until "$bin/pg_isready" -q -h "$dir"; do
	kill -0 $pid || { cat "$dir/log" >&2; exit 1; }
	sleep 0.05
done
echo ready
read -r _ || true
kill -INT $pid
wait $pid || true
cd / && rm -rf "$dir"
`

func startPostgres() (string, error) {
	bin, err := postgresBin()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "teiten-pg-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("sh", "-c", script, "sh", bin, dir)
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return "", fmt.Errorf("PostgreSQL does not run as root and there is no user postgres: %w", err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			return "", err
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	keep = append(keep, lifeline)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "ready" {
		rest, _ := io.ReadAll(out)
		cmd.Wait()
		return "", fmt.Errorf("the server did not start: %s%s", line, rest)
	}
	return dir, nil
}

// postgresBin finds the folder of initdb and postgres; Debian keeps them out
// of PATH, one folder for each version.
func postgresBin() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	sort.Strings(dirs)
	for i := len(dirs) - 1; i >= 0; i-- {
		if _, err := os.Stat(filepath.Join(dirs[i], "initdb")); err == nil {
			return dirs[i], nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", fmt.Errorf("initdb is not installed: apt-get install postgresql")
}
