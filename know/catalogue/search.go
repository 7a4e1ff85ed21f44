package catalogue

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// spoken is what may be searched for in all items together, in small letters: one line for each part of an item, and a zero
// byte after the last part. It is made by the first search, and an item costs as many bytes as its words.
type spoken struct {
	once  sync.Once
	text  string
	start []int // by item: where its first line begins
}

// Search finds the items of which every word of the query stands in the id, name, department, category, type, brand or tags,
// whole or in part, in the order of the ids. It gives at most `most` of them, and how many there are. No word finds everything.
func (s *Shelf) Search(query string, most int) (found []*Item, all int) {
	words := strings.Fields(strings.ToLower(strings.ReplaceAll(query, "\x00", " ")))
	if len(words) == 0 {
		for i := range s.items[:min(most, len(s.items))] {
			found = append(found, &s.items[i])
		}
		return found, len(s.items)
	}
	s.spoken.once.Do(s.speak)
	// The longest word is looked for in all items at once, for it has the fewest; the others in those items only.
	rare := slices.MaxFunc(words, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	text, start := s.spoken.text, s.spoken.start
	for at, i := 0, 0; at < len(text); {
		hit := strings.Index(text[at:], rare)
		if hit < 0 {
			break
		}
		for hit += at; i+1 < len(start) && start[i+1] <= hit; {
			i++
		}
		if at = len(text); i+1 < len(start) {
			at = start[i+1]
		}
		of := text[start[i]:at]
		if slices.ContainsFunc(words, func(w string) bool { return w != rare && !strings.Contains(of, w) }) {
			continue
		}
		if all++; len(found) < most {
			found = append(found, &s.items[i])
		}
	}
	return found, all
}

func (s *Shelf) speak() {
	var b strings.Builder
	start := make([]int, len(s.items))
	for i := range s.items {
		it := &s.items[i]
		start[i] = b.Len()
		for _, part := range [...]string{it.ID, it.Name, it.Department, it.Category, it.Type, it.Brand} {
			b.WriteString(strings.ToLower(part))
			b.WriteByte('\n')
		}
		for _, tag := range it.Tags {
			b.WriteString(strings.ToLower(tag))
			b.WriteByte('\n')
		}
		b.WriteByte(0)
	}
	s.spoken.text, s.spoken.start = b.String(), start
}
