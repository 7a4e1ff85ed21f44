package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/cmd/rapport/bench"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/identity"
)

func identityCommand() *cobra.Command {
	var home homeOptions
	cmd := &cobra.Command{
		Use:     "identity",
		Short:   "Which records are one person's: in a file, or in a home with a steward's review",
		Example: "  rapport identity link customers.csv --out clusters.csv\n  rapport identity match --home ./shop\n  rapport identity review --home ./shop",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&home.Home, "home", os.Getenv("RAPPORT_HOME"), "the home's folder (or RAPPORT_HOME); link needs none")
	cmd.PersistentFlags().StringVar(&home.Database, "database", os.Getenv("RAPPORT_DATABASE"), "PostgreSQL URL (or RAPPORT_DATABASE)")
	cmd.AddCommand(linkCommand())
	cmd.AddCommand(stewardCommands(&home)...)
	return cmd
}

func linkCommand() *cobra.Command {
	var out string
	var columns map[string]string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "link A.csv [B.csv] --out clusters.csv",
		Short: "Find the duplicates of a CSV file, or link two files; no home needed",
		Long: "Columns are recognised by name and content, and everything else is learnt from the records: no labels, no settings.\n" +
			"The file that is written has a row for each record in the order of the input: id, cluster, weight (the mean log2 odds with\n" +
			"the others of its cluster, empty where there are none) and, of two files, file. Without a column of ids, rows are numbered from 1.\n" +
			"Fields for --map: id, ignore, given_name, surname, full_name, middle_name, date, email, phone, postcode, place, street, number,\n" +
			"code, category, text. Files may be gzipped.",
		Example: "  rapport identity link customers.csv --out clusters.csv\n  rapport identity link shop.csv loyalty.csv --out clusters.csv --map ref=ignore,tel2=phone --json",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usage{errors.New("say where the clusters go with --out FILE")}
			}
			if slices.ContainsFunc(args, func(a string) bool { return sameFile(a, out) }) {
				return usage{errors.New("--out would overwrite a file that is read; name another")}
			}
			if info, err := os.Stat(filepath.Dir(out)); err != nil || !info.IsDir() {
				return fault.New(fault.NotFound, out+" cannot be written: there is no folder "+filepath.Dir(out)+", make it first.")
			}
			began := time.Now()
			debug.SetGCPercent(linkGCPercent)
			say := terminal(cmd)
			var tables []*identity.Table
			for _, path := range args {
				t, err := readRecords(path, say)
				if err != nil {
					return err
				}
				tables = append(tables, t)
			}
			o := identity.Options{Map: map[string]identity.Kind{}, Progress: say.Progress}
			for column, field := range columns {
				o.Map[column] = identity.Kind(field)
			}
			res, err := identity.Link(cmd.Context(), tables, o)
			if err != nil {
				return err
			}
			if err := writeClusters(out, tables, res); err != nil {
				return err
			}
			report := linkReport(tables, res)
			report.Out, report.Seconds, report.PeakMB = out, time.Since(began).Seconds(), bench.PeakMB()
			if asJSON {
				say.JSON(report)
				return nil
			}
			report.print(say, res)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file for the clusters; written anew")
	cmd.Flags().StringToStringVar(&columns, "map", nil, "columns that are not what they seem: column=field,…")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as one JSON object")
	return cmd
}

// linkGCPercent makes the collector of garbage come oftener than it would by itself: what is kept of large files is mostly numbers, through
// which it need not go, and memory is what large files run out of.
const linkGCPercent = 30

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

func readRecords(path string, say *speaker) (*identity.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, path+" cannot be read.", err)
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReaderSize(f, 1<<16)
	var from io.Reader = in
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, path+" is a damaged gzip file.", err)
		}
		from = z
	}
	name := filepath.Base(path)
	return identity.ReadCSV(from, name, func(rows int) { say.Progress(name, int64(rows), 0) })
}

// recordIDs gives the name of a table's row.
func recordIDs(t *identity.Table, columns []identity.Recognised) func(row int) string {
	for _, c := range columns {
		if c.Kind == identity.ID {
			if col := t.Column(c.Column); col != nil {
				return func(row int) string { return col.Values[col.Of[row]] }
			}
		}
	}
	return func(row int) string { return strconv.Itoa(row + 1) }
}

