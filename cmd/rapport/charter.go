package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
)

func init() {
	register("charter-accept", runAccept)
	register("charter-show", runShow)
	register("charter-diff", runDiff)
}

func charterCommand() *cobra.Command {
	var home homeOptions
	cmd := &cobra.Command{
		Use:     "charter",
		Short:   "Draft, check, read, compare and accept charters",
		Example: "  rapport charter check charter.yaml\n  rapport charter show --home ./shop\n  rapport charter diff --home ./shop\n  rapport charter accept --home ./shop",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	homeFlags(cmd.PersistentFlags(), &home)
	var asJSON, each bool
	check := &cobra.Command{
		Use: "check [FILE]", Short: "Find what is wrong in a charter file (default: the home's charter.yaml)", Example: "  rapport charter check charter.yaml",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, source, err := charterSource(home, args)
			if err != nil {
				return err
			}
			c, problems := charter.Parse(source)
			for _, p := range problems {
				if asJSON {
					raw, err := json.Marshal(p)
					if err != nil {
						return err
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s\n", raw)
					continue
				}
				n := alike(problems, p)
				switch {
				case each || len(n) == 1:
					fmt.Fprintf(cmd.OutOrStdout(), "%s:%s\n", path, p)
				case n[0] == p:
					fmt.Fprintf(cmd.OutOrStdout(), "%s:%s (%d times; --each names them)\n", path, p, len(n))
				}
			}
			if c == nil {
				return errSaid
			}
			if !asJSON {
				fmt.Fprintf(cmd.OutOrStdout(), "%s stands: %d purposes, %d facts, %d events, %d placements (%s).\n", path, len(c.Purposes), len(c.Data), len(c.Events), len(c.Placements), c.Hash)
			}
			return nil
		},
	}
	check.Flags().BoolVar(&each, "each", false, "a line for each warning, where one else stands for all that say the same")
	check.Flags().BoolVar(&asJSON, "json", false, "print problems as JSON, one a line")
	show := showArgs{}
	showCmd := &cobra.Command{
		Use: "show [FILE]", Short: "The charter as a customer reads it (default: the one in force in the home)", Example: "  rapport charter show --home ./shop --lang fr",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return perform(cmd.Context(), home, "charter-show", show, terminal(cmd))
			}
			_, source, err := charterSource(home, args)
			if err != nil {
				return err
			}
			c, problems := charter.Parse(source)
			if c == nil {
				return flawed("The charter has errors", problems)
			}
			fmt.Fprint(cmd.OutOrStdout(), c.Show(show.Lang))
			return nil
		},
	}
	showCmd.Flags().StringVar(&show.Lang, "lang", "en", "language")
	diff := &cobra.Command{
		Use: "diff [FILE]", Short: "What a proposal (default: the home's charter.yaml) would change", Example: "  rapport charter diff --home ./shop",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, source, err := charterSource(home, args)
			if err != nil {
				return err
			}
			return perform(cmd.Context(), home, "charter-diff", proposalArgs{Source: source}, terminal(cmd))
		},
	}
	accept := &cobra.Command{
		Use: "accept [FILE]", Short: "Put a proposal (default: the home's charter.yaml) in force", Example: "  rapport charter accept --home ./shop",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, source, err := charterSource(home, args)
			if err != nil {
				return err
			}
			return perform(cmd.Context(), home, "charter-accept", proposalArgs{Source: source}, terminal(cmd))
		},
	}
	schema := &cobra.Command{
		Use: "schema", Short: "JSON Schema of charter.yaml, for editors", Example: "  rapport charter schema > charter.schema.json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(charter.Schema())
			return err
		},
	}
	cmd.AddCommand(check, showCmd, diff, accept, draftCommand(&home), schema)
	return cmd
}

// alike are the warnings that say the same as one, of whatever place; an error is always alone.
func alike(all charter.Problems, p charter.Problem) (same charter.Problems) {
	for _, o := range all {
		if o == p || o.Severity == charter.Warning && p.Severity == charter.Warning && o.What == p.What && o.Mend == p.Mend {
			same = append(same, o)
		}
	}
	return same
}

type showArgs struct{ Lang string }

type proposalArgs struct{ Source []byte }

// flawed says in one sentence that a charter cannot be used, with the first of what is wrong.
func flawed(what string, problems charter.Problems) error {
	first := ""
	if errs := problems.Errors(); len(errs) > 0 {
		first = ", first " + errs[0].String()
	}
	return fault.New(fault.Invalid, what+"; rapport charter check lists all that is wrong with it"+first)
}

func charterSource(home homeOptions, args []string) (path string, source []byte, err error) {
	switch {
	case len(args) == 1:
		path = args[0]
	case home.Home != "":
		path = filepath.Join(home.Home, charterFile)
	default:
		return "", nil, usage{fmt.Errorf("name a charter file, or a home with --home DIR")}
	}
	source, err = os.ReadFile(path)
	if err != nil {
		return path, nil, fault.Wrap(fault.NotFound, path+" cannot be read.", err)
	}
	return path, source, nil
}

func runShow(_ context.Context, h *house, args showArgs, say *speaker) error {
	say.Printf("%s", h.charter().Show(args.Lang))
	return nil
}

func runDiff(_ context.Context, h *house, args proposalArgs, say *speaker) error {
	c, problems := charter.Parse(args.Source)
	if c == nil {
		return flawed("The proposal has errors", problems)
	}
	changes := charter.Diff(h.charter(), c, "en")
	if len(changes) == 0 {
		say.Printf("Nothing changes.\n")
	}
	for _, ch := range changes {
		say.Printf("%-9s %s: %s\n", ch.Kind, ch.Path, ch.Text)
	}
	return nil
}

func runAccept(ctx context.Context, h *house, args proposalArgs, say *speaker) error {
	was := h.charter().K
	a, err := h.accept(ctx, args.Source, "admin")
	if err != nil {
		return err
	}
	say.Printf("Charter %d is in force (%s).\n", a.Position, a.Hash)
	if now := h.charter().K; now > was {
		say.Printf("What the model knows from fewer than %d people is left out; it was learnt for %d: rapport learn finds what may take its place.\n", now, was)
	}
	return h.purge(ctx, say)
}
