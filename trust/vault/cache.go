package vault

import (
	"sync"

	"github.com/rapporthq/rapport/person"
)

const shards = 64

// rings keeps unwrapped data keys, bounded: each shard is a clock whose hand passes over what was used since it last came by.
type rings struct {
	shard [shards]ringShard
}

type ringShard struct {
	mu    sync.Mutex
	at    map[person.ID]int // index in slots
	slots []ringSlot
	hand  int
	max   int
}

type ringSlot struct {
	ring *KeyRing
	from string // the wrapped bytes it came from: what the store no longer has must not be opened from memory
	used bool
}

func newRings(max int) *rings {
	r := &rings{}
	per := (max + shards - 1) / shards
	if per < 1 {
		per = 1
	}
	for i := range r.shard {
		r.shard[i].max = per
		r.shard[i].at = make(map[person.ID]int)
	}
	return r
}

func (r *rings) of(id person.ID) *ringShard { return &r.shard[id[0]%shards] } // pseudonyms are random

func (r *rings) get(id person.ID, wrapped []byte) *KeyRing {
	s := r.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.at[id]
	if !ok || s.slots[i].from != string(wrapped) {
		return nil
	}
	s.slots[i].used = true
	return s.slots[i].ring
}

// put keeps the ring and gives the one to use: who comes second takes the first one's.
func (r *rings) put(k *KeyRing, wrapped []byte) *KeyRing {
	s := r.of(k.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.at[k.id]; ok {
		if s.slots[i].from == string(wrapped) {
			return s.slots[i].ring
		}
		s.slots[i] = ringSlot{ring: k, from: string(wrapped), used: true}
		return k
	}
	slot := ringSlot{ring: k, from: string(wrapped)}
	if len(s.slots) < s.max {
		s.at[k.id] = len(s.slots)
		s.slots = append(s.slots, slot)
		return k
	}
	for s.slots[s.hand].used {
		s.slots[s.hand].used = false
		s.hand = (s.hand + 1) % len(s.slots)
	}
	if old := s.slots[s.hand].ring; old != nil {
		delete(s.at, old.id)
	}
	s.slots[s.hand] = slot
	s.at[k.id] = s.hand
	s.hand = (s.hand + 1) % len(s.slots)
	return k
}

func (r *rings) drop(id person.ID) {
	s := r.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.at[id]
	if !ok {
		return
	}
	k := s.slots[i].ring
	k.gone.Store(true)
	delete(s.at, id)
	s.slots[i] = ringSlot{} // the hand takes an empty slot first
}

func (r *rings) len() int {
	n := 0
	for i := range r.shard {
		r.shard[i].mu.Lock()
		n += len(r.shard[i].at)
		r.shard[i].mu.Unlock()
	}
	return n
}
