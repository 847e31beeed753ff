// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package charset

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

func encode(t testing.TB, e encoding.Encoding, s string) []byte {
	t.Helper()
	b, err := e.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

// sentences are as they stand in mail, from short to long.
var sentences = []string{
	"テスト", "検査結果のご連絡", "お世話になっております。病院の山田です。",
	"【重要】アカウントの確認について", "Re: 請求書の件", "医療法人 東定点病院 事務局 総務課",
	"①から③までの㈱髙﨑～様の「～」を、ご確認ください。", "ｶﾀｶﾅと、カタカナ。", "ご利用の口座 No.1234 が制限されました https://bank.example/login",
}

// labels are declarations that are wrong for Japanese bytes but for the first.
var wrong = []string{"", "utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "us-ascii", "iso-8859-1", "windows-1252", "default", "x-unknown", "utf-16"}

// TestDeclaredIsAHint reads each sentence in each encoding under each label.
func TestDeclaredIsAHint(t *testing.T) {
	encodings := map[string]encoding.Encoding{"Shift_JIS": japanese.ShiftJIS, "EUC-JP": japanese.EUCJP, "ISO-2022-JP": japanese.ISO2022JP, "UTF-8": encoding.Nop}
	for name, e := range encodings {
		for _, s := range sentences {
			b := encode(t, e, s)
			for _, label := range wrong {
				got := Decode(b, label)
				if got.Text != s || got.Name != name || got.Lost != 0 {
					t.Errorf("%s as %q: %q in %s, lost %d, want %q", name, label, got.Text, got.Name, got.Lost, s)
				}
				want := find(label)
				if got.None != (want == nil) || got.Lied != (want != nil && want.name != name) {
					t.Errorf("%s as %q: none %v, lied %v", name, label, got.None, got.Lied)
				}
			}
		}
	}
}

func TestISO2022(t *testing.T) {
	tests := []struct{ name, bytes, label, want string }{
		{"plain", "a\x1b$B$3$s\x1b(Bb", "iso-2022-jp", "aこんb"},
		{"old set", "\x1b$@$3$s\x1b(J", "iso-2022-jp", "こん"},
		{"NEC row 13", "\x1b$B-!-j\x1b(B", "iso-2022-jp-ms", "①㈱"},
		{"IBM kanji as NEC selected them", "\x1b$Byu|b\x1b(B", "cp50221", "﨑髙"},
		{"half-width by escape", "\x1b(I6@6E\x1b(B", "cp50221", "ｶﾀｶﾅ"},
		{"half-width by shift", "a\x0e6@6E\x0fb", "cp50222", "aｶﾀｶﾅb"},
		{"half-width in eight bits", "\xb6\xc0\xb6\xc5\x1b$B$3\x1b(B", "cp50220", "ｶﾀｶﾅこ"},
		{"eight bits inside", "\x1b$B\xa4\xb3\xa4\xf3\x1b(B", "iso-2022-jp", "こん"},
		{"wave dash as in CP932", "\x1b$B!A!]\x1b(B", "iso-2022-jp", "～－"},
		{"never closed", "\x1b$B$3$s", "iso-2022-jp", "こん"},
		{"line ends it", "\x1b$B$3$s\nabc", "iso-2022-jp", "こん\nabc"},
		{"line cut inside", "\x1b$B$3$s\r\n $K$A\x1b(B.", "iso-2022-jp", "こん\r\n にち."},
		{"ESC lost", "$B$3$s$K$A$O(B, x", "iso-2022-jp", "こんにちは, x"},
		{"ESC lost, no label", "$B$3$s$K$A$O(B, x", "", "こんにちは, x"},
		{"one ESC lost", "\x1b$B$3$s(Bx\x1b$B$K\x1b(B", "iso-2022-jp", "こんxに"},
		{"JIS X 0212", "\x1b$(D0!\x1b(B", "iso-2022-jp-1", "丂"},
		{"JIS X 0213", "\x1b$(O.\"\x1b$(P!\"\x1b$(O+R\x1b(B", "iso-2022-jp-3", "𠀋丂˥˩"[:len("𠀋丂")] + decodeOne(t, 0x2b, 0x52)},
		{"GB 2312 and KS X 1001", "\x1b$AVP\x1b$(CGQ\x1b(B", "iso-2022-jp-2", "中한"},
		{"Latin-1 by single shift", "\x1b.Acaf\x1bNi", "iso-2022-jp-2", "café"},
		{"Korean", "\x1b$)C\x0eGQ\x0f!", "iso-2022-kr", "한!"},
		{"redundant escapes", "\x1b(B\x1b(Ba\x1b$B\x1b$B$3\x1b(B\x1b(B", "iso-2022-jp", "aこ"},
		{"UTF-8 beside", "\x1b$B$3\x1b(B\nこん", "iso-2022-jp", "こ\nこん"},
		{"Shift_JIS beside", "\x1b$B$3\x1b(B\n\x82\xb1\x82\xf1\x82\xc9", "iso-2022-jp", "こ\nこんに"},
		{"declared UTF-8", "\x1b$B$3$s\x1b(B", "utf-8", "こん"},
		{"blank inside", "\x1b$B$3 $s\x1b(B", "iso-2022-jp", "こ ん"},
		{"dollars", "Price: $B100 (B) and $BX", "", "Price: $B100 (B) and $BX"},
		{"half a character", "\x1b$B$3$\x1b(Bx", "iso-2022-jp", "こ\uFFFDx"},
	}
	for _, tt := range tests {
		if got := Decode([]byte(tt.bytes), tt.label); got.Text != tt.want {
			t.Errorf("%s: %q in %s, want %q", tt.name, got.Text, got.Name, tt.want)
		}
	}
}

// decodeOne is a character of JIS X 0213's first plane.
func decodeOne(t *testing.T, row, cell int) string {
	t.Helper()
	s := x0213()[[2]int{1, (row-0x21)*cells + cell - 0x21}]
	if s == "" {
		t.Fatal("not assigned")
	}
	return s
}

func TestOthers(t *testing.T) {
	tests := []struct {
		label string
		e     encoding.Encoding
		text  string
		name  string
	}{
		{"gb2312", simplifiedchinese.GBK, "您的账户存在异常，请立即登录。", "GB18030"},
		{"big5", traditionalchinese.Big5, "您的帳戶存在異常，請立即登入。", "Big5"},
		{"ks_c_5601-1987", korean.EUCKR, "안녕하세요. 계정을 확인해 주십시오.", "EUC-KR"},
		{"koi8-r", charmap.KOI8R, "Проверьте вашу учётную запись", "KOI8-R"},
		{"windows-1251", charmap.Windows1251, "Проверьте вашу учётную запись", "windows-1251"},
		{"iso-8859-1", charmap.Windows1252, "Überprüfen Sie Ihr Konto – für “immer”", "ISO-8859-1"},
		{"iso-8859-15", charmap.ISO8859_15, "Vérifiez 100 € à Orléans", "ISO-8859-15"},
		{"windows-1250", charmap.Windows1250, "Potwierdź swoje konto, proszę", "windows-1250"},
		{"hz-gb-2312", simplifiedchinese.HZGB2312, "中文 abc", "HZ-GB-2312"},
		{"", charmap.Windows1252, "Überprüfen Sie für das Konto", "windows-1252"},
		{"", simplifiedchinese.GBK, "您好，您的账户在我们这里有问题，请点击下面的链接来处理。", "GB18030"},
		{"", korean.EUCKR, "안녕하세요. 고객님의 계정이 정지되었습니다.", "EUC-KR"},
		{"", charmap.Windows1251, "Здравствуйте, проверьте вашу учётную запись", "windows-1251"},
	}
	for _, tt := range tests {
		got := Decode(encode(t, tt.e, tt.text), tt.label)
		if got.Text != tt.text || got.Name != tt.name || got.Lied {
			t.Errorf("%q: %q in %s (lied %v), want %q in %s", tt.label, got.Text, got.Name, got.Lied, tt.text, tt.name)
		}
	}
}

func TestUnicode(t *testing.T) {
	wide := func(s string, big, mark bool) string {
		var b []byte
		if mark {
			s = "\ufeff" + s
		}
		for _, r := range s {
			if big {
				b = append(b, byte(r>>8), byte(r))
			} else {
				b = append(b, byte(r), byte(r>>8))
			}
		}
		return string(b)
	}
	tests := []struct{ name, bytes, label, want, set string }{
		{"mark", "\xef\xbb\xbfあ", "", "あ", "UTF-8"},
		{"mark against label", "\xef\xbb\xbfあ", "shift_jis", "あ", "UTF-8"},
		{"UTF-16 with mark", wide("あaい", false, true), "", "あaい", "UTF-16LE"},
		{"UTF-16 without", wide("請求書", true, false), "utf-16", "請求書", "UTF-16"},
		{"UTF-16 without, other order", wide("請求書です\r\n", false, false), "utf-16", "請求書です\r\n", "UTF-16"},
		{"UTF-16 without label", wide("Hello, world", false, false), "", "Hello, world", "UTF-16LE"},
		{"UTF-16 is a lie", "Hello", "utf-16", "Hello", "US-ASCII"},
		{"UTF-7", "Hi +MEIwRA- +- +2D3eAA-!", "unicode-1-1-utf-7", "Hi あい + 😀!", "UTF-7"},
		{"cut off", "あ\xe3\x81", "utf-8", "あ\uFFFD", "UTF-8"},
		{"one bad byte", "こんにちは\xff世界です、よろしく", "", "こんにちは\uFFFD世界です、よろしく", "UTF-8"},
		{"UTF-8 called Latin-1", "é à", "iso-8859-1", "é à", "UTF-8"},
		{"emoji", "😀", "us-ascii", "😀", "UTF-8"},
	}
	for _, tt := range tests {
		got := Decode([]byte(tt.bytes), tt.label)
		if got.Text != tt.want || got.Name != tt.set {
			t.Errorf("%s: %q in %s, want %q in %s", tt.name, got.Text, got.Name, tt.want, tt.set)
		}
	}
}

func TestLabels(t *testing.T) {
	for label, want := range map[string]string{
		"x-sjis": "Shift_JIS", "MS_Kanji": "Shift_JIS", "shift-jis": "Shift_JIS", "windows-31j": "Shift_JIS", "CP932": "Shift_JIS", "ms932": "Shift_JIS",
		"iso2022jp": "ISO-2022-JP", "ISO-2022-JP-MS": "ISO-2022-JP", "cp50220": "ISO-2022-JP", "csISO2022JP": "ISO-2022-JP",
		"utf8": "UTF-8", "\"UTF-8\"": "UTF-8", "UTF_8": "UTF-8", "unicode-1-1-utf-7": "UTF-7", "x-euc-jp": "EUC-JP", "cp51932": "EUC-JP",
		"gb2312": "GB18030", "ks_c_5601-1987": "EUC-KR", "cp1252": "windows-1252", "latin1": "ISO-8859-1", "iso8859-15": "ISO-8859-15", "ascii": "US-ASCII",
		"default": "", "unknown-8bit": "", "x-unknown": "", "ansi": "", "8bit": "", "_autodetect": "", "none": "",
	} {
		got := ""
		if s := find(label); s != nil {
			got = s.name
		}
		if got != want {
			t.Errorf("%q is %q, want %q", label, got, want)
		}
	}
	for alias, name := range aliases {
		if sets[name] == nil {
			t.Errorf("%q: no set %q", alias, name)
		}
		if alias != squeeze(alias) {
			t.Errorf("%q is not squeezed", alias)
		}
	}
}

func TestCodePage(t *testing.T) {
	for n, want := range map[int]string{932: "Shift_JIS", 50220: "ISO-2022-JP", 51932: "EUC-JP", 65001: "UTF-8", 1252: "windows-1252", 28591: "ISO-8859-1", 28605: "ISO-8859-15", 1200: "UTF-16LE", 0: "", 1: "", 28602: ""} {
		if got := CodePage(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	for n := range codePages {
		if find(CodePage(n)) == nil {
			t.Errorf("%d: %q is not known", n, CodePage(n))
		}
	}
}

func TestHint(t *testing.T) {
	b := encode(t, japanese.ShiftJIS, "表")
	if got := DecodeHinted(b, "", "shift_jis"); got.Text != "表" || !got.None {
		t.Errorf("%+v", got)
	}
	if got := DecodeHinted([]byte("あ"), "", "shift_jis"); got.Text != "あ" || got.Name != "UTF-8" {
		t.Errorf("%+v", got)
	}
	if got := DecodeHinted(encode(t, charmap.KOI8R, "Привет"), "utf-8", "koi8-r"); got.Text != "Привет" || !got.Lied {
		t.Errorf("%+v", got)
	}
}

// TestAgainstText compares with x/text over all its assigned characters.
func TestAgainstText(t *testing.T) {
	tab := japaneseTables()
	for name, e := range map[string]encoding.Encoding{"shift_jis": japanese.ShiftJIS, "euc-jp": japanese.EUCJP, "iso-2022-jp": japanese.ISO2022JP} {
		n := 0
		for i, c := range tab.x0208 {
			if c == 0 || c >= 0xe000 && c < 0xf900 || i >= 94*cells && name != "shift_jis" {
				continue
			}
			b, err := e.NewEncoder().Bytes([]byte(string(rune(c))))
			if err != nil {
				continue
			}
			// Beside kana, so that it is not taken for something else.
			b = append(encode(t, e, "ひらがなとカタカナ"), b...)
			if got := Decode(b, name); got.Text != "ひらがなとカタカナ"+string(rune(c)) {
				t.Errorf("%s: %U is %q", name, c, got.Text)
			}
			n++
		}
		if n < 6800 {
			t.Errorf("%s: only %d characters", name, n)
		}
	}
}

// TestLinear: what is hostile takes no longer than it is long.
func TestLinear(t *testing.T) {
	const n = 1 << 20
	for _, unit := range []string{"$B", "$B(B", "\x1b$B", "\x1b$B\n", "\x1b$B!", "\x0e", "+AA", "\x1b", "\x82", "\xa4\n", "\xe3\x81", "$B$3\n", "\x1b$B$3$3\n $3"} {
		b := []byte(strings.Repeat(unit, n/len(unit)))
		for _, label := range []string{"", "iso-2022-jp", "utf-7"} {
			if got := Decode(b, label); len(got.Text) > 3*len(b) {
				t.Errorf("%q: %d bytes of text", unit, len(got.Text))
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range sentences {
		for _, e := range []encoding.Encoding{japanese.ShiftJIS, japanese.EUCJP, japanese.ISO2022JP, encoding.Nop} {
			b, err := e.NewEncoder().Bytes([]byte(s))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, "iso-2022-jp")
			f.Add(b, "utf-8")
		}
	}
	f.Add([]byte("+MEI-$B$3$s(B"), "utf-7")
	f.Add([]byte("\x00a\x00b"), "utf-16")
	f.Fuzz(func(t *testing.T, b []byte, label string) {
		got := Decode(b, label)
		if !utf8.ValidString(got.Text) {
			t.Errorf("no UTF-8: %q", got.Text)
		}
		if len(got.Text) > 3*len(b)+3 {
			t.Errorf("%d bytes became %d", len(b), len(got.Text))
		}
		if find(got.Name) == nil {
			t.Errorf("%q is no name", got.Name)
		}
		if got.None && got.Lied {
			t.Error("none and a lie")
		}
		if n := strings.Count(got.Text, "\uFFFD"); got.Lost > n {
			t.Errorf("lost %d, but %d are marked", got.Lost, n)
		}
		if got.Name != "UTF-8" && find(got.Name).kind != single && utf8.Valid(b) && len(b) == len([]rune(string(b))) && got.Lost == 0 && got.Text == string(b) {
			return
		}
		if again := Decode(b, label); again != got {
			t.Error("twice differs")
		}
		h := DecodeHinted(b, label, "shift_jis")
		if h.None != got.None || h.Lost > got.Lost {
			t.Errorf("the hint made it worse: %+v", h)
		}
	})
}
