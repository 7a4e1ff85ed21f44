package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rapporthq/rapport/store/disktest"
	"github.com/rapporthq/rapport/torture"
)

// TestNoAnswerLeavesBeforeWhatItPromisesIsSynced watches the system calls of a home that takes single events, a choice, batches over several
// connections and looks, and finds between the reading of each of them and its answer a write to the log and then a sync of it. Where syncs
// are only said to be done the same watch must find that.
func TestNoAnswerLeavesBeforeWhatItPromisesIsSynced(t *testing.T) {
	calls, want := watchedServing(t, false)
	answered, late := acknowledgements(calls)
	if late != "" {
		t.Errorf("this was answered before it was synced: %s", late)
	}
	for door, n := range want {
		if answered[door] < n {
			t.Errorf("%d answers came from %s, and %d are in the record", n, door, answered[door])
		}
	}
	t.Logf("%v in %d calls", answered, len(calls))
	calls, _ = watchedServing(t, true)
	if _, late := acknowledgements(calls); late == "" {
		t.Error("nothing was synced, and the watch saw nothing wrong: it proves nothing")
	}
}

// watchedServing serves a home under some load and gives the calls that it made, and how many good answers came from each door. lies says that
// its syncs are not done.
func watchedServing(t *testing.T, lies bool) (record []disktest.Call, answered map[string]int) {
	t.Helper()
	home := exampleHome(t)
	stock(t, home)
	l := newLoad(t, "--home", home)
	command := rapport(t.Context(), "serve", "--listen", "127.0.0.1:0", "--home", home)
	if lies {
		d := disktest.Under(t, filepath.Join(home, databaseDir), false)
		d.Set(disktest.Lie, 1)
		command.Env = append(command.Env, d.Env()...)
	}
	watched, calls := disktest.Watched(t, "read,write,pwrite64,fsync,fdatasync", command.Args...)
	s, ok := startsBy(t, command.Env, watched...)
	if !ok {
		t.Fatalf("it ended instead of serving: %s", s.log)
	}
	t.Cleanup(s.stop)
	const singles = 5
	for n := range singles {
		body := fmt.Sprintf(`{"userId":"house-1","event":"Order Completed","messageId":"one-%d","properties":{"order_id":"one-%d","products":[{"product_id":"sku-1","quantity":1}]}}`, n, n)
		if status, _, err := collects(s.URL+"/v1/track", l.key, []byte(body), nil); status != http.StatusOK {
			t.Fatalf("an event is answered with %d (%v)", status, err)
		}
	}
	choose(t, s, l.decides, "house-1", "no")
	choose(t, s, l.decides, "house-1", "yes")
	var batches, over atomic.Int64
	most := int64(torture.Rounds(40, 2000))
	ends := func() {
		if over.Add(1) == 1 {
			_ = s.cmd.Process.Signal(os.Interrupt)
		}
	}
	l.run(s.URL, func() {
		l.mu.Lock()
		looks := len(l.seen)
		l.mu.Unlock()
		if batches.Add(1) >= most && looks >= 5 {
			ends()
		}
	})
	s.stop()
	if len(l.odd)+l.unable > 0 {
		t.Errorf("answers besides 200: %v, %d times 503", l.odd, l.unable)
	}
	until(t, "the record of the calls is whole", func() bool { return disktest.Over(calls(), s.cmd.Process.Pid) })
	return calls(), map[string]int{"/v1/track": singles, "/trust/choose": 2, "/v1/batch": len(l.acked) / batchSize, "/api/decisions": len(l.seen)}
}

var (
	// promises are the requests whose good answer says that something is on disk. Their first letter may have been read before: whoever waits
	// for the next request on a connection reads one byte.
	promises   = regexp.MustCompile(`, "(?:P?OST|G?ET) (/(?:v1/[a-z]+|trust/choose|api/decisions))[/ ]`)
	goodAnswer = regexp.MustCompile(`, "HTTP/1\.1 (200|303) `)
)

// acknowledgements counts the good answers to requests that promise something, and tells of one that left before what was read for it was written to the
// log and that synced.
func acknowledgements(calls []disktest.Call) (answered map[string]int, late string) {
	answered = map[string]int{}
	for i, c := range calls {
		if c.Name != "write" || !goodAnswer.MatchString(c.Text) {
			continue
		}
		request, read := "", 0 // the line at which the last of it had been read
		for n := i - 1; n >= 0 && request == ""; n-- {
			r := calls[n]
			if r.Name != "read" || r.On != c.On || r.Ended > c.Began || r.Gave == "0" || strings.HasPrefix(r.Gave, "-") {
				continue
			}
			read = max(read, r.Ended)
			if m := promises.FindStringSubmatch(r.Text); m != nil {
				request = m[1]
			} else if strings.Contains(r.Text, " HTTP/1.1") {
				break // it promises nothing
			}
		}
		if request == "" {
			continue
		}
		answered[request]++
		wrote, synced := 0, false // the line at which it had first been written
		for _, d := range calls {
			switch {
			case wrote == 0 && (d.Name == "write" || d.Name == "pwrite64") && strings.HasSuffix(d.On, "/rapport.db-wal>") && d.Began > read && d.Ended > 0:
				wrote = d.Ended
			case wrote > 0 && d.Syncs("/rapport.db-wal") && d.Began > wrote && d.Ended < c.Began:
				synced = true
			}
		}
		if !synced && late == "" {
			late = fmt.Sprintf("%s, read at line %d of the record, written at %d, answered at %d", request, read, wrote, c.Began)
		}
	}
	return answered, late
}
