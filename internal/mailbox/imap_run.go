// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"teiten/internal/fault"
	"teiten/internal/job"
	"teiten/internal/store"
)

const (
	mostFetched  = 50               // mails in one run
	fetchTime    = 10 * time.Minute // for one run
	answerBytes  = 4 << 20          // of the server's answers to one command, beside a mail
	headerFields = 64 << 10         // of the fields that name the sender
)

func (b *Box) fetchJob(ctx context.Context, j job.Job) error {
	var args fetchArgs
	if err := json.Unmarshal(j.Args, &args); err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	var i IMAP
	err := b.DB.Keep(ctx, func(tx *store.Tx) (err error) {
		i, err = claimIMAP(ctx, tx, args.IMAP, tx.Now.Add(fetchTime+time.Minute))
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	running, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	left, failed := b.fetch(running, &i)
	if ctx.Err() != nil { // the program stops: that is no failure of the server
		failed, left = nil, 1
	}
	if failed != nil {
		b.Log.Warn("mails could not be fetched", "imap", i.ID, "organisation", i.Org, "error", failed)
	}
	return b.DB.Keep(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		i.Failures++
		next := tx.Now.Add(pause(i.Failures))
		if failed == nil {
			i.Failures = 0
			if next = tx.Now.Add(pollEvery); left > 0 {
				next = tx.Now
			}
		}
		return finishIMAP(ctx, tx, i, failed, next)
	})
}

// imapSession is one conversation with a server.
type imapSession struct {
	i    IMAP
	c    *imapclient.Client
	conn *budgetConn
	stop func() bool
}

// budgetConn bounds what a server may send in answer to one command: the
// client keeps answers in memory.
type budgetConn struct {
	net.Conn
	left atomic.Int64
}

func (c *budgetConn) Read(p []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		return 0, fault.New(fault.TooLarge, "mailbox.imap_answer")
	}
	if int64(len(p)) > left {
		p = p[:left]
	}
	n, err := c.Conn.Read(p)
	c.left.Add(-int64(n))
	return n, err
}

// allow gives the next command its bytes.
func (s *imapSession) allow(n int64) { s.conn.left.Store(n + answerBytes) }

// signIn connects within the operator's policy, encrypts and signs in.
func (b *Box) signIn(ctx context.Context, i IMAP) (*imapSession, error) {
	password, err := b.Blobs.Keyring().Reveal(b.passwordUse(i.Org), i.password)
	if err != nil {
		return nil, err
	}
	raw, err := b.cfg.IMAP.Client.Dial(ctx, i.Server, 143, 993)
	if err != nil {
		return nil, err
	}
	conn := &budgetConn{Conn: raw}
	conn.left.Store(answerBytes)
	host, _, _ := net.SplitHostPort(i.Server)
	settings := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: b.cfg.IMAP.RootCAs}
	// The client knows no context: closing the connection ends whatever waits.
	s := &imapSession{i: i, conn: conn, stop: context.AfterFunc(ctx, func() { raw.Close() })}
	if i.Security == TLS {
		encrypted := tls.Client(conn, settings)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			s.stop()
			raw.Close()
			return nil, s.explain(ctx, err)
		}
		s.c = imapclient.New(encrypted, nil)
	} else if s.c, err = imapclient.NewStartTLS(conn, &imapclient.Options{TLSConfig: settings}); err != nil {
		s.stop()
		raw.Close()
		return nil, s.explain(ctx, err)
	}
	if err := s.c.Login(i.Login, string(password)).Wait(); err != nil {
		defer s.close()
		var refused *imap.Error
		if errors.As(err, &refused) { // its words may repeat the login
			return nil, fault.New(fault.Unavailable, "mailbox.imap_login")
		}
		return nil, s.explain(ctx, err)
	}
	return s, nil
}

func (s *imapSession) close() {
	s.stop()
	s.c.Close()
}

