package recommend

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"

	"github.com/rapporthq/rapport/person"
)

// The form at rest: a magic word with the version, then numbers as uvarints, texts as length and bytes, floats in four or eight
// bytes little-endian, and at the end a CRC-32C of all before it. Targets of a source are written as steps.

const (
	magic    = "RAPREC\x00\x02"
	firstOne = "RAPREC\x00\x01" // the same without the people of all
)

// ErrModel says that bytes are no model of this version, or damaged.
var ErrModel = errors.New("this is not a model that can be read here, or it is damaged: learn again")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type writer struct{ b []byte }

func (w *writer) number(n int)      { w.b = binary.AppendUvarint(w.b, uint64(n)) }
func (w *writer) float32(f float32) { w.b = binary.LittleEndian.AppendUint32(w.b, math.Float32bits(f)) }
func (w *writer) float64(f float64) { w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(f)) }
func (w *writer) texts(ts []string) {
	w.number(len(ts))
	for _, t := range ts {
		w.number(len(t))
		w.b = append(w.b, t...)
	}
}

// MarshalBinary writes the model: compact, versioned, checked by a sum. The same model gives the same bytes.
func (m *Model) MarshalBinary() ([]byte, error) {
	w := &writer{b: make([]byte, 0, 16*len(m.ids)+8*len(m.weight)+256)}
	w.b = append(w.b, magic...)
	w.number(m.k)
	w.b = binary.AppendVarint(w.b, int64(m.learnt))
	for _, f := range []float64{m.terms.Again, m.terms.HalfLife, m.terms.Rare, m.terms.Trend, m.terms.Lambda, m.terms.Drop, m.terms.Memory} {
		w.float64(f)
	}
	w.texts(m.ids)
	w.number(m.candidates)
	w.texts(m.columns)
	for i := range m.ids {
		if i&7 == 0 {
			w.b = append(w.b, 0)
		}
		if m.marked.Has(i) {
			w.b[len(w.b)-1] |= 1 << (i & 7)
		}
	}
	for s := range m.candidates + len(m.columns) {
		lo, hi := m.start[s], m.start[s+1]
		w.number(int(hi - lo))
		last := int32(-1)
		for _, t := range m.to[lo:hi] {
			w.number(int(t - last))
			last = t
		}
		for _, f := range m.weight[lo:hi] {
			w.float32(f)
		}
		for _, n := range m.shared[lo:hi] {
			w.number(int(n))
		}
	}
	for j := range m.candidates {
		w.number(int(m.people[j]))
		w.float32(m.repeat[j])
		w.number(int(m.recent[j]))
		w.float32(m.lately[j])
	}
	w.number(len(m.season))
	for _, s := range m.season {
		for j, f := range s.lift {
			w.number(int(s.people[j]))
			if s.people[j] > 0 {
				w.float32(f)
			}
		}
	}
	w.number(int(m.all))
	return binary.LittleEndian.AppendUint32(w.b, crc32.Checksum(w.b, castagnoli)), nil
}

// reader reads what writer wrote; after the first thing that is not there all is zero and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// number reads a number of at most most.
func (r *reader) number(most int) int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(most) {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

// count reads how many things follow, each of at least one byte: more than there are bytes is damage, not a reason to
// ask for memory.
func (r *reader) count() int { return r.number(len(r.b)) }

func (r *reader) float32() float32 {
	b := r.take(4)
	if b == nil {
		return 0
	}
	f := math.Float32frombits(binary.LittleEndian.Uint32(b))
	if f != f || f > math.MaxFloat32 || f < -math.MaxFloat32 {
		r.bad = true
	}
	return f
}

func (r *reader) float64() float64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(b))
	if math.IsNaN(f) || math.IsInf(f, 0) {
		r.bad = true
	}
	return f
}

// texts reads a list of texts.
func (r *reader) texts() []string {
	out := make([]string, 0, r.count())
	for range cap(out) {
		out = append(out, string(r.take(r.count())))
	}
	return out
}

func rising(ts []string) bool {
	for i := 1; i < len(ts); i++ {
		if ts[i-1] >= ts[i] {
			return false
		}
	}
	return true
}

