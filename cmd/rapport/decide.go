package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/decide"
	"github.com/rapporthq/rapport/trust/ledger"
)

func init() { register("decide", runDecide) }

type decideArgs struct {
	Person    string
	Placement string
	At        string
	Explain   bool
	Reason    string
	Language  string
}

func decideCommand() *cobra.Command {
	var home homeOptions
	var args decideArgs
	cmd := &cobra.Command{
		Use:     "decide --home DIR --person userId=… --placement NAME",
		Short:   "Try a decision about a person: a look, on record, and nothing is counted as shown",
		Example: "  rapport decide --home ./shop --person userId=13085 --placement home --explain",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return perform(cmd.Context(), home, "decide", args, terminal(cmd))
		},
	}
	homeFlags(cmd.Flags(), &home)
	f := cmd.Flags()
	f.StringVar(&args.Person, "person", "", "userId=…, anonymousId=…, email=…, phone=… or pseudonym=p_…")
	f.StringVar(&args.Placement, "placement", "", "one of the charter's placements")
	f.StringVar(&args.At, "at", "", "the moment, such as 2026-05-01T10:00:00Z (default: now)")
	f.BoolVar(&args.Explain, "explain", false, "show what was held back and why")
	f.StringVar(&args.Reason, "reason", "tried at the command line", "why you look: the person can read it")
	f.StringVar(&args.Language, "lang", "en", "language of the reasons")
	return cmd
}

func runDecide(ctx context.Context, h *house, args decideArgs, say *speaker) error {
	ref, err := refOf(args.Person)
	if err != nil {
		return err
	}
	req := decide.Request{Person: ref, Placements: []string{args.Placement}, Context: decide.Circumstance{Language: args.Language}}
	if args.At != "" {
		at, err := time.Parse(time.RFC3339, args.At)
		if err != nil {
			return fault.New(fault.Invalid, "Write the moment as 2026-05-01T10:00:00Z.")
		}
		req.Context.At = person.At(at)
	}
	ds, err := h.decider.Try(ctx, req, decide.Principal{Any: true, Explain: args.Explain, Privacy: true, Pseudonyms: true},
		ledger.Look{Actor: "command line", Role: "admin", Purpose: h.purposeOf(args.Placement), Reason: args.Reason})
	if err != nil {
		return err
	}
	for _, d := range ds {
		if !args.Explain {
			d.Held = nil
		}
		raw, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return err
		}
		say.Printf("%s\n", raw)
	}
	return nil
}

// purposeOf is the placement's purpose, for the look.
func (h *house) purposeOf(placement string) string {
	if p := h.charter().Placements[placement]; p != nil {
		return p.Purpose
	}
	return "unknown"
}

// refOf reads userId=… and the like.
func refOf(s string) (decide.Ref, error) {
	kind, value, ok := strings.Cut(s, "=")
	var r decide.Ref
	if !ok || value == "" {
		return r, fault.New(fault.Invalid, "Say who with --person userId=…, anonymousId=…, email=…, phone=… or pseudonym=p_….")
	}
	switch kind {
	case "userId":
		r.UserID = value
	case "anonymousId":
		r.AnonymousID = value
	case "email":
		r.Email = value
	case "phone":
		r.Phone = value
	case "pseudonym":
		id, err := person.ParseID(value)
		if err != nil {
			return r, fault.Wrap(fault.Invalid, "That is not a pseudonym.", err)
		}
		r.Pseudonym = id
	default:
		return r, fault.New(fault.Invalid, "Say who with --person userId=…, anonymousId=…, email=…, phone=… or pseudonym=p_….")
	}
	return r, nil
}
