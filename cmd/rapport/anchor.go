package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/reach/prove"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/ledger/anchor"
)

func init() { register("ledger-anchor", runAnchor) }

// The places outside the home where the ledger's heads are kept, and how each fared at its last turn, lie in the database: every process of the
// home reads them there. A place is asked by a job of its own, so that one that is slow or dead slows nobody.

const (
	anchorEvery   = 5 * time.Minute
	anchorLate    = time.Hour // a place that has kept nothing for longer must be mended
	anchorSetting = "ledger anchors"
)

// anchored is a place and how it fared.
type anchored struct {
	Where string         `json:"where"`
	Key   string         `json:"key,omitempty"` // of a witness
	Since person.Instant `json:"since"`         // when it was added
	Size  int64          `json:"entries"`       // under the last head that it has
	At    person.Instant `json:"at"`            // when that was confirmed; 0: never
	Fault ledger.Fault   `json:"fault,omitempty"`
	Says  string         `json:"says,omitempty"` // why the last turn failed
}

// late says whether it has kept nothing for too long.
func (a *anchored) late(now person.Instant) bool {
	return a.Says != "" && now > max(a.At, a.Since).Add(anchorLate)
}

func (h *house) anchors(ctx context.Context) ([]anchored, error) {
	text, err := h.store.Setting(ctx, anchorSetting)
	if err != nil {
		return nil, err
	}
	return parseAnchors(text)
}

func parseAnchors(text string) (all []anchored, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &all)
	}
	return all, err
}

// putAnchors changes the list; changes of several processes come one after the other.
func (h *house) putAnchors(ctx context.Context, change func(all []anchored) []anchored) error {
	return h.store.ChangeSetting(ctx, anchorSetting, func(text string) (string, error) {
		all, err := parseAnchors(text)
		if all = change(all); err != nil || len(all) == 0 {
			return "", err
		}
		raw, err := json.Marshal(all)
		return string(raw), err
	})
}

// anchor brings the ledger's head to every place, and remembers how each fared.
func (h *house) anchor(ctx context.Context) error {
	all, err := h.anchors(ctx)
	if err != nil {
		return err
	}
	failing := 0
	for _, a := range all {
		was := a
		if h.ask(ctx, &a); ctx.Err() != nil {
			return ctx.Err()
		}
		if a.Says != "" {
			failing++
			if was.Says != a.Says {
				h.log.Warn("the ledger's head is not kept outside the home", "place", a.Where, "says", a.Says)
			}
		}
		if err := h.putAnchors(ctx, func(all []anchored) []anchored {
			if i := slices.IndexFunc(all, func(b anchored) bool { return b.Where == a.Where }); i >= 0 {
				all[i] = a
			}
			return all
		}); err != nil {
			return err
		}
	}
	h.meter.anchors.Set(float64(failing))
	return nil
}

// ask has one place keep the head.
func (h *house) ask(ctx context.Context, a *anchored) {
	r, err := anchor.Place{Where: a.Where, Key: a.Key}.Keep(ctx, h.witnesses, h.ledger, a.Size, h.clock())
	var conflict *anchor.Conflict
	switch {
	case errors.As(err, &conflict):
		a.Fault, a.Says = conflict.Fault, conflict.Says
	case err != nil:
		a.Fault, a.Says = "", sentence(err)
	default:
		a.Fault, a.Says = "", ""
		if r.Size > 0 {
			a.Size, a.At = r.Size, r.At
		}
	}
}

