// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"

	"teiten/internal/advisory"
	"teiten/internal/locale"
	"teiten/internal/technique"
)

// bilingual is a text in both languages.
type bilingual struct {
	Ja string `json:"ja"`
	En string `json:"en"`
}

// techniqueEntry is one way of attacking.
type techniqueEntry struct {
	ID     string    `json:"id" doc:"As advisories name it; isac. begins the ISAC's own" example:"T1566.002"`
	Attack string    `json:"attack,omitempty" doc:"The id in MITRE ATT&CK; absent where none is near" example:"T1566.002"`
	Tactic string    `json:"tactic" doc:"ATT&CK's short name of the tactic" example:"initial-access"`
	Own    bool      `json:"own" doc:"The ISAC's own, not one of ATT&CK"`
	Name   bilingual `json:"name"`
	About  bilingual `json:"about" doc:"For people who are no experts"`
}

// techniqueList is the vocabulary.
type techniqueList struct {
	Items  []techniqueEntry `json:"items" doc:"By tactic"`
	Notice string           `json:"notice" doc:"The terms under which ATT&CK's ids and names are used, as Markdown; they go with every copy"`
}

type techniquesOutput struct{ Body techniqueList }

func (s *server) techniques(ctx context.Context, _ *request, _ *struct{}) (*techniquesOutput, error) {
	known, err := advisory.Techniques(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	out := &techniquesOutput{techniqueList{Items: []techniqueEntry{}, Notice: technique.Notice()}}
	for _, t := range known.All() {
		out.Body.Items = append(out.Body.Items, techniqueEntry{
			ID: t.ID, Attack: t.Attack, Tactic: t.Tactic, Own: t.Own(),
			Name:  bilingual{t.Name(locale.Japanese), t.Name(locale.English)},
			About: bilingual{t.About(locale.Japanese), t.About(locale.English)},
		})
	}
	return out, nil
}
