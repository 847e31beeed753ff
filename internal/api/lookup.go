// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"

	"teiten/internal/advisory"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/store"
)

// carriersMost is how many advisories a look-up names.
const carriersMost = 10

// lookupResult is what the caller may know about one value.
type lookupResult struct {
	Input      string   `json:"input" doc:"What was asked" example:"hxxp://evil[.]example/login"`
	Recognised bool     `json:"recognised" doc:"It can be read as an indicator; if not, nothing else is told"`
	Kind       kindName `json:"kind,omitempty"`
	Value      string   `json:"value,omitempty" doc:"Normalised, raw: never follow it" example:"http://evil.example/login"`
	Host       string   `json:"host,omitempty" doc:"Of a URL or mail address; of a domain or address, itself" example:"evil.example"`

	Known        bool           `json:"known" doc:"Somebody reported it, and the caller may know"`
	Active       bool           `json:"active" doc:"It holds today: neither expired nor withdrawn"`
	Categories   []categoryName `json:"categories"`
	Brands       []string       `json:"brands" doc:"Which brands it imitates"`
	TLP          levelName      `json:"tlp,omitempty" doc:"The widest level at which somebody says so"`
	FirstSeen    stamp          `json:"first_seen,omitzero"`
	LastSeen     stamp          `json:"last_seen,omitzero"`
	ValidUntil   stamp          `json:"valid_until,omitzero" doc:"When it stops being a filter entry: a midnight in Tokyo"`
	Confidence   int            `json:"confidence" minimum:"0" maximum:"100" doc:"Of the surest source, in percent; 0 when not known"`
	Sources      int            `json:"sources" doc:"Organisations that say so"`
	Observations int            `json:"observations" doc:"Rows of lists that name it"`
	SameHost     int            `json:"same_host" doc:"Other active indicators on the very host, at most 1,000 counted"`

	Guard      *guardVerdict `json:"guard,omitempty" doc:"Whether filters may refuse it, known or not"`
	Advisories []carrier     `json:"advisories" maxItems:"10" doc:"The newest advisories that carry it"`
	More       bool          `json:"more_advisories" doc:"There are more than those"`
}

// guardVerdict says what the lists of harmless things let become of it.
type guardVerdict struct {
	Entry     bool          `json:"entry" doc:"It may be a filter entry of its own kind"`
	HostEntry bool          `json:"host_entry" doc:"Its host may be refused as a whole"`
	Reasons   []guardReason `json:"reasons" maxItems:"16" doc:"The lists it is on, the strongest effect first"`
}

// guardReason is one list.
type guardReason struct {
	List     string         `json:"list" doc:"The list's slug; public-suffix or overrule for what is no list" example:"tranco10k"`
	Name     string         `json:"name,omitempty" doc:"The list's name"`
	Effect   effectName     `json:"effect,omitempty" doc:"What the list does; absent for an overrule"`
	Matched  string         `json:"matched" doc:"What stands on the list" example:"example.com"`
	Overrule *guardOverrule `json:"overrule,omitempty" doc:"Who let it through although a list holds it"`
}

type guardOverrule struct {
	By     string `json:"by"`
	At     stamp  `json:"at"`
	Reason string `json:"reason"`
}

// carrier is an advisory that carries the indicator.
type carrier struct {
	ID          int64        `json:"id" minimum:"1"`
	Title       string       `json:"title"`
	Category    categoryName `json:"category"`
	TLP         levelName    `json:"tlp"`
	State       stateName    `json:"state"`
	PublishedAt stamp        `json:"published_at,omitzero"`
}

type lookupOutput struct{ Body lookupResult }

func (s *server) lookupOne(ctx context.Context, q *request, in *struct {
	Value string `query:"value" required:"true" maxLength:"10000" doc:"A URL, domain, address, network, mail address or file hash in any written form, percent-encoded" example:"hxxp://evil[.]example/login"`
}) (*lookupOutput, error) {
	results, err := s.lookup(ctx, q, []string{in.Value})
	if err != nil {
		return nil, err
	}
	if !results[0].Recognised {
		return nil, fault.New(fault.Invalid, "api.value").At("value")
	}
	return &lookupOutput{results[0]}, nil
}

// lookupBatch is what to look up.
type lookupBatch struct {
	Values []string `json:"values" minItems:"1" maxItems:"1000" maxLength:"10000" doc:"In any written form" example:"hxxp://evil[.]example/login, 192.0.2.1"`
}

