// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// prefectures are the 47 in the order of their codes (JIS X 0401).
var prefectures = [47][2]string{
	{"北海道", "Hokkaido"}, {"青森県", "Aomori"}, {"岩手県", "Iwate"}, {"宮城県", "Miyagi"}, {"秋田県", "Akita"}, {"山形県", "Yamagata"},
	{"福島県", "Fukushima"}, {"茨城県", "Ibaraki"}, {"栃木県", "Tochigi"}, {"群馬県", "Gunma"}, {"埼玉県", "Saitama"}, {"千葉県", "Chiba"},
	{"東京都", "Tokyo"}, {"神奈川県", "Kanagawa"}, {"新潟県", "Niigata"}, {"富山県", "Toyama"}, {"石川県", "Ishikawa"}, {"福井県", "Fukui"},
	{"山梨県", "Yamanashi"}, {"長野県", "Nagano"}, {"岐阜県", "Gifu"}, {"静岡県", "Shizuoka"}, {"愛知県", "Aichi"}, {"三重県", "Mie"},
	{"滋賀県", "Shiga"}, {"京都府", "Kyoto"}, {"大阪府", "Osaka"}, {"兵庫県", "Hyogo"}, {"奈良県", "Nara"}, {"和歌山県", "Wakayama"},
	{"鳥取県", "Tottori"}, {"島根県", "Shimane"}, {"岡山県", "Okayama"}, {"広島県", "Hiroshima"}, {"山口県", "Yamaguchi"}, {"徳島県", "Tokushima"},
	{"香川県", "Kagawa"}, {"愛媛県", "Ehime"}, {"高知県", "Kochi"}, {"福岡県", "Fukuoka"}, {"佐賀県", "Saga"}, {"長崎県", "Nagasaki"},
	{"熊本県", "Kumamoto"}, {"大分県", "Oita"}, {"宮崎県", "Miyazaki"}, {"鹿児島県", "Kagoshima"}, {"沖縄県", "Okinawa"},
}

// Prefectures returns the 47 as they are stored, from north to south.
func Prefectures() []string {
	all := make([]string, len(prefectures))
	for i, p := range prefectures {
		all[i] = p[0]
	}
	return all
}

// PrefectureName returns a stored prefecture in the language.
func PrefectureName(lang locale.Lang, stored string) string {
	for _, p := range prefectures {
		if p[0] == stored && lang == locale.English {
			return p[1]
		}
	}
	return stored
}

// ParsePrefecture reads a prefecture with or without its last character, or in
// Latin letters; "" stays "".
func ParsePrefecture(written string) (string, error) {
	s := norm.NFKC.String(strings.TrimSpace(written))
	if s == "" {
		return "", nil
	}
	for _, p := range prefectures {
		stem := strings.TrimRight(p[0], "都府県")
		if p[0] == "京都府" {
			stem = "京都" // whose own last character is one of them
		}
		if s == p[0] || s == stem || strings.EqualFold(s, p[1]) {
			return p[0], nil
		}
	}
	return "", fault.New(fault.Invalid, "member.prefecture", "value", short(s)).At("prefecture")
}
