package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/reach/prove"
)

func init() { register("prove", runProve) }

type proveArgs struct {
	JSON   bool
	People int
	Seed   uint64
	Reason string
}

func proveCommand() *cobra.Command {
	var home homeOptions
	var args proveArgs
	cmd := &cobra.Command{
		Use:     "prove --home DIR",
		Short:   "Run the promises' self-checks against this home; exit 1 if any fails",
		Example: "  rapport prove --home ./shop\n  rapport prove --home ./shop --people 200 --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return perform(cmd.Context(), home, "prove", args, terminal(cmd))
		},
	}
	homeFlags(cmd.Flags(), &home)
	f := cmd.Flags()
	f.BoolVar(&args.JSON, "json", false, "print one JSON object a check")
	f.IntVar(&args.People, "people", 60, "how many people's decisions are tried")
	f.Uint64Var(&args.Seed, "seed", 1, "seed of what is tried")
	f.StringVar(&args.Reason, "reason", "checking that the promises are kept", "why: everybody can read it")
	return cmd
}

func runProve(ctx context.Context, h *house, args proveArgs, say *speaker) error {
	if err := h.fold(ctx); err != nil { // what is in the journal only is not walked
		return err
	}
	results, err := prove.Run(ctx, h.proving("prove", args.Reason), prove.Options{People: args.People, Seed: args.Seed, Progress: say.Progress})
	if err != nil {
		return err
	}
	failed := false
	for _, r := range results {
		failed = failed || r.Failed > 0
		if args.JSON {
			say.JSON(r)
			continue
		}
		mark := "holds"
		if r.Failed > 0 {
			mark = "FAILS"
		}
		say.Printf("%-28s %s  %d cases, %d failed\n    %s\n", r.Check, mark, r.Cases, r.Failed, r.Detail)
	}
	if failed {
		return errSaid
	}
	return nil
}
