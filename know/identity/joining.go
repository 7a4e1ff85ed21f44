package identity

import (
	"cmp"
	"slices"
)

// Joining is a value that records of one cluster share.
type Joining struct {
	Field    string `json:"field"`
	Value    string `json:"value"`
	Records  int    `json:"records"`  // that share it with another one of their cluster
	Clusters int    `json:"clusters"` // in which it is shared
	Largest  int    `json:"largest"`  // records that share it in one cluster
}

const joiningShown = 20

// joining finds the values that join the most records of one cluster. Where many records hang on one value, such as a telephone
// number that a shop put in for all, this is where it shows.
func (r *records) joining(cluster []int32) []Joining {
	members := membersOf(cluster)
	var out []Joining
	look := func(field string, of []int32, values int, text func(v int32) string) {
		largest := make([]int32, values) // by value: records that share it in one cluster
		shared := func(do func(v int32, n int)) {
			var own []int32
			for _, c := range members {
				own = own[:0]
				for _, i := range c {
					own = append(own, of[i])
				}
				slices.Sort(own)
				for i := 0; i < len(own); {
					j := i
					for j < len(own) && own[j] == own[i] {
						j++
					}
					if n := j - i; n > 1 && own[i] != 0 {
						do(own[i], n)
					}
					i = j
				}
			}
		}
		shared(func(v int32, n int) { largest[v] = max(largest[v], int32(n)) })
		found := map[int32]*Joining{}
		shared(func(v int32, n int) {
			if largest[v] > 2 {
				if found[v] == nil {
					found[v] = &Joining{Field: field, Value: text(v), Largest: int(largest[v])}
				}
				found[v].Records += n
				found[v].Clusters++
			}
		})
		for _, f := range found {
			out = append(out, *f)
		}
		slices.SortFunc(out, func(a, b Joining) int {
			return cmp.Or(b.Largest-a.Largest, b.Records-a.Records, cmp.Compare(a.Field, b.Field), cmp.Compare(a.Value, b.Value))
		})
		out = out[:min(len(out), joiningShown)]
	}
	if p := r.names; p != nil {
		look("name", r.column(0), len(p.values), p.text)
	}
	for at, f := range r.fields {
		look(f.name, r.column(r.base+at), len(f.values), func(v int32) string { return f.values[v].text })
	}
	return out
}

// membersOf gives the records of each cluster of two and more; clusters are numbered from 1.
func membersOf(cluster []int32) [][]int32 {
	most := int32(0)
	for _, c := range cluster {
		most = max(most, c)
	}
	start := make([]int32, most+2)
	for _, c := range cluster {
		start[c+1]++
	}
	for c := range most + 1 {
		start[c+1] += start[c]
	}
	all := make([]int32, len(cluster))
	next := slices.Clone(start)
	for i, c := range cluster {
		all[next[c]] = int32(i)
		next[c]++
	}
	var out [][]int32
	for c := range most + 1 {
		if start[c+1]-start[c] > 1 {
			out = append(out, all[start[c]:start[c+1]])
		}
	}
	return out
}

// text is a name as its words: given name, the rest, surname.
func (p *names) text(v int32) string {
	n := &p.values[v]
	s := p.words[n.given].text
	for _, w := range append(slices.Clone(p.restOf(n)), n.surname) {
		if s != "" && w != 0 {
			s += " "
		}
		s += p.words[w].text
	}
	return s
}
