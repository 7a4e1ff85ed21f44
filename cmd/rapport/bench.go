package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/cmd/rapport/bench"
)

func benchCommand() *cobra.Command {
	var o bench.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "bench collect|decide|pages",
		Short:   "Measure this machine: a served home under load, beside a bare server under the same load",
		Example: "  rapport bench collect --quick\n  rapport bench decide --json\n  rapport bench pages --quick",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().BoolVar(&o.Quick, "quick", false, "smaller and shorter, under 40 seconds (pages: a minute); the sets say so")
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "print one JSON object a figure")
	cmd.PersistentFlags().StringVar(&o.Set, "set", "", "a named size: decide has 1m")
	cmd.PersistentFlags().StringVar(&o.Database, "database", os.Getenv("RAPPORT_DATABASE"), "measure on this PostgreSQL (an empty database) instead of SQLite")
	run := func(name, short string, measure func(ctx context.Context, o bench.Options) ([]bench.Figure, error)) *cobra.Command {
		return &cobra.Command{Use: name, Short: short, Example: "  rapport bench " + name + " --quick", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Binary, err = os.Executable(); err != nil {
				return err
			}
			if o.Dir, err = os.MkdirTemp("", "rapport-bench-"); err != nil {
				return err
			}
			defer func() { _ = os.RemoveAll(o.Dir) }()
			o.Log = func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) }
			figures, err := measure(cmd.Context(), o)
			if printed := bench.Print(cmd.OutOrStdout(), figures, asJSON); err == nil {
				err = printed
			}
			return err
		}}
	}
	var listen string
	baseline := &cobra.Command{Use: "baseline", Hidden: true, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if listen == "" {
			return usage{errors.New("say where with --listen")}
		}
		return bench.Baseline(cmd.Context(), listen)
	}}
	baseline.Flags().StringVar(&listen, "listen", "", "address")
	cmd.AddCommand(run("collect", "the door for events", bench.Collect), run("decide", "the door for decisions", bench.Decide), run("pages", "every page, one request after the other", bench.Pages), baseline)
	return cmd
}