// explain says what went wrong. What the server says stays behind.
func (s *imapSession) explain(ctx context.Context, err error) error {
	var ours *fault.Error
	var refused *imap.Error
	var verify *tls.CertificateVerificationError
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &verify):
		return fault.Wrap(err, fault.Unavailable, "mailbox.imap_certificate")
	case errors.As(err, &refused):
		return fault.New(fault.Unavailable, "mailbox.imap_refused")
	case ctx.Err() != nil:
		return fault.Wrap(ctx.Err(), fault.Unavailable, "mailbox.imap_slow")
	}
	return fault.Wrap(err, fault.Unavailable, "mailbox.imap_broken")
}

// open selects the folder and looks for the other one, which is made unless
// nothing is to change.
func (s *imapSession) open(ctx context.Context, readOnly bool) (*imap.SelectData, error) {
	s.allow(0)
	folders, err := s.c.List("", s.i.DoneFolder, nil).Collect()
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	if len(folders) == 0 && !readOnly {
		if err := s.c.Create(s.i.DoneFolder, nil).Wait(); err != nil {
			return nil, fault.New(fault.Unavailable, "mailbox.imap_folder", "folder", s.i.DoneFolder)
		}
	}
	s.allow(0)
	data, err := s.c.Select(s.i.Folder, &imap.SelectOptions{ReadOnly: readOnly}).Wait()
	var refused *imap.Error
	if errors.As(err, &refused) {
		return nil, fault.New(fault.Unavailable, "mailbox.imap_folder", "folder", s.i.Folder)
	} else if err != nil {
		return nil, s.explain(ctx, err)
	}
	return data, nil
}

// fetch stores what is new in a mailbox, moves what is stored, and returns how
// many are left for the next run.
func (b *Box) fetch(ctx context.Context, i *IMAP) (left int, err error) {
	s, err := b.signIn(ctx, *i)
	if err != nil {
		return 0, err
	}
	defer s.close()
	folder, err := s.open(ctx, false)
	if err != nil {
		return 0, err
	}
	if v := int64(folder.UIDValidity); v != i.validity {
		// Another folder than before, or the same with new numbers: begin with
		// yesterday. What was stored already is known by its content.
		i.validity, i.last = v, 0
		recent, err := s.search(ctx, &imap.SearchCriteria{Since: time.Now().Add(-24 * time.Hour)})
		if err != nil {
			return 0, err
		}
		i.first = int64(folder.UIDNext)
		if len(recent) > 0 {
			i.first = int64(recent[0])
		}
		i.last = i.first - 1
	}
	fresh, err := s.search(ctx, uidsFrom(i.last+1))
	if err != nil {
		return 0, err
	}
	fresh = slices.DeleteFunc(fresh, func(u imap.UID) bool { return int64(u) <= i.last }) // "n:*" always names the newest
	if len(fresh) > mostFetched {
		left = len(fresh) - mostFetched
		fresh = fresh[:mostFetched]
	}
	large := 0
	for _, uid := range fresh {
		taken, err := b.fetchOne(ctx, s, i, uid)
		if err != nil {
			return 0, err
		}
		if !taken {
			large++
		}
	}
	// Those of earlier runs too, which ended between storing and moving.
	if err := b.moveDone(ctx, s, i); err != nil {
		return 0, err
	}
	if large > 0 {
		return left, fault.New(fault.TooLarge, "mailbox.imap_large", "n", large, "most", b.cfg.MaxBytes>>20)
	}
	return left, nil
}

func uidsFrom(first int64) *imap.SearchCriteria {
	return &imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: imap.UID(first), Stop: 0}}}}
}

func (s *imapSession) search(ctx context.Context, criteria *imap.SearchCriteria) ([]imap.UID, error) {
	s.allow(0)
	data, err := s.c.UIDSearch(criteria, nil).Wait()
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	all := data.AllUIDs()
	slices.Sort(all)
	return all, nil
}

// sections that are fetched without marking the mail as read.
var (
	senderFields = &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"Return-Path", "From"},
		Partial: &imap.SectionPartial{Size: headerFields}, Peek: true}
	wholeMail = &imap.FetchItemBodySection{Peek: true}
)

