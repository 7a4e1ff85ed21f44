package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/rapporthq/rapport/web/page"
)

// Every request has an id, which its answer carries and with which the log speaks of it. A caller's own id is taken when it is a
// UUID or 32 hexadecimal digits, as proxies make them: nothing that could be somebody's name gets into the log by this way.

const requestIDHeader = "X-Request-Id"

var wellFormedID = regexp.MustCompile(`^(?:[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$`)

type requestIDKey struct{}

func requestID(r *http.Request) string {
	if id := r.Header.Get(requestIDHeader); wellFormedID.MatchString(id) {
		return id
	}
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// observed names each request, tells the log of those that failed, or of all, and keeps a handler's panic from the caller: they
// read one sentence, the log has the rest. The log has the door's pattern and no address, path or query.
func (h *house) observed(next http.Handler, all bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := requestID(r)
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		w.Header().Set(requestIDHeader, id)
		seen := &statusWriter{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				h.log.ErrorContext(r.Context(), "a request failed", "method", method(r), "door", r.Pattern, "panic", fmt.Sprintf("%T", p))
				if seen.status == 0 {
					page.Problem(seen, errors.New("panic"))
				}
			}
			h.meter.answered(r.Pattern, seen.status)
			if level := levelOf(seen.status); all || level > slog.LevelInfo {
				h.log.Log(r.Context(), level, "request", "method", method(r), "door", r.Pattern, "status", seen.status, "ms", time.Since(began).Milliseconds())
			}
		}()
		next.ServeHTTP(seen, r)
	})
}

// method is the request's when it is one of HTTP's own: a caller may write any word there.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

func levelOf(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader sends the header and remembers the first final status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body; without a status before it, that is 200.
func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// withRequest adds the id of the request in whose name a line is written.
type withRequest struct{ slog.Handler }

// Handle writes the line with the id, when its context has one.
func (l withRequest) Handle(ctx context.Context, r slog.Record) error {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		r.AddAttrs(slog.String("request", id))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs and WithGroup keep the id on lines of derived loggers.
func (l withRequest) WithAttrs(as []slog.Attr) slog.Handler {
	return withRequest{l.Handler.WithAttrs(as)}
}

// WithGroup is slog.Handler's.
func (l withRequest) WithGroup(name string) slog.Handler {
	return withRequest{l.Handler.WithGroup(name)}
}

// newLog writes lines as key=value text or as JSON.
func newLog(to io.Writer, form string) (*slog.Logger, error) {
	switch form {
	case "text":
		return slog.New(withRequest{slog.NewTextHandler(to, nil)}), nil
	case "json":
		return slog.New(withRequest{slog.NewJSONHandler(to, nil)}), nil
	}
	return nil, usage{errors.New("--log is text or json")}
}

// callerAddress is who called, for rate limits in memory only. Behind a trusted proxy it is the last address that the proxy added:
// whatever stands before it, in the same line or in lines before, the caller may have written. Of an IPv6 address only the network
// counts, since a caller has all addresses of theirs.
func callerAddress(proxied bool) func(r *http.Request) string {
	return func(r *http.Request) string {
		if proxied {
			all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
			if last, ok := networkOf(strings.TrimSpace(all[len(all)-1])); ok {
				return last
			}
		}
		if own, ok := networkOf(r.RemoteAddr); ok {
			return own
		}
		return r.RemoteAddr
	}
}

// networkOf reads an address, with or without a port.
func networkOf(s string) (string, bool) {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return "", false
	}
	if a = a.Unmap().WithZone(""); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String(), true
		}
	}
	return a.String(), true
}
