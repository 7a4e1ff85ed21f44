package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL of one test alone, which may be stopped, started, paused, and have its connections cut. It is one of this
// machine, whatever RAPPORT_TEST_POSTGRES says.
type Server struct {
	URL   string
	t     testing.TB
	place place
}

// Own starts one; it is gone when the test ends.
func Own(t testing.TB) *Server {
	t.Helper()
	p, err := prepare()
	if err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(p.dir) })
		s := &Server{t: t, place: p}
		if s.URL, err = p.launch(""); err == nil {
			t.Cleanup(s.Stop)
			return s
		}
	}
	t.Fatalf("PostgreSQL is needed for this test: %v", err)
	return nil
}

// Data is the folder in which the server keeps everything: its tables, its logs.
func (s *Server) Data() string { return filepath.Join(s.place.dir, "data") }

// Stop ends the server at once and without tidying up, as pg_ctl stop -m immediate does. A server that does not run stays as it is.
func (s *Server) Stop() {
	s.t.Helper()
	pid, ok := s.pid()
	if !ok {
		return
	}
	s.Resume()
	_ = syscall.Kill(pid, syscall.SIGQUIT)
	for late := time.Now().Add(30 * time.Second); runs(pid); time.Sleep(10 * time.Millisecond) { // another program: there is nothing to be told by
		if time.Now().After(late) {
			s.t.Fatal("the server does not stop")
		}
	}
	_ = os.Remove(filepath.Join(s.place.dir, "data", "postmaster.pid"))
}

// runs says whether a process is there and has not ended: its keeper, which is its parent, asks only at the end.
func runs(pid int) bool {
	state, _, ok := parent(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return ok && state != "Z"
}

// parent reads the state and the parent of a process.
func parent(stat string) (state string, pid int, ok bool) {
	b, err := os.ReadFile(stat)
	if err != nil {
		return "", 0, false
	}
	_, err = fmt.Sscan(string(b[bytes.LastIndexByte(b, ')')+1:]), &state, &pid)
	return state, pid, err == nil
}

// Start starts it again: it recovers from its log.
func (s *Server) Start() {
	s.t.Helper()
	if _, err := s.place.launch(""); err != nil {
		s.t.Fatal(err)
	}
}

// Pause stops all its processes where they are: connections stay and nobody answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets them go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

// Cut ends every connection but its own, and says how many they were.
func (s *Server) Cut() (n int) {
	s.t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close(ctx)
	if err := c.QueryRow(ctx, "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()").Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *Server) pid() (int, bool) {
	b, err := os.ReadFile(filepath.Join(s.place.dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, false
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(line)
	return pid, err == nil
}

// signal reaches the server and its children: the server first, so that it makes no more of them.
func (s *Server) signal(what syscall.Signal) {
	s.t.Helper()
	pid, ok := s.pid()
	if !ok {
		s.t.Fatal("the server does not run")
	}
	_ = syscall.Kill(pid, what)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range stats {
		if _, of, ok := parent(f); !ok || of != pid {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
			_ = syscall.Kill(child, what)
		}
	}
}
