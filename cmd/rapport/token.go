package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/console"
)

func init() { register("token", runToken) }

type tokenArgs struct {
	Role, Name, Team string
	Placements       []string
	Rate             float64
	Explain, Attest  bool
	Days             int
	List             bool
	Revoke           string
}

func tokenCommand() *cobra.Command {
	var home homeOptions
	var args tokenArgs
	cmd := &cobra.Command{
		Use:   "token --home DIR --role ROLE --name NAME",
		Short: "Make a token and print it once; list or revoke tokens",
		Long:  "Roles: source (a write key; the name is the charter's source), decide, marketer, agent, privacy, admin, partner.",
		Example: "  rapport token --home ./shop --role source --name tills\n  rapport token --home ./shop --role decide --name website --placements home,basket --attest\n" +
			"  rapport token --home ./shop --list",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return perform(cmd.Context(), home, "token", args, terminal(cmd))
		},
	}
	homeFlags(cmd.Flags(), &home)
	f := cmd.Flags()
	f.StringVar(&args.Role, "role", "", "source, decide, marketer, agent, privacy, admin or partner")
	f.StringVar(&args.Name, "name", "", "who bears it; for a source the charter's name of it")
	f.StringVar(&args.Team, "team", "", "the charter's team of a member of staff (default: by role)")
	f.StringSliceVar(&args.Placements, "placements", nil, "where a decide token may ask (default: everywhere)")
	f.Float64Var(&args.Rate, "rate", 0, "requests a second (0: the door's own limit)")
	f.BoolVar(&args.Explain, "explain", false, "a decide token that may see what was held back and why")
	f.BoolVar(&args.Attest, "attest", false, "a decide token whose word counts that a person is signed in")
	f.IntVar(&args.Days, "days", 0, "days until it runs out (0: never)")
	f.BoolVar(&args.List, "list", false, "list the tokens, without their texts")
	f.StringVar(&args.Revoke, "revoke", "", "revoke the token of this text, or all of this name")
	return cmd
}

func runToken(ctx context.Context, h *house, args tokenArgs, say *speaker) error {
	switch {
	case args.List:
		return h.listTokens(ctx, say)
	case args.Revoke != "":
		return h.revokeTokens(ctx, args.Revoke, say)
	}
	text, err := h.mint(ctx, args)
	if err != nil {
		return err
	}
	say.Printf("%s\n", text)
	return nil
}

// mint makes a token that fits the charter in force: a source that it names, placements and a team that it has.
func (h *house) mint(ctx context.Context, args tokenArgs) (string, error) {
	c := h.charter()
	t := access.Token{Role: access.Role(args.Role), Name: args.Name, Team: args.Team, Placements: args.Placements, Rate: args.Rate, MayExplain: args.Explain, MayAttest: args.Attest, Issued: h.clock()}
	switch t.Role {
	case access.Source:
		if c.Sources[args.Name] == nil {
			return "", fault.New(fault.Invalid, "The charter names no source "+args.Name+"; it names "+strings.Join(c.Order.Sources, ", ")+".")
		}
		t.Source = args.Name
	case access.Decide:
		if len(t.Placements) == 0 {
			t.Placements = slices.Clone(c.Order.Placements)
		}
		for _, p := range t.Placements {
			if c.Placements[p] == nil {
				return "", fault.New(fault.Invalid, "The charter names no placement "+p+"; it names "+strings.Join(c.Order.Placements, ", ")+".")
			}
		}
	default:
		if t.Team == "" {
			t.Team = map[access.Role]string{access.Marketer: "marketing", access.Agent: "care", access.Privacy: "privacy"}[t.Role]
		}
		if t.Team != "" && c.Teams[t.Team] == nil && args.Team != "" {
			return "", fault.New(fault.Invalid, "The charter names no team "+t.Team+"; it names "+strings.Join(c.Order.Teams, ", ")+".")
		}
	}
	if args.Days > 0 {
		t.Expires = t.Issued.Add(time.Duration(args.Days) * 24 * time.Hour)
	}
	text, kept, err := access.Mint(t)
	if errors.Is(err, access.ErrToken) {
		return "", fault.New(fault.Invalid, "A token needs --role (source, decide, marketer, agent, privacy, admin or partner) and --name.")
	}
	if err != nil {
		return "", err
	}
	return text, h.store.PutToken(ctx, kept)
}

func (h *house) listTokens(ctx context.Context, say *speaker) error {
	all, err := h.store.AllTokens(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		state := "good"
		switch {
		case t.Revoked != 0:
			state = "revoked " + t.Revoked.Time().Format(time.DateOnly)
		case t.Expires != 0:
			state = "until " + t.Expires.Time().Format(time.DateOnly)
		}
		say.Printf("%-9s %-20s %-12s made %s, %s\n", t.Role, t.Name, t.Team, t.Issued.Time().Format(time.DateOnly), state)
	}
	return nil
}

// named says which tokens have that text or name.
func named(which string) func(access.Token) bool {
	hash := access.HashOf(which)
	return func(t access.Token) bool { return t.Hash == hash || t.Name == which }
}

// revoke ends every such token that is good, and the sessions that began with it; it says how many tokens they were.
func (h *house) revoke(ctx context.Context, which func(access.Token) bool) (n int, err error) {
	all, err := h.store.AllTokens(ctx)
	if err != nil {
		return 0, err
	}
	for _, t := range all {
		if t.Revoked == 0 && which(t) {
			if err := h.store.RevokeToken(ctx, t.Hash, h.clock()); err != nil {
				return n, err
			}
			h.keeper.Dropped(t.Hash)
			ended, err := h.store.RevokeStaffSessions(ctx, t.Hash, h.clock()) // whom it let in
			if err != nil {
				return n, err
			}
			for _, key := range ended {
				h.keeper.Dropped(key)
			}
			n++
		}
	}
	return n, nil
}

func (h *house) revokeTokens(ctx context.Context, which string, say *speaker) error {
	n, err := h.revoke(ctx, named(which))
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.NotFound, "No token that is still good has that text or name; see rapport token --list.")
	}
	say.Printf("%d revoked.\n", n)
	return nil
}

// tokens is console.Tokens over the home.
type tokens struct{ h *house }

func (t tokens) All(ctx context.Context) ([]access.Token, error) { return t.h.store.AllTokens(ctx) }

func (t tokens) Make(ctx context.Context, n console.NewToken) (string, error) {
	return t.h.mint(ctx, tokenArgs{Role: n.Role, Name: n.Name, Team: n.Team, Placements: n.Placements, Explain: n.Explain, Attest: n.Attest, Days: n.Days})
}

func (t tokens) Revoke(ctx context.Context, name string) error {
	n, err := t.h.revoke(ctx, named(name))
	if err == nil && n == 0 {
		err = fault.New(fault.NotFound, "No token of that name is still good; look at the list again.")
	}
	return err
}