// verifyLedger walks the ledger and compares it with what is kept outside: where the operator says (and then it must be there), and in the
// home's own places. unasked says which of those could not be asked.
func (h *house) verifyLedger(ctx context.Context, by string, named []anchor.Place) (rep ledger.Report, unasked []string, err error) {
	own, err := h.anchors(ctx)
	if err != nil {
		return rep, nil, err
	}
	places := slices.Clone(named)
	for _, a := range own {
		if !slices.ContainsFunc(named, func(p anchor.Place) bool { return p.Where == a.Where }) {
			places = append(places, anchor.Place{Where: a.Where, Key: a.Key})
		}
	}
	var kept []ledger.Kept
	failed := func(i int, says string) error {
		if i < len(named) {
			return fault.New(fault.Unavailable, says)
		}
		unasked = append(unasked, says)
		return nil
	}
	for i, p := range places {
		heads, err := p.Heads()
		if err != nil {
			if err := failed(i, p.Where+" cannot be read: it is gone, or not readable for this process."); err != nil {
				return rep, nil, err
			}
		}
		kept = append(kept, heads...)
	}
	if rep, err = prove.VerifyLedger(ctx, h.proving(by, ""), kept...); err != nil {
		return rep, nil, err
	}
	for i, p := range places {
		if !p.IsWitness() {
			continue
		}
		_, err := p.Keep(ctx, h.witnesses, h.ledger, 0, h.clock())
		var conflict *anchor.Conflict
		switch {
		case errors.As(err, &conflict):
			rep.Problems = append(rep.Problems, conflict.Problem)
			rep.Heads++
		case err != nil:
			if err := failed(i, sentence(err)); err != nil {
				return rep, nil, err
			}
		default:
			rep.Heads++
		}
	}
	return rep, unasked, nil
}

// anchorFindings is what the doctor says of the places.
func anchorFindings(f *findings, all []anchored, now person.Instant) {
	if len(all) == 0 {
		f.note("ledger", "No head of the ledger is kept outside the home.", "rapport ledger anchor names a file or a witness; without one, a ledger that was put back whole looks right.")
	}
	for _, a := range all {
		switch {
		case a.Fault != "":
			f.mend("ledger", a.Where+": "+string(a.Fault)+": "+a.Says, "The home was put back to an earlier day, or its ledger made anew: find out who, and compare with a backup.")
		case a.late(now):
			f.mend("ledger", "Heads of the ledger have not been kept for more than an hour: "+a.Says, "Mend the place, or name another one with rapport ledger anchor.")
		case a.Says != "":
			f.note("ledger", "At its last turn a head of the ledger could not be kept: "+a.Says, "It is tried again every five minutes.")
		case a.At != 0:
			f.good("ledger", "A head over %d entries is kept in %s.", a.Size, a.Where)
		}
	}
}

type anchorArgs struct {
	Where, Key   string
	Remove, JSON bool
}

func anchorCommand(home *homeOptions) *cobra.Command {
	var args anchorArgs
	cmd := &cobra.Command{
		Use:   "anchor [FILE|https://WITNESS]",
		Short: "Keep the ledger's signed heads outside the home, in a file or with a witness; without an argument, say how each place fares",
		Long: "A file gets a line for each new head, synced; put it where who can write the home cannot: another machine's disk, a medium that is only\n" +
			"appended to. A witness is asked to cosign each head by HTTP (c2sp.org/tlog-witness); rapport ledger witness is one. A serving home does this\n" +
			"every five minutes; a place that is slow or dead slows nothing. rapport ledger verify compares the ledger with all of them.",
		Example: "  rapport ledger anchor /mnt/elsewhere/heads.jsonl --home ./shop\n  rapport ledger anchor https://witness.example --witness-key 'witness.example+1a2b3c4d+BA…' --home ./shop\n  rapport ledger anchor --home ./shop",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, a []string) error {
			args.JSON, _ = cmd.Flags().GetBool("json")
			if len(a) == 0 {
				if args.Remove || args.Key != "" {
					return usage{fault.New(fault.Invalid, "Name the place.")}
				}
				return perform(cmd.Context(), *home, "ledger-anchor", args, terminal(cmd))
			}
			args.Where = a[0]
			if !args.Remove {
				p, err := anchor.Parse(args.Where, args.Key)
				if err != nil {
					return usage{err}
				}
				args.Where = p.Where
			} else if abs, err := filepath.Abs(args.Where); err == nil && !strings.Contains(args.Where, "://") {
				args.Where = abs
			}
			return perform(cmd.Context(), *home, "ledger-anchor", args, terminal(cmd))
		}}
	cmd.Flags().StringVar(&args.Key, "witness-key", "", "the witness's public key")
	cmd.Flags().BoolVar(&args.Remove, "remove", false, "keep no more heads there; what is there stays")
	return cmd
}

