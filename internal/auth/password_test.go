// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"testing"
	"time"

	"teiten/internal/fault"
)

func TestCheckPassword(t *testing.T) {
	own := []string{"hanako.yamada", "hanako@kou-byouin.example.jp", "山田 花子", "甲市民病院", "甲病院"}
	for password, code := range map[string]string{
		"umbrella-teacup-gravel-17": "",
		"tanuki hana sakura ringo":  "", // four words, each of them common
		"correct horse battery":     "",
		"7193 5528 4061 93":         "",
		"さけのほねをとるきかいをつくった":          "",
		"夜勤明けに食べた蕎麦がうまい":            "",
		"ｘ７ｑｖ２ｍ９ｋｗ４ｐｎ":              "",
		"Xq7$vL2m!Kw9":              "",

		"short1A!":                  "auth.password_short",
		"ひみつのことば":                   "auth.password_short",
		"ｶﾞｷﾞｸﾞｹﾞｺﾞｻﾞ":              "auth.password_short", // six characters in another writing
		strings.Repeat("長い", 65):    "auth.password_long",
		strings.Repeat("x", 100000): "auth.password_long",
		"bell\ain the password":     "auth.password_text",
		"not\xffutf-8 at all":       "auth.password_text",
		"two lines\nof a password":  "auth.password_text",
		"":                          "auth.password_short",

		"Password2024!":      "auth.password_common",
		"P@ssw0rd12345":      "auth.password_common",
		"passwordpassword":   "auth.password_common",
		"Sakura2024!Sakura":  "auth.password_common",
		"sakurasakurasakura": "auth.password_common",
		"byouin-kangoshi1":   "auth.password_common",
		"kangoshi19850412":   "auth.password_common",
		"19850412 19880730":  "auth.password_common",
		"aaaaaaaaaaaaaaaa":   "auth.password_common",
		"abcdefghijklmnop":   "auth.password_common",
		"9876543210987654":   "auth.password_common",
		"qwertyuiopasdfgh":   "auth.password_common",
		"1qaz2wsx3edc4rfv":   "auth.password_common",
		"ﾊﾟｽﾜｰﾄﾞパスワード病院病院": "auth.password_common",
		"Tokyo2020Tokyo":           "auth.password_common",
		"drowssapdrowssap":         "auth.password_common",
		"hello hello hello":        "auth.password_common",
		"xyxyxyxyxyxyxyxyxyxyxyxy": "auth.password_common",

		"hanako.yamada.2024":  "auth.password_common",
		"yamada-hanako-19":    "auth.password_common",
		"kou-byouin-hanako-7": "auth.password_own",
		"甲市民病院-山田花子-甲病院":      "auth.password_own",
	} {
		err := CheckPassword(password, own...)
		if want(t, err, code); err != nil && fault.From(err).Field != "password" {
			t.Errorf("%q: %v names no field", password, err)
		}
		if fault.Code(err) != code {
			n := normalPassword(password)
			t.Logf("%q weighs %d, %d with what is known", n, weight(n, nil), weight(n, ownWords(own)))
		}
	}
}

// The longest password is weighed in no time.
func TestWeightIsQuick(t *testing.T) {
	begin := time.Now()
	for _, p := range []string{strings.Repeat("sakura1", 18), strings.Repeat("aB3$", 32), strings.Repeat("病院", 64)} {
		if w := weight(p, nil); w >= enough && p[0] == 's' {
			t.Errorf("%q weighs %d", p, w)
		}
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("three passwords took %s", d)
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("Password2024!", "staff-a")
	f.Add("病院ﾊﾟｽﾜｰﾄﾞ\xff", "甲病院")
	f.Fuzz(func(t *testing.T, password, own string) {
		if len(own) > 400 {
			return // as the register has it
		}
		err := CheckPassword(password, own)
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", password, err)
		}
		if err == nil && CheckPassword(normalPassword(password), own) != nil {
			t.Errorf("%q is fine, but not in the form that is hashed", password)
		}
	})
}
