// Command rapport is the whole of Rapport: it makes a home, serves it, and speaks to a home that is being served.
// This package wires nouns to adapters and doors; it is the only one that knows everybody.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/fault"
)

// version is set at build time.
var version = "0.1.0-dev"

func main() {
	ownerOnly()
	os.Exit(run(os.Args[1:]))
}

// usage marks a wrong use of the command line: exit code 2.
type usage struct{ error }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var wrong usage
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintln(os.Stderr, "rapport: "+wrong.Error())
		return 2
	case errors.Is(err, errSaid):
		return 1
	}
	fmt.Fprintln(os.Stderr, "rapport: "+sentence(err))
	return 1
}

// errSaid ends a command with exit code 1 after it has said why itself.
var errSaid = errors.New("said")

// sentence is what people at a terminal read: a fault's sentence, else the error itself. They own the home, so unlike on a
// page the cause is for them.
func sentence(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Error()
	}
	return err.Error()
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "rapport",
		Short:         "The customer data platform that earns the right to use the data",
		Long:          "Rapport collects customer data in the open, keeps it sealed under pseudonyms, personalises only as far as each\nrelationship allows, says why each time, and accounts for every look.",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(commands()...)
	wrapArgs(root)
	return root
}

// wrapArgs turns a wrong number of arguments, and an unknown command, into wrong use.
func wrapArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usage{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
}
