package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
)

// A permit lasts a minute and reading everybody takes longer: each is judged when they are read, or those who come late would be left out.
func TestLearningThatTakesLongLeavesNobodyOut(t *testing.T) {
	base, err := os.ReadFile("testdata/reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir, now, step := t.TempDir(), time.Now(), time.Duration(0)
	o := homeOptions{Home: filepath.Join(dir, "home"), clock: func() person.Instant { now = now.Add(step); return person.At(now) }}
	if err := makeHome(o.Home, base); err != nil {
		t.Fatal(err)
	}
	h, err := openHouse(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	const people = 10
	var choices, events strings.Builder
	choices.WriteString("userId,purpose,answer,at\n")
	for i := range people {
		user := fmt.Sprintf("u%d", i)
		fmt.Fprintf(&choices, "%s,personalise,yes,%s\n", user, now.AddDate(0, 0, -30).Format(time.RFC3339))
		fmt.Fprintf(&events, `{"type":"track","messageId":"m%d","userId":%q,"event":"Order Completed","timestamp":%q,"properties":{"order_id":"o%d","products":[{"product_id":"i1","quantity":1}]}}`+"\n", i, user, now.AddDate(0, 0, -3).Format(time.RFC3339), i)
	}
	for _, in := range [][3]string{{"items", "items.jsonl", `{"id":"i1","name":"Item 1","price":1}` + "\n"}, {"choices", "choices.csv", choices.String()}, {"events", "events.jsonl", events.String()}} {
		if err := runImport(t.Context(), h, importArgs{Source: "tills", As: in[0], Files: []string{writeFile(t, in[1], in[2])}}, quiet()); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	step = 20 * time.Second
	l, err := h.learn(t.Context(), "learn", func(float64) {})
	if err != nil {
		t.Fatal(err)
	}
	if l.allowed != people || l.People != people || l.Learnt != people {
		t.Errorf("of %d people %d allow it, and %d of %d are learnt from", people, l.allowed, l.Learnt, l.People)
	}
}
