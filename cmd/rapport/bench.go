package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/cmd/rapport/bench"
	"github.com/rapporthq/rapport/fault"
)

func benchCommand() *cobra.Command {
	var o bench.Options
	var asJSON bool
	var runs int
	var most time.Duration
	cmd := &cobra.Command{
		Use:     "bench collect|decide|import|identity|ledger|erase|grow|pages",
		Short:   "Measure this machine: a served home under load, beside a bare server under the same load",
		Example: "  rapport bench collect --quick\n  rapport bench decide --json\n  rapport bench pages --quick",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().BoolVar(&o.Quick, "quick", false, "smaller and shorter, under 40 seconds (pages: a minute); the sets say so")
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "print one JSON object a figure")
	cmd.PersistentFlags().IntVar(&runs, "runs", 1, "how often to measure: the medians are printed, with the least and the largest")
	cmd.PersistentFlags().DurationVar(&most, "at-most", time.Hour, "after how long a bench is given up; what it has measured by then is printed")
	cmd.PersistentFlags().StringVar(&o.Set, "set", "", "a named size: decide, ledger and erase have 1m, collect has 5m (five minutes), identity has febrl4, fresh, historical, 100k, 1m and 5m (eight minutes)")
	cmd.PersistentFlags().StringVar(&o.Against, "against", "", "identity: link the same files with a reference in the same run: splink (put into the user's cache with Python), or splink=FOLDER")
	cmd.PersistentFlags().StringVar(&o.Home, "home", "", "decide, grow, erase --set 1m: make the homes there and leave them, or take those that are there")
	cmd.PersistentFlags().StringVar(&o.Database, "database", os.Getenv("RAPPORT_DATABASE"), "measure on this PostgreSQL (an empty database) instead of SQLite")
	run := func(name, short string, measure func(ctx context.Context, o bench.Options) ([]bench.Figure, error)) *cobra.Command {
		return &cobra.Command{Use: name, Short: short, Example: "  rapport bench " + name + " --quick", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Binary, err = os.Executable(); err != nil {
				return err
			}
			o.Log = func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) }
			if runs > 1 && o.Database != "" {
				return usage{errors.New("several runs on PostgreSQL each need an empty database: give --runs 1")}
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), most)
			defer cancel()
			var all [][]bench.Figure
			for n := 0; n < max(runs, 1) && err == nil; n++ {
				if runs > 1 {
					o.Log("run %d of %d", n+1, runs)
				}
				var figures []bench.Figure
				figures, err = apart(ctx, o, measure)
				all = append(all, figures)
			}
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				err = fault.Wrap(fault.Unavailable, fmt.Sprintf("The bench had not ended after %v: give it more with --at-most, or take --quick or a smaller --set.", most), err)
			}
			figures := bench.Measured(bench.Median(all), bench.Machine(), time.Now().UTC().Format(time.DateOnly))
			if printed := bench.Print(cmd.OutOrStdout(), figures, asJSON); err == nil {
				err = printed
			}
			if err == nil && name == "identity" && !asJSON {
				err = bench.PrintGrowth(cmd.OutOrStdout(), figures)
			}
			return err
		}}
	}
	compare := &cobra.Command{Use: "compare FILE", Short: "Say what moved since the figures in FILE; the new ones come by standard input", Args: cobra.ExactArgs(1),
		Example: "  rapport bench collect --json | rapport bench compare docs/figures.jsonl",
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return fault.Wrap(fault.NotFound, args[0]+" cannot be read.", err)
			}
			defer func() { _ = f.Close() }()
			before, err := bench.Read(f)
			if err != nil {
				return err
			}
			now, err := bench.Read(cmd.InOrStdin())
			if err != nil {
				return err
			}
			_, err = bench.Compare(cmd.OutOrStdout(), before, now)
			return err
		}}
	draw := &cobra.Command{Use: "draw", Short: "Draw the figures of bench grow --json, which come by standard input, as an SVG", Args: cobra.NoArgs,
		Example: "  rapport bench draw <docs/figures.jsonl >docs/pictures/growth.svg",
		RunE: func(cmd *cobra.Command, _ []string) error {
			figures, err := bench.Read(cmd.InOrStdin())
			if err != nil {
				return err
			}
			return bench.Draw(cmd.OutOrStdout(), figures)
		}}
	var listen string
	baseline := &cobra.Command{Use: "baseline", Hidden: true, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if listen == "" {
			return usage{errors.New("say where with --listen")}
		}
		return bench.Baseline(cmd.Context(), listen)
	}}
	baseline.Flags().StringVar(&listen, "listen", "", "address")
	cmd.AddCommand(compare, draw, baseline,
		run("collect", "the door for events", bench.Collect),
		run("decide", "the door for decisions", bench.Decide),
		run("import", "files through the gate", bench.Import),
		run("pages", "every page, one request after the other", bench.Pages),
		run("ledger", "reads with their looks, and a walk of the whole ledger", bench.Ledger),
		run("identity", "records linked, judged by the truth", bench.Identity),
		run("erase", "forgetting people of a home, and writing its files anew", bench.Erase),
		run("grow", "how cost grows with people and connections; takes long", bench.Grow))
	return cmd
}

// apart measures in a folder of its own.
func apart(ctx context.Context, o bench.Options, measure func(ctx context.Context, o bench.Options) ([]bench.Figure, error)) (_ []bench.Figure, err error) {
	if o.Dir, err = os.MkdirTemp("", "rapport-bench-"); err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(o.Dir) }()
	return measure(ctx, o)
}
