package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/vault"
)

// Some tests need a process of their own: to kill it, to watch its calls, to be a second one. They run this binary again with
// this variable saying what it is to do.
const childVariable = "RAPPORT_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "":
		os.Exit(m.Run())
	case "load":
		childLoad()
	case "steps":
		childSteps()
	}
	os.Exit(3)
}

func child(what string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childVariable+"="+what), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

func childStore() *Store {
	s, err := Open(context.Background(), Options{Dir: os.Getenv("DIR"), URL: os.Getenv("URL"), synchronous: os.Getenv("SYNCHRONOUS")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(4)
	}
	return s
}

const crashPeople = 20

func crashPerson(n uint64) (id person.ID) {
	id[0] = 7
	id[15] = byte(n % crashPeople)
	return id
}

// crashChange is act number n: two events, a choice, and nothing else. All of it is there, or none.
func crashChange(n uint64) vault.Change {
	of := crashPerson(n)
	var c vault.Change
	for half := range byte(2) {
		f := vault.Frame{Of: of, Stream: 1, At: 1, Received: 1, Body: binary.BigEndian.AppendUint64(make([]byte, 0, 200), n)[:200]}
		binary.BigEndian.PutUint64(f.ID[:], n)
		f.ID[15] = half
		c.Frames = append(c.Frames, f)
	}
	r := vault.Row{Of: of, Kind: vault.FactRow, At: 1}
	binary.BigEndian.PutUint64(r.Key[:], n)
	c.Put = append(c.Put, r)
	return c
}

// childLoad commits and folds without end, and says the number of each act once it is acknowledged.
func childLoad() {
	s := childStore()
	ctx := context.Background()
	first, _ := strconv.ParseUint(os.Getenv("FIRST"), 10, 64)
	var next atomic.Uint64
	next.Store(first)
	go func() {
		for {
			if _, _, err := s.Fold(ctx, 50); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(5)
			}
		}
	}()
	for range 8 {
		go func() {
			for {
				n := next.Add(1)
				if err := s.Commit(ctx, crashChange(n)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(6)
				}
				_, _ = os.Stdout.WriteString(strconv.FormatUint(n, 10) + "\n") // one write: it is out before the next act
			}
		}()
	}
	select {}
}

