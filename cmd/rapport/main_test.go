package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rapporthq/rapport/torture"
)

// asCommand makes the test binary behave as rapport itself, so that tests start real processes of it without building it again.
const asCommand = "RAPPORT_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "1" {
		os.Exit(run(os.Args[1:]))
	}
	flag.Parse()
	if f := flag.Lookup("rapid.seed"); f != nil && f.Value.String() == f.DefValue && torture.Rounds(1, 2) == 1 {
		_ = f.Value.Set("20261122") // the same histories each time; make torture draws others
	}
	code := m.Run()
	if theDemo.stop != nil {
		theDemo.stop()
	}
	os.Exit(code)
}

// rapport is a process of the command.
func rapport(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// must runs a command to its end and gives what it printed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := try(t, args...)
	if code != 0 {
		t.Fatalf("rapport %s: exit %d\n%s\n%s", strings.Join(args, " "), code, out, errs)
	}
	return strings.TrimSpace(out)
}

func try(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := rapport(ctx, args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// serving is a home that a process of its own serves.
type serving struct {
	URL  string
	Home string
	cmd  *exec.Cmd
	log  *lockedBuffer
	done chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serveHome serves a home on a free port until the test ends.
func serveHome(t *testing.T, home string, more ...string) *serving {
	t.Helper()
	s := startServing(t, append([]string{"serve", "--home", home, "--listen", "127.0.0.1:0"}, more...)...)
	s.Home = home
	t.Cleanup(s.stop)
	return s
}

func startServing(t *testing.T, args ...string) *serving {
	t.Helper()
	s, ok := starts(t, nil, args...)
	if !ok {
		t.Fatalf("it ended instead of serving: %s", s.log)
	}
	return s
}

// starts is startServing with more in the environment, for who may end before it serves.
func starts(t *testing.T, env []string, args ...string) (s *serving, ok bool) {
	t.Helper()
	cmd := rapport(context.Background(), args...)
	return startsBy(t, append(cmd.Env, env...), cmd.Args...)
}

// startsBy is starts with the whole of the environment and of the command line, for what begins as another program.
func startsBy(t *testing.T, env []string, args ...string) (s *serving, ok bool) {
	t.Helper()
	s = &serving{cmd: exec.Command(args[0], args[1:]...), log: &lockedBuffer{}, done: make(chan struct{})}
	s.cmd.Env = env
	errs, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout = s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1)
	go func() {
		defer close(s.done)
		lines := bufio.NewReader(errs)
		for {
			line, err := lines.ReadString('\n')
			_, _ = io.WriteString(s.log, line)
			if _, url, ok := strings.Cut(line, " at http"); ok {
				found <- "http" + strings.TrimSpace(url)
			}
			if err != nil {
				return
			}
		}
	}()
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	select {
	case s.URL = <-found:
		return s, true
	case <-s.done:
		_ = s.cmd.Wait()
		return s, false
	case <-late.C:
		t.Fatalf("it does not serve: %s", s.log)
	}
	return nil, false
}

// stop ends it as a terminal would, and waits.
func (s *serving) stop() {
	if s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Signal(os.Interrupt)
	_ = s.cmd.Wait()
	<-s.done
}

// kill ends it without a word.
func (s *serving) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	<-s.done
}

// demoHome is one demo for all tests that look at it: real data, learnt and served. Tests that change a person take one of their own.
type demoHome struct {
	demoReady
	log  *lockedBuffer
	stop func()
}

var (
	theDemo     demoHome
	theDemoOnce sync.Once
	theDemoErr  string
)

func openDemo(t *testing.T) *demoHome {
	t.Helper()
	theDemoOnce.Do(func() {
		dir, err := os.MkdirTemp("", "rapport-demo-test-")
		if err != nil {
			theDemoErr = err.Error()
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		cmd := rapport(ctx, "demo", "--home", filepath.Join(dir, "home"), "--listen", "127.0.0.1:0", "--json")
		theDemo.log = &lockedBuffer{}
		cmd.Stderr = theDemo.log
		out, err := cmd.StdoutPipe()
		if err != nil {
			theDemoErr = err.Error()
			cancel()
			return
		}
		if err := cmd.Start(); err != nil {
			theDemoErr = err.Error()
			cancel()
			return
		}
		theDemo.stop = func() {
			_ = cmd.Process.Signal(os.Interrupt)
			_ = cmd.Wait()
			cancel()
			_ = os.RemoveAll(dir)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err == nil {
			err = json.Unmarshal([]byte(line), &theDemo.demoReady)
		}
		if err != nil {
			theDemoErr = err.Error() + ": " + theDemo.log.String()
		}
		go func() { _, _ = io.Copy(theDemo.log, out) }()
	})
	if theDemoErr != "" {
		t.Fatal(theDemoErr)
	}
	return &theDemo
}

// post sends JSON and reads the answer.
func post(t *testing.T, url, token string, body any, into any) int {
	t.Helper()
	return send(t, http.MethodPost, url, token, body, into)
}

func send(t *testing.T, method, url, token string, body any, into any) int {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(method, url, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil && len(answer) > 0 {
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatalf("%s %s: %s: %v", method, url, answer, err)
		}
	}
	return res.StatusCode
}
