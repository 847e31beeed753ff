// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/mod/sumdb/note"

	"teiten/internal/audit"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/store"
)

func (e *env) auditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: e.t("cli.audit")}
	cmd.AddCommand(e.auditVerify(), e.auditList(), e.auditExport(), e.auditCheckpoint(), e.auditRetain())
	return cmd
}

// auditFilter is Filter as flags say it.
type auditFilter struct {
	from, to, action, object, value string
	person                          int64
}

func (f *auditFilter) bind(e *env, fs *pflag.FlagSet) {
	fs.StringVar(&f.from, "from", "", e.t("cli.flag.audit_from"))
	fs.StringVar(&f.to, "to", "", e.t("cli.flag.audit_to"))
	fs.StringVar(&f.action, "action", "", e.t("cli.flag.audit_action"))
	fs.StringVar(&f.object, "object", "", e.t("cli.flag.audit_object"))
	fs.Int64Var(&f.person, "person", 0, e.t("cli.flag.audit_person"))
	fs.StringVar(&f.value, "value", "", e.t("cli.flag.audit_value"))
}

// filter reads the flags; the last day is included. A personal value, which may
// come on standard input to stay out of the shell's history, becomes its hash.
func (f *auditFilter) filter(a *app) (audit.Filter, error) {
	out := audit.Filter{Action: f.action, Object: f.object, Person: f.person}
	var err error
	if f.from != "" {
		if out.From, err = auditDay(f.from); err != nil {
			return out, err
		}
	}
	if f.to != "" {
		if out.To, err = auditDay(f.to); err != nil {
			return out, err
		}
		out.To = out.To.AddDate(0, 0, 1)
	}
	if f.value == "-" {
		text, err := io.ReadAll(io.LimitReader(a.in, 4096))
		if err != nil {
			return out, err
		}
		f.value = strings.TrimSpace(string(text))
	}
	out.Mark = audit.Personal(a.db, f.value)
	return out, nil
}

// auditDay reads a day in Tokyo.
func auditDay(s string) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, s, locale.Tokyo)
	if err != nil {
		return t, fault.New(fault.Invalid, "cli.audit.day", "value", s)
	}
	return t, nil
}

func (e *env) auditVerify() *cobra.Command {
	var kept []string
	var proof, key string
	cmd := &cobra.Command{
		Use: "verify", Short: e.t("cli.audit.verify"), Long: e.t("cli.audit.verify.long"), Args: cobra.NoArgs,
		Example: "  teiten audit verify --checkpoint kept.txt\n  teiten audit verify --checkpoint kept.txt --proof newer.txt --key teiten/audit/…",
	}
	inStore := e.with(func(ctx context.Context, a *app, _ []string) error { return a.verifyAudit(ctx, kept) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if proof == "" && key == "" {
			return inStore(cmd, args)
		}
		if proof == "" || key == "" || len(kept) != 1 {
			return fault.New(fault.Invalid, "cli.audit.proof_flags")
		}
		return e.verifyProof(kept[0], proof, key)
	}
	cmd.Flags().StringArrayVar(&kept, "checkpoint", nil, e.t("cli.flag.audit_checkpoint"))
	cmd.Flags().StringVar(&proof, "proof", "", e.t("cli.flag.audit_proof"))
	cmd.Flags().StringVar(&key, "key", "", e.t("cli.flag.audit_key"))
	return cmd
}

// verifyAudit seals what waits, verifies, and records that it did.
func (a *app) verifyAudit(ctx context.Context, names []string) error {
	var kept [][]byte
	for _, name := range names {
		text, err := readSmall(name)
		if err != nil {
			return err
		}
		kept = append(kept, text)
	}
	keys := a.blobs.Keyring()
	_, sealing := audit.Seal(ctx, a.db, keys)
	if sealing != nil && fault.Code(sealing) != "audit.tree_damaged" && fault.Code(sealing) != "audit.signer" {
		return sealing
	}
	r, err := audit.Verify(ctx, a.db, keys, kept...)
	if err != nil {
		return err
	}
	err = a.db.Write(ctx, a.caller, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "audit.verify", "audit/records", "size", r.Size, "findings", int64(len(r.Findings))+r.More, "kept", len(kept))
	})
	if err != nil {
		return err
	}
	if err := a.print(r, func() {
		for _, f := range r.Findings {
			fmt.Fprintln(a.out, f.Name(a.lang))
		}
		if r.More > 0 {
			a.say("cli.audit.more", "n", r.More)
		}
		if r.OK() {
			a.say("cli.audit.whole", "records", r.Records, "size", r.Size, "checkpoints", r.Checkpoints)
		}
	}); err != nil {
		return err
	}
	if !r.OK() {
		return errFound
	}
	return sealing // a tree that is whole but cannot be sealed
}

// verifyProof checks files against each other; there need not be a store.
func (e *env) verifyProof(kept, proof, key string) error {
	v, err := readVerifier(key)
	if err != nil {
		return err
	}
	text, err := readSmall(kept)
	if err != nil {
		return err
	}
	old, err := audit.ParseCheckpoint(text, note.VerifierList(v))
	if err != nil {
		return err
	}
	if text, err = readSmall(proof); err != nil {
		return err
	}
	newest, err := audit.CheckProof(old, text, note.VerifierList(v))
	if fault.Code(err) == "audit.proof_wrong" {
		if err := e.print(map[string]bool{"continues": false}, func() { fmt.Fprintln(e.out, e.lang.Fault(err)) }); err != nil {
			return err
		}
		return errFound
	}
	if err != nil {
		return err
	}
	return e.print(map[string]any{"continues": true, "old": old.Size, "size": newest.Size}, func() {
		e.say("cli.audit.continues", "old", old.Size, "size", newest.Size)
	})
}

