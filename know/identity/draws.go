package identity

// draws is a small generator of numbers that are always the same: the package gives the same answer for the same records
// (SplitMix64, Steele et al. 2014).
type draws struct{ state uint64 }

func (d *draws) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below draws a number below n, which is positive and far below 2^32.
func (d *draws) below(n int) int { return int(d.next() >> 32 * uint64(n) >> 32) }

// order draws an order of the numbers below n.
func (d *draws) order(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		j := d.below(i + 1)
		out[i], out[j] = out[j], out[i]
	}
	return out
}
