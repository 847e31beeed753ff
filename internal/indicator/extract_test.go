// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/fault"
)

const (
	md5Text    = "d41d8cd98f00b204e9800998ecf8427e"
	sha1Text   = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
	sha256Text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// corpus is text as it comes to a hospital's help desk, with what should be found
// in it: kind and value, in order.
var corpus = []struct{ text, want string }{
	// Japanese directly around.
	{"「こちらhttps://example.jp/aをクリック」", "url https://example.jp/a"},
	{"こちら（https://evil.example/login）から確認してください。", "url https://evil.example/login"},
	{"URLはhttps://evil.example/path。至急確認を。", "url https://evil.example/path"},
	{"「https://evil.example/」というサイトです", "url https://evil.example/"},
	{"不審なURL：https://evil.example/a?b=c、送信者：bad@evil.example", "url https://evil.example/a?b=c, email bad@evil.example"},
	{"https://example.jpをクリックしてください", "url https://example.jp/"},
	{"https://example.jpにアクセス", "url https://example.jp/"},
	{"http://evil.example/index.php?id=1を開いた", "url http://evil.example/index.php?id=1"},
	{"【重要】https://evil.example/x【至急】", "url https://evil.example/x"},
	{"『https://evil.example/x』", "url https://evil.example/x"},
	{"＜https://evil.example/x＞", "url https://evil.example/x"},
	{"→https://evil.example/x←", "url https://evil.example/x"},
	{"アドレスはhttps://evil.example/%E6%97%A5%E6%9C%AC です", "url https://evil.example/%E6%97%A5%E6%9C%AC"},
	{"https://日本語.jp/loginを開くと", "url https://xn--wgv71a119e.jp/login"},
	{"https://www.日本語.jpです", "url https://www.xn--wgv71a119e.jp/"},
	{"https://amazonギフト.com/x が届きました", "url https://xn--amazon-8q4emh9d.com/x"},
	{"https://evil。com/a に誘導", "url https://evil.com/a"},
	{"サイトはhttps://example.jp。次の件は別です。", "url https://example.jp/"},
	{"ｈｔｔｐｓ：／／ｅｖｉｌ．ｅｘａｍｐｌｅ／ａ に接続", "url https://evil.example/a"},
	{"添付とhttps://evil.example/a・https://evil.example/bの二つ", "url https://evil.example/a, url https://evil.example/b"},
	// Defanged.
	{"hxxps://evil[.]example/login に誘導されます", "url https://evil.example/login"},
	{"hXXp://evil(.)example/a", "url http://evil.example/a"},
	{"h**ps://evil{.}example/a", "url https://evil.example/a"},
	{"hxxps[:]//evil[.]example[/]a", "url https://evil.example/a"},
	{"hxxp://evil [.] example/a です", "url http://evil.example/a"},
	{"ttps://evil.example/a（hを除いています）", "url https://evil.example/a"},
	{"通信先は evil[.]example と bad[dot]example です", "domain evil.example, domain bad.example"},
	{"送信元: attacker[at]evil[.]example", "email attacker@evil.example"},
	{"送信元 attacker@evil[.]example から", "email attacker@evil.example"},
	{"C2 は 192[.]0[.]2[.]1 でした", "ipv4 192.0.2.1"},
	{"2001[:]db8[:][:]1 への通信", "ipv6 2001:db8::1"},
	{"setup[.]zip にアクセス", "domain setup.zip"},
	// Punctuation, Markdown, HTML, lists.
	{"See https://evil.example/a.", "url https://evil.example/a"},
	{"(https://evil.example/a_(b))", "url https://evil.example/a_(b)"},
	{"[こちら](https://evil.example/a)", "url https://evil.example/a"},
	{"**https://evil.example/a**", "url https://evil.example/a"},
	{"<a href=\"https://evil.example/a\">https://good.example/</a>", "url https://evil.example/a, url https://good.example/"},
	{"'https://evil.example/a'", "url https://evil.example/a"},
	{"https://evil.example/a,https://evil.example/b;https://evil.example/c", "url https://evil.example/a, url https://evil.example/b, url https://evil.example/c"},
	{"|https://evil.example/a|evil.example|", "url https://evil.example/a, domain evil.example"},
	{"{\"url\":\"https:\\/\\/evil.example\\/a\"}", "url https://evil.example/a"},
	{"&lt;https://evil.example/a&gt;", "url https://evil.example/a"},
	{"https://evil.example/?a[]=1&b[0]=2 を確認", "url https://evil.example/?a%5B%5D=1&b%5B0%5D=2"},
	{"本当ですか？https://evil.example/x?", "url https://evil.example/x"},
	{"https://evil.example/a!?", "url https://evil.example/a"},
	{"https://evil.example/mask.php?x=* の形", "url https://evil.example/mask.php?x=*"},
	{"https://yahoo.co.jp@evil.example/ に注意", "url https://evil.example/"},
	{"https://192.0.2.1:8443/x と https://[2001:db8::1]/y", "url https://192.0.2.1:8443/x, url https://[2001:db8::1]/y"},
	// Wrapped lines.
	{"<https://evil.example/aaaaaaaaaa\r\n bbbbbbb/c> を参照", "url https://evil.example/aaaaaaaaaabbbbbbb/c"},
	{"https://evil.example/" + strings.Repeat("a", 55) + "\n" + "bb/cc?d=1\n以上", "url https://evil.example/" + strings.Repeat("a", 55) + "bb/cc?d=1"},
	{"https://evil.example/a\nbb/cc?d=1", "url https://evil.example/a"},
	{"https://evil.example/" + strings.Repeat("a", 55) + "\nNext", "url https://evil.example/" + strings.Repeat("a", 55)},
	{"https://evil.example/" + strings.Repeat("a", 55) + "\nhttps://b.example/1", "url https://evil.example/" + strings.Repeat("a", 55) + ", url https://b.example/1"},
	// Bare names.
	{"evil.co.jpからのメール", "domain evil.co.jp"},
	{"不審なドメインwww.evil-bank.topを遮断", "domain www.evil-bank.top"},
	{"login.evil.duckdns.org を遮断", "domain login.evil.duckdns.org"},
	{"evil.com/login.php を開いた", "url http://evil.com/login.php"},
	{"evil.com:8080 への接続", "domain evil.com"},
	{"xn--wgv71a119e.jp に注意", "domain xn--wgv71a119e.jp"},
	{"_dmarc.evil.com の TXT", "domain _dmarc.evil.com"},
	{"abcdefghij234567.onion が記載", "domain abcdefghij234567.onion"},
	{"株式会社example.co.jp様", "domain example.co.jp"},
	// What is none.
	{"添付の setup.zip と readme.md、script.sh を開かないでください", ""},
	{"main.py と lib.so と a.pl", ""},
	{"請求書.docx.exe と report.pdf と index.html", ""},
	{"血糖値は3.5、体温は36.8です", ""},
	{"version 1.2.3.4 に更新、ver.1.2.3.4、Ver 1.2.3.4、バージョン1.2.3.4、v1.2.3.4", ""},
	{"第1.2.3.4節および 1.2.3.4項を参照", ""},
	{"2024.10.21 12:30:45 に受信", ""},
	{"MAC 00:11:22:33:44:55 の端末", ""},
	{"std::vector と Foo::Bar", ""},
	{"com.example.app を削除", ""},
	{"ASP.NET と Node.js の脆弱性", ""},
	{"It is done.In the morning", ""},
	{"e.g. this, i.e. that, a.m. and p.m.", ""},
	{"co.jp ドメイン全般", ""},
	{"C:\\Users\\foo.com と /usr/lib/x.com", ""},
	{"os.name と console.info(x)", ""},
	{"電話 03-1234-5678、患者番号 1234567890", ""},
	{"@user と foo@bar と 5@3", ""},
	{"1.2.3.4.5 と 999.1.1.1 と 1.2.3", ""},
	{"CVE-2024-3400 と JVN#12345678", ""},
	{"1/2 と 3/4、午前10:30", ""},
	// Addresses and hashes.
	{"192.0.2.1からの通信", "ipv4 192.0.2.1"},
	{"server 192.0.2.1 を停止", "ipv4 192.0.2.1"},
	{"192.0.2.1:443へ接続", "ipv4 192.0.2.1"},
	{"192.0.2.0/24と2001:db8::/32を遮断", "cidr 192.0.2.0/24, cidr 2001:db8::/32"},
	{"http://192.0.2.1/a と 192.0.2.1/b.exe", "url http://192.0.2.1/a, url http://192.0.2.1/b.exe"},
	{"fe80::1234 と 2001:DB8:0:0:0:0:0:1。", "ipv6 fe80::1234, ipv6 2001:db8::1"},
	{"MD5: " + md5Text + "、SHA-256：" + strings.ToUpper(sha256Text), "md5 " + md5Text + ", sha256 " + sha256Text},
	{"SHA1=" + sha1Text + "。", "sha1 " + sha1Text},
	{"ハッシュ" + md5Text + "です", "md5 " + md5Text},
	{md5Text + "0 と g" + md5Text, ""},
	// Mail addresses.
	{"宛先はtaro.yamada@example.jpです", "email taro.yamada@example.jp"},
	{"山田 太郎 <Taro@Example.JP>", "email taro@example.jp"},
	{"mailto:info@evil.example?subject=x", "email info@evil.example"},
	{"連絡先：ｉｎｆｏ＠ｅｖｉｌ．ｅｘａｍｐｌｅ", "email info@evil.example"},
	{"a+b@evil.example, c_d@evil.example;e-f@evil.example", "email a+b@evil.example, email c_d@evil.example, email e-f@evil.example"},
	{"From: \"bank.example\" <no-reply@evil.example>", "domain bank.example, email no-reply@evil.example"},
	// Twice is twice.
	{"evil.example と evil.example", "domain evil.example, domain evil.example"},
}

// fresh was written after the rules, which were not changed to pass it: it shows
// better than corpus what to expect of text that nobody has seen.
var fresh = []struct{ text, want string }{
	{"本日9時頃、職員から「https://mhlw-kyufu.evil.example/entry?id=9」へ誘導するSMSの報告がありました。", "url https://mhlw-kyufu.evil.example/entry?id=9"},
	{"差出人はMicrosoft 365<no-reply@ms-support.top>で、件名は「パスワード期限切れ」です。", "email no-reply@ms-support.top"},
	{"接続先：203.0.113.45（ポート443/TCP）", "ipv4 203.0.113.45"},
	{"通信先は203.0.113.45:8080および198.51.100.7/32です", "ipv4 203.0.113.45, ipv4 198.51.100.7"},
	{"FortiOS 7.0.12 および 7.2.5 以前が影響を受けます", ""},
	{"FortiOS 6.4.13.1 の脆弱性", ""},
	{"ファイル名invoice_2024.zip、SHA256は" + sha256Text + "。", "sha256 " + sha256Text},
	{"詳細は https://www.jpcert.or.jp/at/2024/at240009.html をご覧ください。", "url https://www.jpcert.or.jp/at/2024/at240009.html"},
	{"参考URL\nhttps://www.ipa.go.jp/security/\nhttps://www.mhlw.go.jp/stf/index.html\n", "url https://www.ipa.go.jp/security/, url https://www.mhlw.go.jp/stf/index.html"},
	{"患者様から info@hospital.example.jp 宛に転送されました", "email info@hospital.example.jp"},
	{"攻撃者のドメイン(evil[.]top、bad[.]xyz)をDNSで遮断しました", "domain evil.top, domain bad.xyz"},
	{"hxxps://login[.]evil[.]top/owa/auth/logon.aspx?replaceCurrent=1&url=https%3A%2F%2Fowa、およびhxxp://198[.]51[.]100[.]9/x.sh", "url https://login.evil.top/owa/auth/logon.aspx?replaceCurrent=1&url=https%3A%2F%2Fowa, url http://198.51.100.9/x.sh"},
	{"使用されたツールは Cobalt Strike 4.9、PsExec.exe、AnyDesk.exe", ""},
	{"拡張子 .lockbit に変更され、Restore-My-Files.txt が作成された", ""},
	{"暗号化後 C:\\Windows\\Temp\\a.bat が実行", ""},
	{"http://evil.example/a/b/c.htmlへアクセスすると、http://evil.example/d.exeが落ちてくる。", "url http://evil.example/a/b/c.html, url http://evil.example/d.exe"},
	{"メール本文のリンク[https://bank.example/]の実際の飛び先は<https://evil.example/p>", "url https://bank.example/, url https://evil.example/p"},
	{"電子カルテベンダーのsupport@vendor.co.jpを騙る", "email support@vendor.co.jp"},
	{"amazon.co.jpを装ったamaz0n-co-jp.shopに注意", "domain amazon.co.jp, domain amaz0n-co-jp.shop"},
	{"VPN装置(IP:192.0.2.10)のログを確認。10.1.2.3から192.0.2.10へ", "ipv4 192.0.2.10, ipv4 10.1.2.3, ipv4 192.0.2.10"},
	{"Google Chrome 131.0.6778.85 に更新してください", ""},
	{"Windows 10.0.19045.5131 で確認", ""},
	{"詳しくは弊社ホームページ(www.hospital.or.jp)へ", "domain www.hospital.or.jp"},
	{"https://evil.example/あいうえお にアクセス", "url https://evil.example/"},
	{"10月21日(月)13:00〜14:00 会議室A、資料は\\\\fs01\\share\\doc.pdf", ""},
	{"ハッシュ値(MD5)：" + strings.ToUpper(md5Text) + "\nハッシュ値(SHA1)：" + sha1Text, "md5 " + md5Text + ", sha1 " + sha1Text},
	{"送信元IPは2001:db8:85a3::8a2e:370:7334と判明", "ipv6 2001:db8:85a3::8a2e:370:7334"},
	{"URL:hxxp://evil[.]example/download/update.exe　判定:悪性", "url http://evil.example/download/update.exe"},
	{"件名「Re: 請求書.pdf」添付:seikyu.iso", ""},
	{"twitter.com/someone と t.me/abc に掲載", "url http://twitter.com/someone, url http://t.me/abc"},
}

func TestExtract(t *testing.T) {
	wanted, found, right := 0, 0, 0
	for _, c := range corpus {
		got := listed(t, c.text)
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%q\n got %q\nwant %q", c.text, strings.Join(got, ", "), c.want)
		}
	}
	for _, c := range fresh {
		got, want := listed(t, c.text), strings.Split(c.want, ", ")
		if c.want == "" {
			want = nil
		}
		wanted, found = wanted+len(want), found+len(got)
		for _, g := range got {
			if i := slices.Index(want, g); i >= 0 {
				want = slices.Delete(want, i, i+1)
				right++
			} else {
				t.Logf("%q: %s is too much", c.text, g)
			}
		}
		if len(want) > 0 {
			t.Logf("%q: %q was missed", c.text, want)
		}
	}
	recall, precision := float64(right)/float64(wanted), float64(right)/float64(found)
	t.Logf("%d texts as expected; %d fresh ones: recall %d/%d = %.3f, precision %d/%d = %.3f",
		len(corpus), len(fresh), right, wanted, recall, right, found, precision)
	if recall < 0.95 || precision < 0.95 {
		t.Error("recall and precision must be at least 0.95")
	}
}