// fetchOne stores one mail. One that is too large stays where it is, flagged,
// and false is returned.
func (b *Box) fetchOne(ctx context.Context, s *imapSession, i *IMAP, uid imap.UID) (taken bool, err error) {
	set := imap.UIDSetNum(uid)
	s.allow(0)
	about, err := s.c.Fetch(set, &imap.FetchOptions{UID: true, RFC822Size: true, BodySection: []*imap.FetchItemBodySection{senderFields}}).Collect()
	if err != nil {
		return false, s.explain(ctx, err)
	}
	if len(about) == 0 { // somebody moved it meanwhile
		i.last = int64(uid)
		return true, nil
	}
	if about[0].RFC822Size > b.cfg.MaxBytes {
		if err := s.flag(ctx, set, imap.FlagFlagged); err != nil {
			return false, err
		}
		b.Log.Warn("a mail is too large and was left where it is", "imap", i.ID, "uid", uid)
		i.last = int64(uid)
		return false, b.DB.Keep(ctx, func(tx *store.Tx) error { return advanceIMAP(ctx, tx, *i, 0) })
	}
	from := fetchedSender(about[0].FindBodySection(senderFields))
	s.allow(about[0].RFC822Size)
	all := s.c.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{wholeMail}})
	defer all.Close()
	stored := false
	for m := all.Next(); m != nil; m = all.Next() {
		for item := m.Next(); item != nil; item = m.Next() {
			section, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || section.Literal == nil || stored {
				continue
			}
			next := *i
			next.last = int64(uid)
			_, _, err := b.receive(ctx, envelope{imap: i.ID, org: i.Org, sender: from}, section.Literal, func(tx *store.Tx) error {
				return advanceIMAP(ctx, tx, next, 1)
			})
			if fault.Code(err) == "mailbox.empty" {
				err = b.DB.Keep(ctx, func(tx *store.Tx) error { return advanceIMAP(ctx, tx, next, 0) })
			}
			if err != nil {
				return false, s.explain(ctx, err)
			}
			*i, stored = next, true
		}
	}
	if err := all.Close(); err != nil {
		return false, s.explain(ctx, err)
	}
	if !stored {
		return false, fault.New(fault.Unavailable, "mailbox.imap_broken")
	}
	return true, nil
}

func (s *imapSession) flag(ctx context.Context, set imap.NumSet, flag imap.Flag) error {
	s.allow(0)
	err := s.c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
	if err != nil {
		return s.explain(ctx, err)
	}
	return nil
}

// moveDone marks what is stored as read and moves it to the other folder,
// where the server can move (RFC 6851). Nothing is ever deleted.
func (b *Box) moveDone(ctx context.Context, s *imapSession, i *IMAP) error {
	if i.last < i.first {
		return nil
	}
	done, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: imap.UID(i.first), Stop: imap.UID(i.last)}}},
		NotFlag: []imap.Flag{imap.FlagFlagged}})
	if err != nil || len(done) == 0 {
		return err
	}
	set := imap.UIDSetNum(done...)
	if err := s.flag(ctx, set, imap.FlagSeen); err != nil {
		return err
	}
	if !s.c.Caps().Has(imap.CapMove) && !s.c.Caps().Has(imap.CapIMAP4rev2) {
		i.first = i.last + 1 // they stay, and need not be looked for again
		return b.DB.Keep(ctx, func(tx *store.Tx) error { return advanceIMAP(ctx, tx, *i, 0) })
	}
	s.allow(0)
	if _, err := s.c.Move(set, i.DoneFolder).Wait(); err != nil {
		return s.explain(ctx, err)
	}
	return nil
}

// fetchedSender is who sent a fetched mail: the envelope's sender as the
// server that delivered it wrote it down (RFC 5321 section 4.4), else the
// author. An address that cannot be read is nobody's.
func fetchedSender(header []byte) Sender {
	fields, err := textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(header), strings.NewReader("\r\n\r\n")))).ReadMIMEHeader()
	if err != nil && len(fields) == 0 {
		return Sender{}
	}
	written := fields.Get("Return-Path")
	if written == "" {
		written = fields.Get("From")
	}
	if at := strings.LastIndexByte(written, '<'); at >= 0 {
		written, _, _ = strings.Cut(written[at+1:], ">")
	}
	s, ok := ParseSender(strings.TrimSpace(written))
	if !ok {
		return Sender{}
	}
	return s
}
