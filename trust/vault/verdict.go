package vault

import (
	"github.com/rapporthq/rapport/person"
)

// verdict is what was said of one value of a fact.
type verdict struct {
	name  string // of the fact; empty: nobody knows, so it may be any
	mark  mark
	all   bool          // it could not be read, and is about every value of the name
	doubt person.Doubts // why the value is doubted; 0: it was said to be right
	own   bool          // the person said it
	at    person.Instant
}

// SealVerdict seals what was said of a value of a fact: a doubt (Bounced, Returned, Disputed), or 0 that it is right. It holds for that value
// whoever says it again, until something later is said of it; what the person said in their own session is not overruled by anybody
// else. The value itself is not in it.
func (k *KeyRing) SealVerdict(name, value string, doubt person.Doubts, own bool, at person.Instant) Row {
	s := scratches.Get().(*scratch)
	defer s.free()
	m := k.v.mark(name, value)
	s.head = putVerdict(s.head, name, m, doubt, own)
	who := "others"
	if own {
		who = "self"
	}
	return k.row(s, VerdictRow, k.v.Name(VerdictRow, name, who+string(k.id[:])+string(m[:])), at, false)
}

// mark is the keyed hash of a value of a fact. It is the same whoever's the fact is, so that it finds its fact after a join; it is only ever
// kept sealed.
func (v *Vault) mark(name, value string) mark {
	h := v.names.pair("value", name, value)
	return mark(h[:8])
}

func putVerdict(dst []byte, name string, m mark, doubt person.Doubts, own bool) []byte {
	dst = append(append(dst, headVersion, bits(own)), m[:]...)
	return putString(putUnsigned(dst, uint64(doubt)), name)
}

func readVerdict(s string, at person.Instant) (verdict, error) {
	r := reader{s: s}
	if r.byte() != headVersion {
		return verdict{}, errCodec
	}
	b := r.byte()
	v := verdict{own: b == 1, at: at}
	if b > 1 || len(r.s) < len(v.mark) {
		return verdict{}, errCodec
	}
	copy(v.mark[:], r.s)
	r.s = r.s[len(v.mark):]
	v.doubt = r.doubts()
	v.name = r.string()
	if v.name == "" {
		return verdict{}, errCodec
	}
	return v, r.end()
}

// judgeFacts lets what was said of a value be in force for each fact that has it.
func (r *Record) judgeFacts() {
	if len(r.verdicts) == 0 {
		return
	}
	for i := range r.Facts {
		h := &r.Facts[i]
		var last *verdict
		for k := range r.verdicts {
			v := &r.verdicts[k]
			if (v.name != "" && v.name != h.Name) || !v.all && v.mark != r.marked[i] {
				continue
			}
			if last == nil || v.outranks(last) {
				last = v
			}
		}
		switch {
		case last == nil || h.Unreadable:
		case last.doubt == 0:
			h.Quality, h.Doubts, h.Confirmed = 1, 0, last.at
		default:
			h.Doubts |= last.doubt
			h.Quality *= last.doubt.Quality()
		}
	}
}

// Says says whether a fact of that name has that value, in the form in which it is kept, without opening any.
func (r *Record) Says(name, value string) bool {
	m := r.v.mark(name, value)
	for i := range r.Facts {
		if r.Facts[i].Name == name && r.marked[i] == m {
			return true
		}
	}
	return false
}

// Judged is when anything was last said of a value of the fact of that name; 0: never.
func (r *Record) Judged(name string) person.Instant {
	var last person.Instant
	for i := range r.verdicts {
		if r.verdicts[i].name == name {
			last = max(last, r.verdicts[i].at)
		}
	}
	return last
}

// SameValue says whether the i-th and the j-th of Facts have the same value, without opening either. Facts of one name only can be the same;
// of facts that were kept before values had marks it says no.
func (r *Record) SameValue(i, j int) bool { return r.marked[i] == r.marked[j] && r.marked[i] != mark{} }

// outranks says whether a verdict holds against another on the same value: one that cannot be read, then the person's own, then the later,
// and doubt where two are equally late.
func (v *verdict) outranks(o *verdict) bool {
	switch {
	case v.all != o.all:
		return v.all
	case v.own != o.own:
		return v.own
	case v.at != o.at:
		return v.at > o.at
	}
	return v.doubt.Quality() < o.doubt.Quality()
}
