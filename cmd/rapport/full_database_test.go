package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/rapporthq/rapport/store/pgtest"
)

// TestADatabaseWhoseDiskIsFull sends until PostgreSQL's disk is full, which ends that server: events are refused with 503 and Retry-After,
// decisions are made, and when there is space and somebody has started the server, everything goes on by itself with nothing lost.
func TestADatabaseWhoseDiskIsFull(t *testing.T) {
	disk := shortDir(t)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=120m,mode=0777"); err != nil {
		mountElsewhere(t, err)
		return
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	home := exampleHome(t)
	items := writeFile(t, "items.jsonl", `{"id":"sku-1","name":"Product","category":"grocery","price":1.5}`+"\n")
	t.Setenv("TMPDIR", disk) // the server lives where it is told that temporary files do
	db := pgtest.Own(t)
	at := []string{"--home", home, "--database", db.URL}
	l := newLoad(t, at...)
	must(t, append([]string{"import", "--source", "signup", "--as", "items", items}, at...)...)
	s := serveHome(t, home, "--database", db.URL)
	sendsOne := func() int {
		ids := l.batch()
		status, header, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
		if err != nil {
			t.Fatalf("the server is gone: %v\n%s", err, s.log)
		}
		l.took(ids, status, nil)
		if wait, err := strconv.Atoi(header.Get("Retry-After")); status == http.StatusServiceUnavailable && (err != nil || wait < 1) {
			t.Errorf("a 503 without a Retry-After: %q", header.Get("Retry-After"))
		}
		return status
	}
	for range 20 {
		if status := sendsOne(); status != http.StatusOK {
			t.Fatalf("before the disk is full: %d", status)
		}
	}
	decidesWithin(t, s, l.decides, lookedAt)
	ballast := filepath.Join(disk, "ballast")
	f, err := os.Create(ballast)
	for block := make([]byte, 1<<16); err == nil; { // until there is no more
		_, err = f.Write(block)
	}
	_ = f.Close()
	for n := 0; l.unable < 5; n++ {
		if status := sendsOne(); status != http.StatusOK && status != http.StatusServiceUnavailable || n == 5000 {
			t.Fatalf("with a full disk events are answered with %d", status)
		}
	}
	for range 10 {
		decidesWithin(t, s, l.decides, lookedAt)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	db.Stop() // it may have ended by itself
	db.Start()
	until(t, "it takes events again", func() bool { return sendsOne() == http.StatusOK })
	until(t, "decisions are whole again", func() bool {
		var d struct{ Feedback string }
		return post(t, s.URL+"/api/decide", l.decides, map[string]any{"person": map[string]string{"userId": lookedAt}, "attested": true, "placement": "home"}, &d) == http.StatusOK && d.Feedback != ""
	})
	for len(l.again) > 0 { // what was refused is sent again
		if status := sendsOne(); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	s.stop()
	l.kept(t, homeOptions{Home: home, Database: db.URL})
}
