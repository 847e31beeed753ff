// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

// State is where an advisory is on its way.
//
//	draft → in_review → published → corrected (any number of times)
//	  ↑________|              ↘ withdrawn ↙
//	discarded ← draft, in_review
type State string

const (
	Draft     State = "draft"
	InReview  State = "in_review"
	Published State = "published"
	Corrected State = "corrected"
	Withdrawn State = "withdrawn"
	Discarded State = "discarded"
)

// States are all states that lists can be asked for.
var States = []State{Draft, InReview, Published, Corrected, Withdrawn, Discarded}

// Public reports whether members other than the source's may know of it.
func (s State) Public() bool { return s == Published || s == Corrected || s == Withdrawn }

// Name returns the word for the state in the language.
func (s State) Name(lang locale.Lang) string { return lang.T("state." + string(s)) }

// Content is what people write; each revision keeps one.
type Content struct {
	Category    category.Category   `json:"category"`
	NoticeKind  category.NoticeKind `json:"notice_kind,omitempty"`
	TLP         tlp.Level           `json:"tlp"`
	Group       int64               `json:"group_id,omitempty"`  // the sharing group it is for; 0 for all whom the TLP allows
	GroupName   string              `json:"-"`                   // filled when it is read
	Anonymous   bool                `json:"anonymous,omitempty"` // the institution's name is not shown to other members
	Title       string              `json:"title"`
	Body        string              `json:"body"` // Markdown, the subset of package markdown
	Brand       string              `json:"brand,omitempty"`
	Products    string              `json:"products,omitempty"` // affected products, one a line
	ObservedAt  time.Time           `json:"observed_at,omitzero"`
	Techniques  []string            `json:"techniques,omitempty"`
	Indicators  []indicator.Value   `json:"indicators,omitempty"`
	Related     []int64             `json:"related,omitempty"`
	DuplicateOf int64               `json:"duplicate_of,omitempty"`
}

// Advisory is an item of shared information.
type Advisory struct {
	ID int64
	Content
	State        State
	Org          int64 // 0 of anonymous information, for who may not know
	OrgName      string
	OrgKind      caller.OrgKind
	Account      int64
	Source       string // the organisation's name, AnonymousName, or the outside source
	ExternalID   string // the outside source's own name for it
	ExternalURL  string
	RegisteredAt time.Time
	PublishedAt  time.Time // zero until published
	ChangedAt    time.Time
	Revision     int64
	Reason       string // of a correction, a withdrawal or a return
	Position     int64
}

// TimeToPublish is how long it took from registration to publication; 0 until
// published.
func (a *Advisory) TimeToPublish() time.Duration {
	if a.PublishedAt.IsZero() {
		return 0
	}
	return max(a.PublishedAt.Sub(a.RegisteredAt), 0)
}

const (
	maxTitle      = 200    // characters
	maxBody       = 20_000 // characters
	maxWord       = 200
	maxProducts   = 4_000
	maxIndicators = 10_000
	maxTechniques = 40
	maxRelated    = 50
	maxReason     = 1_000
	maxWritten    = 10_000 // of one indicator
	maxExternal   = 2_000
)

