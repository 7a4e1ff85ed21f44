package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// standIn is a folder with what passes for the reference: it links the first two records of the first file, and the third with the
// fourth, and says that it took 100 MB.
func standIn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	script := `#!/bin/sh
[ "$1" = -c ] && exit 0
grep -q DuckDBAPI "$1" && [ "$2" = febrl ] || exit 1
printf 'a,b\n0:1,0:2\n0:3,0:4\n' > "$3/links.csv"
printf 'r,c\n0:1,x\n0:2,x\n0:3,y\n0:4,z\n' > "$3/clusters.csv"
echo '{"peakMB":100}'
`
	if err := os.WriteFile(filepath.Join(dir, "bin", "python"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheReferencesFiguresStandBesideOurs(t *testing.T) {
	o := Options{Dir: t.TempDir(), Against: "splink=" + standIn(t), Log: t.Logf}
	s, err := openSplink(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p := &people{set: "100k", truth: []string{"ann", "ann", "ann", "bob"}, rows: []int{4}}
	ours := []Figure{{Figure: "f1", Value: 1}, {Figure: "rss_mb", Value: 50}, {Figure: "compared", Value: 7}}
	figures, err := s.against(t.Context(), o, p, []string{"records-1.csv"}, ours)
	if err != nil {
		t.Fatal(err)
	}
	// Three pairs are true. Of its links one of two is, F1 .4; of its clusters' one pair one is, F1 .5, which is the better.
	want := map[string]float64{"f1": 1, "splink_f1_links": 0.4, "splink_f1_clusters": 0.5, "splink_rss_mb": 100}
	for _, f := range figures {
		if w, ok := want[f.Figure]; ok && f.Value != w {
			t.Errorf("%s is %v, expected %v", f.Figure, f.Value, w)
		}
		delete(want, f.Figure)
	}
	if len(want) > 0 || figures[0].Ratio != 2 || figures[0].Baseline != "Splink 5.0.0" || figures[1].Ratio != 0.5 || figures[2].Baseline != "" {
		t.Errorf("missing %v, figures %+v", want, figures[:3])
	}
}

func TestWhyThereIsNoReferenceIsOneSentence(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for against, says := range map[string]string{"splink=" + filepath.Join(t.TempDir(), "none"): "there is no python3 on this machine", "dedupe": "--against splink"} {
		_, err := openSplink(t.Context(), Options{Dir: t.TempDir(), Against: against, Log: t.Logf})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("--against %s: %v", against, err)
		}
	}
}

func TestGrowthIsATableOfTheSizesThatWereMeasured(t *testing.T) {
	of := func(set string, seconds, mb float64) []Figure {
		return []Figure{{Set: set, Figure: "seconds", Value: seconds}, {Set: set, Figure: "rss_mb", Value: mb}}
	}
	small, large := of("100k", 2, 100), of("1m", 40, 1000)
	small = append(small, grown(100_000, small, 0, nil)...)
	large = append(large, grown(1_000_000, large, 100_000, small)...)
	if us, power := valueOf(large, "us_per_record"), valueOf(large, "time_power"); us != 40 || fmt.Sprintf("%.3f %.3f", power, valueOf(large, "memory_power")) != "1.301 1.000" {
		t.Errorf("%v µs a record, power %v", us, power)
	}
	var out strings.Builder
	if err := PrintGrowth(&out, append(small, large...)); err != nil || strings.Count(out.String(), "\n") != 4 || !strings.Contains(out.String(), "1.30") {
		t.Errorf("%v\n%s", err, out.String())
	}
	out.Reset()
	if err := PrintGrowth(&out, of("febrl4", 1, 1)); err != nil || out.Len() > 0 {
		t.Errorf("a table of nothing: %v %q", err, out.String())
	}
}
