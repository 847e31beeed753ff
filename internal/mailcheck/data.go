// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
)

//go:embed data/brands.toml
var brandsFile string

//go:embed data/lists.toml
var listsFile string

//go:embed data/words.toml
var wordsFile string

// brand is a company or public body whose name attackers use.
type brand struct {
	ID      string   `toml:"-"`
	Names   []string `toml:"names"`
	Plain   []string `toml:"plain"` // ordinary words too
	Domains []string `toml:"domains"`
	Public  bool     `toml:"public"`
}

// known are the bundled facts, compiled.
type known struct {
	brands  []*brand
	domains map[string]*brand // of brands, and below

	phrases *matcher
	what    []phrase          // of each number of the matcher
	plain   map[string]*brand // folded names that count only as a whole

	shorteners, wrappers, freeMail, phoneMail, hosting, cheap, added   map[string]bool
	programs, scripts, containers, archives, macros, office, documents map[string]bool
	redirectors                                                        []string
	hostingPaths                                                       []string
	targets                                                            []target // of the brands, for look-alikes
}

// phrase is what the matcher's numbers mean: a concept, or a brand's name.
type phrase struct {
	concept concept
	brand   *brand
	name    string
}

// concept is what is said; see data/words.toml.
type concept int

const (
	conceptNone concept = iota
	stop
	deadline
	consequence
	intrusion
	verify
	password
	login
	card
	unpaid
	gain
	parcel
	mailbox
	click
	openIt
	macro
	transfer
	secret
	extortion
	watched
	archivePassword
	passwordLater
	paper
	helpdesk
	odd
	bulk
	spam
	messenger
	ransom
	payment
	charged
	call
	run
	download
	waiting
	personnel
	concepts
)

var conceptNames = map[string]concept{"stop": stop, "deadline": deadline, "consequence": consequence, "intrusion": intrusion, "verify": verify,
	"password": password, "login": login, "card": card, "unpaid": unpaid, "gain": gain, "parcel": parcel, "mailbox": mailbox, "click": click,
	"open": openIt, "macro": macro, "transfer": transfer, "secret": secret, "extortion": extortion, "watched": watched,
	"archive_password": archivePassword, "password_later": passwordLater, "paper": paper, "helpdesk": helpdesk, "odd": odd, "bulk": bulk, "spam": spam,
	"messenger": messenger, "ransom": ransom, "payment": payment, "charged": charged, "call": call, "run": run, "download": download, "waiting": waiting,
	"personnel": personnel}

// bundled compiles the bundled files, once. They are part of the program: that
// they can be read a test holds, and a program in which they cannot must not run.
var bundled = sync.OnceValue(func() *known {
	k := &known{domains: map[string]*brand{}, plain: map[string]*brand{}}
	var brands map[string]*brand
	decode("brands", brandsFile, &brands)
	var phrases []string
	for _, id := range slices.Sorted(maps.Keys(brands)) {
		b := brands[id]
		b.ID = id
		k.brands = append(k.brands, b)
		for _, d := range b.Domains {
			if k.domains[d] == nil {
				k.domains[d] = b
			}
		}
		for _, n := range b.Names {
			phrases = append(phrases, foldText(n).text)
			k.what = append(k.what, phrase{brand: b, name: n})
		}
		for _, n := range b.Plain {
			k.plain[foldText(n).text] = b
		}
	}
	var words map[string][]string
	decode("words", wordsFile, &words)
	for _, name := range slices.Sorted(maps.Keys(words)) {
		c, ok := conceptNames[name]
		if !ok {
			panic("mailcheck: words: no concept " + name)
		}
		for _, w := range words[name] {
			phrases = append(phrases, foldText(w).text)
			k.what = append(k.what, phrase{concept: c, name: w})
		}
	}
	k.phrases = newMatcher(phrases)
	k.readLists()
	for _, b := range k.brands {
		for _, d := range b.Domains {
			if t, ok := newTarget(d, b.Names[0], b); ok {
				k.targets = append(k.targets, t)
			}
		}
	}
	return k
})

func (k *known) readLists() {
	var lists map[string][]string
	decode("lists", listsFile, &lists)
	for name, into := range map[string]*map[string]bool{"shorteners": &k.shorteners, "wrappers": &k.wrappers, "free_mail": &k.freeMail,
		"phone_mail": &k.phoneMail, "hosting": &k.hosting, "cheap": &k.cheap, "added": &k.added, "programs": &k.programs, "scripts": &k.scripts,
		"containers": &k.containers, "archives": &k.archives, "macros": &k.macros, "office": &k.office, "documents": &k.documents} {
		*into = make(map[string]bool, len(lists[name]))
		for _, v := range lists[name] {
			(*into)[v] = true
			if name == "hosting" && strings.Contains(v, "/") {
				k.hostingPaths = append(k.hostingPaths, v)
			}
		}
	}
	k.redirectors = lists["redirectors"]
}

func decode(name, text string, into any) {
	if _, err := toml.Decode(text, into); err != nil {
		panic(fmt.Sprintf("mailcheck: %s: %v", name, err))
	}
}

// brandOf returns the brand that a host belongs to, nil for none.
func (k *known) brandOf(host string) *brand {
	for name := range parents(host) {
		if b := k.domains[name]; b != nil {
			return b
		}
	}
	return nil
}

// under reports whether the host is one of the set or below one.
func under(set map[string]bool, host string) bool {
	for name := range parents(host) {
		if set[name] {
			return true
		}
	}
	return false
}

// parents yields a name and the names above it.
func parents(name string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for found := name != ""; found && yield(name); {
			_, name, found = strings.Cut(name, ".")
		}
	}
}
