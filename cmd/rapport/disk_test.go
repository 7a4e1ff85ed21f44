package main

import (
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rapporthq/rapport/store/disktest"
	"github.com/rapporthq/rapport/torture"
)

// A decision is asked for beside; the deadline of a decision is a quarter of a second, and a machine under test may be slow.
const decisionWithin = 5 * time.Second

// TestADiskThatFailsNeverLosesAndNeverStopsDecisions breaks the disk under a serving process in one way after another: what cannot be kept is
// answered with 503 and Retry-After, decisions are made all the while, and when the disk is well again everything goes on by itself.
func TestADiskThatFailsNeverLosesAndNeverStopsDecisions(t *testing.T) {
	home := exampleHome(t)
	stock(t, home)
	l := newLoad(t, "--home", home)
	disk := disktest.Under(t, filepath.Join(home, databaseDir), false)
	s, ok := starts(t, disk.Env(), "serve", "--listen", "127.0.0.1:0", "--home", home)
	if !ok {
		t.Fatalf("it ended instead of serving: %s", s.log)
	}
	t.Cleanup(s.stop)
	s.Home = home
	well := map[disktest.Field]int64{disktest.WriteErrno: 0, disktest.SyncErrno: 0, disktest.SyncFails: 0, disktest.ReadErrno: 0, disktest.OpenErrno: 0, disktest.SyncMicros: 0, disktest.ReadMicros: 0}
	io, full, readOnly, files := int64(syscall.EIO), int64(syscall.ENOSPC), int64(syscall.EROFS), int64(syscall.EMFILE)
	type row struct {
		what   string
		set    map[disktest.Field]int64
		accept bool // events are taken all the same, only later
	}
	rows := []row{
		{"writing fails", map[disktest.Field]int64{disktest.WriteErrno: io}, false},
		{"the disk is full", map[disktest.Field]int64{disktest.WriteErrno: full}, false},
		{"syncing fails", map[disktest.Field]int64{disktest.SyncErrno: io, disktest.SyncFails: -1}, false},
		{"the disk turns read-only", map[disktest.Field]int64{disktest.WriteErrno: readOnly, disktest.OpenErrno: readOnly}, false},
		{"reading and writing fail", map[disktest.Field]int64{disktest.ReadErrno: io, disktest.WriteErrno: io}, false},
		{"no file can be opened, and writing fails", map[disktest.Field]int64{disktest.OpenErrno: files, disktest.WriteErrno: io}, false},
		{"a sync takes a second", map[disktest.Field]int64{disktest.SyncMicros: 1_000_000}, true},
	}
	if torture.Rounds(0, 1) == 1 {
		rows = append(rows,
			row{"a read takes a second and a half, and writing fails", map[disktest.Field]int64{disktest.ReadMicros: 1_500_000, disktest.WriteErrno: io}, false},
			row{"a sync takes half a minute", map[disktest.Field]int64{disktest.SyncMicros: 30_000_000}, false})
	}
	for _, c := range rows {
		t.Run(c.what, func(t *testing.T) {
			for f, v := range c.set {
				disk.Set(f, v)
			}
			for range 2 {
				ids := l.batch()
				status, header, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
				l.took(ids, status, err)
				if want := map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable}[c.accept]; err != nil || status != want {
					t.Fatalf("events are answered with %d (%v), expected %d", status, err, want)
				}
				if wait, err := strconv.Atoi(header.Get("Retry-After")); !c.accept && (err != nil || wait < 1) {
					t.Errorf("a 503 without a Retry-After: %q", header.Get("Retry-After"))
				}
				if c.set[disktest.SyncMicros] > 20_000_000 {
					break // one is long enough
				}
			}
			for n := range 20 {
				decidesWithin(t, s, l.decides, "house-"+strconv.Itoa(n))
			}
			if res, err := http.Get(s.URL + "/healthz"); err != nil || res.StatusCode != http.StatusOK {
				t.Errorf("it does not say that it is alive: %v", err)
			}
			for f, v := range well {
				disk.Set(f, v)
			}
			until(t, "it takes events again", func() bool {
				ids := l.batch()
				status, _, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
				return l.took(ids, status, err) && status == http.StatusOK
			})
			until(t, "decisions are whole again", func() bool {
				var d struct{ Feedback string }
				return post(t, s.URL+"/api/decide", l.decides, map[string]any{"person": map[string]string{"userId": "house-1"}, "attested": true, "placement": "home"}, &d) == http.StatusOK && d.Feedback != ""
			})
		})
	}
	if len(l.odd) > 0 || l.unable == 0 || disk.Get(disktest.Failed) == 0 {
		t.Errorf("answers besides 200 and 503: %v; %d times 503; %d operations failed", l.odd, l.unable, disk.Get(disktest.Failed))
	}
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "panic") || strings.Contains(line, "house-") || strings.Contains(line, "order-") {
			t.Errorf("the log: %s", line)
		}
	}
	for len(l.again) > 0 { // what was refused is sent again
		ids := l.batch()
		status, _, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
		if !l.took(ids, status, err) {
			t.Fatal(status, err)
		}
	}
	whole(t, home)
	s.stop()
	w := opened(t, homeOptions{Home: home})
	found := orders(w.everybody())
	for id := range l.acked {
		if found[id] != 1 {
			t.Fatalf("an acknowledged order is there %d times", found[id])
		}
	}
}

// decidesWithin wants a decision, whatever its rung, and in time.
func decidesWithin(t *testing.T, s *serving, token, user string) (rung string) {
	t.Helper()
	began := time.Now()
	var d struct {
		Rung  string
		Items []struct{ ID string }
	}
	if status := post(t, s.URL+"/api/decide", token, map[string]any{"person": map[string]string{"userId": user}, "attested": true, "placement": "home"}, &d); status != http.StatusOK || len(d.Items) == 0 {
		t.Fatalf("a decision is answered with %d and %d items", status, len(d.Items))
	}
	if took := time.Since(began); took > decisionWithin {
		t.Errorf("a decision took %v", took)
	}
	return d.Rung
}
