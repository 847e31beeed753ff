// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package technique

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// Technique is one way of attacking.
type Technique struct {
	ID      string `toml:"id"`       // "T1566.002", or "isac.qr" for the ISAC's own
	Attack  string `toml:"attack"`   // the ATT&CK id to name outward; "" where none is near
	Tactic  string `toml:"tactic"`   // the ATT&CK tactic under which people find it: "initial-access"
	Parent  string `toml:"parent"`   // of a sub-technique: the English name of the technique above it
	Ja      string `toml:"ja"`       // Japanese name
	En      string `toml:"en"`       // English name, for ATT&CK's techniques ATT&CK's own
	AboutJa string `toml:"about_ja"` // one or two sentences for people who are no experts
	AboutEn string `toml:"about_en"`

	Words []string `toml:"words"` // what people write when they mean it; see Suggest
}

// Own reports whether the technique is the ISAC's own, not one of ATT&CK.
func (t Technique) Own() bool { return t.ID != t.Attack }

// Name returns the name in the language. English sub-techniques are written
// with their parent, as ATT&CK writes them, because names such as "Domains"
// occur under two.
func (t Technique) Name(lang locale.Lang) string {
	switch {
	case lang != locale.English:
		return t.Ja
	case t.Parent != "":
		return t.Parent + ": " + t.En
	default:
		return t.En
	}
}

// About explains the technique in the language.
func (t Technique) About(lang locale.Lang) string {
	if lang == locale.English {
		return t.AboutEn
	}
	return t.AboutJa
}

// Group is the techniques of one tactic.
type Group struct {
	Tactic     string // ATT&CK's short name: "initial-access"
	Ja, En     string // what people see
	Techniques []Technique
}

// Name returns the tactic's name in the language.
func (g Group) Name(lang locale.Lang) string {
	if lang == locale.English {
		return g.En
	}
	return g.Ja
}

// tactics are those of ATT&CK enterprise in the order in which an attack goes.
var tactics = []Group{
	{Tactic: "reconnaissance", Ja: "下調べ", En: "Reconnaissance"},
	{Tactic: "resource-development", Ja: "攻撃の準備", En: "Resource Development"},
	{Tactic: "initial-access", Ja: "最初の侵入", En: "Initial Access"},
	{Tactic: "execution", Ja: "プログラムの実行", En: "Execution"},
	{Tactic: "persistence", Ja: "居座り", En: "Persistence"},
	{Tactic: "privilege-escalation", Ja: "権限の奪取", En: "Privilege Escalation"},
	{Tactic: "defense-evasion", Ja: "検知の回避", En: "Defense Evasion"},
	{Tactic: "credential-access", Ja: "パスワードなどの窃取", En: "Credential Access"},
	{Tactic: "discovery", Ja: "内部の探索", En: "Discovery"},
	{Tactic: "lateral-movement", Ja: "内部での拡大", En: "Lateral Movement"},
	{Tactic: "collection", Ja: "情報の収集", En: "Collection"},
	{Tactic: "command-and-control", Ja: "外部からの指令", En: "Command and Control"},
	{Tactic: "exfiltration", Ja: "情報の持ち出し", En: "Exfiltration"},
	{Tactic: "impact", Ja: "業務への影響", En: "Impact"},
}

//go:embed techniques.toml
var source []byte

//go:embed NOTICE.md
var notice string

// Notice returns the terms under which ATT&CK's ids and names are used here, as
// Markdown. They must go with every copy, so the program carries and shows them.
func Notice() string { return notice }

// builtIn is read when it is asked for: most commands do not.
var builtIn = sync.OnceValue(func() *Vocabulary { return newVocabulary(must(load(source))) })

// Vocabulary is the techniques that one ISAC can choose from.
type Vocabulary struct {
	all  []Technique
	byID map[string]int
}

// BuiltIn returns what comes with the program.
func BuiltIn() *Vocabulary { return builtIn() }

// With returns the built-in techniques together with an ISAC's own additions,
// whose ids must begin with "isac." and be new.
func With(own []Technique) (*Vocabulary, error) {
	if len(own) == 0 {
		return builtIn(), nil
	}
	more := slices.Clone(builtIn().all)
	for _, t := range own {
		if err := CheckOwn(t); err != nil {
			return nil, err
		}
		more = append(more, t)
	}
	slices.SortStableFunc(more, compare)
	v := newVocabulary(more)
	if len(v.byID) != len(more) {
		return nil, fault.New(fault.Conflict, "technique.known")
	}
	return v, nil
}

