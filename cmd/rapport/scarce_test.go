package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rapporthq/rapport/torture"
)

// TestAReadOnlyDiskIsToldInASentence starts on a disk that cannot be written.
func TestAReadOnlyDiskIsToldInASentence(t *testing.T) {
	disk := shortDir(t)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=40m,mode=0700"); err != nil {
		mountElsewhere(t, err)
		return
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	home := filepath.Join(disk, "home")
	if err := makeHome(home, edited(t)); err != nil {
		t.Fatal(err)
	}
	must(t, "token", "--home", home, "--list") // the database is there
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	_, errs, code := try(t, "serve", "--home", home, "--listen", "127.0.0.1:0")
	oneSentence(t, "serving from a read-only disk", errs, code, 1)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	serveHome(t, home).stop()
}

// TestAServerWithoutFreeFileDescriptorsServesWhomItHasAndComesBack uses up a process's file descriptors with connections: whoever has a connection
// is served on, the log does not fill, and when connections end others come in again.
func TestAServerWithoutFreeFileDescriptorsServesWhomItHasAndComesBack(t *testing.T) {
	home := exampleHome(t)
	stock(t, home)
	l := newLoad(t, "--home", home)
	s := serveHome(t, home)
	var dialled atomic.Int64
	counts := http.DefaultTransport.(*http.Transport).Clone()
	counts.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	usual := http.DefaultClient
	http.DefaultClient = &http.Client{Transport: counts}
	t.Cleanup(func() { http.DefaultClient = usual; counts.CloseIdleConnections() })
	if ids := l.batch(); !l.took(ids, first(collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)), nil) { // this connection stays
		t.Fatal(l.odd)
	}
	used, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	few := uint64(len(used) + 20)
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: few, Max: few}, nil); err != nil {
		t.Fatal(err)
	}
	crowd := hold(t, strings.TrimPrefix(s.URL, "http://"), 200, "")
	until(t, "it has no file descriptor left", func() bool { return strings.Contains(s.log.String(), "too many open files") })
	for range 20 {
		ids := l.batch()
		status, _, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
		if l.took(ids, status, err); err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
			t.Fatalf("who has a connection is answered with %d (%v)", status, err)
		}
		decidesWithin(t, s, l.decides, "house-1")
	}
	if n := dialled.Load(); n != 1 {
		t.Errorf("who has a connection was sent away, and came in again behind the crowd: %d connections", n)
	}
	closeAll(crowd)
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	until(t, "others come in again", func() bool {
		res, err := fresh.Get(s.URL + "/readyz")
		if err == nil {
			_ = res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	})
	for len(l.again) > 0 {
		ids := l.batch()
		status, _, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
		if !l.took(ids, status, err) {
			t.Fatal(status, err)
		}
	}
	if lines := strings.Count(s.log.String(), "too many open files"); lines > 200 {
		t.Errorf("the log says it %d times", lines)
	}
	whole(t, home)
}

func first(status int, _ http.Header, _ error) int { return status }

// TestAHomeIsServedIn256MB serves under a limit of 256 MB of memory, all told: events, choices, looks and decisions. In torture it is the home of
// the demo, with its 800 households and 80,000 baskets.
func TestAHomeIsServedIn256MB(t *testing.T) {
	const limit = 256
	home := ""
	var users []string
	if torture.Rounds(0, 1) == 1 {
		home = filepath.Join(shortDir(t), "home")
		users = demoIn(t, home)
	} else {
		home = exampleHome(t)
		stock(t, home)
		for n := range households {
			users = append(users, "house-"+strconv.Itoa(n))
		}
	}
	l := newLoad(t, "--home", home)
	command := rapport(context.Background(), "serve", "--listen", "127.0.0.1:0", "--home", home)
	group, enforced := memoryGroup(t, limit<<20)
	s, ok := startsIn(t, group, append(command.Env, "GOMEMLIMIT="+strconv.Itoa(limit-96)+"MiB"), command.Args...)
	if !ok {
		t.Fatalf("it ended instead of serving: %s", s.log)
	}
	var left atomic.Int64
	left.Store(int64(torture.Rounds(100, 3000)))
	done := make(chan struct{})
	go func() {
		l.run(s.URL, func() {
			if left.Add(-1) == 0 {
				_ = s.cmd.Process.Signal(os.Interrupt)
			}
		})
		close(done)
	}()
	personal := 0
	for n := 0; left.Load() > 20; n++ {
		var d struct{ Rung string }
		if status := post(t, s.URL+"/api/decide", l.decides, map[string]any{"person": map[string]string{"userId": users[n%len(users)]}, "attested": true, "placement": "basket"}, &d); status != http.StatusOK {
			t.Fatalf("a decision is answered with %d: %s", status, s.log)
		}
		if d.Rung == "individual" {
			personal++
		}
	}
	_, most := resident(t, s.cmd.Process.Pid)
	<-done
	s.stop()
	t.Logf("at most %d MB resident, of %d; the system enforces it: %v; %d orders acknowledged, %d personal decisions", most, limit, enforced, len(l.acked), personal)
	if most > limit {
		t.Errorf("%d MB were resident", most)
	}
	if len(l.odd)+l.unable > 0 {
		t.Errorf("answers besides 200: %v, %d times 503", l.odd, l.unable)
	}
	if torture.Rounds(0, 1) == 0 {
		return
	}
	if personal == 0 {
		t.Error("no decision was personal: the demo was not served")
	}
	whole(t, home)
}

// demoIn makes the demo in a folder and gives some of its people.
func demoIn(t *testing.T, home string) []string {
	t.Helper()
	cmd := rapport(context.Background(), "demo", "--home", home, "--listen", "127.0.0.1:0", "--json")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n') // it is ready then, however long it takes
	var ready demoReady
	if err == nil {
		err = json.Unmarshal([]byte(line), &ready)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return ready.UserIDs
}

// memoryGroup is a control group with that much memory; where none can be made the process is only measured.
func memoryGroup(t *testing.T, bytes int) (procs string, enforced bool) {
	t.Helper()
	for _, g := range [][2]string{{"/sys/fs/cgroup", "memory.max"}, {"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}} {
		dir := filepath.Join(g[0], fmt.Sprintf("rapport-test-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		if os.WriteFile(filepath.Join(dir, g[1]), []byte(strconv.Itoa(bytes)), 0o600) == nil {
			return filepath.Join(dir, "cgroup.procs"), true
		}
	}
	return os.DevNull, false
}

// startsIn is starts for a process that joins a control group first.
func startsIn(t *testing.T, procs string, env []string, args ...string) (*serving, bool) {
	t.Helper()
	return startsBy(t, env, append([]string{"/bin/sh", "-c", `echo $$ > "$0" && exec "$@"`, procs}, args...)...)
}