// lookupResults answer a batch.
type lookupResults struct {
	Results []lookupResult `json:"results" maxItems:"1000" doc:"One for each value, in the same order"`
}

type (
	batchInput  struct{ Body lookupBatch }
	batchOutput struct{ Body lookupResults }
)

func (s *server) lookupMany(ctx context.Context, q *request, in *batchInput) (*batchOutput, error) {
	results, err := s.lookup(ctx, q, in.Body.Values)
	if err != nil {
		return nil, err
	}
	return &batchOutput{lookupResults{results}}, nil
}

// lookup answers all values from one snapshot; what is asked twice is looked
// up once.
func (s *server) lookup(ctx context.Context, q *request, inputs []string) ([]lookupResult, error) {
	results := make([]lookupResult, len(inputs))
	type id struct {
		kind  indicator.Kind
		value string
	}
	at := map[id]int{} // in values
	var values []indicator.Value
	index := make([]int, len(inputs)) // of each input in values; -1 when not recognised
	for i, text := range inputs {
		index[i] = -1
		v, ok := indicator.Recognise(text)
		if !ok {
			continue
		}
		n, twice := at[id{v.Kind, v.Value}]
		if !twice {
			n = len(values)
			at[id{v.Kind, v.Value}] = n
			values = append(values, v)
		}
		index[i] = n
	}
	g, err := s.Guards.Current(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]lookupResult, len(values))
	err = s.DB.View(ctx, q.caller, func(tx *store.Tx) error {
		hits, err := intel.Lookup(ctx, tx, s.DB.Key, q.caller, values)
		if err != nil {
			return err
		}
		for i, h := range hits {
			verdict, err := intel.Judge(ctx, tx, q.caller, g, values[i])
			if err != nil {
				return err
			}
			found[i] = newResult(values[i], h, verdict)
			if h.Known { // what a visible advisory carries is claimed
				if err := found[i].addCarriers(ctx, tx, q, values[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, n := range index {
		results[i] = lookupResult{Categories: []categoryName{}, Brands: []string{}, Advisories: []carrier{}}
		if n >= 0 {
			results[i] = found[n]
		}
		results[i].Input = inputs[i]
	}
	return results, nil
}

func newResult(v indicator.Value, h intel.Hit, verdict guard.Verdict) lookupResult {
	r := lookupResult{
		Recognised: true, Kind: kindName(v.Kind), Value: v.Value, Host: v.Host,
		Known: h.Known, Active: h.Active, Categories: names[categoryName](h.Categories), Brands: names[string](h.Brands),
		FirstSeen: stamp{h.FirstSeen}, LastSeen: stamp{h.LastSeen}, ValidUntil: stamp{h.ValidUntil}, Confidence: h.Confidence,
		Sources: h.Sources, Observations: h.Observations, SameHost: h.SameHost, Advisories: []carrier{},
		Guard: &guardVerdict{Entry: verdict.Entry, HostEntry: verdict.HostEntry, Reasons: make([]guardReason, len(verdict.Reasons))},
	}
	if h.Known {
		r.TLP = levelName(h.TLP.String())
	}
	for i, why := range verdict.Reasons {
		reason := guardReason{List: why.Slug, Name: why.List, Matched: why.Matched}
		if why.Overrule != nil {
			reason.Overrule = &guardOverrule{By: why.Overrule.By, At: stamp{why.Overrule.At}, Reason: why.Overrule.Reason}
		} else {
			reason.Effect = effectName(why.Effect.String())
		}
		r.Guard.Reasons[i] = reason
	}
	return r
}

// addCarriers names the advisories that carry the indicator.
func (r *lookupResult) addCarriers(ctx context.Context, tx *store.Tx, q *request, v indicator.Value) error {
	page, err := advisory.List(ctx, tx, q.caller, advisory.Filter{Indicator: &v, Limit: carriersMost})
	if err != nil {
		return err
	}
	for _, a := range page.Items {
		r.Advisories = append(r.Advisories, carrier{
			ID: a.ID, Title: q.text(a, a.Title), Category: categoryName(a.Category), TLP: levelName(a.TLP.String()),
			State: stateName(a.State), PublishedAt: stamp{a.PublishedAt},
		})
	}
	r.More = page.Next != 0
	return nil
}