func runAnchor(ctx context.Context, h *house, args anchorArgs, say *speaker) error {
	is := func(a anchored) bool { return a.Where == args.Where }
	switch {
	case args.Remove:
		found := false
		if err := h.putAnchors(ctx, func(all []anchored) []anchored {
			found = slices.ContainsFunc(all, is)
			return slices.DeleteFunc(all, is)
		}); err != nil {
			return err
		}
		if !found {
			return fault.New(fault.NotFound, "No heads are kept there: rapport ledger anchor lists the places.")
		}
		say.Printf("No more heads are brought to %s. What is there stays.\n", args.Where)
		return nil
	case args.Where != "":
		if _, err := h.ledger.Sequence(ctx); err != nil && !errors.Is(err, ledger.ErrMoved) {
			return err
		}
		if rel, err := filepath.Rel(h.dir, args.Where); args.Key == "" && err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return fault.New(fault.Refused, "That file lies in the home: who can put the home back to an earlier day puts it back too. Name one elsewhere.")
		}
		a := anchored{Where: args.Where, Key: args.Key, Since: h.clock()}
		if h.ask(ctx, &a); a.Fault != "" || a.Says != "" && a.Key == "" {
			return fault.New(fault.Conflict, a.Says)
		}
		if err := h.putAnchors(ctx, func(all []anchored) []anchored { return append(slices.DeleteFunc(all, is), a) }); err != nil {
			return err
		}
	}
	all, err := h.anchors(ctx)
	if err != nil {
		return err
	}
	if args.JSON {
		for _, a := range all {
			say.JSON(a)
		}
		return nil
	}
	say.Printf("The ledger's public key: %s\n", h.ledger.Public())
	if len(all) == 0 {
		say.Printf("Its heads are kept nowhere outside the home: rapport ledger anchor FILE names a place.\n")
	}
	for _, a := range all {
		switch {
		case a.Says != "":
			say.Printf("%s: %s\n", a.Where, a.Says)
		case a.At == 0:
			say.Printf("%s: nothing yet; the first entry makes a head.\n", a.Where)
		default:
			say.Printf("%s: a head over %d entries, confirmed on %s.\n", a.Where, a.Size, a.At.Time().UTC().Format("2 January 2006 15:04 UTC"))
		}
	}
	return nil
}

// witnessCommand is a witness for other homes: it needs no home, and should not run where one is.
func witnessCommand() *cobra.Command {
	var dir, name, listen string
	var logs []string
	cmd := &cobra.Command{
		Use:   "witness --dir DIR --name NAME --log KEY",
		Short: "Be a witness: cosign the heads of others' ledgers, each only when it contains the one before",
		Long: "Speaks c2sp.org/tlog-witness over plain HTTP, behind a proxy that speaks TLS. Every head that it cosigned is a line of a file in DIR, which\n" +
			"rapport ledger verify --anchor reads. It prints its public key at the start.",
		Example: "  rapport ledger witness --dir /srv/witness --name witness.example --listen 127.0.0.1:8090 --log 'rapport-ledger/…+…'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" || name == "" || len(logs) == 0 {
				return usage{errors.New("say where its files are with --dir, how it is named with --name, and which ledgers it watches with --log KEY (rapport ledger anchor prints a home's)")}
			}
			for i, key := range logs {
				if raw, err := os.ReadFile(key); err == nil {
					logs[i] = strings.TrimSpace(string(raw))
				}
			}
			w, err := anchor.OpenWitness(dir, name, logs, person.SystemClock)
			if err != nil {
				return err
			}
			ln, err := net.Listen("tcp", listen)
			if err != nil {
				return fmt.Errorf("nothing can be served at %s; name another address with --listen: %w", listen, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n", w.Public())
			fmt.Fprintf(cmd.ErrOrStderr(), "The witness answers at http://%s\n", ln.Addr())
			srv := &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second, MaxHeaderBytes: 16 << 10}
			go func() { <-cmd.Context().Done(); _ = srv.Close() }()
			if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		}}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of its key and of the heads that it has seen")
	cmd.Flags().StringVar(&name, "name", "", "its name, part of its public key: its address without https://")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8090", "address to listen on")
	cmd.Flags().StringArrayVar(&logs, "log", nil, "a ledger's public key, or a file of it; several times for several homes")
	return cmd
}
