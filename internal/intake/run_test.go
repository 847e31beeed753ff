// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

const (
	childData     = "TEITEN_TEST_IMPORT_DATA"
	childDatabase = "TEITEN_TEST_IMPORT_DATABASE"
	childBatch    = 500 // so that a kill finds many transactions
)

// TestMain is also the program that the kill test starts and kills.
func TestMain(m *testing.M) {
	if os.Getenv(childData) != "" || os.Getenv(childDatabase) != "" {
		if err := importChild(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// importChild imports files into the store that the environment names, with the
// durability of a real installation.
func importChild(files []string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{Data: os.Getenv(childData), Database: os.Getenv(childDatabase)})
	if err != nil {
		return err
	}
	defer db.Close()
	c, err := member.LocalOperator(ctx, db, "cli")
	if err != nil {
		return err
	}
	o := Defaults(JPCERT)
	o.Batch = childBatch
	o.Progress = func(Progress) { fmt.Println("batch") }
	_, err = importFiles(ctx, db, c, guard.New(nil), o, files)
	return err
}

// TestKilled kills an import with SIGKILL at random moments and repeats it until
// it ends: the store then holds what an undisturbed import leaves.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	files := realFiles(t)
	files = files[26:29] // 202103 to 202105: 4,179 rows
	clean := storetest.SQLite(t)
	o := Defaults(JPCERT)
	o.Batch = childBatch
	if _, err := importFiles(context.Background(), clean, operator(t, clean), guard.New(nil), o, files); err != nil {
		t.Fatal(err)
	}
	if err := trend.Refresh(context.Background(), clean); err != nil {
		t.Fatal(err)
	}
	want := dump(t, clean)
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			o := store.Options{}
			if engine == "sqlite" {
				o.Data = t.TempDir()
			} else {
				o.Database = storetest.Address(t)
			}
			killed := 0
			for try := 0; ; try++ {
				if try == 60 {
					t.Fatal("the import does not come to its end")
				}
				cmd := exec.Command(os.Args[0], files...)
				cmd.Env = append(os.Environ(), childData+"="+o.Data, childDatabase+"="+o.Database)
				out := &killer{after: 1 + rand.IntN(3), kill: func() { cmd.Process.Kill() }}
				if killed >= 8 {
					out.after = 1 << 30
				}
				var stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = out, &stderr
				err := cmd.Run()
				var exit *exec.ExitError
				switch {
				case err == nil && killed < 3:
					t.Fatalf("only %d kills came in time", killed)
				case errors.As(err, &exit) && exit.ExitCode() == -1:
					killed++
					continue
				case err != nil:
					t.Fatal(err, stderr.String())
				}
				break
			}
			db, err := store.Open(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := trend.Refresh(context.Background(), db); err != nil {
				t.Fatal(err)
			}
			if got := dump(t, db); !maps.Equal(got, want) {
				t.Errorf("after %d kills %v, want %v", killed, got, want)
			}
			diff, err := trend.Check(context.Background(), db, operator(t, db))
			if err != nil || len(diff) > 0 {
				t.Error(diff, err)
			}
			t.Logf("killed %d times: %v", killed, want)
		})
	}
}

// killer kills after some batches, a random moment later: in the middle of a
// transaction, or of its commit.
type killer struct {
	after int
	kill  func()
}

func (k *killer) Write(p []byte) (int, error) {
	for range bytes.Count(p, []byte("\n")) {
		if k.after--; k.after == 0 {
			time.AfterFunc(time.Duration(rand.IntN(20_000))*time.Microsecond, k.kill)
		}
	}
	return len(p), nil
}

