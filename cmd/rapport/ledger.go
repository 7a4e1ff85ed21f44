package main

import (
	"cmp"
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/ledger/anchor"
)

func init() {
	register("ledger-verify", runVerify)
	register("ledger-report", runReport)
	register("ledger-prove", runLedgerProve)
}

type ledgerArgs struct {
	JSON    bool
	Number  int64
	Anchors []anchor.Place
}

func ledgerCommand() *cobra.Command {
	var home homeOptions
	var args ledgerArgs
	cmd := &cobra.Command{
		Use:     "ledger",
		Short:   "The record of who looked: verify it, count it by month, prove an entry",
		Example: "  rapport ledger verify --home ./shop\n  rapport ledger report --home ./shop\n  rapport ledger prove 17 --home ./shop",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	homeFlags(cmd.PersistentFlags(), &home)
	cmd.PersistentFlags().BoolVar(&args.JSON, "json", false, "print as JSON")
	cmd.AddCommand(
		verifyCommand(&home, &args), anchorCommand(&home), witnessCommand(),
		&cobra.Command{Use: "report", Short: "Looks by month, team and actor", Example: "  rapport ledger report --home ./shop", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return perform(cmd.Context(), home, "ledger-report", args, terminal(cmd))
			}},
		&cobra.Command{Use: "prove NUMBER", Short: "The proof that an entry is in the signed tree", Example: "  rapport ledger prove 17 --home ./shop", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, a []string) error {
				n, err := strconv.ParseInt(a[0], 10, 64)
				if err != nil {
					return usage{fault.New(fault.Invalid, "An entry is a number, from 1.")}
				}
				args.Number = n
				return perform(cmd.Context(), home, "ledger-prove", args, terminal(cmd))
			}},
	)
	return cmd
}

// verifyCommand walks a home's ledger, or checks a file that somebody took away from one: that needs no home, and no key but the public one.
func verifyCommand(home *homeOptions, args *ledgerArgs) *cobra.Command {
	var file, key, witnessKey string
	var anchors []string
	cmd := &cobra.Command{Use: "verify", Short: "Walk the whole ledger and say which entry is wrong and how; or check a file of looks",
		Long: "Walks a home's whole ledger, and compares it with the heads that are kept outside the home (rapport ledger anchor). With --proof it checks the file of looks that a person took away from the trust centre: no home is needed,\n" +
			"and no key but the ledger's public one, which stands beside the file there.",
		Example: "  rapport ledger verify --home ./shop\n  rapport ledger verify --proof looks.json --key 'rapport-ledger+…'", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case file == "" && key == "":
				for _, where := range anchors {
					of := ""
					if strings.Contains(where, "://") {
						of = witnessKey
					}
					p, err := anchor.Parse(where, of)
					if err != nil {
						return usage{err}
					}
					args.Anchors = append(args.Anchors, p)
				}
				return perform(cmd.Context(), *home, "ledger-verify", *args, terminal(cmd))
			case file == "" || key == "":
				return usage{fault.New(fault.Invalid, "Give --proof FILE and --key KEY together: a file cannot vouch for itself.")}
			}
			return checkProof(file, key, args.JSON, terminal(cmd))
		}}
	cmd.Flags().StringArrayVar(&anchors, "anchor", nil, "a file of heads, or a witness's https address, to compare with besides the home's own places; it must be there")
	cmd.Flags().StringVar(&witnessKey, "witness-key", "", "the public key of the witness that --anchor names")
	cmd.Flags().StringVar(&file, "proof", "", "file of looks from the trust centre, to check without a home")
	cmd.Flags().StringVar(&key, "key", "", "the ledger's public key, or a file of it")
	return cmd
}

