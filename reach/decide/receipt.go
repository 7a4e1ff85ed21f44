package decide

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/relationship"
	"github.com/rapporthq/rapport/trust/tact"
)

// Receipt is the stored account of one decision: names, numbers and weights. It holds no words and no values of facts;
// Read makes words of it. At rest it is sealed under the person's key.
type Receipt struct {
	ID        ID
	Placement string
	At, Now   person.Instant
	Rung      person.Rung
	Level     relationship.Standing // without its sentences once it was stored
	Items     []Chosen
	Asked     int // items asked for
	Short     string
	Holds     []tact.Hold
	Charter   int
	Model     string // version of the recommender's model, empty when there was none
	Spoken    Counts // how often the placement had spoken to the person before
	Holdout   bool
	Veiled    bool // the person was named by an address only
	// Remembered says that what is shown of it may be remembered: the purpose was allowed.
	Remembered bool
	Degraded   string
}

// Chosen is one item of a receipt. The weights of its parts add up to the score.
type Chosen struct {
	Item  string
	Score float64
	Parts []Part
	Moves []Move
}

// degrade keeps the first word.
func (r *Receipt) degrade(why string) {
	if r.Degraded == "" {
		r.Degraded = why
	}
}

// has gives the item of that id, nil when it was not in the decision.
func (r *Receipt) has(item string) *Chosen {
	for i := range r.Items {
		if r.Items[i].Item == item {
			return &r.Items[i]
		}
	}
	return nil
}

// ErrReceipt says that bytes are no receipt.
var ErrReceipt = errors.New("that is not a receipt, or one of a later version")

const receiptVersion = 1

const (
	flagHoldout = 1 << iota
	flagVeiled
	flagRemembered
)

// Append writes the receipt to the end of dst, without its ID: the key of its row is the ID. Each text is written once.
func (r *Receipt) Append(dst []byte) []byte {
	w := writer{b: append(dst, receiptVersion), known: map[string]uint64{}}
	w.text(r.Placement)
	w.int(int64(r.At))
	w.int(int64(r.Now - r.At))
	w.uint(uint64(r.Rung))
	w.level(r.Level)
	w.uint(uint64(max(r.Asked, 0)))
	w.text(r.Short)
	w.uint(uint64(max(r.Charter, 0)))
	w.text(r.Model)
	w.uint(uint64(r.Spoken.Day))
	w.uint(uint64(r.Spoken.Week))
	w.uint(uint64(r.Spoken.Month))
	var flags uint64
	if r.Holdout {
		flags |= flagHoldout
	}
	if r.Veiled {
		flags |= flagVeiled
	}
	if r.Remembered {
		flags |= flagRemembered
	}
	w.uint(flags)
	w.text(r.Degraded)
	w.uint(uint64(len(r.Items)))
	for i := range r.Items {
		w.item(&r.Items[i], r.Now)
	}
	w.uint(uint64(len(r.Holds)))
	for _, h := range r.Holds {
		w.text(h.Name)
		w.uint(bit(h.Event) | bit(h.Protective)<<1)
		w.text(string(h.Reason))
		w.uint(uint64(max(h.Count, 0)))
		w.text(h.Purpose)
		w.text(h.Because)
	}
	return w.b
}

func (w *writer) level(l relationship.Standing) {
	w.uint(uint64(l.Level))
	w.uint(uint64(l.Reached))
	w.uint(uint64(max(l.Days, 0)))
	w.int(int64(l.First))
	w.int(int64(l.Last))
	w.uint(uint64(max(l.ToldUs, 0)))
	w.uint(uint64(len(l.Strained)))
	for _, s := range l.Strained {
		w.text(s.What)
		w.int(int64(s.Until))
	}
}

func (w *writer) item(c *Chosen, now person.Instant) {
	w.text(c.Item)
	w.float(c.Score)
	w.uint(uint64(len(c.Parts)))
	for _, p := range c.Parts {
		event := p.Event != (person.EventID{})
		w.uint(uint64(p.Kind)<<1 | bit(event))
		w.text(p.Name)
		if event {
			w.b = append(w.b, p.Event[:]...)
			w.text(p.Of)
		}
		w.uint(uint64(max(p.Times, 0)))
		if p.Times > 0 {
			w.int(int64(now - p.Last))
		}
		w.float(p.Weight)
	}
	w.uint(uint64(len(c.Moves)))
	for _, m := range c.Moves {
		w.uint(uint64(m.Why))
		w.uint(uint64(max(m.From, 0)))
		w.uint(uint64(max(m.To, 0)))
	}
}

