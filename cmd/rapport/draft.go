package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/charter/draft"
	"github.com/rapporthq/rapport/fault"
)

func init() { register("charter-observe", runObserve) }

type observeArgs struct {
	For   time.Duration
	Least int
	Out   string
}

// leastArrived is how often a name must arrive before a proposal has it: a rarer one may be somebody's own.
const leastArrived = 10

func draftCommand(home *homeOptions) *cobra.Command {
	var out string
	var observe time.Duration
	cmd := &cobra.Command{
		Use:   "draft FILE… | --observe TIME",
		Short: "Write a first charter from files, or a proposal from what arrives and is refused",
		Long: "From CSV and JSON Lines: columns are recognised by name and content, and what you must decide stands in the draft at DECIDE,\n" +
			"with the commands that bring the files. With --observe the home that is being served counts names and types of what the\n" +
			"charter does not name, keeps no content, and writes the charter in force with them added.",
		Example: "  rapport charter draft orders.csv customers.csv --out charter.yaml\n  rapport charter draft --home ./shop --observe 1h --out proposal.yaml",
		RunE: func(cmd *cobra.Command, files []string) error {
			if out != "" {
				var err error
				if out, err = filepath.Abs(out); err != nil {
					return err
				}
			}
			say := terminal(cmd)
			switch {
			case observe > 0 && len(files) > 0:
				return usage{errors.New("name files, or a home to watch with --home DIR --observe TIME; not both")}
			case observe > 0:
				return observing(cmd.Context(), *home, observeArgs{For: observe, Least: leastArrived, Out: out}, say)
			case len(files) == 0:
				return usage{errors.New("name files to draft a charter from, or a home to watch with --home DIR --observe TIME")}
			}
			return draftFiles(files, out, say)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write to this file, which must not be there, instead of standard output")
	cmd.Flags().DurationVar(&observe, "observe", 0, "watch what arrives for so long, such as 1h")
	return cmd
}

func draftFiles(files []string, out string, say *speaker) error {
	var tables []*draft.Table
	for _, path := range files {
		t, err := readTable(path)
		if err != nil {
			return err
		}
		tables = append(tables, t)
	}
	text := draft.Write(tables, time.Now())
	if out == "" {
		say.Printf("%s", text)
		return nil
	}
	if err := newFile(out, text); err != nil {
		return err
	}
	say.Printf("A draft is in %s: what you must decide stands there at DECIDE (%d times). Then:\n\n", out, strings.Count(string(text), "DECIDE:"))
	for _, c := range draft.Commands(tables, out, "home") {
		say.Printf("  %s\n", c)
	}
	if draft.LacksItems(tables) {
		say.Printf("\nNo file names what can be offered: bring a catalogue too, such as a CSV items.csv with the columns id,name:\n\n  rapport import --home home --source files --as items items.csv\n")
	}
	return nil
}

func readTable(path string) (*draft.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, path+" cannot be read.", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fault.New(fault.Invalid, path+" is a folder; name the files in it.")
	}
	t, err := draft.Read(path, f)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, path+" tells nothing to draft from: "+sentence(err), err)
	}
	return t, nil
}

// newFile writes a file that is not there yet.
func newFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fault.New(fault.Conflict, path+" is there already; name a file that is not.")
	}
	if err != nil {
		return fault.Wrap(fault.Invalid, path+" cannot be written.", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// observing asks the process that serves the home: nothing arrives anywhere else.
func observing(ctx context.Context, home homeOptions, args observeArgs, say *speaker) error {
	if home.Home == "" {
		return usage{errors.New("say which home with --home DIR")}
	}
	if home.Database != "" {
		return fault.New(fault.Invalid, "A home on PostgreSQL has several processes and no socket to watch by; draft from a file of its messages instead.")
	}
	conn, err := net.DialTimeout("unix", filepath.Join(home.Home, socketName), time.Second)
	if err != nil {
		return fault.New(fault.Unavailable, "Nothing arrives at a home that is not being served; start rapport serve --home "+shellWord(home.Home)+" and give the command again.")
	}
	_ = conn.Close()
	return perform(ctx, home, "charter-observe", args, say)
}

func runObserve(ctx context.Context, h *house, args observeArgs, say *speaker) error {
	o, stop := h.gate.Observe()
	defer stop()
	begun := time.Now()
	end, tick := time.NewTimer(args.For), time.NewTicker(time.Second)
	defer end.Stop()
	defer tick.Stop()
	for watching := true; watching; {
		select {
		case <-end.C:
			watching = false
		case <-tick.C:
			say.Progress("watching", int64(time.Since(begun)/time.Second), int64(args.For/time.Second))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	stop()
	arrived, messages := o.Arrived()
	text, added, err := draft.Extend(h.charter().Source, arrived, args.Least)
	if err != nil {
		return err
	}
	if len(added) == 0 {
		return fault.New(fault.NotFound, fmt.Sprintf("%d messages arrived, and nothing that the charter does not name came %d times; watch longer.", messages, args.Least))
	}
	if args.Out == "" {
		say.Printf("%s", text)
		return nil
	}
	if err := newFile(args.Out, text); err != nil {
		return err
	}
	say.Printf("%d messages arrived. The charter in force with these added is in %s: decide about each, then rapport charter accept --home %s %s\n", messages, args.Out, shellWord(h.dir), shellWord(args.Out))
	for _, a := range added {
		say.Printf("  %s\n", a)
	}
	return nil
}
