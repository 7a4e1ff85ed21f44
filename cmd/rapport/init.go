package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/charter"
)

func initCommand() *cobra.Command {
	example := "retail"
	cmd := &cobra.Command{
		Use:     "init DIR",
		Short:   "Make a home: charter.yaml, keys/, database/",
		Example: "  rapport init ./shop\n  rapport init ./shop --example retail",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			source, ok := charter.Example(example)
			if !ok {
				return usage{fmt.Errorf("there is no example %q; there is retail", example)}
			}
			if err := makeHome(args[0], source); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "A home is in %s. Its charter.yaml is an example: edit it first; it is in force from the first time the home is opened.\n\n"+
				"  rapport charter check %s/charter.yaml\n"+
				"  rapport token --home %s --role source --name tills\n"+
				"  rapport serve --home %s\n", args[0], args[0], args[0], args[0])
			return nil
		},
	}
	cmd.Flags().StringVar(&example, "example", example, "which example's charter to begin with")
	return cmd
}
