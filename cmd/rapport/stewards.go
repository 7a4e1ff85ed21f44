package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/job"
	"github.com/rapporthq/rapport/know/stewardship"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

func init() {
	register("identity-match", runMatch)
	register("identity-review", runReview)
	register("identity-merge", runMerge)
	register("identity-split", runSplit)
	register("identity-report", runIdentityReport)
}

// newSteward is who is who in this home.
func (h *house) newSteward() *stewardship.Steward {
	var leases job.Leases = alone{}
	if h.shared() {
		leases = h.store
	}
	return &stewardship.Steward{Store: h.store, Vault: h.vault, Series: h.series, Streams: h.streams.of, Leases: leases, Clock: h.clock}
}

// owner is who gives a command: whoever may open the home.
var owner = stewardship.By{Actor: "command line", Role: "admin"}

type identityArgs struct {
	People    []string
	Same      bool
	Different bool
	From      int
	Most      int
	JSON      bool
}

// stewardCommands are the commands of rapport identity that need a home.
func stewardCommands(home *homeOptions) []*cobra.Command {
	say := func(name string, args *identityArgs) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, who []string) error {
			args.People = who
			return perform(cmd.Context(), *home, name, *args, terminal(cmd))
		}
	}
	const who = "People are named by userId=…, anonymousId=…, email=…, phone=…, pseudonym=p_… or p_… alone."
	asJSON := func(cmd *cobra.Command, args *identityArgs) *cobra.Command {
		cmd.Flags().BoolVar(&args.JSON, "json", false, "print JSON: one object, of review one a line")
		return cmd
	}
	var match, review, merge, split, report identityArgs
	commands := []*cobra.Command{
		asJSON(&cobra.Command{
			Use: "match --home DIR", Short: "Find who is in the home twice, by what the charter's identity section lets be compared",
			Long: "Joins the pairs that are surely one person, if the charter says join: sure, and leaves the others for a steward. One look at the population, which the\n" +
				"ledger keeps. What a steward decided is never contradicted. It may be run again at any time, also after it was cut off.",
			Example: "  rapport identity match --home ./shop", Args: cobra.NoArgs, RunE: say("identity-match", &match),
		}, &match),
		asJSON(&cobra.Command{
			Use: "review --home DIR [PAIR | A B]", Short: "List the pairs that wait for a steward, or decide about one",
			Long:    "Without a pair it lists those that wait, the highest score first: no names and addresses, only which fields speak for it and against. Values are shown in the console.\n" + who,
			Example: "  rapport identity review --home ./shop\n  rapport identity review --home ./shop --same userId=17 userId=4711\n  rapport identity review --home ./shop --different PAIR",
			Args:    cobra.MaximumNArgs(2),
			RunE: func(cmd *cobra.Command, a []string) error {
				switch {
				case review.Same && review.Different:
					return usage{errors.New("two people are either the same or different: give one of --same and --different")}
				case (review.Same || review.Different) != (len(a) > 0):
					return usage{errors.New("say which pair, and what of it: --same or --different with a PAIR of the list, or with two people")}
				}
				return say("identity-review", &review)(cmd, a)
			},
		}, &review),
		asJSON(&cobra.Command{
			Use: "merge --home DIR A B", Short: "Join two people on a steward's word; split undoes it", Long: who,
			Example: "  rapport identity merge --home ./shop userId=17 email=ada@example.org", Args: cobra.ExactArgs(2), RunE: say("identity-merge", &merge),
		}, &merge),
		asJSON(&cobra.Command{
			Use: "split --home DIR A", Short: "Part a person from everybody who was joined to them but by their own sign-in: both are as they were",
			Long: "No match joins them again. " + who, Example: "  rapport identity split --home ./shop userId=17", Args: cobra.ExactArgs(1), RunE: say("identity-split", &split),
		}, &split),
		asJSON(&cobra.Command{
			Use: "report --home DIR", Short: "How many records people are made of, what joins them, what waits and what was decided",
			Example: "  rapport identity report --home ./shop --json", Args: cobra.NoArgs, RunE: say("identity-report", &report),
		}, &report),
	}
	f := commands[1].Flags()
	f.BoolVar(&review.Same, "same", false, "they are one person: join them")
	f.BoolVar(&review.Different, "different", false, "they are two: never join them, and split them if they are joined")
	f.IntVar(&review.From, "from", 0, "leave out so many of the list")
	f.IntVar(&review.Most, "most", 50, "list so many pairs, up to 1000")
	return commands
}

func runMatch(ctx context.Context, h *house, args identityArgs, say *speaker) error {
	n, err := h.steward.Match(ctx, owner, say.Progress)
	if err != nil {
		return err
	}
	if args.JSON {
		say.JSON(n)
		return nil
	}
	say.Printf("%d people compared by %s, %d left out (they restricted all use, said no, or nothing of them may be compared): %.1f s\n", n.People, strings.Join(n.Fields, ", "), n.LeftOut, n.Seconds)
	say.Printf("%d pairs compared: %d sure, %d to review\n%d people joined to another; %d pairs wait for a steward\n", n.Compared, n.Sure, n.Doubtful, n.Joined, n.Waiting)
	if n.Contested > 0 {
		say.Printf("%d groups were left as they are: they hold two whom a steward called different\n", n.Contested)
	}
	if n.Missed > 0 {
		say.Printf("%d groups changed meanwhile: run it again\n", n.Missed)
	}
	if n.Beyond > 0 {
		say.Printf("%d more pairs will be put up once these are decided\n", n.Beyond)
	}
	return nil
}

