package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rapporthq/rapport/torture"
)

// soakVariable says how long the soak lasts instead of what is usual ("5m").
const soakVariable = "RAPPORT_SOAK"

// TestASoakHasFlatMemoryAndGoroutines serves events, decisions, looks, pages and strangers for half an hour in torture, and some seconds otherwise:
// after the first third neither memory nor goroutines nor open files grow.
func TestASoakHasFlatMemoryAndGoroutines(t *testing.T) {
	lasts := time.Duration(torture.Rounds(6, 30*60)) * time.Second
	if said := os.Getenv(soakVariable); said != "" {
		var err error
		if lasts, err = time.ParseDuration(said); err != nil {
			t.Fatal(err)
		}
	}
	home := exampleHome(t)
	stock(t, home)
	l := newLoad(t, "--home", home)
	s := serveHome(t, home)
	visitor := visit(t, s.URL)
	type figures struct{ rss, goroutines, files float64 }
	var all []figures
	const windows = 12
	began := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	decisions, pages := 0, 0
	for n := 0; len(all) < windows; n++ {
		<-tick.C
		ids := l.batch()
		if status, _, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil); !l.took(ids, status, err) {
			t.Fatalf("events are answered with %d (%v)", status, err)
		}
		for i := range 5 {
			user := "house-" + strconv.Itoa((n+i)%households)
			if i == 0 {
				user = "nobody-" + strconv.Itoa(n)
			}
			decidesWithin(t, s, l.decides, user)
			decisions++
		}
		switch n % 4 {
		case 0: // one connection for each visit
			visitor.ok("/", nil)
			pages++
		case 1:
			post(t, s.URL+"/api/feedback", l.decides, map[string]any{"decision": "none", "item": "sku-1", "kind": "useful"}, nil)
		case 2:
			visitor.page("/trust/choose", url.Values{"purpose": {"email"}, "answer": {"no"}})
		case 3:
			fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			res, err := fresh.Get(s.URL + "/trust")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		if time.Since(began) >= lasts*time.Duration(len(all)+1)/windows {
			now, _ := resident(t, s.cmd.Process.Pid)
			all = append(all, figures{float64(now), metric(t, s.URL, "go_goroutines"), metric(t, s.URL, "process_open_fds")})
		}
	}
	highest := func(part []figures) (f figures) {
		for _, x := range part {
			f = figures{max(f.rss, x.rss), max(f.goroutines, x.goroutines), max(f.files, x.files)}
		}
		return f
	}
	middle, last := highest(all[windows/3:2*windows/3]), highest(all[2*windows/3:])
	t.Logf("%v: %d orders, %d decisions, %d pages; MB, goroutines, files: %v in the middle third, %v in the last", lasts, len(l.acked), decisions, pages, middle, last)
	if last.rss > middle.rss*1.1+20 && !torture.Raced || last.goroutines > middle.goroutines+20 || last.files > middle.files+20 {
		t.Errorf("something grows: %v", all)
	}
	if len(l.odd)+l.unable > 0 {
		t.Errorf("answers besides 200: %v, %d times 503", l.odd, l.unable)
	}
	whole(t, home)
}
