package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// inMountNamespace marks the run of a test that has a mount namespace of its own, so that it may mount without being root.
const inMountNamespace = "RAPPORT_TEST_MAY_MOUNT"

// TestAFullDisk sends until the home's disk is full: what cannot be kept is refused with 503 and Retry-After, every 200 stays true,
// and when there is space again the same process goes on by itself.
func TestAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=40m,mode=0700"); err != nil {
		mountElsewhere(t, err)
		return
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	home := filepath.Join(disk, "home")
	if err := makeHome(home, edited(t)); err != nil {
		t.Fatal(err)
	}
	// Most of the disk is somebody else's: so it is soon full, and space can be given back.
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 30<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serveHome(t, home)
	l := newLoad(t, "--home", home)
	var refused []string
	full := 0
	for n := 0; full < 20; n++ {
		if n == 20_000 {
			t.Fatal("the disk does not get full")
		}
		ids := l.batch()
		status, header, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
		switch {
		case err != nil:
			t.Fatalf("the server is gone: %v\n%s", err, s.log)
		case status == http.StatusOK:
			for _, id := range ids {
				l.acked[id] = 0
			}
		case status == http.StatusServiceUnavailable:
			full++
			refused = append(refused, ids...)
			if wait, err := strconv.Atoi(header.Get("Retry-After")); err != nil || wait < 1 {
				t.Errorf("a 503 without a Retry-After: %q", header.Get("Retry-After"))
			}
		default:
			t.Fatalf("a full disk is answered with %d", status)
		}
	}
	if len(l.acked) < 20*batchSize {
		t.Fatalf("only %d orders were taken before the disk was full: that tries too little", len(l.acked))
	}
	if res, err := http.Get(s.URL + "/healthz"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("with a full disk it does not say that it is alive: %v", err)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	// Nobody starts it again. What was refused is sent again, as a client does that was told to.
	var ids []string
	until(t, "it takes events again after the disk has space", func() bool {
		ids = refused[:batchSize]
		status, _, err := collects(s.URL+"/v1/batch", l.key, l.body(ids), nil)
		return err == nil && status == http.StatusOK
	})
	for ; len(refused) > 0; refused = refused[batchSize:] {
		if status, _, err := collects(s.URL+"/v1/batch", l.key, l.body(refused[:batchSize]), nil); err != nil || status != http.StatusOK {
			t.Fatalf("after the disk had space: %d (%v)", status, err)
		}
		for _, id := range refused[:batchSize] {
			l.acked[id] = 0
		}
	}
	whole(t, home)
	s.kill()
	l.kept(t, homeOptions{Home: home})
}

// mountElsewhere runs the test once more where it may mount.
func mountElsewhere(t *testing.T, why error) {
	t.Helper()
	if os.Getenv(inMountNamespace) != "" {
		t.Fatalf("This test mounts a small disk and may not: run it as root, or let users make namespaces (%v).", why)
	}
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inMountNamespace+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("In a mount namespace of its own: %v\n%s", err, out)
	}
}
