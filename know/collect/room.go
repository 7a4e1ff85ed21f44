package collect

// room hands out short slices that live as long as one attempt, so that who is remembered is brought back without garbage.
type room[T any] struct {
	parts [][]T // each of roomPart; never moved, for pointers into them are held
	used  int   // of the last part that was begun
	at    int   // which that is
}

const (
	roomPart  = 128
	roomParts = 64 // kept for the next attempt
)

// take gives room for n, holding what was left there by an earlier attempt.
func (r *room[T]) take(n int) []T {
	if n > roomPart {
		return make([]T, n)
	}
	if len(r.parts) == 0 || r.used+n > roomPart {
		if len(r.parts) > 0 {
			r.at++
		}
		if r.at >= len(r.parts) {
			r.parts = append(r.parts, make([]T, roomPart))
			r.at = len(r.parts) - 1
		}
		r.used = 0
	}
	out := r.parts[r.at][r.used : r.used+n : r.used+n]
	r.used += n
	return out
}

// end takes everything back; clean empties each element.
func (r *room[T]) end(clean func(*T)) {
	for p := 0; p < len(r.parts) && p <= r.at; p++ {
		for i := range r.parts[p] {
			if p == r.at && i == r.used {
				break
			}
			clean(&r.parts[p][i])
		}
	}
	if len(r.parts) > roomParts {
		r.parts = r.parts[:roomParts:roomParts]
	}
	r.at, r.used = 0, 0
}
