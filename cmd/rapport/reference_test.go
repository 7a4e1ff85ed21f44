package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/reference"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// Random histories run against the real house and against the reference, a plain second telling of the rules. Every refusal at the
// gate, every standing, level, hold, rung and guard must agree. A failing run prints its seed and is shrunk.

// beginning is a midnight: days of contact count by UTC on both sides.
var beginning = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// trial is one run: the house, and the world as the reference knows it.
type trial struct {
	t        *rapid.T
	dir      string
	options  homeOptions
	h        *house
	doors    http.Handler
	keys     map[string]string // source → write key
	world    *reference.World
	people   map[string]*reference.Person // by user id: of two who turned out to be one, the same
	place    map[string]int               // which of a person's sessions a user id is
	sessions map[string]*reference.Person // of nobody who is known yet
	names    []string
	tags     map[string][]string // of items
	texts    []string            // charters that may come into force
	text     string              // the one that is
	serial   int
	last     string // whom the last step was about
}

func (x *trial) now() person.Instant { return person.At(x.world.Now) }

func (x *trial) must(err error) {
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *trial) open() {
	h, err := openHouse(context.Background(), x.options)
	x.must(err)
	x.h = h
	x.doors, err = h.doors(serveOptions{}, false, "http://rapport.example", nil)
	x.must(err)
}

