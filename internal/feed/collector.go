// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/outbound"
	"teiten/internal/store"
	"teiten/internal/technique"
	"teiten/internal/tlp"
)

// Collector is a feed that is fetched again and again; its items arrive as
// drafts for the analysts.
type Collector struct {
	ID        int64
	Name      string // also the source of its advisories
	URL       string
	Org       int64
	TLP       tlp.Level
	Group     int64  // the sharing group that its drafts are for; 0 for all whom the TLP allows
	GroupName string // filled when it is read
	Every     time.Duration
	Enabled   bool
	ETag      string
	Modified  string
	LastRun   time.Time
	LastOK    time.Time
	NextRun   time.Time
	Failures  int
	ErrorCode string // of the last failure, "" after a success
	ErrorArgs fault.Args
	Items     int // items seen so far
}

// Failure returns the last failure as a fault, or nil.
func (c Collector) Failure() error {
	if c.ErrorCode == "" {
		return nil
	}
	return &fault.Error{Kind: fault.Unavailable, Code: c.ErrorCode, Args: c.ErrorArgs}
}

// MayCollect says who may add, change and remove collectors.
func MayCollect(c caller.Caller) bool {
	return c.OrgKind == caller.ISAC && c.Is(caller.Operator, caller.Analyst)
}

const (
	maxName  = 100
	maxEvery = 7 * 24 * time.Hour
	// firstDays bounds what a new collector brings: what is older is noted as
	// seen and not made a draft.
	firstDays = 30
	maxTitle  = 200
	maxBody   = 18_000
)

func (c *Collector) check() error {
	c.Name, c.URL = strings.TrimSpace(c.Name), strings.TrimSpace(c.URL)
	if c.Name == "" || utf8.RuneCountInString(c.Name) > maxName {
		return fault.New(fault.Invalid, "feed.name", "most", maxName).At("name")
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(c.URL) > maxStored {
		return fault.New(fault.Invalid, "feed.url").At("url")
	}
	if u.User != nil {
		return fault.New(fault.Invalid, "feed.url_user").At("url")
	}
	if c.Every == 0 {
		c.Every = DefaultInterval
	}
	if c.Every < MinInterval || c.Every > maxEvery {
		return fault.New(fault.Invalid, "feed.every", "least", int(MinInterval.Minutes()), "most", int(maxEvery.Minutes())).At("every")
	}
	return nil
}

// Add adds a collector, which is due at once, and returns its id.
func Add(ctx context.Context, db *store.DB, by caller.Caller, c Collector) (id int64, err error) {
	if !MayCollect(by) {
		return 0, fault.New(fault.Forbidden, "fault.forbidden")
	}
	if err := c.check(); err != nil {
		return 0, err
	}
	c.Org = by.Org
	err = db.Write(ctx, by, func(tx *store.Tx) error {
		if err := advisory.MayShare(ctx, tx, by, c.Group); err != nil {
			return err
		}
		if id, err = insertCollector(ctx, tx, c); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "collector.add", object(id), "name", c.Name, "url", c.URL, "tlp", c.TLP.String(), "group", c.Group)
	})
	return id, err
}

// Change changes name, address, interval, TLP and group. A new address starts
// without validators. A group that the collector has already may be kept though
// it is closed by now; what was brought before stays with whom it was shared.
func Change(ctx context.Context, db *store.DB, by caller.Caller, c Collector) error {
	if err := c.check(); err != nil {
		return err
	}
	return change(ctx, db, by, c.ID, "collector.change", func(tx *store.Tx, old *Collector) error {
		if old.Group != c.Group {
			if err := advisory.MayShare(ctx, tx, by, c.Group); err != nil {
				return err
			}
		}
		if old.URL != c.URL {
			old.ETag, old.Modified, old.Failures, old.ErrorCode, old.ErrorArgs = "", "", 0, "", nil
			old.NextRun = time.Time{}
		}
		old.Name, old.URL, old.Every, old.TLP, old.Group = c.Name, c.URL, c.Every, c.TLP, c.Group
		return nil
	})
}

// SetEnabled switches a collector on or off.
func SetEnabled(ctx context.Context, db *store.DB, by caller.Caller, id int64, on bool) error {
	return change(ctx, db, by, id, "collector.switch", func(_ *store.Tx, c *Collector) error {
		c.Enabled = on
		if on {
			c.NextRun, c.Failures = time.Time{}, 0
		}
		return nil
	})
}

