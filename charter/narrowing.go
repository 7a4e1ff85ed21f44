package charter

// Narrowing is what a charter no longer declares: what is kept of it is to be deleted.
type Narrowing struct {
	Facts      []string            // names of data that are gone
	Events     []string            // names of events that are gone
	Properties map[string][]string // by event that is still there: properties that are gone
	Purposes   []string            // purposes that are gone
}

// IsEmpty says that there is nothing to delete.
func (n Narrowing) IsEmpty() bool {
	return len(n.Facts) == 0 && len(n.Events) == 0 && len(n.Properties) == 0 && len(n.Purposes) == 0
}

// Narrowings lists what the next charter no longer declares, in the old one's order. A nil next charter declares
// nothing; a nil old one had nothing.
func Narrowings(old, next *Charter) Narrowing {
	old, next = orEmpty(old), orEmpty(next)
	n := Narrowing{
		Facts: gone(old.Order.Data, next.Data), Events: gone(old.Order.Events, next.Events), Purposes: gone(old.Order.Purposes, next.Purposes),
		Properties: map[string][]string{},
	}
	for _, name := range old.Order.Events {
		if e := next.Events[name]; e != nil {
			if lost := gone(old.Events[name].Order, e.Properties); len(lost) > 0 {
				n.Properties[name] = lost
			}
		}
	}
	return n
}

func gone[V any](order []string, next map[string]V) []string {
	var out []string
	for _, name := range order {
		if _, ok := next[name]; !ok {
			out = append(out, name)
		}
	}
	return out
}
