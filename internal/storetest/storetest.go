// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package storetest gives tests an empty store on each engine. PostgreSQL is a
// real server, started once for a test program on a socket of its own, as an
// ordinary user even when root runs the tests, and gone when the program ends.
package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"teiten/internal/program"
	"teiten/internal/store"
)

// Each runs fn as a subtest on an empty store of each engine. Where the
// environment variable TEITEN_TEST_ENGINE names one of them, as "make quick"
// does, and CI is not set, it runs on that one only.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	only := os.Getenv("TEITEN_TEST_ENGINE")
	if os.Getenv("CI") != "" {
		only = ""
	}
	if only != "" && only != "sqlite" && only != "postgres" {
		t.Fatalf("TEITEN_TEST_ENGINE is %q, neither sqlite nor postgres", only)
	}
	if only != "postgres" {
		t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	}
	if only != "sqlite" {
		t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
	}
}

// SQLite opens an empty SQLite store for the test.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	file, err := emptySQLite()
	if err != nil {
		t.Fatalf("SQLite: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "teiten.db"), file, 0o600); err != nil {
		t.Fatalf("SQLite: %v", err)
	}
	return Open(t, store.Options{Data: dir, Volatile: true})
}

// Postgres opens an empty PostgreSQL store for the test.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	s := shared(t)
	if err := s.migrated(); err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	return Open(t, store.Options{Database: s.create(t, empty), Volatile: true})
}

// Open opens a store until the test ends.
func Open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Bringing a database up to date takes longer than most tests. It is done once
// for each engine in a test program, and every empty store begins as a copy. A
// copy has no key: a store draws its own when it is opened first.

var emptySQLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "teiten-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := migrate(store.Options{Data: dir, Volatile: true}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "teiten.db"))
})

func migrate(o store.Options) error {
	ctx := context.Background()
	db, err := store.Connect(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(ctx), db.Close())
}

// server is a running PostgreSQL.
type server struct {
	dir      string       // its socket's
	migrated func() error // makes the database empty, once
	end      func()

	mu    sync.Mutex
	admin *pgx.Conn
	count int
}

// empty is the name of a database with the schema and nothing in it.
const empty = "empty"

var (
	common    *server // until the end of this process, on purpose: see script
	startOnce sync.Once
	startErr  error
)

// shared is the server of all tests in this process. It does not sync, and its
// files are in memory where there is room: what is written is lost with the
// machine.
func shared(t testing.TB) *server {
	t.Helper()
	initdb := program.Need(t, "initdb")
	startOnce.Do(func() {
		common, startErr = start(initdb, memory(), "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=64MB")
	})
	if startErr != nil {
		t.Fatalf("PostgreSQL: %v", startErr)
	}
	return common
}

// memory is a folder in memory with room for a test program's databases, or ""
// for the usual one. A database is some hundreds of small files, and making and
// removing them takes many file systems ten times as long.
func memory() string {
	const shm, room = "/dev/shm", 2 << 30
	var fs syscall.Statfs_t
	if syscall.Statfs(shm, &fs) != nil || uint64(fs.Bsize)*fs.Bavail < room {
		return ""
	}
	return shm
}

// Address returns the address of a new, empty PostgreSQL database. The server
// does not sync: what is written is lost with the machine.
func Address(t testing.TB) string {
	t.Helper()
	return shared(t).create(t, "template0")
}

// Durable starts a PostgreSQL server of its own that syncs every commit, as in
// production, and returns what gives addresses of new, empty databases on it.
func Durable(t testing.TB) (address func() string) {
	t.Helper()
	s, err := start(program.Need(t, "initdb"), "", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB")
	if err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	t.Cleanup(s.end)
	return func() string { return s.create(t, "template0") }
}

func (s *server) address(name string) string { return "postgres://teiten@/" + name + "?host=" + s.dir }

func (s *server) exec(sql string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.admin.Exec(context.Background(), sql)
	return err
}

// create makes a copy of a database, drops it when the test ends, and returns
// its address. The files are copied, not written through the log, which takes
// twice as long where nothing is synced.
func (s *server) create(t testing.TB, from string) string {
	t.Helper()
	s.mu.Lock()
	s.count++
	name := fmt.Sprintf("t%d", s.count)
	s.mu.Unlock()
	if err := s.exec("CREATE DATABASE " + name + " TEMPLATE " + from + " STRATEGY FILE_COPY"); err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := s.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("PostgreSQL: %v", err)
		}
	})
	return s.address(name)
}

