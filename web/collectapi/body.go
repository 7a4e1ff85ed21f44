package collectapi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/rapporthq/rapport/know/collect"
)

// body is one request's body and the batch that is read out of it, reused.
type body struct {
	raw      bytes.Buffer
	inflated bytes.Buffer
	gzip     bool
	held     int64 // what it counts for among the bytes in flight
	batch    collect.Batch
	reader   *gzip.Reader
}

var bodies = sync.Pool{New: func() any { return &body{} }}

// gzipFrame is how many bytes a gzip member has besides what it holds.
const gzipFrame = 18

const keepRoom = 1 << 20 // larger buffers are given back to the garbage collector

func (b *body) bytes() []byte {
	if b.gzip {
		return b.inflated.Bytes()
	}
	return b.raw.Bytes()
}

// free gives the room back without what it held.
func (b *body) free() {
	for _, buf := range []*bytes.Buffer{&b.raw, &b.inflated} {
		if buf.Cap() > keepRoom {
			*buf = bytes.Buffer{}
			continue
		}
		buf.Reset()
	}
	b.batch.Forget()
	b.gzip, b.held = false, 0
	bodies.Put(b)
}

// read takes a body in, plain or gzip, by its first bytes: some senders forget the header. It reads to the bound of a
// body and no further, so that a small body that inflates without end costs no more than a large one.
func (b *body) read(w http.ResponseWriter, r *http.Request, inFlight *atomic.Int64, most int64) error {
	if r.ContentLength > collect.MaxBody {
		return errLarge
	}
	err := b.fill(&counted{http.MaxBytesReader(w, r.Body, collect.MaxBody), b, inFlight, most})
	if err != nil {
		inFlight.Add(-b.held)
		b.held = 0
	}
	return err
}

// counted counts what has arrived among the bytes in flight, not what was announced: who sends slowly takes no room from others.
type counted struct {
	from     io.Reader
	of       *body
	inFlight *atomic.Int64
	most     int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.of.held += int64(n)
	if c.inFlight.Add(int64(n)) > c.most {
		return n, errCrowded
	}
	return n, err
}

func (b *body) fill(from *counted) error {
	if _, err := b.raw.ReadFrom(from); err != nil {
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return errLarge
		case errors.Is(err, errCrowded):
			return errCrowded
		}
		return errRead
	}
	raw := b.raw.Bytes()
	if len(raw) < 2 || raw[0] != 0x1f || raw[1] != 0x8b {
		return nil
	}
	b.gzip = true
	if len(raw) < gzipFrame {
		return errInflate
	}
	if b.reader == nil {
		b.reader = new(gzip.Reader)
	}
	if err := b.reader.Reset(bytes.NewReader(raw)); err != nil {
		return errInflate
	}
	from.from = io.LimitReader(b.reader, collect.MaxBody+1)
	// The last four bytes say how long the last member is, modulo 4 GiB (RFC 1952, 2.3.1). What would be too large, or is cut off,
	// needs no room to be found out; for what may be true room is made at once: deflate makes at most 1032 bytes of one.
	into := io.ReaderFrom(&b.inflated)
	if says := int(binary.LittleEndian.Uint32(raw[len(raw)-4:])); says > collect.MaxBody {
		into = io.Discard.(io.ReaderFrom)
	} else {
		b.inflated.Grow(min(says, 1032*len(raw)) + bytes.MinRead)
	}
	n, err := into.ReadFrom(from)
	switch {
	case n > collect.MaxBody:
		return errLarge
	case errors.Is(err, errCrowded):
		return errCrowded
	case err != nil:
		return errInflate
	}
	return nil
}

// stale is how long a preflight's answer may be kept by browsers.
const stale = 24 * time.Hour
