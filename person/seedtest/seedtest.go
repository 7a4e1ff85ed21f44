// Package seedtest makes tests that draw at random draw the same each time: the same tree passes or fails everywhere alike, and
// what lands is not a matter of luck. A test package that draws imports it. With RAPPORT_TORTURE set every run draws
// anew and says from what; -rapid.seed chooses by hand.
package seedtest

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"

	_ "pgregory.net/rapid" // its flags are there before init looks for them
)

// known is what is drawn from where nothing else is asked for.
const known = 20261122

func init() {
	if os.Getenv("RAPPORT_TORTURE") == "" {
		if err := flag.Set("rapid.seed", strconv.Itoa(known)); err != nil {
			panic(err)
		}
	}
}

// Seed is what a test that does not use rapid draws from; the test prints it.
func Seed() uint64 {
	if os.Getenv("RAPPORT_TORTURE") == "" {
		return known
	}
	return rand.Uint64()
}
