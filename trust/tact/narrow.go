package tact

// Narrow is the permit for these facts alone, by name: no events, no sensitive lines, and nothing that it did not allow before.
// A decision that needs the protective facts only opens nothing else.
func (p Permit) Narrow(facts ...string) Permit {
	n := p
	n.all, n.items, n.events = false, nil, nil
	n.facts = map[string]bool{}
	for _, f := range facts {
		if p.all || p.facts[f] {
			n.facts[f] = true
		}
	}
	if p.heads != nil {
		h := &passed{facts: p.heads.facts, factPass: make([]bool, len(p.heads.factPass))}
		for i, ok := range p.heads.factPass {
			name := p.heads.facts[i].Name
			if ok && contains(facts, name) {
				h.factPass[i] = true
				if !contains(h.fields, name) {
					h.fields = append(h.fields, name)
				}
			}
		}
		n.heads = h
	}
	return n
}
