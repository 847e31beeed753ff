// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"teiten/internal/mail"
	"teiten/internal/program"
)

var fragments = strings.Split(`佐藤|花子|勅使川原|まどか|鈴木 一郎|田中|様|さん|先生|院長|殿|氏名：|患者名 |フリガナ:|担当|（|）|(|)|ヤマダ|タロウ|さとう|はなこ|Hanako|Sato|Dr. |Mr. |-san|
|　| |:|：|、|。|/|-|−|ー|.|@|=|TEL|内線|電話番号|03|1234|5678|090|+81|〒|100-0005|東京都|千代田区|丸の内|横浜市西区|1丁目|2番3号|1-2-3|ビル|5階|
生年月日|1950年1月2日|S25.1.2|昭和25年|2026年11月30日|生まれ|患者ID|カルテ|00123456|職員番号|A-1|口座番号|普通|記号|番号|4111-1111-1111-1111|
teshigawara.madoka|@hospital.example.jp|hospital.example.jp|suzuki.ichiro|evil.example|https://|http://evil.example/|?e=|&x=1|#|%40|%E4%BD%90|*|【宛先】|【氏名】|【|】|
pc01.local|10.0.0.1|\\fs\a|¥¥fs¥a|dGVzaGlnYXdhcmEubWFkb2th|akodam.arawagihset|定点市立病院|株式会社|(株)|To: |Cc：|住所：|に|は|の|です|を|課|総務|敬具|以上|-- |よろしくお願いいたします。`, "|")

// TestMixtures puts words of the rules together at random, so that they meet
// in ways that nobody writes: hiding comes to rest, and hides the known.
func TestMixtures(t *testing.T) {
	r := redactor4(t, "ひみつ")
	random := rand.New(rand.NewPCG(4, 2026))
	unsettled := 0
	for range 20_000 {
		var b strings.Builder
		for range 2 + random.IntN(12) {
			b.WriteString(strings.Trim(fragments[random.IntN(len(fragments))], "\n"))
			if random.IntN(8) == 0 {
				b.WriteByte('\n')
			}
		}
		d, ok := r.hide(b.String(), letter)
		if !ok {
			unsettled++
			continue
		}
		again, ok := r.hide(d.text, letter)
		if !ok || again.text != d.text || len(again.spans) > 0 {
			t.Fatalf("%q\nbecomes %q\nthen    %q", b.String(), d.text, again.text)
		}
		if insideName.MatchString(d.text) || recipientWord.MatchString(d.text) || insideAddress.MatchString(d.text) || strings.Contains(d.text, "勅使川原") {
			t.Fatalf("%q\nbecomes %q", b.String(), d.text)
		}
	}
	if unsettled > 20 {
		t.Errorf("%d of 20,000 do not come to rest", unsettled)
	}
}

// TestRealMails prints how much is hidden in real mails, most of which have
// nothing to hide but names and numbers of their writers.
func TestRealMails(t *testing.T) {
	all := New(Inside{Domains: []string{"hospital.example.jp"}})
	mails, hiddenRunes, runes, left := 0, 0, 0, 0
	counts := map[Kind]int{}
	err := filepath.WalkDir(program.RealData(t, "mail"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m, err := mail.Read(b, mail.Limits{})
		if err != nil {
			return nil // not a mail: a licence
		}
		mails++
		out := all.Redact(m, nil)
		left += len(out.Omitted)
		for _, p := range out.Body {
			for _, s := range p.Segments() {
				n := utf8.RuneCountInString(s.Text)
				if s.Kind != "" {
					n = utf8.RuneCountInString(s.Original)
					hiddenRunes += n
				}
				runes += n
			}
		}
		for k, n := range out.Counts {
			counts[k] += n
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d real mails: %d of %d characters of bodies hidden (%.2f %%), %d left out, %v", mails, hiddenRunes, runes, 100*float64(hiddenRunes)/float64(max(runes, 1)), left, counts)
	if mails < 100 || runes == 0 {
		t.Errorf("only %d mails and %d characters", mails, runes)
	}
	if hiddenRunes*20 > runes {
		t.Errorf("more than 5 %% is hidden")
	}
}