// RunNow makes a collector due at once.
func RunNow(ctx context.Context, db *store.DB, by caller.Caller, id int64) error {
	return db.Write(ctx, by, func(tx *store.Tx) error {
		if !MayCollect(by) {
			return fault.New(fault.Forbidden, "fault.forbidden")
		}
		if _, err := loadCollector(ctx, tx, by, id); err != nil {
			return err
		}
		if err := enqueue(ctx, tx, id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "collector.run", object(id))
	})
}

// Remove removes a collector. Its drafts and advisories stay.
func Remove(ctx context.Context, db *store.DB, by caller.Caller, id int64) error {
	if !MayCollect(by) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return db.Write(ctx, by, func(tx *store.Tx) error {
		c, err := loadCollector(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := deleteCollector(ctx, tx, id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "collector.remove", object(id), "name", c.Name, "url", c.URL)
	})
}

func change(ctx context.Context, db *store.DB, by caller.Caller, id int64, action string, fn func(*store.Tx, *Collector) error) error {
	if !MayCollect(by) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return db.Write(ctx, by, func(tx *store.Tx) error {
		c, err := loadCollector(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := fn(tx, c); err != nil {
			return err
		}
		if err := updateCollector(ctx, tx, c); err != nil {
			return err
		}
		return audit.Append(ctx, tx, action, object(id), "name", c.Name, "url", c.URL, "tlp", c.TLP.String(), "group", c.Group, "enabled", c.Enabled)
	})
}

// Try fetches a feed once and stores nothing: the test button.
func Try(ctx context.Context, client *outbound.Client, address string) (Result, error) {
	c := Collector{Name: "test", URL: address}
	if err := c.check(); err != nil {
		return Result{}, err
	}
	return Fetch(ctx, client, State{URL: c.URL})
}

// CollectJob fetches one collector.
const CollectJob = "feed.collect"

type collectArgs struct {
	ID int64 `json:"id"`
}

func enqueue(ctx context.Context, tx *store.Tx, id int64) error {
	return job.Enqueue(ctx, tx, CollectJob, collectArgs{id}, job.Unique(object(id)))
}

// Schedule enqueues the collectors that are due. It is called once a minute.
func Schedule(ctx context.Context, db *store.DB) (n int, err error) {
	ids, err := dueCollectors(ctx, db, time.Now())
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), db.Keep(ctx, func(tx *store.Tx) error {
		for _, id := range ids {
			if err := enqueue(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Worker does CollectJob. A feed that fails is not a failed job: the collector
// keeps the reason, for people to see, and waits longer.
func Worker(db *store.DB, client *outbound.Client, guards *intel.Guards, log *slog.Logger) job.Worker {
	return func(ctx context.Context, j job.Job) error {
		var args collectArgs
		if err := json.Unmarshal(j.Args, &args); err != nil {
			return err
		}
		system := caller.System("collector")
		c, err := loadCollector(ctx, db, system, args.ID)
		if fault.Is(err, fault.NotFound) || err == nil && !c.Enabled {
			return nil // removed or switched off meanwhile
		}
		if err != nil {
			return err
		}
		res, fetched := Fetch(ctx, client, State{URL: c.URL, ETag: c.ETag, LastModified: c.Modified})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		g, err := guards.Current(ctx)
		if err != nil {
			return err
		}
		added, err := take(ctx, db, g, c, res, fetched)
		if err != nil {
			return err
		}
		log.Info("collected", "collector", c.ID, "status", res.Status, "drafts", added, "failed", fetched != nil)
		return nil
	}
}

// take stores what a fetch brought: drafts for new items, and the collector's
// new state, in one transaction. What people changed while it was fetched
// counts: an answer of an address that is no longer the collector's is dropped.
func take(ctx context.Context, db *store.DB, g *guard.Guard, fetched *Collector, res Result, failed error) (added int, err error) {
	system := caller.System("collector")
	system.Org, system.OrgName = fetched.Org, fetched.Name
	err = db.Write(ctx, system, func(tx *store.Tx) error {
		c, err := loadCollector(ctx, tx, system, fetched.ID)
		if fault.Is(err, fault.NotFound) || err == nil && (!c.Enabled || c.URL != fetched.URL) {
			return audit.Append(ctx, tx, "collector.fetch", object(fetched.ID), "dropped", true)
		}
		if err != nil {
			return err
		}
		refused := 0
		if failed == nil { // what comes for a group that is closed waits until people say for whom it is
			if err := advisory.MayShare(ctx, tx, system, c.Group); fault.Is(err, fault.Invalid) {
				failed = fault.New(fault.Conflict, "feed.group")
			} else if err != nil {
				return err
			}
		}
		first := c.LastOK.IsZero()
		c.LastRun = tx.Now
		if failed != nil {
			f := fault.From(failed)
			c.Failures++
			c.ErrorCode, c.ErrorArgs = f.Code, f.Args
		} else {
			c.Failures, c.ErrorCode, c.ErrorArgs, c.LastOK = 0, "", nil, tx.Now
			c.URL, c.ETag, c.Modified = res.State.URL, res.State.ETag, res.State.LastModified
		}
		c.NextRun = Run{Interval: c.Every, Failures: c.Failures, RetryAfter: res.RetryAfter}.Next(tx.Now, rand.Float64())
		if failed == nil && res.Feed != nil {
			for i := range res.Feed.Items {
				it := &res.Feed.Items[i]
				old := first && !it.Published.IsZero() && tx.Now.Sub(it.Published) > firstDays*24*time.Hour
				fresh, err := submitItem(ctx, tx, g, c, it, old)
				var f *fault.Error
				switch {
				case errors.As(err, &f) && (f.Kind == fault.Invalid || f.Kind == fault.TooLarge):
					refused++ // one odd item does not keep the others out
				case err != nil:
					return err
				case fresh:
					added++
				}
			}
		}
		if err := updateFetched(ctx, tx, c, fetched.URL); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "collector.fetch", object(c.ID), "drafts", added, "refused", refused, "error", c.ErrorCode)
	})
	return added, err
}

// submitItem makes a draft of an item that is new to the collector.
func submitItem(ctx context.Context, tx *store.Tx, g *guard.Guard, c *Collector, it *Item, old bool) (bool, error) {
	fresh, err := noteItem(ctx, tx, c.ID, it.GUID)
	if err != nil || !fresh || old {
		return false, err
	}
	s := Suggest(*it)
	content := advisory.Content{
		Category: category.Category(s.Category), NoticeKind: category.NoticeKind(s.NoticeKind), TLP: c.TLP, Group: c.Group,
		Title: cut(it.Title, maxTitle), Body: body(it), Products: cut(strings.Join(it.CPEs, "\n"), 4000),
		ObservedAt: it.Published, Techniques: technique.Suggest(it.Title + "\n" + it.Summary),
	}
	if content.Title == "" {
		content.Title = cut(c.Name, maxTitle)
	}
	if content.ObservedAt.After(tx.Now) { // the day of a seminar, or a wrong clock
		content.ObservedAt = tx.Now
	}
	guid, link := it.GUID, it.Link
	if len(guid) > maxStored {
		guid = hashID(guid)
	}
	if len(link) > maxStored {
		link = ""
	}
	id, err := advisory.SubmitIn(ctx, tx, g, advisory.Submission{
		Content: content, Source: c.Name, ExternalID: guid, ExternalURL: link, State: advisory.Draft,
	})
	var f *fault.Error
	if errors.As(err, &f) && f.Code == "advisory.external_known" {
		return false, nil // another collector of the same name brought it
	}
	if err != nil {
		return false, err
	}
	return true, setItemAdvisory(ctx, tx, c.ID, it.GUID, id)
}

func body(it *Item) string {
	parts := []string{it.Summary}
	if len(it.Identifiers) > 0 {
		parts = append(parts, strings.Join(it.Identifiers, ", "))
	}
	if it.Severity.Version != "" {
		parts = append(parts, fmt.Sprintf("CVSS %s: %.1f", it.Severity.Version, it.Severity.Score))
	}
	return cut(strings.TrimSpace(strings.Join(parts, "\n\n")), maxBody)
}

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

func object(id int64) string { return "collector/" + strconv.FormatInt(id, 10) }
