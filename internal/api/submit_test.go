// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/tlp"
)

func TestSubmit(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		body := map[string]any{
			"category": "phishing", "tlp": "AMBER", "title": "請求書を装うメール", "body": "3 月 4 日に届きました。",
			"products": []string{"製品 A", "製品 B"}, "observed_at": "2026-03-04T09:15:00.123456+09:00", "techniques": []string{"T1566.002"},
			"indicators": []map[string]any{
				{"value": "hxxps://Evil[.]example/login?mail=taro@hospital-a.example"},
				{"kind": "domain", "value": "evil[.]example"},
				{"kind": "domain", "value": "EVIL.example."},
			},
			"text": "本文に hxxp://other[.]example/x がありました。", "external_id": "t-1",
		}
		a := p.post(p.ContactA, "/api/v1/advisories", body)
		var got Advisory
		a.ok(201, &got)
		if want := fmt.Sprintf("/api/v1/advisories/%d", got.ID); a.Header().Get("Location") != want {
			t.Errorf("Location %q, want %q", a.Header().Get("Location"), want)
		}
		if got.State != "in_review" || got.ObservedAt.UnixMicro() != 1772583300123456 || !slices.Equal(got.Products, []string{"製品 A", "製品 B"}) {
			t.Errorf("stored %+v", got)
		}
		if !strings.Contains(a.Body.String(), `"observed_at":"2026-03-04T00:15:00.123456Z"`) {
			t.Errorf("the time is not UTC with microseconds: %s", a.Body)
		}
		values := func(a Advisory) (all []string) {
			for _, v := range a.Indicators {
				all = append(all, v.Value)
			}
			return all
		}
		want := []string{"evil.example", "http://other.example/x", "https://evil.example/login?mail=taro@hospital-a.example"}
		if v := values(got); !slices.Equal(v, want) {
			t.Errorf("indicators %q, want %q", v, want)
		}
		if p.woken != 1 {
			t.Errorf("the workers were woken %d times", p.woken)
		}
		if n := p.audited(`action = 'advisory.submit' AND channel = 'api' AND account_id = $1`, p.ContactA.Account); n != 1 {
			t.Errorf("%d records of the submission", n)
		}
		p.post(p.ContactA, "/api/v1/advisories", body).refused(409, "advisory.external_known")

		// Published, others learn of it, but not to whom it was addressed.
		g, err := p.Guards.Current(context.Background())
		if err == nil {
			err = advisory.Publish(context.Background(), p.DB, p.Analyst, g, got.ID, got.Revision)
		}
		if err != nil {
			t.Fatal(err)
		}
		address := fmt.Sprintf("/api/v1/advisories/%d", got.ID)
		p.get(p.ContactB, address).ok(200, &got)
		if got.Indicators[2].Value != "https://evil.example/login?mail=*" || !got.Indicators[2].Masked || got.Indicators[0].Masked {
			t.Errorf("another institution is told %+v", got.Indicators)
		}
		for _, c := range []caller.Caller{p.StaffA, p.Analyst} {
			p.get(c, address).ok(200, &got)
			if v := values(got); !slices.Equal(v, want) {
				t.Errorf("%s is told %q", c.Name, v)
			}
		}

		// What a role may not do is refused by the noun, and audited.
		body["state"], body["external_id"] = "published", "t-2"
		before := p.audited(`action = 'denied'`)
		p.post(p.ContactA, "/api/v1/advisories", body).refused(403, "fault.forbidden")
		if p.audited(`action = 'denied'`) != before+1 {
			t.Error("the refusal was not audited")
		}
		p.post(p.Analyst, "/api/v1/advisories", body).ok(201, &got)
		if got.State != "published" {
			t.Errorf("state %s", got.State)
		}
		p.post(p.StaffA, "/api/v1/advisories", map[string]any{"category": "notice", "tlp": "RED", "title": "下書き", "state": "draft"}).ok(201, &got)
		if got.State != "draft" || got.TLP != "RED" {
			t.Errorf("stored %+v", got)
		}
	})
}

func TestTextIsMaskedForOthers(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		title := "http://evil.example/?user=taro%40hospital-a.example が届きました"
		id := p.publish(p.ContactA, tlp.Green, title)
		for _, c := range []caller.Caller{p.ContactB, p.ContactV} {
			var got Advisory
			p.get(c, fmt.Sprintf("/api/v1/advisories/%d", id)).ok(200, &got)
			var page advisoryPage
			p.get(c, "/api/v1/advisories").ok(200, &page)
			for _, text := range []string{got.Title, got.Text, page.Items[0].Title} {
				if strings.Contains(text, "taro") || !strings.Contains(text, "http://evil.example/?user=* が届きました") {
					t.Errorf("%s reads %q", c.Name, text)
				}
			}
		}
		var got Advisory
		p.get(p.StaffA, fmt.Sprintf("/api/v1/advisories/%d", id)).ok(200, &got)
		if got.Title != title {
			t.Errorf("the own organisation reads %q", got.Title)
		}
	})
}
