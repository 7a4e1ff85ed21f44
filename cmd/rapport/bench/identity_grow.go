package bench

import (
	"fmt"
	"io"
	"math"
)

// grown are the figures of a run of several sizes by which one sees what a record costs: microseconds and kilobytes of each, and with what
// power of the number of records time and memory grew since the size before: 1 is in proportion.
func grown(records int, ours []Figure, before int, were []Figure) []Figure {
	set := ours[0].Set
	out := []Figure{{Bench: "identity", Set: set, Figure: "us_per_record", Value: valueOf(ours, "seconds") / float64(records) * 1e6, Unit: "µs"},
		{Bench: "identity", Set: set, Figure: "kb_per_record", Value: valueOf(ours, "rss_mb") / float64(records) * 1024, Unit: "KB"}}
	if before == 0 {
		return out
	}
	power := func(figure string) float64 {
		return math.Log(valueOf(ours, figure)/valueOf(were, figure)) / math.Log(float64(records)/float64(before))
	}
	return append(out, Figure{Bench: "identity", Set: set, Figure: "time_power", Value: power("seconds")}, Figure{Bench: "identity", Set: set, Figure: "memory_power", Value: power("rss_mb")})
}

// valueOf finds a figure, 0 where it is not there.
func valueOf(figures []Figure, name string) float64 {
	for _, f := range figures {
		if f.Figure == name {
			return f.Value
		}
	}
	return 0
}

// PrintGrowth writes what linking costs by the number of records as a table, where several sizes were measured.
func PrintGrowth(w io.Writer, figures []Figure) error {
	bySet := map[string][]Figure{}
	var sets []string
	for _, f := range figures {
		if bySet[f.Set] == nil {
			sets = append(sets, f.Set)
		}
		bySet[f.Set] = append(bySet[f.Set], f)
	}
	head := false
	for _, set := range sets {
		of := bySet[set]
		if valueOf(of, "us_per_record") == 0 {
			continue
		}
		if !head {
			head = true
			if _, err := fmt.Fprintf(w, "\n%-10s %9s %9s %9s %9s %9s %12s %8s %8s\n", "records", "s", "cpu s", "MB", "µs each", "KB each", "compared", "time ~n^", "MB ~n^"); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "%-10s %9.1f %9.1f %9.0f %9.1f %9.2f %12.0f %8s %8s\n", set, valueOf(of, "seconds"), valueOf(of, "cpu_s"), valueOf(of, "rss_mb"), valueOf(of, "us_per_record"), valueOf(of, "kb_per_record"),
			valueOf(of, "compared"), powerOrNone(of, "time_power"), powerOrNone(of, "memory_power")); err != nil {
			return err
		}
	}
	return nil
}

func powerOrNone(figures []Figure, name string) string {
	if v := valueOf(figures, name); v != 0 {
		return fmt.Sprintf("%.2f", v)
	}
	return ""
}
