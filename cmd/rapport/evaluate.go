package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/recommend"
	"github.com/rapporthq/rapport/person"
)

func evaluateCommand() *cobra.Command {
	var e recommend.Evaluation
	var splitAt string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "evaluate EVENTS.csv --user COLUMN --item COLUMN --protocol strong|time",
		Short: "Judge our recommender and the usual baselines on anybody's data; no home needed",
		Long: "strong: people whom no fit has seen; a part of what they had is to be found from the rest.\n" +
			"time: learn before a moment, judge by what people took after it. The file may be gzipped.",
		Example: "  rapport evaluate orders.csv --user customer --item sku --time at --protocol time --split-at 2011-11-01\n  rapport evaluate orders.csv --user customer --item sku --protocol strong --seeds 3 --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if splitAt != "" {
				at, err := readTime(splitAt)
				if err != nil {
					return usage{fmt.Errorf("write --split-at as 2011-11-01 or 2011-11-01T10:00:00Z")}
				}
				e.SplitAt = at
			}
			f, err := os.Open(args[0])
			if err != nil {
				return fault.Wrap(fault.NotFound, args[0]+" cannot be read.", err)
			}
			defer func() { _ = f.Close() }()
			say := terminal(cmd)
			return recommend.Evaluate(cmd.Context(), f, e, func(r recommend.Row) {
				if asJSON {
					say.JSON(r)
					return
				}
				say.Printf("%-28s seed %-3d recall@20 %.3f  ndcg@100 %.3f  recall@10 %.3f  ndcg@10 %.3f  hit@10 %.3f  fit %.1f s, %d judged\n",
					r.Method, r.Seed, r.Recall20, r.NDCG100, r.Recall10, r.NDCG10, r.Hit10, r.FitSeconds, r.Judged)
				if r.New != nil {
					say.Printf("%-28s          new only:                         recall@10 %.3f  ndcg@10 %.3f  hit@10 %.3f, %d judged\n", "", r.New.Recall10, r.New.NDCG10, r.New.Hit10, r.JudgedNew)
				}
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&e.User, "user", "", "column of the person")
	f.StringVar(&e.Item, "item", "", "column of the item")
	f.StringVar(&e.Time, "time", "", "column of the time (needed for time)")
	f.StringVar(&e.Protocol, "protocol", "strong", "strong or time")
	f.StringVar(&splitAt, "split-at", "", "the moment before which the time protocol learns (default: 28 days before the end)")
	f.IntVar(&e.Seeds, "seeds", 1, "draws of the strong protocol")
	f.IntVar(&e.K, "k", 25, "no weight rests on fewer people")
	f.BoolVar(&e.OursOnly, "ours-only", false, "leave the baselines out")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a method")
	return cmd
}

// readTime reads a date or a time.
func readTime(s string) (person.Instant, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			return person.At(at), nil
		}
	}
	return 0, fmt.Errorf("no time")
}
