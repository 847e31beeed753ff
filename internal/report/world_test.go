// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/intel"
	"teiten/internal/mailcheck"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/redact"
	"teiten/internal/report"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

// world is a portal with people, who have mails.
type world struct {
	*membertest.People
	testing.TB
	db      *store.DB
	data    string
	blobs   *blob.Store
	checker *mailcheck.Checker
	guard   *guard.Guard
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{TB: t, db: db, data: t.TempDir(), People: membertest.Register(t, db)}
	var err error
	if w.blobs, err = blob.Open(w.data); err != nil {
		t.Fatal(err)
	}
	guards := intel.NewGuards(db)
	if w.checker, err = mailcheck.New(guards); err != nil {
		t.Fatal(err)
	}
	if w.guard, err = guards.Current(ctx); err != nil {
		t.Fatal(err)
	}
	return w
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newWorld(t, db)) })
}

// institutions registers more of them, each with a contact and a member of staff.
func (w *world) institutions(n int) (contacts, staff []caller.Caller) {
	w.Helper()
	w.write(caller.System("test"), func(tx *store.Tx) error {
		for i := range n {
			name := fmt.Sprintf("第%d病院", i+1)
			org, err := member.AddOrganisation(ctx, tx, member.Organisation{Kind: caller.Institution, Name: name})
			if err != nil {
				return err
			}
			for _, role := range []caller.Role{caller.Contact, caller.Staff} {
				id, err := member.AddAccount(ctx, tx, member.Account{Org: member.Organisation{ID: org}, Name: name + string(role), Role: role})
				if err != nil {
					return err
				}
				c := caller.Caller{Account: id, Name: name, Org: org, OrgName: name, OrgKind: caller.Institution, Role: role, Channel: "test"}
				if role == caller.Contact {
					contacts = append(contacts, c)
				} else {
					staff = append(staff, c)
				}
			}
		}
		return nil
	})
	return contacts, staff
}

func (w *world) write(c caller.Caller, fn func(*store.Tx) error) {
	w.Helper()
	if err := w.db.Write(ctx, c, fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// fails says that an error is the fault of a code.
func (w *world) fails(err error, code string) {
	w.Helper()
	if fault.Code(err) != code {
		w.Errorf("the error is %v, want %s", err, code)
	}
}

func (w *world) count(query string, args ...any) (n int) {
	w.Helper()
	w.ok(w.db.QueryRow(ctx, query, args...).Scan(&n))
	return n
}

// files are the encrypted objects on disk.
func (w *world) files() (n int) {
	w.Helper()
	w.ok(filepath.WalkDir(w.data, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && blob.ValidName(d.Name()) {
			n++
		}
		return err
	}))
	return n
}

// parcel is a mail of a wave, as its recipients get it: with names, numbers and
// an address of their own.
func parcel(i int) []byte {
	person := []string{"佐藤 一郎", "鈴木花子", "高橋 健", "田中 美咲", "伊藤誠"}[i%5]
	to := fmt.Sprintf("user%d@hospital%d.example", i, i%7)
	return compose(fmt.Sprintf("配達センター <info%d@delivery-note.example>", i%9), person+" <"+to+">", "【重要】お荷物のお届けについて（"+fmt.Sprint(482913+i*7)+"）",
		person+" 様\n\nお荷物をお届けにあがりましたが、宛先の住所に不備があり持ち戻りました。\n"+
			"専用のサイトから二十四時間以内に配達日時の再指定を行ってください。\nご確認いただけない場合、お荷物は差出人に返送されます。\n"+
			fmt.Sprintf("https://www.parcel-again.example/redelivery/step/index.php?id=%08x%08x\n\n", i*7919+13, i*104729+7)+
			"お問い合わせ番号 "+fmt.Sprint(90210000+i)+"\n本メールは送信専用です。ご返信いただいてもお答えできません。\n")
}

// payroll is another wave, with an attachment.
func payroll(i int) []byte {
	return compose("人事部 <hr@salary-check.example>", fmt.Sprintf("staff%d@hospital.example", i), "給与明細の確認のお願い",
		"各位\n\n今月分の給与明細を添付いたしました。内容をご確認のうえ、誤りがある場合は本日中にご連絡ください。\n"+
			"ファイルを開くにはパスワードの入力とマクロの有効化が必要です。\n"+fmt.Sprintf("管理番号 %d\n", 5000+i))
}

// unlike are mails that have nothing to do with each other.
func unlike(i int) []byte {
	word := strings.Repeat(string(rune('亜'+i*3)), 3)
	return compose(fmt.Sprintf("a%c@sender%c%c.example", 'a'+i%26, 'a'+i%26, 'a'+i/26), "x@hospital.example", word+"の件",
		strings.Repeat(word+"について、"+string(rune('丂'+i*5))+string(rune('並'+i*7))+"のとおりご連絡します。", 8))
}

func compose(from, to, subject, body string) []byte {
	word := func(s string) string {
		name, address, ok := strings.Cut(s, " <")
		if !ok {
			return s
		}
		return "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(name)) + "?= <" + address
	}
	return []byte("From: " + word(from) + "\r\nTo: " + word(to) + "\r\nSubject: =?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(subject)) +
		"?=\r\nDate: Mon, 16 Nov 2026 09:12:00 +0900\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(body)) + "\r\n")
}

// submit reports a mail and returns the report as the reporter sees it.
func (w *world) submit(c caller.Caller, raw []byte) *report.Report {
	w.Helper()
	id, _, err := report.SubmitRaw(ctx, w.db, w.blobs, w.checker, c, raw, report.Submission{})
	w.ok(err)
	r, err := report.Get(ctx, w.db, c, id)
	w.ok(err)
	return r
}

// caseOf is the case of a report.
func (w *world) caseOf(id int64) *report.Case {
	w.Helper()
	r, err := report.Get(ctx, w.db, w.Analyst, id)
	w.ok(err)
	k, err := report.GetCase(ctx, w.db, w.Analyst, r.Case)
	w.ok(err)
	return k
}

func (w *world) original(c caller.Caller, id int64) ([]byte, error) {
	f, err := report.Original(ctx, w.db, w.blobs, c, id)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// ward is a shared PC of an institution on which nobody is signed in.
func (w *world) ward(of caller.Caller, device int64) caller.Caller {
	return caller.Caller{Org: of.Org, OrgName: of.OrgName, OrgKind: of.OrgKind, Role: caller.Staff, Device: device, Channel: "web"}
}

// shared is a redacted mail as it is stored.
func shared(m *redact.Mail) string {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func kinds(list []report.Notice) (all []report.NoticeKind) {
	for _, n := range list {
		all = append(all, n.Kind)
	}
	return all
}

func (w *world) notices(c caller.Caller) []report.Notice {
	w.Helper()
	all, err := report.Notices(ctx, w.db, c, false, 50)
	w.ok(err)
	return all
}

const day = 24 * time.Hour