// CheckOwn reports what an ISAC's addition lacks.
func CheckOwn(t Technique) error {
	switch {
	case !ownID.MatchString(t.ID) || len(t.ID) > 60:
		return fault.New(fault.Invalid, "technique.id").At("id")
	case t.Attack != "" && !attackID.MatchString(t.Attack):
		return fault.New(fault.Invalid, "technique.attack").At("attack")
	case tactic(t.Tactic) < 0:
		return fault.New(fault.Invalid, "technique.tactic").At("tactic")
	}
	for _, f := range []struct {
		field, text string
		most        int
	}{{"ja", t.Ja, 60}, {"en", t.En, 80}, {"about_ja", t.AboutJa, 400}, {"about_en", t.AboutEn, 600}} {
		if n := utf8.RuneCountInString(strings.TrimSpace(f.text)); n == 0 || n > f.most || !utf8.ValidString(f.text) {
			return fault.New(fault.Invalid, "technique.text", "most", f.most).At(f.field)
		}
	}
	if _, known := builtIn().Get(t.ID); known {
		return fault.New(fault.Conflict, "technique.known").At("id")
	}
	return nil
}

func newVocabulary(all []Technique) *Vocabulary { return &Vocabulary{all, index(all)} }

// All returns every technique, ordered by tactic and, within one, ATT&CK's by
// id before the ISAC's own. The slice is the caller's.
func (v *Vocabulary) All() []Technique { return slices.Clone(v.all) }

// Get returns the technique with the id, as written in All.
func (v *Vocabulary) Get(id string) (Technique, bool) {
	i, ok := v.byID[id]
	if !ok {
		return Technique{}, false
	}
	return v.all[i], true
}

// Groups returns the techniques by tactic, without tactics that have none.
func (v *Vocabulary) Groups() []Group {
	var groups []Group
	for _, g := range tactics {
		for _, t := range v.all {
			if t.Tactic == g.Tactic {
				g.Techniques = append(g.Techniques, t)
			}
		}
		if len(g.Techniques) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// Tactics returns every tactic, without techniques, in the order of an attack.
func Tactics() []Group { return slices.Clone(tactics) }

// All, Get and Groups are those of the built-in vocabulary.
func All() []Technique { return builtIn().All() }

func Get(id string) (Technique, bool) { return builtIn().Get(id) }

func Groups() []Group { return builtIn().Groups() }

var (
	attackID = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	ownID    = regexp.MustCompile(`^isac\.[a-z0-9]+(-[a-z0-9]+)*$`)
)

// load reads the vocabulary and checks what must hold of every entry.
func load(data []byte) ([]Technique, error) {
	var file struct {
		Technique []Technique `toml:"technique"`
	}
	md, err := toml.Decode(string(data), &file)
	if err != nil {
		return nil, err
	}
	if extra := md.Undecoded(); len(extra) > 0 {
		return nil, fmt.Errorf("unknown key %v", extra[0])
	}
	seen := map[string]bool{}
	word := map[string]string{}
	for i, t := range file.Technique {
		if err := check(t); err != nil {
			return nil, fmt.Errorf("technique %d (%s): %w", i+1, t.ID, err)
		}
		if seen[t.ID] {
			return nil, fmt.Errorf("technique %d: id %s is defined twice", i+1, t.ID)
		}
		seen[t.ID] = true
		for _, w := range t.Words {
			same := squeeze(w)
			if same == "" {
				return nil, fmt.Errorf("%s: a word is empty", t.ID)
			}
			if other := word[same]; other != "" {
				return nil, fmt.Errorf("%s: word %q belongs to %s", t.ID, w, other)
			}
			word[same] = t.ID
		}
	}
	slices.SortStableFunc(file.Technique, compare)
	return file.Technique, nil
}

func check(t Technique) error {
	switch {
	case !attackID.MatchString(t.ID) && !ownID.MatchString(t.ID):
		return fmt.Errorf("id must be an ATT&CK id or begin with %q", "isac.")
	case attackID.MatchString(t.ID) && t.Attack != t.ID:
		return fmt.Errorf("attack is %q, not the id", t.Attack)
	case t.Attack != "" && !attackID.MatchString(t.Attack):
		return fmt.Errorf("attack %q is no ATT&CK id", t.Attack)
	case tactic(t.Tactic) < 0:
		return fmt.Errorf("tactic %q is not one of ATT&CK's", t.Tactic)
	case t.Ja == "" || t.En == "" || t.AboutJa == "" || t.AboutEn == "":
		return fmt.Errorf("a name or an explanation is missing")
	case len(t.Words) < 2:
		return fmt.Errorf("at least two words are needed")
	}
	return nil
}

func compare(a, b Technique) int {
	if d := tactic(a.Tactic) - tactic(b.Tactic); d != 0 {
		return d
	}
	if a.Own() != b.Own() {
		if a.Own() {
			return 1
		}
		return -1
	}
	if a.ID < b.ID {
		return -1
	}
	return 1
}

func tactic(name string) int {
	return slices.IndexFunc(tactics, func(g Group) bool { return g.Tactic == name })
}

func index(all []Technique) map[string]int {
	m := make(map[string]int, len(all))
	for i, t := range all {
		m[t.ID] = i
	}
	return m
}

// must is for the embedded vocabulary, which the tests have read before.
func must(all []Technique, err error) []Technique {
	if err != nil {
		panic("technique: techniques.toml: " + err.Error())
	}
	return all
}
