package main

import (
	"bytes"
	"io"
	"net/http"
)

// insideTransport carries the demo shop's requests to the doors of its own process: the same routes, tokens and answers as over
// the network, without the network.
type insideTransport http.HandlerFunc

// RoundTrip runs the handler to its end and gives its answer.
func (t insideTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:0"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &answerInMemory{header: http.Header{}, status: http.StatusOK}
	t(w, in)
	_ = in.Body.Close()
	return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
}

type answerInMemory struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (w *answerInMemory) Header() http.Header { return w.header }

func (w *answerInMemory) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
}

func (w *answerInMemory) Write(p []byte) (int, error) {
	w.wrote = true
	return w.body.Write(p)
}
