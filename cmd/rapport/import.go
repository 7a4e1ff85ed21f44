package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/know/collect"
)

func init() { register("import", runImport) }

type importArgs struct {
	Source  string
	As      string            // empty: each file by its name
	Columns map[string]string // of --map
	Event   string
	Files   []string
	Dry     bool
	Again   bool
	JSON    bool
}

func importCommand() *cobra.Command {
	var home homeOptions
	var args importArgs
	cmd := &cobra.Command{
		Use:   "import --home DIR --source NAME --as KIND FILE…",
		Short: "Bring files through the gate: CSV or JSON Lines",
		Long: "Kinds: people, events, items, choices, complaints. A file without --as is of the kind that its name begins with; of\n" +
			"several files items and choices come first. An import that was interrupted goes on where it was; a file brought\n" +
			"twice changes nothing. --map gives columns of CSV the names that Rapport knows (userId, timestamp, product_id, …) or\n" +
			"the charter's; '#' stands for the number of the line.",
		Example: "  rapport import --home ./shop --source tills --as events orders.jsonl\n  rapport import --home ./shop --source signup --as people people.csv --dry-run\n" +
			"  rapport import --home ./shop --as events --event 'Order Completed' --map CustomerID=userId,Day=timestamp,Sku=product_id sales.csv",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			for _, f := range files {
				path, err := filepath.Abs(f)
				if err != nil {
					return err
				}
				args.Files = append(args.Files, path)
			}
			return perform(cmd.Context(), home, "import", args, terminal(cmd))
		},
	}
	homeFlags(cmd.Flags(), &home)
	f := cmd.Flags()
	f.StringVar(&args.Source, "source", "", "the charter's name of the source (may be left out when it names one server only)")
	f.StringVar(&args.As, "as", "", "people, events, items, choices or complaints (default: by the file's name, else events)")
	f.StringToStringVar(&args.Columns, "map", nil, "columns of CSV and what they are: column=field,…")
	f.StringVar(&args.Event, "event", "", "the charter's name of the event, for a file without a column event")
	f.BoolVar(&args.Dry, "dry-run", false, "say what would be kept and what would fall, and keep nothing")
	f.BoolVar(&args.Again, "again", false, "begin at the beginning although the file was brought before")
	f.BoolVar(&args.JSON, "json", false, "print the report as JSON, one object a file")
	return cmd
}

func runImport(ctx context.Context, h *house, args importArgs, say *speaker) error {
	c := h.charter()
	if args.Source == "" {
		if args.Source = onlyServer(c); args.Source == "" {
			return fault.New(fault.Invalid, "Say where the files come from with --source; the charter names "+strings.Join(c.Order.Sources, ", ")+".")
		}
	}
	if s := c.Sources[args.Source]; s == nil {
		return fault.New(fault.Invalid, "The charter names no source "+args.Source+"; it names "+strings.Join(c.Order.Sources, ", ")+".")
	}
	if args.Event != "" && c.Events[args.Event] == nil {
		return fault.New(fault.Invalid, "The charter names no event "+args.Event+"; it names "+strings.Join(c.Order.Events, ", ")+".")
	}
	items := false
	files := inOrder(args.As, args.Files)
	if args.Dry && len(files) > 1 && slices.ContainsFunc(files, func(f kindFile) bool { return f.as == collect.Choices }) && !args.JSON {
		say.Printf("Each file is judged by what the home holds now: choices that are only tried permit nothing yet.\n")
	}
	for _, f := range files {
		path := f.path
		args.As = string(f.as)
		items = items || f.as == collect.Items
		rep, err := h.importFile(ctx, args, path, func(done, total int64) { say.Progress(filepath.Base(path), done, total) })
		switch {
		case err != nil && rep.Lines == 0: // nothing became of it: the error says why
		case args.JSON:
			say.JSON(rep)
		default:
			sayReport(say, filepath.Base(path), rep)
		}
		if err != nil {
			return err
		}
	}
	if items && !args.Dry {
		if err := h.follow(ctx); err != nil {
			return err
		}
	}
	return h.fold(ctx)
}

// kindFile is a file and what its lines are.
type kindFile struct {
	as   collect.Kind
	path string
}

