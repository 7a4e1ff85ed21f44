// Package torture says how hard the tests that attack the house try. Only tests import it.
package torture

import (
	"os"
	"strconv"
)

// Rounds is few, and many under `make torture`, which sets RAPPORT_TORTURE=1.
func Rounds(few, many int) int {
	if on, _ := strconv.ParseBool(os.Getenv("RAPPORT_TORTURE")); on {
		return many
	}
	return few
}
