// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"teiten/internal/caller"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/report"
)

const (
	mostReasons = 3
	mostListed  = 20 // numbers of reports in an answer for many
	mostSubject = 80 // characters of the hostile mail's subject
	mostArg     = 60 // characters of a value in a reason
)

// language is that of the answer: the one that the sender's program says it
// wrote in (RFC 3282), else the portal's. Accounts have none of their own.
func (b *Box) language(read *mail.Message) locale.Lang {
	if read != nil {
		switch said := strings.ToLower(read.Get("Content-Language")); {
		case strings.HasPrefix(said, "ja"):
			return locale.Japanese
		case strings.HasPrefix(said, "en"):
			return locale.English
		}
	}
	return b.cfg.Language
}

// reportLetter is the answer to one report of somebody.
func (b *Box) reportLetter(lang locale.Lang, by caller.Caller, id int64, d *report.Draft) letter {
	a := d.Answer
	number := strconv.FormatInt(id, 10)
	var t text
	t.line(lang.T("mailbox.answer.received", "number", number))
	subject := lang.T("mailbox.answer.no_subject")
	if d.Redacted != nil && d.Redacted.Subject.Text != "" {
		subject = Neutral(d.Redacted.Subject.Text, mostSubject)
	}
	t.line(lang.T("mailbox.answer.subject_of", "subject", subject))
	t.head(lang.T("mailbox.answer.verdict"))
	t.line(lang.T("mailbox.answer.verdict_" + string(a.Verdict)))
	if reasons := b.reasons(lang, a); len(reasons) > 0 {
		t.head(lang.T("mailbox.answer.reasons"))
		for i, r := range reasons {
			t.line(strconv.Itoa(i+1) + ". " + r)
		}
	}
	t.head(lang.T("mailbox.answer.now"))
	advice := a.AdviceReported(mailcheck.None)
	for _, key := range advice {
		t.line("- " + lang.T(key))
	}
	if len(advice) == 0 {
		t.line("- " + lang.T("mailbox.answer.now_"+string(a.Verdict)))
	}
	t.line("- " + lang.T("mailbox.answer.already"))
	var others []string
	if seen := a.Wave; seen != nil && seen.Institutions.Some() {
		if n := seen.Institutions.Text(lang); seen.First.IsZero() { // since when is not for him to know
			others = append(others, lang.T("mailbox.answer.also", "n", n))
		} else {
			others = append(others, lang.T("mailbox.answer.also_since", "n", n, "day", lang.Date(seen.First)))
		}
	}
	if by.OrgKind == caller.Institution {
		others = append(others, lang.T("mailbox.answer.counted"))
	}
	if len(others) > 0 {
		t.head(lang.T("mailbox.answer.others"))
	}
	for _, line := range others {
		t.line(line)
	}
	b.verify(lang, &t, number)
	return newLetter(lang, lang.T("mailbox.answer.title", "number", number), t.String())
}

// reasons are the strongest that speak against the mail, in the portal's words.
func (b *Box) reasons(lang locale.Lang, a *mailcheck.Answer) (all []string) {
	for _, f := range a.Findings {
		key := "mailcheck.rule." + f.Rule
		if len(all) == mostReasons || f.Weight <= 0 || !locale.Has(key) {
			continue
		}
		args := make([]any, len(f.Args))
		for i, v := range f.Args {
			args[i] = v
			if s, ok := v.(string); ok && i%2 == 1 {
				args[i] = place(s)
			}
		}
		sentence := lang.T(key, args...)
		if where := places(lang, f.Places); where != "" {
			sentence += lang.T("mailbox.answer.where", "places", where)
		}
		all = append(all, sentence)
	}
	return all
}

// places says where in the mail a finding is: kinds of places, and of links
// the host, broken.
func places(lang locale.Lang, all []mailcheck.Place) string {
	var names []string
	seen := map[string]bool{}
	for _, p := range all {
		where, _, _ := strings.Cut(p.Where, ":")
		key := "mailbox.place." + strings.ToLower(p.Where)
		if !locale.Has(key) {
			key = "mailbox.place." + where
		}
		if !locale.Has(key) {
			continue
		}
		name := lang.T(key)
		if where == "link" || where == "form" {
			if u, err := url.Parse(p.Text); err == nil && u.Hostname() != "" {
				name += " " + place(u.Hostname())
			}
		}
		if !seen[name] && len(names) < 3 {
			seen[name] = true
			names = append(names, name)
		}
	}
	return strings.Join(names, lang.T("mailbox.answer.comma"))
}