// inOrder gives each file its kind, by its name where none was said, and the order in which they can be judged: what people
// chose before what they did.
func inOrder(as string, files []string) []kindFile {
	order := []collect.Kind{collect.Items, collect.Choices, collect.People, collect.Events, collect.Complaints}
	out := make([]kindFile, len(files))
	for i, path := range files {
		out[i] = kindFile{collect.Kind(as), path}
		if as == "" {
			out[i].as = collect.Events
			for _, k := range order {
				if strings.HasPrefix(strings.ToLower(filepath.Base(path)), string(k)) {
					out[i].as = k
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b kindFile) int { return slices.Index(order, a.as) - slices.Index(order, b.as) })
	return out
}

// onlyServer is the charter's one source that is a server's, empty when there are several or none.
func onlyServer(c *charter.Charter) string {
	found := ""
	for _, s := range c.Sources {
		if s.Kind == "server" {
			if found != "" {
				return ""
			}
			found = s.Name
		}
	}
	return found
}

func (h *house) importFile(ctx context.Context, args importArgs, path string, progress func(done, total int64)) (collect.Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return collect.Report{}, fault.Wrap(fault.NotFound, path+" cannot be read.", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return collect.Report{}, err
	}
	if info.IsDir() {
		return collect.Report{}, fault.New(fault.Invalid, path+" is a folder; name the files in it.")
	}
	im := collect.Import{Gate: h.gate, Settings: h.store, Source: args.Source, As: collect.Kind(args.As), Columns: args.Columns, Event: args.Event, Dry: args.Dry, Again: args.Again, Progress: progress,
		Items: h.takeItems(args.Dry)}
	return im.Run(ctx, f, info.Size())
}

// takeItems puts the lines of an items file into the catalogue; lines that are no item are said and left.
func (h *house) takeItems(dry bool) func(ctx context.Context, lines []collect.Line) ([]collect.Problem, error) {
	return func(ctx context.Context, lines []collect.Line) ([]collect.Problem, error) {
		var problems []collect.Problem
		items := make([]catalogue.Item, 0, len(lines))
		for _, l := range lines {
			var it catalogue.Item
			var err error
			if l.JSON != nil {
				it, err = catalogue.ReadItem(l.JSON)
			} else {
				it, err = catalogue.ReadRow(l.Fields)
			}
			if err != nil {
				problems = append(problems, collect.Problem{Line: l.Number, Reason: err.Error()})
				continue
			}
			items = append(items, it)
		}
		if dry || len(items) == 0 {
			return problems, nil
		}
		_, err := h.store.PutItems(ctx, items)
		return problems, err
	}
}

func sayReport(say *speaker, name string, rep collect.Report) {
	if rep.Before {
		say.Printf("%s was brought before; nothing was done. (--again begins anew.)\n", name)
		return
	}
	nobody := ""
	if rep.Nobody > 0 {
		nobody = fmt.Sprintf(", %d name nobody", rep.Nobody)
	}
	say.Printf("%s: %d lines, %d kept, %d refused by the charter, %d could not be read%s.\n", name, rep.Lines, rep.Kept, rep.Refused, rep.Bad, nobody)
	if rep.Latin > 0 {
		say.Printf("  %d lines were not UTF-8 and were read as Windows-1252.\n", rep.Latin)
	}
	counts := append([]collect.Refusal(nil), rep.Counts...)
	sort.Slice(counts, func(i, j int) bool { return counts[i].Count > counts[j].Count })
	var reasons []collect.Reason
	for i, c := range counts {
		if i == 20 {
			say.Printf("  … and %d more kinds of refusals\n", len(counts)-i)
			break
		}
		what := c.Event
		if c.Field != "" {
			what += "." + c.Field
		}
		say.Printf("  %-17s %-40s %d\n", c.Reason, what, c.Count)
		if !slices.Contains(reasons, c.Reason) {
			reasons = append(reasons, c.Reason)
		}
	}
	for _, r := range reasons {
		say.Printf("  %s: %s.\n", r, r.Words())
	}
	for i, p := range rep.Problems {
		if i == 10 {
			say.Printf("  … and %d more such lines\n", rep.Bad+rep.Nobody-10)
			break
		}
		say.Printf("  line %d: %s\n", p.Line, p.Reason)
	}
}
