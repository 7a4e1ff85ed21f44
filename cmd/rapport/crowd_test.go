package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rapporthq/rapport/torture"
)

// manyFiles lets this process, and those that it starts, have as many connections as a test wants.
func manyFiles(t *testing.T, want uint64) {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	if l.Cur < want {
		l.Cur, l.Max = want, max(l.Max, want)
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
			t.Fatalf("This test needs %d open files: raise the limit (ulimit -n). %v", want, err)
		}
	}
}

// resident is a process's memory in megabytes: now, and at most so far.
func resident(t *testing.T, pid int) (now, most int) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		name, rest, _ := strings.Cut(line, ":")
		if kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB")); err == nil && name == "VmRSS" {
			now = kb >> 10
		} else if err == nil && name == "VmHWM" {
			most = kb >> 10
		}
	}
	return now, most
}

// latency sends batches one after the other, which must all be taken, and gives the median and the 99th of a hundred.
func (l *load) latency(t *testing.T, url string, n int) (median, p99 time.Duration) {
	t.Helper()
	took := make([]time.Duration, n)
	for i := range took {
		ids := l.batch()
		began := time.Now()
		status, _, err := collects(url+"/v1/batch", l.key, l.body(ids), nil)
		took[i] = time.Since(began)
		if l.took(ids, status, err); status != http.StatusOK {
			t.Fatalf("a good request among bad ones is answered with %d (%v)", status, err)
		}
	}
	slices.Sort(took)
	return took[n/2], took[n*99/100]
}

// hold opens many connections at once, each begun with the same bytes and then left alone.
func hold(t *testing.T, address string, n int, begin string) []net.Conn {
	t.Helper()
	var all []net.Conn
	t.Cleanup(func() { closeAll(all) })
	for range n {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_, err = io.WriteString(c, begin)
		}
		if err != nil {
			t.Fatalf("after %d connections: %v", len(all), err)
		}
		all = append(all, c)
	}
	return all
}

func closeAll(all []net.Conn) {
	for _, c := range all {
		_ = c.Close()
	}
}

// TestACrowdAtTheDoor lets idle, slow, broken and greedy clients come while a good one sends: the good one is served all the while, and memory
// does not grow with what the others announce.
func TestACrowdAtTheDoor(t *testing.T) {
	idle := torture.Rounds(500, 10_000)
	manyFiles(t, uint64(idle)+4000)
	home := exampleHome(t)
	l := newLoad(t, "--home", home)
	s := serveHome(t, home)
	address := strings.TrimPrefix(s.URL, "http://")
	head := "POST /v1/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + base64.StdEncoding.EncodeToString([]byte(l.key+":")) + "\r\n"
	l.latency(t, s.URL, 50) // people are known then
	alone, aloneP99 := l.latency(t, s.URL, torture.Rounds(40, 200))
	before, _ := resident(t, s.cmd.Process.Pid)
	report := func(what string) {
		t.Helper()
		median, p99 := l.latency(t, s.URL, torture.Rounds(40, 200))
		now, _ := resident(t, s.cmd.Process.Pid)
		t.Logf("%s: %v at the median, %v at p99 (alone %v and %v); %d MB resident (alone %d)", what, median.Round(10*time.Microsecond), p99.Round(10*time.Microsecond), alone.Round(10*time.Microsecond), aloneP99.Round(10*time.Microsecond), now, before)
		if p99 > time.Second+10*aloneP99 {
			t.Errorf("%s: a good request waits %v", what, p99)
		}
	}

	idlers := hold(t, address, idle, "")
	report(fmt.Sprintf("%d idle connections", idle))
	if now, _ := resident(t, s.cmd.Process.Pid); now > before+idle/20+100 {
		t.Errorf("%d idle connections cost %d MB", idle, now-before)
	}

	// Headers that never end are closed after ten seconds; meanwhile the other tests go on. There are more bodies than requests may be under way.
	began := time.Now()
	slow := hold(t, address, 300, head+"X-A: ")
	bodies := hold(t, address, torture.Rounds(1200, 2000), head+"Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n{\"batch\":[")
	report("bodies that do not go on")
	closeAll(bodies)
	zipped := hold(t, address, 300, head+"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\x1f\x8b\x08\x00\x00\r\n")
	report("compressed bodies that do not go on")
	closeAll(zipped)

	// Bodies that end in the middle.
	for range 200 {
		closeAll(hold(t, address, 1, head+"Content-Length: 400\r\n\r\n{\"batch\":[{\"type\":\"track\",\"userId\":\"half\""))
	}
	report("half bodies")

	// A gigabyte of zeros is a megabyte when it is compressed: small enough to be let in, too large to be taken.
	var bomb bytes.Buffer
	z, err := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 1024 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	lying := append(bytes.Clone(bomb.Bytes()[:bomb.Len()-4]), 0, 1, 0, 0) // says at its end that it holds 256 bytes
	var bombs sync.WaitGroup
	var wrong atomic.Int64
	for n := range 4 {
		sent := bomb.Bytes()
		if n%2 == 1 {
			sent = lying
		}
		bombs.Go(func() {
			for range 10 {
				if status, _, err := collects(s.URL+"/v1/batch", l.key, sent, map[string]string{"Content-Encoding": "gzip"}); err != nil || status != http.StatusRequestEntityTooLarge {
					wrong.Store(int64(status))
				}
			}
		})
	}
	report("gzip bombs")
	bombs.Wait()
	if wrong.Load() != 0 {
		t.Errorf("a gzip bomb is answered with %d", wrong.Load())
	}
	if _, most := resident(t, s.cmd.Process.Pid); most > before+400 && !torture.Raced {
		t.Errorf("at most %d MB were resident, %d alone", most, before)
	}

	for _, c := range slow {
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Fatalf("a header that never ends is still waited for after %v: %v", time.Since(began), err)
		}
	}
	closeAll(idlers)
	report("when they have gone")
	s.stop()
	l.kept(t, homeOptions{Home: home})
}
