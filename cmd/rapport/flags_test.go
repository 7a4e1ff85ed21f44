package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/flags.md anew instead of comparing")

// flagReference is docs/flags.md, made of what the commands say of themselves.
func flagReference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands and flags\n\nMade from the code by `go test ./cmd/rapport -run TestFlagReference -update`; a test says when it is stale.\n")
	var write func(c *cobra.Command)
	write = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			return
		}
		if c != root {
			fmt.Fprintf(&b, "\n## %s\n\n%s.\n", c.CommandPath(), strings.TrimSuffix(c.Short, "."))
			if c.Long != "" {
				fmt.Fprintf(&b, "\n%s\n", strings.ReplaceAll(strings.TrimSpace(c.Long), "\n", " "))
			}
			fmt.Fprintf(&b, "\n```\n%s\n```\n", strings.TrimSpace(c.UseLine()))
			if c.Example != "" {
				var lines []string
				for line := range strings.Lines(c.Example) {
					lines = append(lines, strings.TrimSpace(line))
				}
				fmt.Fprintf(&b, "\nFor example:\n\n```\n%s\n```\n", strings.Join(lines, "\n"))
			}
			rows := ""
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if f.Hidden || f.Name == "help" {
					return
				}
				value, says := pflag.UnquoteUsage(f)
				name, otherwise := "--"+f.Name, f.DefValue
				if value != "" {
					name += " " + value
				}
				if otherwise == "[]" || otherwise == "false" {
					otherwise = ""
				}
				if otherwise != "" {
					otherwise = "`" + otherwise + "`"
				}
				rows += fmt.Sprintf("| `%s` | %s | %s |\n", name, otherwise, strings.ReplaceAll(says, "|", "\\|"))
			})
			if rows != "" {
				b.WriteString("\n| flag | default | |\n|---|---|---|\n" + rows)
			}
		}
		for _, sub := range c.Commands() {
			write(sub)
		}
	}
	write(root)
	return b.String()
}

func TestFlagReference(t *testing.T) {
	const page = "../../docs/flags.md"
	t.Setenv("RAPPORT_HOME", "")
	t.Setenv("RAPPORT_DATABASE", "")
	want := flagReference(rootCommand())
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil || string(have) != want {
		t.Errorf("docs/flags.md is stale (%v): run go test ./cmd/rapport -run TestFlagReference -update", err)
	}
	if strings.Count(want, "\n## rapport ") < 10 || !strings.Contains(want, "`--tls-cert string`") {
		t.Errorf("the reference has lost its commands:\n%s", want)
	}
	more := rootCommand()
	more.AddCommand(&cobra.Command{Use: "new", Short: "A new one", Run: func(*cobra.Command, []string) {}})
	if flagReference(more) == want {
		t.Error("a new command would not be missed")
	}
}