// ParseReceipt reads what Append wrote, and nothing else.
func ParseReceipt(id ID, b []byte) (Receipt, error) {
	r := reader{b: b}
	if r.byte() != receiptVersion {
		return Receipt{}, ErrReceipt
	}
	out := Receipt{ID: id, Placement: r.text(), At: person.Instant(r.int())}
	out.Now = out.At + person.Instant(r.int())
	out.Rung = person.Rung(r.small(uint64(person.Individual)))
	out.Level = r.level()
	out.Asked, out.Short, out.Charter, out.Model = r.count(), r.text(), r.count(), r.text()
	out.Spoken = Counts{r.count(), r.count(), r.count()}
	flags := r.small(flagHoldout | flagVeiled | flagRemembered)
	out.Holdout, out.Veiled, out.Remembered = flags&flagHoldout != 0, flags&flagVeiled != 0, flags&flagRemembered != 0
	out.Degraded = r.text()
	for range r.length() {
		out.Items = append(out.Items, r.item(out.Now))
	}
	for range r.length() {
		h := tact.Hold{Name: r.text()}
		bits := r.small(3)
		h.Event, h.Protective = bits&1 != 0, bits&2 != 0
		h.Reason, h.Count, h.Purpose, h.Because = tact.Reason(r.text()), r.count(), r.text(), r.text()
		out.Holds = append(out.Holds, h)
	}
	if r.bad || len(r.b) != 0 {
		return Receipt{}, ErrReceipt
	}
	return out, nil
}

func (r *reader) level() relationship.Standing {
	l := relationship.Standing{Level: person.Level(r.small(uint64(person.Confidant))), Reached: person.Level(r.small(uint64(person.Confidant)))}
	l.Days, l.First, l.Last, l.ToldUs = r.count(), person.Instant(r.int()), person.Instant(r.int()), r.count()
	for range r.length() {
		l.Strained = append(l.Strained, relationship.Strained{What: r.text(), Until: person.Instant(r.int())})
	}
	return l
}

func (r *reader) item(now person.Instant) Chosen {
	c := Chosen{Item: r.text(), Score: r.float()}
	for range r.length() {
		k := r.small(uint64(PartRest)<<1 | 1)
		p := Part{Kind: PartKind(k >> 1), Name: r.text()}
		if k&1 == 1 {
			copy(p.Event[:], r.bytes(len(p.Event)))
			p.Of = r.text()
		}
		if p.Times = r.count(); p.Times > 0 {
			p.Last = now - person.Instant(r.int())
		}
		p.Weight = r.float()
		c.Parts = append(c.Parts, p)
	}
	for range r.length() {
		c.Moves = append(c.Moves, Move{MoveReason(r.small(uint64(MovedUnwanted))), r.count(), r.count()})
	}
	return c
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// writer writes numbers short and each text once: a text is its number among those before it, or 0 and itself.
type writer struct {
	b     []byte
	known map[string]uint64
}

func (w *writer) uint(n uint64)   { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) int(n int64)     { w.b = binary.AppendVarint(w.b, n) }
func (w *writer) float(f float64) { w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(f)) }

func (w *writer) text(s string) {
	if n, ok := w.known[s]; ok {
		w.uint(n)
		return
	}
	w.known[s] = uint64(len(w.known) + 1)
	w.uint(0)
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

// reader reads what writer wrote; once something is wrong everything that follows is zero.
type reader struct {
	b     []byte
	known []string
	bad   bool
}

func (r *reader) fail() { r.bad, r.b = true, nil }

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) uint() uint64 {
	n, k := binary.Uvarint(r.b)
	if k <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[k:]
	return n
}

func (r *reader) int() int64 {
	n, k := binary.Varint(r.b)
	if k <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[k:]
	return n
}

func (r *reader) float() float64 {
	b := r.bytes(8)
	if len(b) != 8 {
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(b))
	if math.IsNaN(f) || math.IsInf(f, 0) {
		r.fail()
		return 0
	}
	return f
}

// small reads a number up to most.
func (r *reader) small(most uint64) uint64 {
	n := r.uint()
	if n > most {
		r.fail()
		return 0
	}
	return n
}

func (r *reader) count() int { return int(r.small(math.MaxInt32)) }

// length reads how many follow; each takes at least one byte.
func (r *reader) length() int { return int(r.small(uint64(len(r.b)))) }

func (r *reader) text() string {
	n := r.uint()
	switch {
	case n > uint64(len(r.known)):
		r.fail()
		return ""
	case n > 0:
		return r.known[n-1]
	}
	s := string(r.bytes(int(r.small(uint64(len(r.b))))))
	r.known = append(r.known, s)
	return s
}