// UnmarshalBinary reads what MarshalBinary wrote; anything else is ErrModel and leaves the model empty. It keeps nothing of
// data. It must not be called on a model that is in use.
func (m *Model) UnmarshalBinary(data []byte) error {
	if m.ids != nil {
		return ErrModel
	}
	body := len(data) - 4
	if body < len(magic) || string(data[:len(magic)]) != magic && string(data[:len(magic)]) != firstOne ||
		binary.LittleEndian.Uint32(data[body:]) != crc32.Checksum(data[:body], castagnoli) {
		return ErrModel
	}
	r := &reader{b: data[len(magic):body]}
	m.read(r)
	if string(data[:len(magic)]) != firstOne {
		m.all = int32(r.number(math.MaxInt32))
		for _, n := range m.people {
			r.bad = r.bad || m.all > 0 && n > m.all
		}
	}
	if r.bad || len(r.b) != 0 {
		*m = Model{}
		return ErrModel
	}
	m.ready()
	return nil
}

func (m *Model) read(r *reader) {
	const most = math.MaxInt32
	m.k = r.number(most)
	learnt, size := binary.Varint(r.b)
	if size <= 0 {
		r.bad = true
		return
	}
	r.b = r.b[size:]
	m.learnt = person.Instant(learnt)
	for _, f := range []*float64{&m.terms.Again, &m.terms.HalfLife, &m.terms.Rare, &m.terms.Trend, &m.terms.Lambda, &m.terms.Drop, &m.terms.Memory} {
		*f = r.float64()
	}
	m.ids = r.texts()
	m.candidates = r.number(len(m.ids))
	m.columns = r.texts()
	if r.bad || m.k < 2 || !rising(m.ids[:m.candidates]) || !rising(m.ids[m.candidates:]) || !rising(m.columns) {
		r.bad = true
		return
	}
	m.marked = newSet(len(m.ids))
	for i, b := range r.take((len(m.ids) + 7) / 8) {
		for bit := range 8 {
			if b>>bit&1 == 0 {
				continue
			}
			if i*8+bit >= len(m.ids) {
				r.bad = true
				return
			}
			m.marked.add(i*8 + bit)
		}
	}
	m.readWeights(r)
	n := m.candidates
	if n > len(r.b) {
		r.bad = true
		return
	}
	m.people, m.repeat, m.recent, m.lately = make([]int32, n), make([]float32, n), make([]int32, n), make([]float32, n)
	for j := range n {
		m.people[j], m.repeat[j] = r.support(m.k, most), r.float32()
		m.recent[j], m.lately[j] = int32(r.number(most)), r.float32()
		if (m.lately[j] != 0 && int(m.recent[j]) < m.k) || m.lately[j] < 0 || m.repeat[j] < 0 {
			r.bad = true
		}
	}
	m.readSeasons(r)
}

// support reads how many people something rests on: fewer than k is no model of ours.
func (r *reader) support(k, most int) int32 {
	n := r.number(most)
	if n < k {
		r.bad = true
	}
	return int32(n)
}

func (m *Model) readWeights(r *reader) {
	sources := m.candidates + len(m.columns)
	if sources > len(r.b) {
		r.bad = true
		return
	}
	m.start = make([]int32, sources+1)
	for s := range sources {
		n := r.count()
		if r.bad || n > m.candidates || len(m.to)+n > math.MaxInt32 {
			r.bad = true
			return
		}
		last := int32(-1)
		for range n {
			step := r.number(m.candidates)
			if last+int32(step) >= int32(m.candidates) || step < 1 {
				r.bad = true
				return
			}
			last += int32(step)
			m.to = append(m.to, last)
		}
		for range n {
			m.weight = append(m.weight, r.float32())
		}
		for range n {
			m.shared = append(m.shared, r.support(m.k, math.MaxInt32))
		}
		m.start[s+1] = int32(len(m.to))
	}
}

func (m *Model) readSeasons(r *reader) {
	months := r.number(12)
	if months == 0 {
		return
	}
	if months != 12 {
		r.bad = true
		return
	}
	for range months {
		if r.bad || m.candidates > len(r.b) {
			r.bad = true
			return
		}
		s := season{lift: make([]float32, m.candidates), people: make([]int32, m.candidates)}
		for j := range m.candidates {
			s.lift[j] = 1
			if s.people[j] = int32(r.number(math.MaxInt32)); s.people[j] > 0 {
				s.lift[j] = r.float32()
				if int(s.people[j]) < m.k || !(s.lift[j] >= 1/maxLift-1e-6 && s.lift[j] <= maxLift+1e-6) {
					r.bad = true
				}
			}
		}
		m.season = append(m.season, s)
	}
}
