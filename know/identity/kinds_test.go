package identity

import "testing"

// seeds is how many files of each kind are made.
const seeds = 1

// Files of kinds that nothing was tuned to: F1 over pairs at least so much. Where less than nearly all is asked
// for, so much is not in the file: a register of names and years has namesakes, and a record with three fields left may say nothing.
func TestFilesOfManyKindsAreLinked(t *testing.T) {
	for _, kind := range []struct {
		name  string
		make  func(seed uint64) (*Table, []int)
		least float64
	}{
		{"contacts of companies", business, 0.95},
		{"names in five alphabets", scripts, 0.95},
		{"name, year and town alone", register, 0.85},
		{"families with one of everything", families, 0.95},
		{"six of ten are duplicates", mostlyTwice, 0.98},
		{"up to fifty records of one", fifties, 0.98},
		{"in German", inGerman, 0.97},
		{"in French", inFrench, 0.97},
		{"in Spanish", inSpanish, 0.97},
		{"dates as six sources write them", manyDates, 0.97},
		{"four of ten values missing", gaps, 0.85},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(seeds) {
				table, truth := kind.make(seed + 1)
				res := link(t, table)
				f1 := judged(res.Cluster, truth)
				t.Logf("seed %d: %d records, F1 %.4f, %d compared, sizes %v", seed+1, table.Rows, f1, res.Compared, res.Sizes)
				if f1 < kind.least {
					t.Errorf("seed %d: F1 %.4f, at least %.2f is asked; columns %v", seed+1, f1, kind.least, res.Columns)
				}
			}
		})
	}
}

func TestOfCustomersWhoStandOnceNobodyIsJoined(t *testing.T) {
	for seed := range uint64(3) {
		table, _ := nobodyTwice(seed + 1)
		if res := link(t, table); res.Sizes[0].Clusters < table.Rows-2 {
			t.Errorf("seed %d: sizes %v", seed+1, res.Sizes)
		}
	}
}
