// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	tests := []struct {
		title, summary string
		category, kind string
		because        string
	}{
		// training
		{"標的型攻撃メール訓練の参加施設を募集します", "", CategoryNotice, NoticeTraining, "訓練"},
		{"医療機関向けサイバーセキュリティ研修（初学者コース）", "", CategoryNotice, NoticeTraining, "研修"},
		{"フィッシング対策セミナー 2026 開催のお知らせ", "", CategoryNotice, NoticeTraining, "セミナー"},
		{"Webinar: ransomware readiness for hospitals", "", CategoryNotice, NoticeTraining, "webinar"},
		{"分野横断的演習の実施結果について", "", CategoryNotice, NoticeTraining, "演習"},
		{"Drills for the on-call team", "", CategoryNotice, NoticeTraining, "drills"},
		// statistics
		{"2026/02 フィッシング報告状況", "", CategoryNotice, NoticeStatistics, "報告状況"},
		{"ソフトウェア等の脆弱性関連情報に関する届出状況", "", CategoryNotice, NoticeStatistics, "届出状況"},
		{"情報セキュリティ10大脅威の見本", "", CategoryNotice, NoticeStatistics, "10大脅威"},
		{"情報セキュリティ１０大脅威の見本（全角）", "", CategoryNotice, NoticeStatistics, "10大脅威"},
		{"Quarterly Report: ransomware in health care", "", CategoryNotice, NoticeStatistics, "quarterly report"},
		// guideline
		{"医療情報システムの安全管理に関するガイドラインの改定", "", CategoryNotice, NoticeGuideline, "ガイドライン"},
		{"サイバー攻撃を想定した事業継続計画の確認表を公開", "", CategoryNotice, NoticeGuideline, "確認表"},
		{"薬局における対策チェックリスト", "", CategoryNotice, NoticeGuideline, "チェックリスト"},
		{"Guidance on VPN hardening", "", CategoryNotice, NoticeGuideline, "guidance"},
		// exploited vulnerability
		{"見本社製SSL-VPN装置の脆弱性を悪用した攻撃への注意喚起", "", CategoryNotice, NoticeExploited, "悪用した攻撃"},
		{"見本ブラウザのゼロデイ、更新版を公開", "", CategoryNotice, NoticeExploited, "ゼロデイ"},
		{"Sample Firewall flaw actively exploited", "", CategoryNotice, NoticeExploited, "actively exploited"},
		{"見本ゲートウェイの脆弱性（CVE-2026-10007）", "本脆弱性の悪用が確認されています。", CategoryNotice, NoticeExploited, "悪用が確認"},
		{"CVE-2026-10008 added", "The vulnerability is exploited in the wild.", CategoryNotice, NoticeExploited, "exploited in the wild"},
		{"見本ゲートウェイについて", "本脆弱性の悪用が確認されています。", CategoryNotice, NoticeExploited, "悪用が確認"},
		// vulnerability; what it may lead to is not what it is
		{"見本電子カルテにおける情報漏えいの脆弱性", "", CategoryNotice, NoticeVulnerability, "脆弱性"},
		{"見本製マルウェア対策ソフトの脆弱性", "", CategoryNotice, NoticeVulnerability, "脆弱性"},
		{"Vulnerabilities in Sample PACS viewer", "Successful exploitation of this vulnerability could allow code execution.", CategoryNotice, NoticeVulnerability, "vulnerabilities"},
		{"見本社の月例パッチについて", "", CategoryNotice, NoticeVulnerability, "月例パッチ"},
		{"見本基盤について", "現時点で本脆弱性の悪用が確認されたとの情報はありません。", CategoryNotice, NoticeVulnerability, "脆弱性"},
		{"見本基盤の更新", "本脆弱性の悪用事例は確認されていません。", CategoryNotice, NoticeVulnerability, "脆弱性"},
		{"Sample update", "The vulnerability is not actively exploited.", CategoryNotice, NoticeVulnerability, "vulnerability"},
		{"Security advisory 2026-03", "", CategoryNotice, NoticeVulnerability, "security advisory"},
		// targeted
		{"医療機関を狙った標的型攻撃メールについて", "添付ファイルを開かないでください。", CategoryTargeted, "", "標的型"},
		{"標的型フィッシングの観測", "", CategoryTargeted, "", "標的型"},
		{"APT32 activity against hospitals", "", CategoryTargeted, "", "apt32"},
		{"Spear-phishing against universities", "", CategoryTargeted, "", "spear-phishing"},
		{"水飲み場攻撃による感染", "", CategoryTargeted, "", "水飲み場"},
		{"ビジネスメール詐欺の新しい手口", "", CategoryTargeted, "", "ビジネスメール詐欺"},
		// phishing
		{"見本銀行をかたるフィッシング (2026/03/04)", "", CategoryPhishing, "", "フィッシング"},
		{"宅配業者を騙るＳＭＳにご注意ください", "", CategoryPhishing, "", "を騙る"},
		{"偽のログイン画面に誘導するメール", "", CategoryPhishing, "", "偽のログイン"},
		{"Phishing campaign abuses QR codes (quishing)", "", CategoryPhishing, "", "phishing"},
		{"当院職員になりすました不審なメールについて", "", CategoryPhishing, "", "不審なメール"},
		// malicious site
		{"当院の偽サイトにご注意ください", "", CategoryMaliciousSite, "", "偽サイト"},
		{"サポート詐欺の偽警告画面が増えています", "", CategoryMaliciousSite, "", "サポート詐欺"},
		{"ClickFix と呼ばれる手口", "", CategoryMaliciousSite, "", "clickfix"},
		{"Fake websites sell masks", "", CategoryMaliciousSite, "", "fake websites"},
		// ransomware, malware, incident
		{"ランサムウェアによる被害が続いています", "", CategoryNotice, NoticeRansomware, "ランサム"},
		{"Ransomware gang claims a clinic", "", CategoryNotice, NoticeRansomware, "ransomware"},
		{"マルウェアEmotetの活動再開", "", CategoryNotice, NoticeMalware, "マルウェア"},
		{"New infostealers target browsers", "", CategoryNotice, NoticeMalware, "infostealers"},
		{"不正アクセスによる個人情報流出のお詫び", "", CategoryNotice, NoticeIncident, "不正アクセス"},
		{"年末のDDoS攻撃について", "", CategoryNotice, NoticeIncident, "ddos"},
		{"ウェブサイト改ざんの復旧", "", CategoryNotice, NoticeIncident, "改ざん"},
		{"Data breach at a billing company", "", CategoryNotice, NoticeIncident, "data breach"},
		// other: words inside words, and the other viruses
		{"新型コロナウイルス感染症の対応について", "", CategoryNotice, NoticeOther, ""},
		{"Chapter 2 of the rapture captain's log", "", CategoryNotice, NoticeOther, ""},
		{"年末年始の窓口のお知らせ", "", CategoryNotice, NoticeOther, ""},
		{"", "", CategoryNotice, NoticeOther, ""},
	}
	for _, tt := range tests {
		got := Suggest(Item{Title: tt.title, Summary: tt.summary})
		if got.Category != tt.category || got.NoticeKind != tt.kind || got.Because != tt.because {
			t.Errorf("%s / %s\n got %+v\nwant %s %s %q", tt.title, tt.summary, got, tt.category, tt.kind, tt.because)
		}
		if !strings.Contains(fold(tt.title+"\n"+tt.summary), got.Because) {
			t.Errorf("%s: the reason %q does not stand in it", tt.title, got.Because)
		}
	}
	if len(tests) < 40 {
		t.Errorf("only %d examples", len(tests))
	}
	byID := Suggest(Item{Title: "見本製品", Identifiers: []string{"JVNDB-2026-000001"}})
	if byID.NoticeKind != NoticeVulnerability || byID.Because != "JVNDB-2026-000001" {
		t.Errorf("by identifier: %+v", byID)
	}
}

// TestWordsCanMatch finds words that no text can match, because they are not
// in the form in which texts are read.
func TestWordsCanMatch(t *testing.T) {
	check := func(words []string) {
		for _, w := range words {
			stem := strings.TrimSuffix(w, "*")
			if fold(stem) != stem || stem == "" {
				t.Errorf("%q is read as %q", stem, fold(stem))
			}
			if start, _ := find("「"+stem+"」", w); start < 0 {
				t.Errorf("%q does not match itself", w)
			}
		}
	}
	for _, r := range rules {
		check(r.words)
		check(r.need)
	}
}
