package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func evaluateCommand() *cobra.Command {
	return &cobra.Command{Use: "evaluate", Hidden: true, RunE: func(*cobra.Command, []string) error { return errors.New("not here yet") }}
}