// place shows a value of the hostile mail if it is the name of a host, an
// address or a file's ending, broken so that no program makes a link of it;
// whatever could be a sentence is left out.
func place(s string) string {
	if s == "" || len(s) > mostArg || strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_@[]:", r)
	}) {
		return "…"
	}
	return Neutral(indicator.Defang(indicator.Domain, s), mostArg)
}

// groupLetter is the answer to many reports of one sender, the oldest first.
func (b *Box) groupLetter(lang locale.Lang, all []Mail) letter {
	var t text
	counts := map[mailcheck.Verdict]int{}
	numbers := map[mailcheck.Verdict][]string{}
	for _, m := range all {
		counts[m.Verdict]++
		if len(numbers[m.Verdict]) < mostListed {
			numbers[m.Verdict] = append(numbers[m.Verdict], strconv.FormatInt(m.Report, 10))
		}
	}
	n := locale.Number(int64(len(all)))
	t.line(lang.T("mailbox.answer.group", "n", n, "from", lang.DateTime(all[0].At), "to", lang.DateTime(all[len(all)-1].At)))
	t.head(lang.T("mailbox.answer.verdict"))
	for _, v := range []mailcheck.Verdict{mailcheck.Malicious, mailcheck.Suspicious, mailcheck.Unknown} {
		if counts[v] == 0 {
			continue
		}
		t.line(lang.T("mailbox.answer.group_"+string(v), "n", locale.Number(int64(counts[v]))))
		list := strings.Join(numbers[v], ", ")
		if counts[v] > mostListed {
			list += " …"
		}
		t.line("  " + lang.T("mailbox.answer.numbers", "numbers", list))
	}
	t.head(lang.T("mailbox.answer.now"))
	t.line("- " + lang.T("mailbox.answer.group_now"))
	t.line("- " + lang.T("mailbox.answer.already"))
	b.verify(lang, &t, numbers[all[0].Verdict][0])
	return newLetter(lang, lang.T("mailbox.answer.group_title", "n", n), t.String())
}

// guideLetter explains how to forward, after what went wrong.
func (b *Box) guideLetter(lang locale.Lang, code string) letter {
	var t text
	if code != nothingInside && locale.Has(code) {
		t.line(lang.T("mailbox.guide.unreadable"))
	} else {
		t.line(lang.T("mailbox.guide.nothing"))
	}
	t.line(lang.T("mailbox.guide.please"))
	t.line("")
	for _, program := range []string{"outlook", "gmail", "thunderbird", "apple"} {
		t.line("- " + lang.T("mailbox.guide."+program))
	}
	t.line("")
	t.line(lang.T("mailbox.guide.portal"))
	t.line("")
	t.line(lang.T("mailbox.answer.footer"))
	return newLetter(lang, lang.T("mailbox.guide.title"), t.String())
}

// nothingInside is the code of a mail in which no other was found.
const nothingInside = "mailbox.guide.nothing"

// verify says how to make sure that the answer is one of the portal's.
func (b *Box) verify(lang locale.Lang, t *text, number string) {
	t.head(lang.T("mailbox.answer.verify"))
	t.line(lang.T("mailbox.answer.verify_how", "number", number, "host", spaced(b.cfg.Host)))
	t.line("")
	t.line(lang.T("mailbox.answer.footer"))
}

// spaced writes a host name so that no program makes a link of it.
func spaced(host string) string { return strings.ReplaceAll(host, ".", " . ") }

// text is the body of a mail.
type text struct{ strings.Builder }

func (t *text) line(s string) { t.WriteString(s + "\n") }
func (t *text) head(s string) { t.WriteString("\n" + s + "\n") }

// Neutral writes a text that others may have chosen on one line, of at most so
// many characters, and so that no mail program makes a link, an address or a
// telephone number of anything in it.
func Neutral(s string, most int) string {
	// Full-width letters and dots are read as the others by people, and by some
	// programs.
	if longest := 16*most + 64; len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "")
	}
	runes := []rune(norm.NFKC.String(s))
	var out strings.Builder
	alnum := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	space := false
	n := 0
	for i, r := range runes {
		if n >= most {
			out.WriteString("…")
			break
		}
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			space = out.Len() > 0
			continue
		}
		if !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) && n == 0 {
			continue
		}
		if space {
			out.WriteByte(' ')
			space = false
			n++
		}
		n++
		switch {
		case r == '.' && alnum(i+1) && !(i > 0 && runes[i-1] == '['):
			out.WriteString("[.]")
		case r == '@' && !(i > 0 && runes[i-1] == '['):
			out.WriteString("[@]")
		case r == ':' && i+1 < len(runes) && runes[i+1] == '/':
			out.WriteString("[:]")
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
