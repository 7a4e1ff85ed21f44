package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is what a generator did: a request's latency is measured from when it was due, so that a server that stalls is not
// excused for the requests that it kept from being sent (coordinated omission).
type load struct {
	requests  int64
	refused   int64 // answers other than 200
	elapsed   time.Duration
	latencies []time.Duration
	cpu       float64 // seconds of processor time that the server used meanwhile
}

// cpuMicros is the server's processor time for a request, in microseconds.
func (l load) cpuMicros() float64 { return l.cpu / float64(max(1, l.requests)) * 1e6 }

func (l load) perSecond() float64 { return float64(l.requests) / l.elapsed.Seconds() }

// next builds the next request of one connection into dst: bytes of HTTP/1.1, ready to send.
type next func(conn int, n int64, dst []byte) []byte

// drive sends requests over conns connections for a time. rate is the offered requests a second over all of them, 0 for as
// fast as answers come.
func drive(ctx context.Context, addr string, conns int, rate float64, d time.Duration, build next) (load, error) {
	ctx, cancel := context.WithTimeout(ctx, d+30*time.Second)
	defer cancel()
	var total, refused atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	var firstErr error
	var wg sync.WaitGroup
	begin := time.Now()
	end := begin.Add(d)
	var due []chan time.Time
	if rate > 0 {
		due = pace(ctx, begin, conns, rate, d)
	}
	for c := range conns {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var lat []time.Duration
			var line chan time.Time
			if rate > 0 {
				line = due[c]
			}
			err := one(ctx, addr, c, line, end, build, &total, &refused, &lat)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, lat...)
			if err != nil && firstErr == nil {
				firstErr = err
			}
		}()
	}
	wg.Wait()
	return load{requests: total.Load(), refused: refused.Load(), elapsed: time.Since(begin), latencies: all}, firstErr
}

// pace says to each connection when its next request is due, and closes the lines when no more are. It sleeps by the system's clock and stays on its
// processor for it: a timer of Go is late by up to a millisecond in a process with nothing else to do, which would be counted as the server's.
func pace(ctx context.Context, begin time.Time, conns int, rate float64, d time.Duration) []chan time.Time {
	all := int(rate*d.Seconds()) + 1
	lines := make([]chan time.Time, conns)
	for i := range lines {
		lines[i] = make(chan time.Time, all/conns+1) // a connection that is behind holds up no other
	}
	go func() {
		before := runtime.GOMAXPROCS(0)
		runtime.GOMAXPROCS(before + 1)
		defer runtime.GOMAXPROCS(before)
		for n := range all {
			due := begin.Add(time.Duration(float64(n) / rate * float64(time.Second)))
			for wait := time.Until(due); wait > 0; wait = time.Until(due) {
				rest(wait)
			}
			if ctx.Err() != nil {
				break
			}
			lines[n%conns] <- due
			runtime.Gosched() // it writes first
		}
		for _, l := range lines {
			close(l)
		}
	}()
	return lines
}

// one sends the requests of a connection: when they are due, or, without a line, as fast as answers come.
func one(ctx context.Context, addr string, c int, line <-chan time.Time, end time.Time, build next, total, refused *atomic.Int64, lat *[]time.Duration) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(end.Add(30 * time.Second))
	in := bufio.NewReaderSize(conn, 16<<10)
	var buf []byte
	for n := int64(0); ; n++ {
		due := time.Now()
		if line != nil {
			var more bool
			if due, more = <-line; !more {
				return ctx.Err()
			}
		}
		if due.After(end) {
			return nil
		}
		buf = build(c, n, buf[:0])
		if _, err := conn.Write(buf); err != nil {
			return err
		}
		status, err := answer(in)
		if err != nil {
			return err
		}
		total.Add(1)
		if status != 200 {
			refused.Add(1)
		}
		*lat = append(*lat, time.Since(due))
	}
}

var errAnswer = errors.New("the server's answer cannot be read")

// answer reads one HTTP/1.1 response and drops its body. It is as small as it may be, so that the generator takes little
// of the machine that it shares with the server.
func answer(in *bufio.Reader) (status int, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, errAnswer
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, errAnswer
	}
	length, chunked := 0, false
	for {
		line, err = in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if v, ok := header(line, "content-length:"); ok {
			if length, err = strconv.Atoi(string(v)); err != nil {
				return 0, errAnswer
			}
		}
		if v, ok := header(line, "transfer-encoding:"); ok && string(v) == "chunked" {
			chunked = true
		}
	}
	if !chunked {
		_, err = in.Discard(length)
		return status, err
	}
	for {
		line, err = in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		size, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 32)
		if err != nil {
			return 0, errAnswer
		}
		if _, err := in.Discard(int(size) + 2); err != nil {
			return 0, err
		}
		if size == 0 {
			return status, nil
		}
	}
}

func header(line []byte, name string) ([]byte, bool) {
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}

// post writes an HTTP/1.1 POST around a body.
func post(dst []byte, path, auth string, body []byte) []byte {
	dst = append(dst, "POST "...)
	dst = append(dst, path...)
	dst = append(dst, " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: "...)
	dst = append(dst, auth...)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}

func (l load) fault() error {
	if l.refused > 0 {
		return fmt.Errorf("%d of %d requests were not answered with 200", l.refused, l.requests)
	}
	return nil
}