// onePair is a pair as --json prints it: pseudonyms, names and numbers.
type onePair struct {
	Pair  string             `json:"pair"`
	A     string             `json:"a"`
	B     string             `json:"b"`
	Score float64            `json:"score"`
	Band  stewardship.Band   `json:"band"`
	Parts []stewardship.Part `json:"parts"`
}

func runReview(ctx context.Context, h *house, args identityArgs, say *speaker) error {
	if args.Same || args.Different {
		a, b, err := h.twoOf(ctx, args.People)
		if err != nil {
			return err
		}
		if args.Same {
			return h.merge(ctx, a, b, args.JSON, say)
		}
		if err := h.steward.Different(ctx, a, b, owner); err != nil {
			return err
		}
		said(say, args.JSON, "different", "They stay two people: no match joins them.")
		return nil
	}
	pairs, err := h.steward.Pairs(ctx, vault.Proposed, args.From, min(max(args.Most, 1), 1000))
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if args.JSON {
			say.JSON(onePair{p.ID, p.A.String(), p.B.String(), p.Score, p.Band, p.Parts})
			continue
		}
		say.Printf("%+6.2f %-6s %s  %s\n       %s\n      ", p.Score, p.Band, p.A, p.B, p.ID)
		for _, part := range p.Parts {
			say.Printf("  %s", strings.TrimSpace(fmt.Sprintf("%s %s", part.Field, part.Level)))
			say.Printf(" %+.2f", part.Weight)
		}
		say.Printf("\n")
	}
	if len(pairs) == 0 && !args.JSON {
		say.Printf("No pair waits for a steward. rapport identity match looks for some.\n")
	}
	return nil
}

func said(say *speaker, asJSON bool, word, sentence string) {
	if asJSON {
		say.JSON(map[string]string{"done": word})
		return
	}
	say.Printf("%s\n", sentence)
}

func runMerge(ctx context.Context, h *house, args identityArgs, say *speaker) error {
	a, b, err := h.twoOf(ctx, args.People)
	if err != nil {
		return err
	}
	return h.merge(ctx, a, b, args.JSON, say)
}

func (h *house) merge(ctx context.Context, a, b person.ID, asJSON bool, say *speaker) error {
	if err := h.steward.Same(ctx, a, b, owner); err != nil {
		return err
	}
	said(say, asJSON, "same", "They are one person now; rapport identity split undoes it.")
	return nil
}

func runSplit(ctx context.Context, h *house, args identityArgs, say *speaker) error {
	a, err := h.oneOf(ctx, args.People[0])
	if err != nil {
		return err
	}
	n, err := h.steward.Split(ctx, a, owner)
	if err != nil {
		return err
	}
	said(say, args.JSON, "split", fmt.Sprintf("Parted at %d joins: each is as before, and no match joins them again.", n))
	return nil
}

// twoOf gives the two of a pair: by its name in the list, or each by an identifier.
func (h *house) twoOf(ctx context.Context, who []string) (a, b person.ID, err error) {
	if len(who) == 1 {
		p, err := h.steward.Pair(ctx, who[0])
		return p.A, p.B, err
	}
	if a, err = h.oneOf(ctx, who[0]); err == nil {
		b, err = h.oneOf(ctx, who[1])
	}
	return a, b, err
}

// oneOf is the pseudonym to which an identifier leads.
func (h *house) oneOf(ctx context.Context, who string) (person.ID, error) {
	if strings.HasPrefix(who, "p_") {
		who = "pseudonym=" + who
	}
	people, _, err := h.named(ctx, who)
	if err != nil {
		return person.ID{}, err
	}
	if len(people) == 0 {
		return person.ID{}, fault.New(fault.NotFound, "Nobody is found by that.")
	}
	return people[0], nil
}

func runIdentityReport(ctx context.Context, h *house, args identityArgs, say *speaker) error {
	r, err := h.steward.Report(ctx)
	if err != nil {
		return err
	}
	if args.JSON {
		say.JSON(r)
		return nil
	}
	say.Printf("%d pairs wait for a steward. Decided: %d same, %d different. Joined by matches: %d pairs.\n", r.Waiting, r.Same, r.Different, r.Matched)
	list := func(title string, of []stewardship.Count) {
		if len(of) > 0 {
			say.Printf("%s\n", title)
		}
		for _, c := range of {
			say.Printf("  %6d  %s\n", c.N, c.Name)
		}
	}
	list("What spoke for the pairs that are joined:", r.Joining)
	if r.Last == nil {
		say.Printf("The people of this home were never matched: rapport identity match does it.\n")
		return nil
	}
	say.Printf("Last match %s, for %s: %d people compared, %d left out, %d joined.\n", r.Last.At.UTC().Format("2006-01-02 15:04 UTC"), r.Last.Purpose, r.Last.People, r.Last.LeftOut, r.Last.Joined)
	say.Printf("People by how many records they are made of:\n")
	for _, s := range r.Last.Sizes {
		say.Printf("  %6d of %d\n", s.Clusters, s.Records)
	}
	list("What joined them:", r.Last.Links)
	say.Printf("Links in doubt: %d\n", r.Last.Shaky)
	return nil
}
