package collectapi

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/collect"
)

// FuzzBody reads bodies, plain and gzip, beside Go's own gzip: the same bytes come out or a fault of the sender's does, what it counts for is given back, and no small body takes much room.
func FuzzBody(f *testing.F) {
	page := []byte(pageOf("Zaphod", "u"))
	sound := zipped(page)
	bomb := zipped(bytes.Repeat([]byte(" "), collect.MaxBody+1))
	lies := append(bytes.Clone(sound[:len(sound)-4]), 0xff, 0xff, 0x3f, 0)
	for _, body := range [][]byte{nil, page, sound, sound[:20], sound[:len(sound)-1], append(bytes.Clone(sound), sound...), append(bytes.Clone(sound), "Zaphod"...), lies, bomb, append(bytes.Clone(bomb[:len(bomb)-4]), 16, 0, 0, 0), {0x1f}, {0x1f, 0x8b}, []byte("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x00Zaphod, a name without an end")} {
		f.Add(body, int64(1<<20))
		f.Add(body, int64(20))
		f.Add(body, int64(64<<20))
	}
	f.Fuzz(func(t *testing.T, raw []byte, most int64) {
		const others = 7 // bytes that others have under way
		var inFlight atomic.Int64
		inFlight.Store(others)
		b := &body{}
		r := httptest.NewRequest("POST", "/v1/page", bytes.NewReader(raw))
		err := b.read(httptest.NewRecorder(), r, &inFlight, most)
		if room := b.raw.Cap() + b.inflated.Cap(); room > min(2*1032*len(raw), 3*collect.MaxBody)+2*len(raw)+1<<16 {
			t.Fatalf("%d bytes take room of %d", len(raw), room)
		}
		if err != nil {
			if code, says := fault.Of(err); code == fault.Internal || strings.Contains(says+err.Error(), "Zaphod") {
				t.Fatalf("%v", err)
			}
			if inFlight.Load() != others || b.held != 0 {
				t.Fatalf("after a body that was refused %d bytes count as under way", inFlight.Load()-others)
			}
		} else if inFlight.Load() != others+b.held || b.held < int64(len(raw)) || b.held > most {
			t.Fatalf("%d bytes count for %d, %d held, of %d at most", len(raw), inFlight.Load()-others, b.held, most)
		}
		want, broken := raw, error(nil)
		if len(raw) > 1 && raw[0] == 0x1f && raw[1] == 0x8b {
			var z *stdgzip.Reader
			if z, broken = stdgzip.NewReader(bytes.NewReader(raw)); broken == nil {
				want, broken = io.ReadAll(io.LimitReader(z, collect.MaxBody+1))
			}
		}
		switch {
		case err == nil && (broken != nil || len(want) > collect.MaxBody || !bytes.Equal(b.bytes(), want)):
			t.Fatalf("%d bytes are read where Go reads %d, %v", len(b.bytes()), len(want), broken)
		case err != nil && broken == nil && len(want) <= collect.MaxBody && int64(len(raw)+len(want))+others <= most:
			t.Fatalf("Go reads %d bytes: %v", len(want), err)
		}
	})
}