// checkProof checks a person's file of looks.
func checkProof(file, key string, asJSON bool, say *speaker) error {
	info, err := os.Stat(file)
	if err != nil || info.Size() > mostProof {
		return fault.Wrap(fault.NotFound, "The file of looks cannot be read, or is far too large: name the one that the trust centre gave you.", err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return fault.Wrap(fault.NotFound, "The file of looks cannot be read: name the one that the trust centre gave you.", err)
	}
	if kept, err := os.ReadFile(key); err == nil {
		key = strings.TrimSpace(string(kept))
	}
	x, rep, err := ledger.CheckExtract(raw, key)
	if err != nil {
		return usage{fault.Wrap(fault.Invalid, "That is not a ledger's public key: copy it from the page where the file came from.", err)}
	}
	if asJSON {
		say.JSON(rep)
	} else {
		for _, p := range rep.Problems {
			say.Printf("entry %d: %s: %s\n", p.Number, p.Fault, p.Says)
		}
	}
	if !rep.OK() {
		return errSaid
	}
	if !asJSON {
		say.Printf("Every one of the %d looks in this file stands in the signed ledger of %d entries as the file says: who, when, what for, and what.\n", rep.Rows, rep.Size)
		say.Printf("A reason's words are sealed with your data and not part of the proof. No file can prove what it leaves out.\n")
		if x.Waiting > 0 {
			say.Printf("%d more were so new that they had no place yet: take the file again in a minute.\n", x.Waiting)
		}
		if x.More {
			say.Printf("There are older looks that this file has no room for.\n")
		}
	}
	return nil
}

const mostProof = 64 << 20 // bytes

// proving is the home as the self-checks need it.
func (h *house) proving(actor, reason string) prove.Home {
	dir := h.dir
	return prove.Home{Store: h.store, Vault: h.vault, House: h.live.House(), Ledger: h.ledger, Account: h.receiptsToLedger, Streams: h.streams.of, Count: h.store.People, Oldest: h.store.Oldest, Keep: sweepEvery, Dir: dir, Clock: h.clock, Actor: actor, Reason: reason}
}

func runVerify(ctx context.Context, h *house, args ledgerArgs, say *speaker) error {
	rep, unasked, err := h.verifyLedger(ctx, "ledger verify", args.Anchors)
	if err != nil {
		return err
	}
	if args.JSON {
		say.JSON(rep)
	} else {
		say.Printf("%d entries under the signed head, %d waiting; %d checked with their keys, %d emptied by erasure.\n", rep.Size, rep.Waiting, rep.Keyed, rep.Erased)
		say.Printf("%d receipts of automated decisions compared with their entries", rep.Receipts)
		if rep.ReceiptsUnchecked > 0 {
			say.Printf("; of the entries of %d more only the count, since some have run out of their time or an older version brought them in", rep.ReceiptsUnchecked)
		}
		say.Printf(".\n")
		for _, p := range rep.Problems {
			say.Printf("entry %d: %s: %s\n", p.Number, p.Fault, p.Says)
		}
		for _, s := range unasked {
			say.Printf("not compared: %s\n", s)
		}
		if rep.Heads > 0 {
			say.Printf("It was compared with %d heads that are kept outside the home.\n", rep.Heads)
		} else {
			say.Printf("It was compared with no head from outside the home: who can write all of it could have made all of it anew. See rapport ledger anchor.\n")
		}
		if rep.OK() {
			say.Printf("The ledger is whole.\n")
		}
	}
	if !rep.OK() {
		return errSaid
	}
	return nil
}

func runReport(ctx context.Context, h *house, args ledgerArgs, say *speaker) error {
	if _, err := h.ledger.Sequence(ctx); err != nil {
		return err
	}
	months, err := h.ledger.Months(ctx)
	if err != nil {
		return err
	}
	if args.JSON {
		for _, m := range months {
			say.JSON(m)
		}
		return nil
	}
	if len(months) == 0 {
		say.Printf("Nobody has looked.\n")
	}
	for _, m := range months {
		who := cmp.Or(m.Team, "no team")
		if m.Role != "" {
			who = "    " + m.Actor + " (" + m.Role + ")"
		}
		say.Printf("%s  %-32s %6d looks at %9d people; the month before: %d looks\n", m.Month, who, m.Looks, m.People, m.Before)
	}
	return nil
}

func runLedgerProve(ctx context.Context, h *house, args ledgerArgs, say *speaker) error {
	if _, err := h.ledger.Sequence(ctx); err != nil {
		return err
	}
	p, err := h.ledger.Prove(ctx, args.Number)
	if err != nil {
		return fault.Wrap(fault.NotFound, "There is no such entry in the signed tree.", err)
	}
	if err := h.ledger.Check(p); err != nil {
		return err
	}
	say.JSON(p)
	return nil
}

// receiptsToLedger brings what was decided since the last time into the ledger, each batch as one entry: of which receipts it is, how many,
// and a hash over them in their order.
func (h *house) receiptsToLedger(ctx context.Context) error {
	const most = 5000
	for {
		mark, err := h.store.Setting(ctx, receiptMark)
		if err != nil {
			return err
		}
		after, _ := strconv.ParseInt(mark, 10, 64) // empty: from the beginning
		receipts, err := h.store.ReceiptsAfter(ctx, after, most)
		if err != nil || len(receipts) == 0 {
			return err
		}
		row, err := ledger.ReceiptsRow(h.clock(), after, receipts, h.vault.Home())
		if err != nil {
			return err
		}
		if err := h.store.PutMark(ctx, receiptMark, mark, strconv.FormatInt(receipts[len(receipts)-1].Number, 10), row); err != nil || len(receipts) < most {
			return err
		}
	}
}

// receiptMark is the setting that says up to which receipt the ledger has them.
const receiptMark = "ledger receipts"