// readVerifier reads a verifier's key as it is, or the first one in a file.
func readVerifier(key string) (note.Verifier, error) {
	if v, err := note.NewVerifier(key); err == nil {
		return v, nil
	}
	text, err := readSmall(key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "cli.audit.key")
	}
	for word := range strings.FieldsSeq(string(text)) {
		if v, err := note.NewVerifier(word); err == nil {
			return v, nil
		}
	}
	return nil, fault.New(fault.Invalid, "cli.audit.key")
}

// readSmall reads a file of at most 64 KiB; what is larger is cut, and refused
// by whoever reads it.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "cli.import.open", "file", name)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "cli.import.open", "file", name)
	}
	return text, nil
}

func (e *env) auditList() *cobra.Command {
	var f auditFilter
	limit := 50
	cmd := &cobra.Command{
		Use: "list", Short: e.t("cli.audit.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			filter, err := f.filter(a)
			if err != nil {
				return err
			}
			all, err := audit.Read(ctx, a.db, a.caller, filter, limit)
			if err != nil {
				return err
			}
			return a.print(append([]audit.Record{}, all...), func() {
				for _, r := range all {
					action := r.Action
					if key := "tools.audit.action." + r.Action; locale.Has(key) {
						action = a.t(key)
					}
					fmt.Fprintf(a.out, "%d\t%s\t%s\t%s\t%s\n", r.ID, r.At.In(locale.Tokyo).Format(time.DateTime), r.Actor, action, r.Object)
				}
			})
		}),
	}
	f.bind(e, cmd.Flags())
	cmd.Flags().IntVar(&limit, "limit", limit, e.t("cli.flag.audit_limit"))
	return cmd
}

func (e *env) auditExport() *cobra.Command {
	var f auditFilter
	var format, output string
	cmd := &cobra.Command{
		Use: "export", Short: e.t("cli.audit.export"), Args: cobra.NoArgs,
		Example: "  teiten audit export --from 2026-04-01 --to 2026-04-30 --format csv --output april.csv",
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			filter, err := f.filter(a)
			if err != nil {
				return err
			}
			write := func(w io.Writer) error {
				_, err := audit.Export(ctx, a.db, a.caller, filter, audit.Format(format), w)
				return err
			}
			if output == "" {
				return write(a.out)
			}
			return replaceFile(output, write)
		}),
	}
	f.bind(e, cmd.Flags())
	cmd.Flags().StringVar(&format, "format", string(audit.JSONLines), e.t("cli.flag.audit_format"))
	cmd.Flags().StringVarP(&output, "output", "o", "", e.t("cli.flag.output"))
	return cmd
}

func (e *env) auditCheckpoint() *cobra.Command {
	var output, since string
	cmd := &cobra.Command{
		Use: "checkpoint", Short: e.t("cli.audit.checkpoint"), Long: e.t("cli.audit.checkpoint.long"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error { return a.auditCheckpoint(ctx, since, output) }),
	}
	cmd.Flags().StringVar(&since, "since", "", e.t("cli.flag.audit_since"))
	cmd.Flags().StringVarP(&output, "output", "o", "", e.t("cli.flag.output"))
	return cmd
}

// auditCheckpoint prints the newest checkpoint, after sealing, and on standard
// error the key with which it is verified; with a kept one, the proof from that.
func (a *app) auditCheckpoint(ctx context.Context, since, output string) error {
	c, err := audit.Seal(ctx, a.db, a.blobs.Keyring())
	if err != nil {
		return err
	}
	if c == nil {
		return fault.New(fault.Conflict, "cli.audit.nothing")
	}
	verifier, err := audit.Verifier(ctx, a.db)
	if err != nil {
		return err
	}
	text := c.Note
	if since != "" {
		v, err := note.NewVerifier(verifier)
		if err != nil {
			return err
		}
		kept, err := readSmall(since)
		if err != nil {
			return err
		}
		old, err := audit.ParseCheckpoint(kept, note.VerifierList(v))
		if err != nil {
			return err
		}
		if text, err = audit.Prove(ctx, a.db, old.Size); err != nil {
			return err
		}
	}
	err = a.db.Write(ctx, a.caller, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "audit.checkpoint", "audit/"+strconv.FormatInt(c.Size, 10))
	})
	if err != nil {
		return err
	}
	if output != "" {
		if err := replaceFile(output, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			return err
		}
	}
	return a.print(map[string]any{"checkpoint": c, "text": text, "key": verifier}, func() {
		if output == "" {
			fmt.Fprint(a.out, text)
		}
		fmt.Fprintln(a.err, a.t("cli.audit.verifier", "key", verifier))
	})
}

func (e *env) auditRetain() *cobra.Command {
	var before string
	cmd := &cobra.Command{
		Use: "retain", Short: e.t("cli.audit.retain"), Long: e.t("cli.audit.retain.long"), Args: cobra.NoArgs,
		Example: "  teiten audit retain --before 2020-04-01",
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			day, err := auditDay(before)
			if err != nil {
				return err
			}
			done, err := audit.Retain(ctx, a.db, a.blobs.Keyring(), a.caller, day)
			if err != nil {
				return err
			}
			return a.print(done, func() { a.say("cli.audit.retained", "n", done.Dropped, "day", before) })
		}),
	}
	cmd.Flags().StringVar(&before, "before", "", e.t("cli.flag.audit_before"))
	return cmd
}
