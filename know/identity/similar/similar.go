// Package similar says how alike two strings are: edit distances and the Jaro-Winkler similarity, counted in runes, without
// allocating. It promises the values of the published definitions, for any input: bytes that are no UTF-8 count as one
// replacement rune each, as in a conversion to []rune. It does not fold case or strip marks; that is the caller's business.
package similar

import (
	"sync"
	"unicode/utf8"
)

// short is how many runes are compared on the stack; longer strings borrow their room.
const short = 64

// room is what a comparison needs beside its strings.
type room struct {
	a, b     []rune
	rows     []int32
	inA, inB []bool
}

var rooms = sync.Pool{New: func() any { return new(room) }}

func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, 2*n)
	}
	return s[:n]
}

// runes writes the runes of s to dst, which is long enough, and gives what it wrote.
func runes(dst []rune, s string) []rune {
	n := 0
	for _, r := range s {
		dst[n] = r
		n++
	}
	return dst[:n]
}

// trimmed cuts off what both begin and end with: no edit is needed there. It cuts between runes only.
func trimmed(a, b string) (string, string) {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && (n < len(a) && !utf8.RuneStart(a[n]) || n < len(b) && !utf8.RuneStart(b[n])) {
		n--
	}
	a, b = a[n:], b[n:]
	n = 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] && a[len(a)-1-n] < utf8.RuneSelf {
		n++
	}
	return a[:len(a)-n], b[:len(b)-n]
}

// Levenshtein is the least number of runes inserted, deleted or replaced that makes a into b (Levenshtein 1966).
func Levenshtein(a, b string) int { return distance(a, b, false, -1) }

// Distance is Levenshtein's with two neighbouring runes that changed places counted as one edit: optimal string alignment,
// in which no part is edited twice (Boytsov 2011, section 2).
func Distance(a, b string) int { return distance(a, b, true, -1) }

// Within is Distance where that is at most k, and k+1 otherwise, found sooner.
func Within(a, b string, k int) int {
	return min(distance(a, b, true, k), k+1)
}

func distance(a, b string, swaps bool, limit int) int {
	if a == b {
		return 0
	}
	a, b = trimmed(a, b)
	if len(a) <= short && len(b) <= short {
		var ra, rb [short]rune
		var rows [3 * (short + 1)]int32
		return align(runes(ra[:], a), runes(rb[:], b), rows[:], swaps, limit)
	}
	r := rooms.Get().(*room)
	r.a, r.b = runes(grown(r.a, len(a)), a), runes(grown(r.b, len(b)), b)
	r.rows = grown(r.rows, 3*(len(r.b)+1))
	d := align(r.a, r.b, r.rows, swaps, limit)
	rooms.Put(r)
	return d
}

// align fills the table of distances of all beginnings, three rows at a time. With a limit it stops where all of a row is beyond it.
func align(a, b []rune, rows []int32, swaps bool, limit int) int {
	if limit >= 0 && (len(a)-len(b) > limit || len(b)-len(a) > limit) {
		return limit + 1
	}
	width := len(b) + 1
	before, last, row := rows[:width], rows[width:2*width], rows[2*width:3*width]
	for j := range last {
		last[j] = int32(j)
	}
	for i, x := range a {
		row[0] = int32(i + 1)
		least := row[0]
		for j, y := range b {
			d := last[j]
			if x != y {
				d = min(d, last[j+1], row[j]) + 1
				if swaps && i > 0 && j > 0 && x == b[j-1] && y == a[i-1] {
					d = min(d, before[j-1]+1)
				}
			}
			row[j+1] = d
			least = min(least, d)
		}
		if limit >= 0 && int(least) > limit && (!swaps || i > 0 && int(least) > limit+1) {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return int(last[len(b)])
}

// Jaro is the similarity of Jaro (1989) in [0, 1]: runes count as common when they stand at most half the longer length less
// one apart, and half of the common runes that stand in another order, rounded down, count against. Two empty strings are 1, one is 0.
func Jaro(a, b string) float64 {
	if len(a) <= short && len(b) <= short {
		var ra, rb [short]rune
		var inA, inB [short]bool
		return jaro(runes(ra[:], a), runes(rb[:], b), inA[:], inB[:])
	}
	r := rooms.Get().(*room)
	r.a, r.b = runes(grown(r.a, len(a)), a), runes(grown(r.b, len(b)), b)
	r.inA, r.inB = grown(r.inA, len(r.a)), grown(r.inB, len(r.b))
	clear(r.inA)
	clear(r.inB)
	s := jaro(r.a, r.b, r.inA, r.inB)
	rooms.Put(r)
	return s
}

// JaroWinkler is Jaro raised by a tenth of what is missing to 1 for each of up to four runes that both begin with, where Jaro
// is above 0.7 (Winkler 1990).
func JaroWinkler(a, b string) float64 {
	s := Jaro(a, b)
	if s <= 0.7 {
		return s
	}
	same := 0
	for i, x := range a {
		y, _ := utf8.DecodeRuneInString(b[min(i, len(b)):])
		if x != y || same == 4 || i >= len(b) {
			break
		}
		same++
	}
	return s + float64(same)*0.1*(1-s)
}

func jaro(a, b []rune, inA, inB []bool) float64 {
	if len(a) == 0 || len(b) == 0 {
		if len(a) == len(b) {
			return 1
		}
		return 0
	}
	reach := max(0, max(len(a), len(b))/2-1)
	common := 0
	for i, x := range a {
		for j := max(0, i-reach); j < min(len(b), i+reach+1); j++ {
			if !inB[j] && x == b[j] {
				inA[i], inB[j] = true, true
				common++
				break
			}
		}
	}
	if common == 0 {
		return 0
	}
	moved, j := 0, 0
	for i, x := range a {
		if !inA[i] {
			continue
		}
		for !inB[j] {
			j++
		}
		if x != b[j] {
			moved++
		}
		j++
	}
	m := float64(common)
	return (m/float64(len(a)) + m/float64(len(b)) + (m-float64(moved/2))/m) / 3
}