func TestEveryAcknowledgedEventSurvivesAKill(t *testing.T) {
	for name, home := range map[string]func() []string{
		"sqlite":   func() []string { return []string{"DIR=" + t.TempDir()} },
		"postgres": func() []string { return []string{"URL=" + pgtest.URL(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := home()
			open := func() *Store {
				o := Options{}
				if name == "sqlite" {
					o.Dir = env[0][len("DIR="):]
				} else {
					o.URL = env[0][len("URL="):]
				}
				s, err := Open(context.Background(), o)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			s := open()
			var c vault.Change
			for n := range uint64(crashPeople) {
				c.Enrol = append(c.Enrol, vault.Enrolment{ID: crashPerson(n), Wrapped: []byte{1}, At: 1})
			}
			if err := s.Commit(context.Background(), c); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			acknowledged := map[uint64]bool{}
			for round := range uint64(20) {
				for n := range killed(t, env, (round+1)*1_000_000, int(10+round*7)) {
					acknowledged[n] = true
				}
			}
			if name == "postgres" {
				left(t, env[0][len("URL="):])
			}
			s = open()
			defer s.Close()
			survived(t, s, acknowledged)
		})
	}
}

// killed runs the child until it has acknowledged a few acts, kills it in the midst of others, and gives what it said.
func killed(t *testing.T, env []string, first uint64, after int) map[uint64]bool {
	t.Helper()
	cmd := child("load", append(env, "FIRST="+strconv.FormatUint(first, 10))...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := map[uint64]bool{}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // a last line without its end was not said whole
			if err != io.EOF {
				t.Fatal(err)
			}
			break
		}
		n, err := strconv.ParseUint(line[:len(line)-1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		said[n] = true
		if len(said) == after {
			_ = cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); err == nil || len(said) < after {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return said
}

// left waits until the server has ended what the killed process had asked of it: a commit that was on its way may yet be done.
func left(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	for others := 1; others > 0; {
		if err := c.QueryRow(ctx, "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'").Scan(&others); err != nil {
			t.Fatal(err)
		}
	}
}

func survived(t *testing.T, s *Store, acknowledged map[uint64]bool) {
	t.Helper()
	ctx := context.Background()
	for more := true; more; {
		var err error
		if _, more, err = s.Fold(ctx, 1000); err != nil {
			t.Fatal(err)
		}
	}
	frames, rows := map[uint64]int{}, map[uint64]int{}
	for p := range uint64(crashPeople) {
		l, err := s.Load(ctx, crashPerson(p))
		if err != nil {
			t.Fatal(err)
		}
		ids := map[person.EventID]bool{}
		for _, f := range l.Frames {
			if ids[f.ID] {
				t.Fatal("an event is there twice")
			}
			ids[f.ID] = true
			n := binary.BigEndian.Uint64(f.ID[:])
			if len(f.Body) != 200 || binary.BigEndian.Uint64(f.Body) != n {
				t.Fatal("an event's body is not its own")
			}
			frames[n]++
		}
		for _, r := range l.Rows {
			rows[binary.BigEndian.Uint64(r.Key[:])]++
		}
	}
	for n := range acknowledged {
		if frames[n] != 2 {
			t.Fatalf("act %d was acknowledged, and %d of its 2 events are there", n, frames[n])
		}
	}
	for n, have := range frames {
		if have != 2 || rows[n] != 1 {
			t.Fatalf("act %d is there in part", n)
		}
	}
	if len(rows) != len(frames) {
		t.Fatalf("%d acts have rows, %d have events", len(rows), len(frames))
	}
	t.Logf("%d acts acknowledged, %d there", len(acknowledged), len(frames))
}

// A second process is refused in one sentence, and leaves the first alone.
func TestASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	cmd := child("load", "DIR="+dir)
	cmd.Stderr = nil
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(said)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 4 || string(text) != ErrInUse.Error()+"\n" {
		t.Fatalf("exit %d: %s", code, text)
	}
	if err := s.Commit(context.Background(), crashEnrol()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(context.Background(), Options{Dir: dir}); err != nil { // free again
		t.Fatal(err)
	}
	_ = s.Close()
}

func crashEnrol() vault.Change {
	return vault.Change{Enrol: []vault.Enrolment{{ID: crashPerson(1), Wrapped: []byte{1}, At: 1}}}
}

// PostgreSQL homes are shared: several stores at once, one database.
func TestProcessesShareAPostgreSQLHome(t *testing.T) {
	ctx, url := context.Background(), pgtest.URL(t)
	var stores []*Store
	var mu sync.Mutex
	var opening sync.WaitGroup
	for range 4 { // all of them make the tables at once
		opening.Add(1)
		go func() {
			defer opening.Done()
			s, err := Open(ctx, Options{URL: url})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			stores = append(stores, s)
		}()
	}
	opening.Wait()
	if t.Failed() {
		return
	}
	var all sync.WaitGroup
	var first, folded atomic.Int64
	for i, s := range stores {
		defer s.Close()
		all.Add(1)
		go func() {
			defer all.Done()
			for n := range uint64(25) {
				e := vault.Enrolment{ID: person.NewID(), Wrapped: []byte{1}, At: 1, Identifiers: []vault.Identifier{{Blind: vault.Blind{1, byte(n)}}}}
				f := crashChange(n).Frames
				f[0].Of, f[1].Of = e.ID, e.ID
				switch err := s.Commit(ctx, vault.Change{Enrol: []vault.Enrolment{e}, Frames: f}); err {
				case nil:
					first.Add(1)
				case vault.ErrStale:
				default:
					t.Errorf("store %d: %v", i, err)
				}
				got, _, err := s.Fold(ctx, 7)
				if err != nil {
					t.Error(err)
				}
				folded.Add(int64(got))
			}
		}()
	}
	all.Wait()
	for more := true; more; {
		got, m, err := stores[0].Fold(ctx, 1000)
		if err != nil {
			t.Fatal(err)
		}
		folded.Add(int64(got))
		more = m
	}
	if first.Load() != 25 || folded.Load() != 50 {
		t.Fatalf("%d of 25 people, %d of 50 events", first.Load(), folded.Load())
	}
}

// childSteps commits one act after the other and writes a line to standard output before and after each, so that a watcher of
// its system calls sees what happened between.
func childSteps() {
	s := childStore()
	if err := s.Commit(context.Background(), crashEnrolAll()); err != nil {
		os.Exit(5)
	}
	for n := range uint64(watchedSteps) {
		_, _ = os.Stdout.WriteString("step\n")
		if err := s.Commit(context.Background(), crashChange(n)); err != nil {
			os.Exit(6)
		}
		_, _ = os.Stdout.WriteString("done\n")
	}
	os.Exit(0) // without Close, which would sync by itself
}

func lookAtAll() ledger.Row {
	return ledger.Row{At: 1, Kind: "look", Actor: "test", Role: "job", Purpose: "measure", Fields: "x"}
}

const watchedSteps = 25

func crashEnrolAll() vault.Change {
	var c vault.Change
	for n := range uint64(crashPeople) {
		c.Enrol = append(c.Enrol, vault.Enrolment{ID: crashPerson(n), Wrapped: []byte{1}, At: 1})
	}
	return c
}