// people registers an institution with a contact, and returns it, another
// contact, and a member of staff.
func people(t *testing.T, db *store.DB) (contact, other, staff caller.Caller) {
	t.Helper()
	ctx := context.Background()
	add := func(name string, role caller.Role, org int64) (c caller.Caller) {
		err := db.Write(ctx, operator(t, db), func(tx *store.Tx) error {
			if org == 0 {
				var err error
				if org, err = member.AddOrganisation(ctx, tx, member.Organisation{Kind: caller.Institution, Name: name}); err != nil {
					return err
				}
			}
			id, err := member.AddAccount(ctx, tx, member.Account{Org: member.Organisation{ID: org}, Name: name, Role: role})
			if err != nil {
				return err
			}
			c.Account = id
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if c, err = member.Caller(ctx, db, c.Account, "web"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	contact = add("A病院", caller.Contact, 0)
	other = add("B病院", caller.Contact, 0)
	staff = add("職員", caller.Staff, contact.Org)
	return contact, other, staff
}

// TestWhoMayImport: contacts import indicators for their own institution only,
// and see only their own runs; staff neither.
func TestWhoMayImport(t *testing.T) {
	ctx := context.Background()
	db := storetest.SQLite(t)
	contact, other, staff := people(t, db)
	op, g := operator(t, db), theGuard(t)
	list := "url,tlp\nhttps://a.example/,CLEAR\n"
	try := func(c caller.Caller, o Options) (Summary, error) {
		return File(ctx, db, c, g, o, "l.csv", strings.NewReader(list))
	}
	red := Defaults(CSV)
	red.TLP = tlp.Red
	for _, test := range []struct {
		who  string
		c    caller.Caller
		o    Options
		code string
	}{
		{"staff", staff, red, "fault.forbidden"},
		{"nobody", caller.Caller{}, red, "fault.forbidden"},
		{"contact, wide", contact, Defaults(CSV), "import.tlp_contact"},
		{"contact, KEV", contact, Defaults(KEV), "fault.forbidden"},
		{"format", op, Options{Format: "xls"}, "import.format"},
		{"batch", op, Options{Format: CSV, Batch: -1}, "fault.limit"},
		{"brand", op, Options{Format: CSV, Brand: strings.Repeat("あ", 201)}, "import.word_long"},
		{"source", op, Options{Format: CSV, Source: "a\nb"}, "import.word"},
		{"contact", contact, red, ""},
	} {
		if _, err := try(test.c, test.o); fault.Code(err) != test.code {
			t.Errorf("%s: %v, want %q", test.who, err, test.code)
		}
	}
	// What the row says does not make a contact's import wider.
	if n := countRows(t, db, `SELECT COUNT(*) FROM indicator WHERE tlp = 4 AND organisation_id = $1`, contact.Org); n != 1 {
		t.Error("the contact's indicator is not RED")
	}
	runs, err := Runs(ctx, db, contact, 0, 10)
	if err != nil || len(runs) != 1 || runs[0].Added != 1 || runs[0].State != Done {
		t.Fatalf("%+v %v", runs, err)
	}
	if _, _, err := ReadRun(ctx, db, other, runs[0].ID); !fault.Is(err, fault.NotFound) {
		t.Error("another institution reads the run:", err)
	}
	if others, err := Runs(ctx, db, other, 0, 10); err != nil || len(others) != 0 {
		t.Error(others, err)
	}
	if _, _, err := ReadRun(ctx, db, staff, runs[0].ID); !fault.Is(err, fault.Forbidden) {
		t.Error("staff reads the run:", err)
	}
	if _, _, err := ReadRun(ctx, db, op, runs[0].ID); err != nil {
		t.Error(err)
	}
	records, err := audit.List(ctx, db, op, 0, 3)
	if err != nil || len(records) != 3 || records[0].Action != "import.end" || records[1].Action != "import.batch" || records[2].Action != "import.begin" || records[1].Account != contact.Account {
		t.Errorf("%+v %v", records, err)
	}
}

// TestWorker: an upload is imported by a job; one whose process died goes on and
// its record counts each row once.
func TestWorker(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		c, g := operator(t, db), theGuard(t)
		var rows strings.Builder
		rows.WriteString(jpcertHead)
		for i := range 1000 {
			fmt.Fprintf(&rows, "2024/09/02 11:34:%02d,https://host%d.example/,Brand\n", i%60, i)
		}
		rows.WriteString("x,y\n")
		blobs := map[string]func() io.Reader{
			"good": func() io.Reader { return strings.NewReader(rows.String()) },
			"bad":  func() io.Reader { return strings.NewReader("a,b,c\n") },
		}
		breaks := true
		blobs["dies"] = func() io.Reader {
			if !breaks {
				return blobs["good"]()
			}
			breaks = false
			return io.MultiReader(strings.NewReader(rows.String()[:20_000]), failing{})
		}
		work := Worker(db, func(context.Context) (*guard.Guard, error) { return g, nil },
			func(_ context.Context, blob string) (io.ReadCloser, error) { return io.NopCloser(blobs[blob]()), nil })
		runner := job.NewRunner(db, slog.New(slog.DiscardHandler), map[string]job.Worker{Job: work, trend.RefreshJob: trend.Worker(db)})
		o := Defaults(JPCERT)
		o.Batch = 100
		enqueue := func(name, blob string, dry bool) int64 {
			o := o
			o.DryRun = dry
			id, err := Enqueue(ctx, db, c, o, name, blob)
			if err != nil {
				t.Fatal(err)
			}
			if run, _, err := ReadRun(ctx, db, c, id); err != nil || run.State != Running {
				t.Errorf("%+v %v", run, err)
			}
			if _, err := runner.Drain(ctx); err != nil {
				t.Fatal(err)
			}
			return id
		}
		check := func(id int64, state State, want Counts, code string, problems int) {
			t.Helper()
			run, all, err := ReadRun(ctx, db, c, id)
			want.New, want.Repaired = 0, 0
			if err != nil || run.State != state || run.Counts != want || fault.Code(run.Err) != code || len(all) != problems || run.FinishedAt.IsZero() {
				t.Errorf("%+v with %d problems, %v", run, len(all), err)
			}
		}
		check(enqueue("a.csv", "good", true), Done, Counts{Rows: 1001, Added: 1000, Rejected: 1}, "", 1)
		if n := countRows(t, db, `SELECT COUNT(*) FROM observation`); n != 0 {
			t.Fatalf("the dry run stored %d rows", n)
		}
		check(enqueue("a.csv", "bad", false), Failed, Counts{}, "import.jpcert_header", 0)
		id := enqueue("a.csv", "dies", false)
		if n := countRows(t, db, `SELECT COUNT(*) FROM observation`); n == 0 || n == 1000 {
			t.Fatalf("%d rows after the process died", n)
		}
		if err := db.Keep(ctx, func(tx *store.Tx) error { // the pause before the next attempt is over
			_, err := tx.Exec(ctx, `UPDATE job SET run_at = 0 WHERE state = 'available'`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := runner.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		check(id, Done, Counts{Rows: 1001, Added: 1000, Rejected: 1}, "", 1)
		check(enqueue("a.csv", "good", false), Done, Counts{Rows: 1001, Known: 1000, Rejected: 1}, "", 1)
	})
}

// failing is a disk that fails.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("input/output error") }