// script keeps the server's life within ours: its standard input is a pipe
// from this process, so that it ends when this process does, however it does.
// A server that is not ready after two minutes never will be.
const script = `set -e
bin=$1 dir=$2 how=$3
shift 3
pid=
trap '{ kill -INT $pid && wait $pid; } 2>/dev/null || true; rm -rf "$dir"' EXIT
if [ "$how" = unpack ]; then
	mkdir "$dir/data"
	tar -xpf - -C "$dir/data" <&3
else
	"$bin/initdb" -D "$dir/data" -U teiten -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 ||
		{ cat "$dir/initdb.log" >&2; exit 1; }
	[ "$how" = make ] || tar -cf - -C "$dir/data" . >&3
fi
exec 3<&-
"$bin/postgres" -D "$dir/data" -k "$dir" -h "" -c max_connections=200 -c log_min_messages=warning "$@" \
	>"$dir/log" 2>&1 </dev/null &
pid=$!
tries=0
until "$bin/pg_isready" -q -h "$dir"; do
	kill -0 $pid && [ $((tries += 1)) -lt 2000 ] || { cat "$dir/log" >&2; exit 1; }
	sleep 0.05
done
echo ready
read -r _ || true
`

// cluster finds out how a new server comes to its files. What initdb makes is
// the same each time, and it takes most of the second in which a server starts:
// for each release it is packed once, in the user's cache, and unpacked then.
// Done is told whether the server runs.
func cluster(initdb string) (how string, packed *os.File, done func(runs bool)) {
	version, err := exec.Command(initdb, "--version").Output()
	cache, none := os.UserCacheDir()
	if err = errors.Join(err, none); err == nil {
		cache = filepath.Join(cache, "teiten-tests")
		err = os.MkdirAll(cache, 0o700)
	}
	if err != nil {
		return "make", nil, func(bool) {}
	}
	name := filepath.Join(cache, strings.Join(strings.Fields(string(version)), "_")+".tar")
	if packed, err = os.Open(name); err == nil {
		return "unpack", packed, func(runs bool) {
			if !runs {
				os.Remove(name) // the next time it is made anew
			}
		}
	}
	if packed, err = os.CreateTemp(cache, "new-"); err != nil {
		return "make", nil, func(bool) {}
	}
	return "pack", packed, func(runs bool) {
		if !runs || os.Rename(packed.Name(), name) != nil {
			os.Remove(packed.Name())
		}
	}
}

// start starts a server with the programs beside initdb and its files in a new
// folder in the folder in.
func start(initdb, in string, settings ...string) (*server, error) {
	dir, err := os.MkdirTemp(in, "teiten-pg-")
	if err != nil {
		return nil, err
	}
	how, packed, done := cluster(initdb)
	cmd := exec.Command("sh", append([]string{"-c", script, "sh", filepath.Dir(initdb), dir, how}, settings...)...)
	cmd.Dir = "/"
	if packed != nil {
		defer packed.Close()
		cmd.ExtraFiles = []*os.File{packed}
	}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, fmt.Errorf("PostgreSQL does not run as root and there is no user postgres: %w", err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	done(err == nil)
	if err != nil || strings.TrimSpace(line) != "ready" {
		rest, _ := io.ReadAll(out)
		cmd.Wait()
		return nil, fmt.Errorf("the server did not start: %s%s", line, rest)
	}
	s := &server{dir: dir, end: func() {
		lifeline.Close()
		cmd.Wait()
	}}
	s.migrated = sync.OnceValue(func() error {
		if err := s.exec("CREATE DATABASE " + empty + " TEMPLATE template0"); err != nil {
			return err
		}
		return migrate(store.Options{Database: s.address(empty), Volatile: true})
	})
	if s.admin, err = pgx.Connect(context.Background(), s.address("postgres")); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}
