package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rapporthq/rapport/fault"
)

// operation is something that a command does with a home. One process owns a SQLite home: while it serves, the command sends
// the operation through an owner-only socket in the home, and the serving process runs it; otherwise the command opens the
// home and runs it itself. Either way it is the same code.
type operation func(ctx context.Context, h *house, args json.RawMessage, say *speaker) error

var operations = map[string]operation{}

// register names an operation; args travel as JSON.
func register[A any](name string, run func(ctx context.Context, h *house, args A, say *speaker) error) {
	operations[name] = func(ctx context.Context, h *house, raw json.RawMessage, say *speaker) error {
		var args A
		if err := json.Unmarshal(raw, &args); err != nil {
			return fault.Wrap(fault.Invalid, "The command and the serving process do not understand each other: use the same version of both.", err)
		}
		return run(ctx, h, args, say)
	}
}

// speaker carries what an operation says: results to standard output, progress to standard error.
type speaker struct {
	mu       sync.Mutex
	out      func(text string) error
	progress func(p progress)
}

// progress is one state of long work.
type progress struct {
	Of    string // what is done: "people.csv"
	Done  int64
	Total int64
}

func (s *speaker) Printf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.out(fmt.Sprintf(format, args...))
}

func (s *speaker) JSON(v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		return
	}
	s.Printf("%s\n", raw)
}

func (s *speaker) Progress(of string, done, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress != nil {
		s.progress(progress{of, done, total})
	}
}

// message is one line that travels back through the socket.
type message struct {
	Out      string     `json:"out,omitempty"`
	Progress *progress  `json:"progress,omitempty"`
	Code     fault.Code `json:"code,omitempty"`
	Error    string     `json:"error,omitempty"`
	Said     bool       `json:"said,omitempty"`
	Done     bool       `json:"done,omitempty"`
}

const socketName = "rapport.sock"

// perform runs the operation on the home: through its serving process when there is one, else here.
func perform(ctx context.Context, opts homeOptions, name string, args any, say *speaker) error {
	if opts.Home == "" {
		return usage{errors.New("say which home with --home DIR")}
	}
	raw, err := json.Marshal(args)
	if err != nil {
		return err
	}
	if opts.Database == "" {
		if conn, err := net.DialTimeout("unix", filepath.Join(opts.Home, socketName), time.Second); err == nil {
			_ = conn.Close()
			return throughSocket(ctx, filepath.Join(opts.Home, socketName), name, raw, say)
		}
	}
	h, err := openHouse(ctx, opts)
	if err != nil {
		return err
	}
	defer h.Close()
	return operations[name](ctx, h, raw, say)
}

func throughSocket(ctx context.Context, socket, name string, args []byte, say *speaker) error {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://home/operation/"+name, bytes.NewReader(args))
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "The serving process did not answer; look at its log.", err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewReader(res.Body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return fault.Wrap(fault.Unavailable, "The serving process stopped before it had finished; run the command again.", err)
		}
		var m message
		if err := json.Unmarshal(line, &m); err != nil {
			return fault.Wrap(fault.Internal, "The serving process gave an answer that cannot be read.", err)
		}
		switch {
		case m.Progress != nil:
			say.Progress(m.Progress.Of, m.Progress.Done, m.Progress.Total)
		case m.Out != "":
			say.Printf("%s", m.Out)
		case m.Said:
			return errSaid
		case m.Error != "":
			return fault.New(m.Code, m.Error)
		case m.Done:
			return nil
		}
	}
}

// listenSocket serves operations to the home's owner. The socket is made in an owner-only folder with owner-only rights.
func listenSocket(ctx context.Context, h *house, log *slog.Logger) (stop func(), err error) {
	path := filepath.Join(h.dir, socketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("the home's socket cannot be made (a path over 100 letters is too long for one): %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /operation/{name}", func(w http.ResponseWriter, r *http.Request) {
		run, ok := operations[r.PathValue("name")]
		send := func(m message) error {
			raw, err := json.Marshal(m)
			if err != nil {
				return err
			}
			if _, err = w.Write(append(raw, '\n')); err != nil {
				return err
			}
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			return nil
		}
		if !ok {
			_ = send(message{Code: fault.NotFound, Error: "The serving process does not know this command: it is older; restart it with this version."})
			return
		}
		args, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
		if err != nil {
			_ = send(message{Code: fault.TooLarge, Error: "The command is too large."})
			return
		}
		say := &speaker{out: func(text string) error { return send(message{Out: text}) }, progress: func(p progress) { _ = send(message{Progress: &p}) }}
		err = run(r.Context(), h, args, say)
		say.mu.Lock()
		defer say.mu.Unlock()
		switch {
		case err == nil:
			_ = send(message{Done: true})
		case errors.Is(err, errSaid):
			_ = send(message{Said: true})
		default:
			code, _ := fault.Of(err)
			log.Warn("operation failed", "operation", r.PathValue("name"), "code", code)
			_ = send(message{Code: code, Error: sentence(err)})
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() { _ = server.Serve(ln) }()
	return func() {
		_ = server.Close()
		_ = os.Remove(path)
	}, nil
}
