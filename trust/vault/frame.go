package vault

import (
	"encoding/binary"
	"errors"

	"github.com/rapporthq/rapport/person"
)

// ErrFrames says that bytes which should be frames are not: the journal or a chunk of history was damaged.
var ErrFrames = errors.New("these frames are damaged: restore the database from a backup and check the disk")

// longestBody bounds what a damaged length can make a reader do.
const longestBody = 1 << 26

// AppendFrame writes a frame behind b, whole: pseudonym, head and sealed body. Times are written relative to base, so that
// frames received together are short; ParseFrames must be given the same base.
func AppendFrame(b []byte, base person.Instant, f *Frame) []byte {
	b = append(b, f.Of[:]...)
	b = AppendHead(b, base, f)
	return append(b, f.Body...)
}

// AppendHead writes all of a frame but its pseudonym and body, and the body's length.
func AppendHead(b []byte, base person.Instant, f *Frame) []byte {
	b = append(b, f.ID[:]...)
	b = binary.AppendUvarint(b, uint64(f.Stream))
	b = binary.AppendVarint(b, int64(f.Received-base))
	b = binary.AppendVarint(b, int64(f.At-f.Received))
	return binary.AppendUvarint(b, uint64(len(f.Body)))
}

// ParseFrames reads what AppendFrame wrote, in order. The frames' bodies lie in b. It returns ErrFrames for bytes that
// AppendFrame did not write, and the first error of yield; frames before the damage have been yielded.
func ParseFrames(b []byte, base person.Instant, yield func(Frame) error) error {
	for len(b) > 0 {
		var f Frame
		if len(b) < len(f.Of) {
			return ErrFrames
		}
		copy(f.Of[:], b)
		length, n := parseHead(b[len(f.Of):], base, &f)
		if n == 0 {
			return ErrFrames
		}
		b = b[len(f.Of)+n:]
		if len(b) < length {
			return ErrFrames
		}
		f.Body = b[:length:length]
		b = b[length:]
		if err := yield(f); err != nil {
			return err
		}
	}
	return nil
}

// BlankFrame overwrites the frame with which b begins, in its place, so that it is nobody's and says nothing: its size and its times stay. A frame of
// nobody is never kept as anybody's.
func BlankFrame(b []byte) error {
	var f Frame
	if len(b) < len(f.Of) {
		return ErrFrames
	}
	length, n := parseHead(b[len(f.Of):], 0, &f)
	from := len(f.Of) + n
	if n == 0 || len(b) < from+length {
		return ErrFrames
	}
	clear(b[:len(f.Of)+len(f.ID)])
	clear(b[from : from+length])
	return nil
}

// ParseHeads reads what AppendHead wrote, in order, with the length of each body.
func ParseHeads(b []byte, base person.Instant, yield func(f Frame, length int) error) error {
	for len(b) > 0 {
		var f Frame
		length, n := parseHead(b, base, &f)
		if n == 0 {
			return ErrFrames
		}
		b = b[n:]
		if err := yield(f, length); err != nil {
			return err
		}
	}
	return nil
}

// parseHead reads one head and says how many bytes it took: 0 when it is damaged.
func parseHead(b []byte, base person.Instant, f *Frame) (length, n int) {
	if len(b) < len(f.ID) {
		return 0, 0
	}
	n = copy(f.ID[:], b)
	stream, k := binary.Uvarint(b[n:])
	if k <= 0 || stream > 1<<32-1 {
		return 0, 0
	}
	n += k
	received, k := binary.Varint(b[n:])
	if k <= 0 {
		return 0, 0
	}
	n += k
	at, k := binary.Varint(b[n:])
	if k <= 0 {
		return 0, 0
	}
	n += k
	size, k := binary.Uvarint(b[n:])
	if k <= 0 || size > longestBody {
		return 0, 0
	}
	n += k
	f.Stream = StreamID(stream)
	f.Received = base + person.Instant(received)
	f.At = f.Received + person.Instant(at)
	return int(size), n
}
