package vault

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/person"
)

func drawFrame(t *rapid.T) Frame {
	f := Frame{
		Stream:   StreamID(rapid.Uint32().Draw(t, "stream")),
		At:       person.Instant(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "at")),
		Received: person.Instant(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "received")),
		Body:     rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "body"),
	}
	copy(f.Of[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "of"))
	copy(f.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	return f
}

func TestFramesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := person.Instant(rapid.Int64Range(0, 1<<60).Draw(t, "base"))
		frames := rapid.SliceOfN(rapid.Custom(drawFrame), 0, 5).Draw(t, "frames")
		var whole, heads []byte
		for i := range frames {
			whole = AppendFrame(whole, base, &frames[i])
			heads = AppendHead(heads, base, &frames[i])
		}
		i := 0
		if err := ParseFrames(whole, base, func(f Frame) error {
			if diff := cmp.Diff(frames[i], f); diff != "" {
				t.Fatal(diff)
			}
			i++
			return nil
		}); err != nil || i != len(frames) {
			t.Fatalf("%d of %d frames: %v", i, len(frames), err)
		}
		i = 0
		if err := ParseHeads(heads, base, func(f Frame, length int) error {
			want := frames[i]
			if length != len(want.Body) {
				t.Fatalf("length %d, want %d", length, len(want.Body))
			}
			want.Of, want.Body = person.ID{}, nil
			if diff := cmp.Diff(want, f); diff != "" {
				t.Fatal(diff)
			}
			i++
			return nil
		}); err != nil || i != len(frames) {
			t.Fatalf("%d of %d heads: %v", i, len(frames), err)
		}
		if len(whole) > 0 { // cut short anywhere, it is damage, unless the cut falls between two frames
			cut := rapid.IntRange(0, len(whole)-1).Draw(t, "cut")
			var again []byte
			err := ParseFrames(whole[:cut], base, func(f Frame) error { again = AppendFrame(again, base, &f); return nil })
			if err == nil && len(again) != cut {
				t.Fatal("a frame cut short was read as whole")
			}
		}
	})
}

func FuzzParseFrames(f *testing.F) {
	one := Frame{Of: person.ID{1}, ID: person.EventID{2}, Stream: 3, At: 4, Received: 5, Body: []byte("sealed")}
	f.Add(AppendFrame(nil, 1, &one))
	f.Add(AppendFrame(AppendFrame(nil, 1, &one), 1, &one)[:50])
	f.Add(bytes.Repeat([]byte{0xff}, 80))
	f.Fuzz(func(t *testing.T, b []byte) {
		var frames []Frame
		err := ParseFrames(b, 1, func(f Frame) error { frames = append(frames, f); return nil })
		if err != nil && !errors.Is(err, ErrFrames) {
			t.Fatal(err)
		}
		var again []byte
		for i := range frames {
			again = AppendFrame(again, 1, &frames[i])
		}
		var back []Frame
		if err := ParseFrames(again, 1, func(f Frame) error { back = append(back, f); return nil }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(frames, back); diff != "" {
			t.Fatal(diff)
		}
		_ = ParseHeads(b, 1, func(Frame, int) error { return nil })
	})
}
