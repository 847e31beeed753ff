// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jhillyerd/enmime/v2"

	"teiten/internal/outlook"
	"teiten/internal/outlooktest"
	"teiten/internal/program"
)

// TestAgainstTNEF has the program tnef unpack what we wrote, and compares. Our
// writer and our reader could be wrong in the same way; tnef is not.
func TestAgainstTNEF(t *testing.T) {
	item := outlook.Item{Class: "IPM.Note", Subject: "x", Text: "body", HTML: []byte("<p>html</p>")}
	want := map[string][]byte{
		"report.pdf": []byte("%PDF-1.7"),
		"a rather long name of some file.spreadsheet": bytes.Repeat([]byte{1, 2, 3, 0}, 5000),
		"odd.bin": {0xFF},
	}
	for name, data := range want {
		item.Attachments = append(item.Attachments, outlook.Attachment{Name: name, MediaType: "application/octet-stream", Data: data})
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "winmail.dat")
	b := outlooktest.TNEF(item, outlooktest.Options{CodePage: 1252})
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command(program.Need(t, "tnef"), "-C", out, "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("tnef: %v: %s", err, msg)
	}
	got, err := outlook.ReadTNEF(b, outlook.Limits{})
	if err != nil || len(got.Attachments) != len(want) || len(got.Repairs) > 0 {
		t.Fatalf("%d attachments, %v, %v", len(got.Attachments), got.Repairs, err)
	}
	for _, a := range got.Attachments {
		theirs, err := os.ReadFile(filepath.Join(out, strings.ReplaceAll(a.Name, " ", "_")))
		if err != nil {
			theirs, err = os.ReadFile(filepath.Join(out, a.Name))
		}
		if err != nil || !bytes.Equal(a.Data, theirs) || !bytes.Equal(a.Data, want[a.Name]) {
			t.Errorf("%s: %d bytes, theirs %d, %v", a.Name, len(a.Data), len(theirs), err)
		}
	}
}

// TestAgainstMsgconvert has msgconvert, a reader of another origin (Perl's
// OLE::Storage_Lite), turn a .msg into a mail, and compares.
func TestAgainstMsgconvert(t *testing.T) {
	path := program.Need(t, "msgconvert")
	item := letter()
	// It gives the transport headers to the mail as they are, and knows neither
	// links nor named properties.
	item.Headers, item.Fields = "", nil
	// It takes who sent on behalf for who sent, and the plain body for Latin.
	item.Sender, item.SenderName, item.Text = "", "", "first line\r\nsecond line\r\n"
	item.Attachments = item.Attachments[:4]
	for _, o := range []outlooktest.Options{{}, {CodePage: 932}} {
		dir := t.TempDir()
		file := filepath.Join(dir, "mail.msg")
		b := outlooktest.Msg(item, o)
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(path, "--outfile", filepath.Join(dir, "mail.eml"), file)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("msgconvert: %v: %s", err, out)
		}
		eml, err := os.ReadFile(filepath.Join(dir, "mail.eml"))
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := enmime.ReadEnvelope(bytes.NewReader(eml))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := outlook.ReadMsg(b, outlook.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if o.CodePage == 0 { // it takes 8-bit strings for Latin ones
			if got := theirs.GetHeader("Subject"); got != ours.Subject {
				t.Errorf("subject %q, theirs %q", ours.Subject, got)
			}
			if got := strings.ReplaceAll(theirs.Text, "\r\n", "\n"); strings.TrimSpace(got) != strings.TrimSpace(strings.ReplaceAll(ours.Text, "\r\n", "\n")) {
				t.Errorf("text %q, theirs %q", ours.Text, got)
			}
		}
		if !strings.Contains(theirs.GetHeader("From"), ours.From) || !strings.Contains(theirs.GetHeader("Message-ID"), ours.MessageID) {
			t.Errorf("from %q, theirs %q; id %q, theirs %q", ours.From, theirs.GetHeader("From"), ours.MessageID, theirs.GetHeader("Message-ID"))
		}
		date, err := theirs.Date()
		if err != nil || date.Unix() != ours.Date.Unix() {
			t.Errorf("date %v, theirs %v, %v", ours.Date, date, err)
		}
		for _, p := range append(ours.To, ours.Cc...) {
			if !strings.Contains(theirs.GetHeader("To")+theirs.GetHeader("Cc"), p.Address) {
				t.Errorf("%s is not in theirs", p.Address)
			}
		}
		parts := append(theirs.Attachments, append(theirs.Inlines, theirs.OtherParts...)...)
		for _, a := range ours.Attachments {
			found := false
			for _, p := range parts {
				found = found || bytes.Equal(p.Content, a.Data)
			}
			if !found && len(a.Data) > 0 {
				t.Errorf("%s: not among their %d files", a.Name, len(parts))
			}
		}
	}
}