// writeClusters writes the file beside its place first: it is there whole or not at all.
func writeClusters(path string, tables []*identity.Table, res *identity.Result) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fault.Wrap(fault.Invalid, path+" cannot be written.", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	buffer := bufio.NewWriterSize(f, 1<<16)
	w := csv.NewWriter(buffer)
	header := []string{"id", "cluster", "weight"}
	if len(tables) > 1 {
		header = append(header, "file")
	}
	err = w.Write(header)
	size := make([]int32, len(res.Cluster)+1)
	for _, c := range res.Cluster {
		size[c]++
	}
	i := 0
	for _, t := range tables {
		id := recordIDs(t, res.Columns)
		for row := range t.Rows {
			if err != nil {
				break
			}
			record := []string{id(row), strconv.Itoa(int(res.Cluster[i])), ""}
			if size[res.Cluster[i]] > 1 {
				record[2] = strconv.FormatFloat(float64(res.Weight[i]), 'f', 2, 64)
			}
			if len(tables) > 1 {
				record = append(record, t.Name)
			}
			err = w.Write(record)
			i++
		}
	}
	w.Flush()
	err = errors.Join(err, w.Error(), buffer.Flush(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fault.Wrap(fault.Invalid, path+" cannot be written.", err)
	}
	return nil
}

// linked is what rapport identity link reports.
type linked struct {
	Files      []linkedFile          `json:"files"`
	Columns    []identity.Recognised `json:"columns"`
	Fields     []identity.Line       `json:"fields"`
	Pairs      linkedPairs           `json:"pairs"`
	Thresholds map[string]float64    `json:"thresholds"` // log2 odds
	Prior      float64               `json:"prior"`
	OneToOne   bool                  `json:"oneToOne"`
	Clusters   int                   `json:"clusters"` // of one and more
	Persons    int                   `json:"joined"`   // of two and more
	Largest    int                   `json:"largest"`
	Sizes      []identity.Size       `json:"sizes"`
	Joining    []identity.Joining    `json:"joining"`
	Out        string                `json:"out"`
	Seconds    float64               `json:"seconds"`
	PeakMB     float64               `json:"peakMB"`
}

type linkedFile struct {
	Name    string `json:"name"`
	Records int    `json:"records"`
}

type linkedPairs struct {
	Possible float64 `json:"possible"`
	Compared int64   `json:"compared"`
	Sure     int64   `json:"sure"`
	Review   int64   `json:"review"`
}

func linkReport(tables []*identity.Table, res *identity.Result) linked {
	r := linked{Columns: res.Columns, Fields: res.Lines, Pairs: linkedPairs{res.Possible, res.Compared, res.Sure, res.Doubtful},
		Thresholds: map[string]float64{"sure": identity.Sure, "review": identity.Review, "cluster": identity.Cut},
		Prior:      res.Prior, OneToOne: res.OneToOne, Sizes: res.Sizes, Joining: res.Joining}
	for _, t := range tables {
		r.Files = append(r.Files, linkedFile{t.Name, t.Rows})
	}
	for _, s := range res.Sizes {
		r.Clusters += s.Clusters
		r.Largest = max(r.Largest, s.Records)
		if s.Records > 1 {
			r.Persons += s.Clusters
		}
	}
	return r
}

func (r linked) print(say *speaker, res *identity.Result) {
	for _, f := range r.Files {
		say.Printf("%s: %d records\n", f.Name, f.Records)
	}
	say.Printf("\nColumns:\n")
	for _, c := range r.Columns {
		say.Printf("  %-24s %-12s by %s\n", c.Column, c.Kind, c.By)
	}
	say.Printf("\nWhat agreement weighs (log2 odds; where a value's own frequency counts, rarer ones weigh more), beginning from %.1f:\n", r.Prior)
	for _, l := range r.Fields {
		say.Printf("  %-16s", l.Name)
		for _, v := range l.Levels {
			say.Printf(" %s %+.1f", v.Name, v.Weight)
		}
		say.Printf("\n")
	}
	say.Printf("\nPairs: %.0f possible, %d compared; %d sure (from %.2f on, one in a hundred false at most), %d to review (from %.2f on)\n",
		r.Pairs.Possible, r.Pairs.Compared, r.Pairs.Sure, identity.Sure, r.Pairs.Review, identity.Review)
	if r.OneToOne {
		say.Printf("Neither file has duplicates in itself: linked one to one.\n")
	}
	say.Printf("Clusters: %d, of which %d have two records or more; the largest has %d\n", r.Clusters, r.Persons, r.Largest)
	for _, s := range r.Sizes {
		say.Printf("  %6d of %d\n", s.Clusters, s.Records)
	}
	if len(r.Joining) > 0 {
		say.Printf("Values that join the most records:\n")
		for _, j := range r.Joining[:min(10, len(r.Joining))] {
			say.Printf("  %-16s %-30s %d records in %d clusters, %d in one\n", j.Field, j.Value, j.Records, j.Clusters, j.Largest)
		}
	}
	say.Printf("\n%s written: %.1f s, %.0f MB\n", r.Out, r.Seconds, r.PeakMB)
}
