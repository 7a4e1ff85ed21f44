package page

import "math"

// Bar is one reason of a score as a picture: how long its bar is, on the scale of the largest among them.
type Bar struct {
	Text   string
	Weight float64
	Width  float64 // in hundredths of the largest
	Minus  bool    // it lowered the score
}

// Bars lays reasons on one scale, so that their lengths can be compared by eye. n is how many there are; reason gives the
// i-th with its weight.
func Bars(n int, reason func(i int) (text string, weight float64)) []Bar {
	out := make([]Bar, n)
	largest := 0.0
	for i := range out {
		out[i].Text, out[i].Weight = reason(i)
		out[i].Minus = out[i].Weight < 0
		largest = math.Max(largest, math.Abs(out[i].Weight))
	}
	for i := range out {
		if largest > 0 {
			out[i].Width = math.Round(math.Abs(out[i].Weight)/largest*1000) / 10
		}
	}
	return out
}