// begin makes a home with a catalogue, a model, and people of whom nothing is known.
func begin(t *rapid.T, dir, database string) *trial {
	base, err := os.ReadFile("testdata/reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	x := &trial{t: t, dir: dir, place: map[string]int{}, keys: map[string]string{}, people: map[string]*reference.Person{}, sessions: map[string]*reference.Person{}, tags: map[string][]string{}, names: []string{"ann", "bob", "cyd"}}
	x.texts = []string{
		string(base),
		// Narrower: a fact and a purpose of the history go.
		strings.NewReplacer("  taste:     ", "  #taste:    ", "browsing_history, purposes: [personalise], retain: 60d", "browsing_history, purposes: [measure], retain: 20d").Replace(string(base)),
		// Wider: views and tastes may serve more, pages too.
		strings.NewReplacer("browsing_history, purposes: [measure], retain: 90d", "browsing_history, purposes: [measure, personalise], retain: 90d", "purposes: [personalise], level: regular, retain: 300d", "purposes: [personalise, measure], retain: 300d").Replace(string(base)),
	}
	x.text = x.texts[0]
	first := told(t, x.text)
	first.Since = beginning
	x.world = &reference.World{Charters: []reference.Charter{first}, Now: beginning}
	x.options = homeOptions{Home: filepath.Join(dir, "home"), Database: database, clock: x.now}
	x.must(makeHome(x.options.Home, []byte(x.text)))
	x.open()
	for _, source := range []string{"tills", "signup", "bureau"} {
		x.keys[source], err = x.h.mint(context.Background(), tokenArgs{Role: "source", Name: source})
		x.must(err)
	}
	x.stock()
	for _, n := range x.names {
		x.people[n] = &reference.Person{Removed: map[string]bool{}}
	}
	return x
}

// stock fills the catalogue and gives the house something to learn from.
func (x *trial) stock() {
	var items strings.Builder
	for i := range 12 {
		id, tags := fmt.Sprintf("i%d", i), ""
		switch i % 4 {
		case 1:
			tags, x.tags[id] = `"sweets"`, []string{"sweets"}
		case 2:
			tags, x.tags[id] = `"alcohol"`, []string{"alcohol"}
		}
		fmt.Fprintf(&items, `{"id":%q,"name":"Item %d","price":1,"tags":[%s]}`+"\n", id, i, tags)
	}
	file := filepath.Join(x.dir, "items.jsonl")
	x.must(os.WriteFile(file, []byte(items.String()), 0o600))
	_, err := x.h.importFile(context.Background(), importArgs{Source: "tills", As: "items"}, file, nil)
	x.must(err)
	x.must(x.h.follow(context.Background()))
	for i := range 6 {
		user := fmt.Sprintf("crowd-%d", i)
		x.people[user] = &reference.Person{Removed: map[string]bool{}}
		x.say(user, "", "personalise", true, false)
		for k := range 6 {
			x.send(user, "", "tills", "Order Completed", "i"+fmt.Sprint((2*i+k)%12), beginning.Add(-time.Duration(k)*reference.Day))
		}
	}
	x.must(x.h.fold(context.Background()))
	_, err = x.h.learn(context.Background(), "learn", func(float64) {})
	x.must(err)
}

// told is a charter as the reference knows it.
func told(t interface{ Fatal(...any) }, text string) reference.Charter {
	c, problems := charter.Parse([]byte(text))
	if c == nil {
		t.Fatal(problems)
	}
	days := func(s charter.Span) time.Duration { return time.Duration(s.Days) * reference.Day }
	out := reference.Charter{Purposes: map[string]reference.Purpose{}, Data: map[string]reference.Datum{}, Events: map[string]reference.Event{}, Sources: map[string]reference.Source{},
		Placements: map[string]reference.Placement{}, GPC: c.Signals.GPC, Observed: c.Surprise.Observed, Acquired: c.Surprise.Acquired, Elsewhere: c.Surprise.OtherChannel, ToldFactor: c.Surprise.ToldFactor,
		Removes: map[string]map[string]string{"diet": {"diabetic": "sweets"}, "age_band": {"child": "alcohol"}}, Strain: 90 * reference.Day}
	for n, p := range c.Purposes {
		out.Purposes[n] = reference.Purpose{Basis: string(p.Basis), Explicit: p.Explicit, AskAgain: days(p.AskAgain)}
	}
	for n, d := range c.Data {
		var learnt []string
		for _, l := range d.Learnt {
			learnt = append(learnt, l.String())
		}
		out.Data[n] = reference.Datum{Purposes: d.Purposes, Level: int(d.Level), Retain: days(d.Retain), Learnt: learnt, Special: d.Sensitivity == "special", Protective: d.Protective, Benefit: len(d.Benefit) > 0, Column: d.Type.IsColumn()}
	}
	for n, e := range c.Events {
		out.Events[n] = reference.Event{Purposes: e.Purposes, Level: int(e.Level), Retain: days(e.Retain)}
	}
	for n, s := range c.Sources {
		learnt := ""
		if s.LearntDefault == person.Declared {
			learnt = "declared"
		}
		out.Sources[n] = reference.Source{Server: s.Kind == "server", Purposes: s.Purposes, Channel: s.Channel, Learnt: learnt}
	}
	for n, p := range c.Placements {
		out.Placements[n] = reference.Placement{Purpose: p.Purpose, Channel: p.Channel, Tolerates: p.Tolerates, Individual: int(p.Rungs[person.Individual]), Items: p.Items, PerDay: p.Caps.PerDay, PerWeek: p.Caps.PerWeek, NotAgain: days(p.NotAgainFor)}
	}
	for l, r := range map[int]*charter.LevelRule{reference.Acquaintance: c.Relationship.Acquaintance, reference.Regular: c.Relationship.Regular, reference.Confidant: c.Relationship.Confidant} {
		out.Reach[l] = reference.Condition{Days: r.DaysOfContact, Tenure: days(r.Tenure), Within: days(r.Within), ToldUs: r.ToldUs}
	}
	return out
}

// send brings one event or fact by the door, and to the reference; session, if any, is the anonymous session in which it happened. Both must
// refuse it for the same reason, or keep it.
func (x *trial) send(user, session, source, name, value string, at time.Time) {
	x.serial++
	m := map[string]any{"messageId": fmt.Sprint("m", x.serial), "timestamp": at.Format(time.RFC3339Nano)}
	p := x.people[user]
	if user != "" {
		m["userId"] = user
	}
	if session != "" {
		m["anonymousId"] = session
	}
	if user == "" {
		p = x.sessions[session]
	}
	thing := reference.Thing{Name: name, Source: source, Value: value, At: at, Session: x.place[user]}
	switch name {
	case "Order Completed":
		m["properties"] = map[string]any{"order_id": fmt.Sprint(x.serial), "products": []any{map[string]any{"product_id": value, "quantity": 1}}}
	case "Product Viewed":
		m["properties"] = map[string]any{"product_id": value}
	case "Page Viewed":
		m["properties"] = map[string]any{"path": "/" + value}
	default:
		m["type"], m["traits"] = "identify", map[string]any{name: value}
	}
	if m["type"] == nil {
		thing.Event, m["type"], m["event"] = true, "track", name
	}
	raw, err := json.Marshal(map[string]any{"batch": []any{m}})
	x.must(err)
	req := httptest.NewRequest(http.MethodPost, "/v1/batch", bytes.NewReader(raw))
	req.SetBasicAuth(x.keys[source], "")
	res := httptest.NewRecorder()
	x.doors.ServeHTTP(res, req)
	if res.Code != http.StatusOK {
		x.t.Fatalf("the door said %d: %s", res.Code, res.Body)
	}
	want := x.world.Keep(p, thing, false)
	got, recent := "", x.h.book.Recent(source)
	if len(recent) == 0 {
		x.t.Fatal("the source's owner is not told what became of the message")
	}
	if r := recent[0]; !r.Kept {
		if got = string(r.Reason); got == "" && len(r.Fields) > 0 {
			got = string(r.Fields[0].Reason)
		}
	}
	if strings.TrimSuffix(strings.TrimSuffix(got, "-event"), "-field") != want {
		x.t.Fatalf("%s of %s from %s at %v: the gate says %q, the reference says %q of %+v", name, user, source, at, got, want, p)
	}
}

// who is a person's pseudonym, zero while nothing is kept of them.
func (x *trial) who(user string) person.ID {
	blind, err := x.h.vault.Blind(vault.UserID, user)
	x.must(err)
	rows, err := x.h.store.Find(context.Background(), []vault.Blind{blind})
	x.must(err)
	for _, r := range rows {
		if r.Verified {
			return r.Of
		}
	}
	return person.ID{}
}

// say is a choice: by an import from a server source, as the shop's own form would send it.
func (x *trial) say(user, session, purpose string, yes, explicit bool) {
	x.said(user, session, purpose, yes, explicit, 0)
}

// said is a choice that was given so long ago, and comes now: a form on paper that somebody has typed in.
func (x *trial) said(user, session, purpose string, yes, explicit bool, ago time.Duration) {
	x.world.Now = x.world.Now.Add(time.Second) // files of choices know no order within an instant
	x.serial++
	at := x.world.Now.Add(-ago)
	answer := "no"
	if yes {
		answer = "yes"
	}
	who, p := fmt.Sprintf(`"userId":%q`, user), x.people[user]
	if user == "" {
		who, p = fmt.Sprintf(`"anonymousId":%q`, session), x.sessions[session]
	}
	line := fmt.Sprintf(`{%s,"purpose":%q,"answer":%q,"at":%q,"channel":"web","language":"en","notice":"%d","words":"May we?","explicit":%v}`, who, purpose, answer, at.Format(time.RFC3339Nano), x.serial, explicit)
	file := filepath.Join(x.dir, "choice.jsonl")
	x.must(os.WriteFile(file, []byte(line+"\n"), 0o600))
	rep, err := x.h.importFile(context.Background(), importArgs{Source: "signup", As: "choices"}, file, nil)
	x.must(err)
	if rep.Kept != 1 {
		x.t.Fatalf("a choice was not kept: %+v", rep)
	}
	p.Answers = append(p.Answers, reference.Answer{Purpose: purpose, Yes: yes, Explicit: explicit, At: at, Charter: x.world.Words(at), Session: x.place[user]})
}

// accept puts another charter in force; the one that is stays as it is.
func (x *trial) accept(text string) {
	if text == x.text {
		return
	}
	x.text = text
	x.must(runAccept(context.Background(), x.h, proposalArgs{Source: []byte(text)}, &speaker{out: func(string) error { return nil }}))
	var all []*reference.Person
	for _, p := range x.people {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	x.world.Accept(told(x.t, text), all...)
}

// allowed may do everything that these histories need.
var allowed = decide.Principal{Any: true, Explain: true, Attest: true, Privacy: true}

// shown decides and shows the first item; item is empty when there is none.
func (x *trial) shown(user, placement string) (id decide.ID, item string) {
	d := x.asks(user, reference.Ask{Placement: placement})
	if len(d.Items) == 0 {
		return id, ""
	}
	id, err := decide.ParseID(d.ID)
	x.must(err)
	items := []string{d.Items[0].ID}
	remembered, err := x.h.decider.Shown(context.Background(), id, items, allowed)
	x.must(err)
	if remembered {
		x.people[user].Shown = append(x.people[user].Shown, reference.Showing{Placement: placement, Items: items, At: x.world.Now})
	}
	return id, items[0]
}

// asks compares one decision. It gives the decision.
func (x *trial) asks(user string, a reference.Ask) *decide.Decision {
	x.must(x.h.fold(context.Background()))
	req := decide.Request{Person: decide.Ref{UserID: user}, Attested: true, Placements: []string{a.Placement}, GPC: a.GPC, Wait: true}
	if !a.At.IsZero() {
		req.Context.At = person.At(a.At)
	}
	var d decide.Decision
	for range 20 { // a slow machine answers from a lower rung, and says so
		ds, err := x.h.decider.Decide(context.Background(), req, allowed)
		x.must(err)
		if d = ds[0]; d.Degraded == "" {
			break
		}
	}
	want := x.world.Decide(x.people[user], a, true)
	rung := map[bool]string{true: "individual", false: "context"}[want.Individual] // there is a model: nobody needs the generic one
	held := map[reference.Hold]int{}
	for _, h := range d.Held {
		held[reference.Hold{Name: h.Fact, Event: h.Event, Reason: h.Reason}] += max(h.Count, 1)
	}
	switch {
	case d.Degraded != "":
		x.t.Fatalf("the decision is degraded: %s", d.Degraded)
	case d.Relationship.Level != reference.Levels[want.Level]:
		x.t.Fatalf("%s at %+v: level %s (%s), held %v; the reference says %s, %v of %+v", user, a, d.Relationship.Level, d.Relationship.Because, held, reference.Levels[want.Level], want.Held, x.people[user])
	case !reflect.DeepEqual(held, want.Held):
		x.t.Fatalf("%s at %+v (%s): held %v, the reference says %v of %+v", user, a, d.Relationship.Level, held, want.Held, x.people[user])
	case d.Rung != rung:
		x.t.Fatalf("%s at %+v: rung %s, the reference says %s", user, a, d.Rung, rung)
	case (d.Short != nil && d.Short.Reason == "cap") != want.Capped:
		x.t.Fatalf("%s at %+v: short %+v, the reference says capped: %v", user, a, d.Short, want.Capped)
	}
	free := 0
	for i := range 12 {
		if id := fmt.Sprint("i", i); !want.NotThese[id] && !tagged(x.tags[id], want.NotTagged) {
			free++
		}
	}
	for _, it := range d.Items {
		if want.NotThese[it.ID] || tagged(x.tags[it.ID], want.NotTagged) {
			x.t.Fatalf("%s at %+v: %s is shown, the reference forbids it (%v %v)", user, a, it.ID, want.NotThese, want.NotTagged)
		}
	}
	if most := min(free, x.world.InForce().Placements[a.Placement].Items); !want.Capped && len(d.Items) != most {
		x.t.Fatalf("%s at %+v: %d items are shown, and %d could be", user, a, len(d.Items), most)
	}
	return &d
}

func tagged(tags []string, not map[string]bool) bool {
	for _, t := range tags {
		if not[t] {
			return true
		}
	}
	return false
}

// values are what a fact may be.
func values(fact string) []string {
	if v := map[string][]string{"household": {"1", "2"}, "income": {"low", "high"}, "diet": {"none", "diabetic"}, "age_band": {"child", "adult"}}[fact]; v != nil {
		return v
	}
	return []string{"one", "two"}
}

// passes moves the clock, back no further than to where the history began.
func (x *trial) passes(d time.Duration) {
	if x.world.Now = x.world.Now.Add(d); x.world.Now.Before(beginning) {
		x.world.Now = beginning
	}
}

// steps are what may happen, by name.
func (x *trial) steps() map[string]func(*rapid.T) {
	ctx := context.Background()
	user := func() string {
		x.last = rapid.SampledFrom(x.names).Draw(x.t, "user")
		return x.last
	}
	places := []string{"home", "brazen", "shy", "wall", "counter"}
	past := func(days int) time.Time {
		return x.world.Now.Add(-time.Duration(rapid.IntRange(0, days*24).Draw(x.t, "hours ago")) * time.Hour)
	}
	item := func() string { return fmt.Sprint("i", rapid.IntRange(0, 11).Draw(x.t, "item")) }
	own := func(who person.ID, do func() error) {
		if !who.IsZero() {
			x.must(do())
		}
	}
	return map[string]func(*rapid.T){
		"an event": func(t *rapid.T) {
			x.t = t
			x.send(user(), "", rapid.SampledFrom([]string{"tills", "tills", "signup", "bureau"}).Draw(t, "source"), rapid.SampledFrom([]string{"Order Completed", "Order Completed", "Product Viewed", "Page Viewed", "Secret Read"}).Draw(t, "event"), item(), past(80))
		},
		"a fact": func(t *rapid.T) {
			x.t = t
			name := rapid.SampledFrom([]string{"household", "taste", "motto", "income", "allergy", "diet", "age_band", "age_band", "shoe_size"}).Draw(t, "fact")
			x.send(user(), "", rapid.SampledFrom([]string{"signup", "signup", "bureau", "tills"}).Draw(t, "source"), name, rapid.SampledFrom(values(name)).Draw(t, "value"), past(70))
		},
		"a choice": func(t *rapid.T) {
			x.t = t
			purpose := rapid.SampledFrom([]string{"personalise", "personalise", "personalise", "sensitive", "protect", "measure"}).Draw(t, "purpose")
			ago := time.Duration(max(0, rapid.IntRange(-24*60, 24*60).Draw(t, "hours ago"))) * time.Hour // half of them come late
			x.said(user(), "", purpose, rapid.IntRange(0, 3).Draw(t, "yes") > 0, rapid.Bool().Draw(t, "explicit"), ago)
		},
		"two answers of one time": func(t *rapid.T) { // a form that was filled in twice
			x.t = t
			u, purpose := user(), rapid.SampledFrom([]string{"personalise", "sensitive", "measure"}).Draw(t, "purpose")
			ago := time.Duration(rapid.IntRange(0, 72).Draw(t, "hours ago")) * time.Hour
			for range 2 {
				x.said(u, "", purpose, rapid.Bool().Draw(t, "yes"), rapid.Bool().Draw(t, "explicit"), ago)
				ago += time.Second // which it takes to bring the first
			}
		},
		"a choice in the trust centre": func(t *rapid.T) {
			x.t = t
			u := user()
			purpose, yes := rapid.SampledFrom([]string{"personalise", "sensitive", "measure"}).Draw(t, "purpose"), rapid.Bool().Draw(t, "yes")
			who := x.who(u)
			x.world.Now = x.world.Now.Add(time.Second)
			own(who, func() error {
				x.people[u].Answers = append(x.people[u].Answers, reference.Answer{Purpose: purpose, Yes: yes, Explicit: yes && x.world.InForce().Purposes[purpose].Explicit, At: x.people[u].Next(purpose, x.world.Now), Charter: len(x.world.Charters), Session: x.place[u]})
				return x.h.acts.Choose(ctx, who, purpose, yes, consent.Evidence{Channel: "web", Words: "May we?"})
			})
		},
		"a restriction": func(t *rapid.T) {
			x.t = t
			u, on := user(), rapid.IntRange(0, 2).Draw(t, "on") == 0
			who := x.who(u)
			own(who, func() error {
				x.people[u].Restricted = on
				return x.h.acts.Restrict(ctx, who, on)
			})
		},
		"a removal": func(t *rapid.T) {
			x.t = t
			u := user()
			p := x.people[u]
			var names, sources []string
			for _, th := range p.Things {
				if !th.Event && th.Name != "age_band" && th.Name != "diet" && th.Name != "email" {
					names, sources = append(names, th.Name), append(sources, th.Source)
				}
			}
			if len(names) == 0 {
				return
			}
			i := rapid.IntRange(0, len(names)-1).Draw(t, "which")
			p.Things = slices.DeleteFunc(p.Things, func(th reference.Thing) bool { return !th.Event && th.Name == names[i] })
			p.Removed[names[i]] = true
			x.must(x.h.acts.Remove(ctx, x.who(u), names[i]))
			if rapid.Bool().Draw(t, "brought again") {
				x.send(u, "", sources[i], names[i], values(names[i])[0], x.world.Now)
			}
		},
		"a session, and who signed in in it": func(t *rapid.T) {
			x.t = t
			u := user()
			if x.who(u).IsZero() {
				return
			}
			x.serial++
			session := fmt.Sprint("session-", x.serial)
			p := &reference.Person{Removed: map[string]bool{}}
			x.sessions[session] = p
			for range rapid.IntRange(1, 4).Draw(t, "of it") {
				if rapid.Bool().Draw(t, "a choice") {
					x.say("", session, rapid.SampledFrom([]string{"personalise", "personalise", "measure", "protect"}).Draw(t, "purpose"), rapid.Bool().Draw(t, "yes"), rapid.Bool().Draw(t, "explicit"))
				} else {
					x.send("", session, "tills", rapid.SampledFrom([]string{"Order Completed", "Product Viewed", "Page Viewed"}).Draw(t, "event"), item(), past(3))
				}
			}
			if len(p.Things)+len(p.Answers) == 0 {
				return // nothing is kept of it, so there is nothing to be joined
			}
			x.world.Now = x.world.Now.Add(time.Second)
			x.people[u].Join(p, x.place[u], x.world.Now)
			x.send(u, session, "tills", "Order Completed", item(), x.world.Now)
		},
		"two with one address": func(t *rapid.T) {
			x.t = t
			u, v := user(), rapid.SampledFrom(x.names).Draw(t, "other")
			x.serial++
			address := fmt.Sprintf("person%d@post.example", x.serial)
			x.world.Now = x.world.Now.Add(time.Second)
			x.send(v, "", "signup", "email", address, x.world.Now)
			x.world.Now = x.world.Now.Add(time.Second)
			x.send(u, "", "signup", "email", address, x.world.Now)
			if x.people[u] == x.people[v] {
				return
			}
			one, other := x.people[v], x.people[u]
			n := one.Join(other, x.place[v], x.world.Now)
			for _, name := range x.names {
				if x.people[name] == other {
					x.people[name], x.place[name] = one, x.place[name]+n
				}
			}
		},
		"what protects, said twice": func(t *rapid.T) {
			x.t = t
			u := user()
			x.send(u, "", "signup", "age_band", rapid.SampledFrom([]string{"adult", "adult", "child"}).Draw(t, "value"), past(40))
			x.send(u, "", "bureau", "age_band", rapid.SampledFrom([]string{"adult", "child"}).Draw(t, "other value"), past(2))
		},
		"what is special, and a yes that is taken back to a plain one": func(t *rapid.T) {
			x.t = t
			u := user()
			x.say(u, "", "personalise", true, true)
			x.send(u, "", "signup", "allergy", rapid.SampledFrom(values("allergy")).Draw(t, "value"), x.world.Now)
			if rapid.Bool().Draw(t, "plain") {
				x.say(u, "", "personalise", true, false)
			}
		},
		"a complaint": func(t *rapid.T) {
			x.t = t
			u := user()
			_, err := x.h.decider.Complain(ctx, decide.Ref{UserID: u}, fmt.Sprint("c", len(x.people[u].Complaints)), true)
			if err == nil {
				x.people[u].Complaints = append(x.people[u].Complaints, x.world.Now)
			} else if !x.who(u).IsZero() {
				t.Fatal(err)
			}
		},
		"a visit": func(t *rapid.T) { // often: caps count days and weeks
			x.t = t
			u := user()
			for range rapid.IntRange(1, 3).Draw(t, "showings") {
				x.shown(u, rapid.SampledFrom([]string{"home", "brazen"}).Draw(t, "placement"))
			}
		},
		"a decision, shown and answered": func(t *rapid.T) {
			x.t = t
			u, place := user(), rapid.SampledFrom(places).Draw(t, "placement")
			id, item := x.shown(u, place)
			if item == "" {
				return
			}
			kind := rapid.SampledFrom([]string{"", "useful", "not-for-me", "too-personal"}).Draw(t, "answer")
			if kind == "" {
				return
			}
			remembered, err := x.h.decider.Feedback(ctx, decide.Answer{Decision: id, Item: item, Kind: person.FeedbackKind(kind), As: allowed})
			x.must(err)
			if remembered {
				x.people[u].Replies = append(x.people[u].Replies, reference.Reply{Kind: kind, Placement: place, Item: item, At: x.world.Now})
			}
		},
		"time": func(t *rapid.T) {
			x.t = t
			x.passes(time.Duration(rapid.SampledFrom([]int{1, 8, 30, 24 * 7, 24 * 40, 24 * 120}).Draw(t, "hours")) * time.Hour)
		},
		"a clock that is wrong": func(t *rapid.T) { // and perhaps right again
			x.t = t
			step := time.Duration(rapid.SampledFrom([]int{-24, -50, -24 * 20, 24 * 365}).Draw(t, "hours off")) * time.Hour
			x.passes(step)
			u := user()
			for range rapid.IntRange(0, 2).Draw(t, "acts meanwhile") {
				x.steps()[rapid.SampledFrom([]string{"an event", "a fact", "a choice", "a choice in the trust centre", "a session, and who signed in in it", "a restriction", "what protects, said twice", "a decision, shown and answered", "a complaint"}).Draw(t, "act")](t)
				for _, place := range places {
					x.asks(u, reference.Ask{Placement: place})
				}
			}
			if rapid.Bool().Draw(t, "right again") {
				x.passes(-step)
			}
		},
		"a charter": func(t *rapid.T) {
			x.t = t
			x.accept(x.texts[rapid.IntRange(0, len(x.texts)-1).Draw(t, "charter")])
		},
		"wider words, and an answer from before them or after": func(t *rapid.T) {
			x.t = t
			u := user()
			x.accept(x.texts[0])
			x.say(u, "", "measure", true, false)
			x.send(u, "", "tills", "Page Viewed", item(), x.world.Now)
			x.passes(time.Hour)
			x.accept(x.texts[2]) // in which pages serve to personalise too
			x.passes(time.Hour)
			x.said(u, "", "personalise", true, false, time.Duration(rapid.IntRange(0, 2).Draw(t, "hours ago"))*time.Hour)
		},
		"a restart": func(t *rapid.T) {
			x.t = t
			x.h.Close()
			x.open()
		},
		"": func(t *rapid.T) { // after each step everybody is asked about, everywhere
			x.t = t
			u := x.last
			if u == "" {
				u = user()
			}
			x.last = ""
			gpc := rapid.IntRange(0, 5).Draw(t, "gpc") == 0
			var at time.Time
			if rapid.IntRange(0, 3).Draw(t, "replayed") == 0 {
				at = x.world.Now.Add(-time.Duration(rapid.IntRange(0, 24*30).Draw(t, "hours back")) * time.Hour)
			}
			for _, place := range places {
				x.asks(u, reference.Ask{Placement: place, At: at, GPC: gpc})
			}
			x.stands(u, at, gpc)
		},
	}
}

// tryAgainstReference tries that many histories of a hundred steps, or what -rapid.checks and -rapid.steps say.
func tryAgainstReference(t *testing.T, histories int, database func(t testing.TB) string) {
	for name, value := range map[string]int{"rapid.checks": histories, "rapid.steps": 100} {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			if err := flag.Set(name, strconv.Itoa(value)); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = flag.Set(name, f.DefValue) }()
		}
	}
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(r *rapid.T) {
		runs++
		own := filepath.Join(dir, fmt.Sprint(runs))
		if err := os.Mkdir(own, 0o700); err != nil {
			r.Fatal(err)
		}
		url := ""
		if database != nil {
			url = database(t)
		}
		x := begin(r, own, url)
		defer func() {
			x.h.Close()
			_ = os.RemoveAll(own)
		}()
		r.Repeat(x.steps())
	})
}

func TestTheHouseAgreesWithTheReference(t *testing.T) { tryAgainstReference(t, 16, nil) }

func TestTheSharedHouseAgreesWithTheReference(t *testing.T) { tryAgainstReference(t, 3, pgtest.URL) }
