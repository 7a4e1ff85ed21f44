package vault

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/rapporthq/rapport/person"
)

// The sealed heads and event bodies are written by hand: one version byte, then varints and strings in a fixed order.
// A head is opened for every row of a person at every decision.

var errCodec = errors.New("vault: sealed bytes are not of a form that is known here")

func putInt(dst []byte, i int64) []byte { return binary.AppendVarint(dst, i) }

func putInstant(dst []byte, i person.Instant) []byte { return binary.AppendVarint(dst, int64(i)) }

func putString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func putStrings(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = putString(dst, s)
	}
	return dst
}

// putNumber writes numbers with at most two decimals as a varint, others as eight bytes. Every number comes back bit for bit.
func putNumber(dst []byte, f float64) []byte {
	const most = 1 << 52
	if c := f * 100; c > -most && c < most && c == math.Trunc(c) && float64(int64(c))/100 == f && !(f == 0 && math.Signbit(f)) {
		return putUnsigned(dst, zigzag(int64(c))<<1)
	}
	return binary.LittleEndian.AppendUint64(append(dst, 1), math.Float64bits(f))
}

func putUnsigned(dst []byte, u uint64) []byte { return binary.AppendUvarint(dst, u) }

func zigzag(i int64) uint64   { return uint64(i<<1) ^ uint64(i>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// reader reads what the put functions wrote. After the first thing that is not as it should be, bad stays set and
// everything reads as zero.
type reader struct {
	s   string
	bad bool
}

func (r *reader) fail() { r.bad, r.s = true, "" }

func (r *reader) byte() byte {
	if len(r.s) == 0 {
		r.fail()
		return 0
	}
	b := r.s[0]
	r.s = r.s[1:]
	return b
}

func (r *reader) unsigned() uint64 {
	var u uint64
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		b := r.s[i]
		if i == 9 && b > 1 {
			break
		}
		u |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.s = r.s[i+1:]
			return u
		}
	}
	r.fail()
	return 0
}

func (r *reader) int() int64              { return unzigzag(r.unsigned()) }
func (r *reader) instant() person.Instant { return person.Instant(r.int()) }

func (r *reader) string() string {
	n := r.unsigned()
	if n > uint64(len(r.s)) {
		r.fail()
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

// count reads how many elements follow; each takes at least one byte, so a count cannot ask for more memory than the input has.
func (r *reader) count() int {
	n := r.unsigned()
	if n > uint64(len(r.s)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) strings() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.string()
	}
	return list
}

func (r *reader) number() float64 {
	u := r.unsigned()
	if u&1 == 0 {
		return float64(unzigzag(u>>1)) / 100
	}
	if u != 1 || len(r.s) < 8 {
		r.fail()
		return 0
	}
	var bits uint64
	for i := 0; i < 8; i++ {
		bits |= uint64(r.s[i]) << (8 * i)
	}
	r.s = r.s[8:]
	return math.Float64frombits(bits)
}

// end is nil when everything was read and nothing was wrong.
func (r *reader) end() error {
	if r.bad || len(r.s) != 0 {
		return errCodec
	}
	return nil
}