// Check tidies c and reports the first thing that cannot be accepted. A draft
// may be incomplete; what goes to review may not.
func (c *Content) Check(draft bool) error {
	c.Title, c.Body = strings.TrimSpace(c.Title), strings.TrimSpace(strings.ReplaceAll(c.Body, "\r\n", "\n"))
	c.Brand, c.Products = strings.TrimSpace(c.Brand), strings.TrimSpace(strings.ReplaceAll(c.Products, "\r\n", "\n"))
	if _, err := category.Parse(string(c.Category)); err != nil {
		return fault.From(err).At("category")
	}
	if c.Category != category.Notice {
		c.NoticeKind = ""
	} else if c.NoticeKind != "" || !draft {
		if _, err := category.ParseNotice(string(c.NoticeKind)); err != nil {
			return fault.From(err).At("notice_kind")
		}
	}
	if c.TLP < tlp.Clear || c.TLP > tlp.Red {
		return fault.New(fault.Invalid, "tlp.unknown", "value", "").At("tlp")
	}
	if c.Title == "" {
		return fault.New(fault.Invalid, "advisory.title_empty").At("title")
	}
	for _, f := range []struct {
		field, text string
		most        int
	}{{"title", c.Title, maxTitle}, {"body", c.Body, maxBody}, {"brand", c.Brand, maxWord}, {"products", c.Products, maxProducts}} {
		if err := checkText(f.field, f.text, f.most); err != nil {
			return err
		}
	}
	if c.Body == "" && !draft {
		return fault.New(fault.Invalid, "advisory.body_empty").At("body")
	}
	if c.ObservedAt.After(time.Now().Add(48 * time.Hour)) {
		return fault.New(fault.Invalid, "advisory.future").At("observed_at")
	}
	slices.Sort(c.Techniques)
	c.Techniques = slices.Compact(c.Techniques)
	slices.Sort(c.Related)
	c.Related = slices.Compact(c.Related)
	for _, many := range []struct {
		field   string
		n, most int
	}{{"techniques", len(c.Techniques), maxTechniques}, {"indicators", len(c.Indicators), maxIndicators}, {"related", len(c.Related), maxRelated}} {
		if many.n > many.most {
			return fault.New(fault.TooLarge, "advisory.many", "n", many.n, "most", many.most).At(many.field)
		}
	}
	return c.checkIndicators()
}

// checkText refuses what PostgreSQL cannot store and what is too long.
func checkText(field, text string, most int) error {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return fault.New(fault.Invalid, "advisory.text").At(field)
	}
	if n := utf8.RuneCountInString(text); n > most {
		return fault.New(fault.TooLarge, "advisory.long", "length", n, "most", most).At(field)
	}
	return nil
}

// checkIndicators normalises: whoever made the values, what is stored can be
// compared.
func (c *Content) checkIndicators() error {
	values := make([]indicator.Value, len(c.Indicators))
	for i, v := range c.Indicators {
		n, err := indicator.Normalise(v.Kind, v.Value)
		if err != nil {
			return fault.From(err).At("indicators")
		}
		if n.Written = v.Written; checkText("", n.Written, maxWritten) != nil {
			n.Written = n.Value
		}
		values[i] = n
	}
	c.Indicators = distinct(values)
	return nil
}

func distinct(values []indicator.Value) []indicator.Value {
	type id struct {
		kind  indicator.Kind
		value string
	}
	seen := make(map[id]bool, len(values))
	out := values[:0:0]
	for _, v := range values {
		if k := (id{v.Kind, v.Value}); !seen[k] {
			seen[k] = true
			out = append(out, v)
		}
	}
	return out
}

func checkReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return "", fault.New(fault.Invalid, "advisory.reason_empty").At("reason")
	}
	return reason, checkText("reason", reason, maxReason)
}

// MayRegister says who may register information.
func MayRegister(c caller.Caller) bool {
	return c.Org != 0 && c.Is(caller.Operator, caller.Analyst, caller.Contact, caller.Staff, caller.Machine)
}

// MayReview says who may publish, correct, withdraw and return.
func MayReview(c caller.Caller) bool {
	return c.OrgKind == caller.ISAC && c.Is(caller.Operator, caller.Analyst)
}

// MayEdit says who may change a before it is published: who registered it,
// the contact of that organisation, and reviewers.
func MayEdit(c caller.Caller, a *Advisory) bool {
	if a.State != Draft && a.State != InReview && a.State != Discarded {
		return false
	}
	return MayReview(c) || c.Org == a.Org && (c.Account == a.Account && MayRegister(c) || c.Is(caller.Contact))
}

// MaySight says who may report that an advisory's attack was received too.
func MaySight(c caller.Caller) bool {
	return c.OrgKind == caller.Institution && c.Is(caller.Contact, caller.Staff)
}

// MayComment says who may comment: every person of a member.
func MayComment(c caller.Caller) bool {
	return c.Org != 0 && c.Account != 0 && c.Role != caller.Machine
}

// MayDecide says whose opinion on "did this help you decide?" is asked.
func MayDecide(c caller.Caller) bool { return c.Account != 0 && c.Role != caller.Machine }