// listed extracts kind and value, and checks the places.
func listed(t *testing.T, text string) (got []string) {
	t.Helper()
	last := 0
	for _, f := range Extract(text) {
		got = append(got, string(f.Kind)+" "+f.Value.Value)
		if f.Start < last || f.End > len(text) || text[f.Start:f.End] != f.Written {
			t.Errorf("%q: %q lies wrongly at %d to %d", text, f.Written, f.Start, f.End)
		}
		last = f.End
	}
	return got
}

func TestExtractLimits(t *testing.T) {
	text := strings.Repeat("192.0.2.1 ", MaxFound+1)
	if n := len(Extract(text)); n != MaxFound {
		t.Errorf("found %d, want %d", n, MaxFound)
	}
	found, err := ExtractLimit(text, 5)
	if len(found) != 5 || fault.Code(err) != "indicator.found_many" || !fault.Is(err, fault.TooLarge) {
		t.Errorf("found %d, %v", len(found), err)
	}
	if found, err = ExtractLimit(text, MaxFound+1); err != nil || len(found) != MaxFound+1 {
		t.Errorf("found %d, %v", len(found), err)
	}
	if _, err = ExtractLimit(strings.Repeat("a", MaxText+1), 0); fault.Code(err) != "indicator.text_long" {
		t.Errorf("a long text: %v", err)
	}
	if n := len(Extract(strings.Repeat("あ", MaxText/3) + " 192.0.2.1")); n != 0 {
		t.Errorf("found %d beyond the limit", n)
	}
}

// TestExtractHostile holds that no text makes the scanner read on and on: each
// begins something at every few bytes.
func TestExtractHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	for _, unit := range []string{
		"http://a.jp/", "http://1.2.3.256/", "http://a..b/", "http://", "<http://a.jp/", "http://a.jp/))))", "1.2.3.4/", "a.jp?",
		"a@", "a%", "a[.]", "a:", "::", "[", "http://あ.", "http://a.jpあ", "a.", "ｈｔｔｐ", "\u200b", "http://a.jp/\n", "a+b@", "h[",
	} {
		text := strings.Repeat(unit, (1<<20)/len(unit))
		start := time.Now()
		Extract(text)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("1 MiB of %q took %v", unit, d)
		}
	}
}
