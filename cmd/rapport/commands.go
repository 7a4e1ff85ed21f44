package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// commands are all subcommands, in the order in which people need them.
func commands() []*cobra.Command {
	return []*cobra.Command{
		demoCommand(), initCommand(), serveCommand(), tokenCommand(), importCommand(), charterCommand(), learnCommand(), decideCommand(),
		evaluateCommand(), identityCommand(), ledgerCommand(), rightsCommand(), keysCommand(), proveCommand(), doctorCommand(), backupCommand(), restoreCommand(), benchCommand(),
	}
}

// terminal speaks to whoever typed the command: results to standard output, progress to standard error when that is a terminal.
func terminal(cmd *cobra.Command) *speaker {
	var bar *progressbar.ProgressBar
	of := ""
	errs := cmd.ErrOrStderr()
	s := &speaker{out: func(text string) error { _, err := io.WriteString(cmd.OutOrStdout(), text); return err }}
	if !isTerminal(errs) {
		return s
	}
	s.progress = func(p progress) {
		if bar == nil || p.Of != of {
			of = p.Of
			bar = progressbar.NewOptions64(max(p.Total, 1), progressbar.OptionSetWriter(errs), progressbar.OptionSetDescription(fmt.Sprintf("%-16s", p.Of)),
				progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100_000_000))
		}
		_ = bar.Set64(min(p.Done, max(p.Total, 1)))
	}
	return s
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
