package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/demo/bank"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/trust/vault"
)

// sampleOf is where init puts an example's made-up files, for import: beside the home, as a home holds nothing about people in clear.
func sampleOf(dir string) string { return filepath.Clean(dir) + "-sample" }

func initCommand() *cobra.Command {
	var example, own string
	var home homeOptions
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Make a home: charter.yaml, keys/, database/, lake/",
		Long: "The charter is an example's, or your own: rapport charter draft writes one from your files. The example bank brings\n" +
			"made-up files to import; the example retail is a charter alone (its world is rapport demo).",
		Example: "  rapport init ./shop\n  rapport init ./bank --example bank\n  rapport init ./mine --charter charter.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			service, err := home.keyService()
			if err != nil {
				return err
			}
			return initHome(cmd.OutOrStdout(), args[0], example, own, service...)
		},
	}
	cmd.Flags().StringVar(&example, "example", "", "which example's charter to begin with: "+strings.Join(charter.Examples(), " or ")+" (default: retail)")
	cmd.Flags().StringVar(&own, "charter", "", "begin with this charter file instead of an example's")
	keyServiceFlags(cmd.Flags(), &home)
	return cmd
}

// initHome makes the home and prints the next three commands, as they can be given.
func initHome(out io.Writer, dir, example, own string, with ...vault.Option) error {
	source, err := firstSource(example, own)
	if err != nil {
		return err
	}
	if err := makeHome(dir, source, with...); err != nil {
		return err
	}
	home := shellWord(dir)
	fmt.Fprintf(out, "A home is in %s. Its charter.yaml is in force from the first time the home is opened: edit it before.\n\n", dir)
	switch {
	case own != "":
		if _, problems := charter.Parse(source); len(problems.Warnings()) > 0 {
			fmt.Fprintf(out, "It has %d warnings, which the first of these commands tells:\n\n", len(problems.Warnings()))
		}
		fmt.Fprintf(out, "  rapport charter check --home %s\n  rapport charter show --home %s\n  rapport serve --home %s\n", home, home, home)
	case example == "bank":
		sample := sampleOf(dir)
		if err := os.MkdirAll(sample, 0o700); err != nil {
			return err
		}
		if err := bank.Write(sample, time.Now(), bank.People); err != nil {
			return err
		}
		fmt.Fprintf(out, "  rapport import --home %s %s/*.csv\n  rapport learn --home %s\n  rapport decide --home %s --person userId=%s --placement app-home --explain\n",
			home, shellWord(sample), home, home, bank.Customer(0))
	default:
		c, _ := charter.Parse(source)
		fmt.Fprintf(out, "  rapport charter check --home %s\n  rapport token --home %s --role source --name %s\n  rapport serve --home %s\n", home, home, serverOf(c), home)
	}
	return nil
}

// firstSource is the charter that a home begins with.
func firstSource(example, own string) ([]byte, error) {
	if own != "" {
		if example != "" {
			return nil, usage{fmt.Errorf("give --example or --charter, not both")}
		}
		source, err := os.ReadFile(own)
		if err != nil {
			return nil, fault.Wrap(fault.NotFound, own+" cannot be read.", err)
		}
		return source, nil
	}
	if example == "" {
		example = "retail"
	}
	source, ok := charter.Example(example)
	if !ok {
		return nil, usage{fmt.Errorf("there is no example %q; there is %s", example, strings.Join(charter.Examples(), " and "))}
	}
	return source, nil
}

// serverOf names the charter's first source that is a server's.
func serverOf(c *charter.Charter) string {
	for _, name := range c.Order.Sources {
		if c.Sources[name].Kind == "server" {
			return name
		}
	}
	return ""
}

// shellWord writes a path as one word of a shell.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
