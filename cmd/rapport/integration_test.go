package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// snippets are the blocks of a page that are marked to be run, by language.
func snippets(t *testing.T, page string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]+) run\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = m[2]
	}
	return found
}

// TestTheSnippetsOfTheDocsRun makes a home as docs/integration.md says, takes each integration out of it as it stands there, runs it
// with nothing but what comes with its language, and looks at what the home then knows.
func TestTheSnippetsOfTheDocsRun(t *testing.T) {
	all := snippets(t, "../../docs/integration.md")
	page, err := os.ReadFile("../../docs/integration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, begin, _ := strings.Cut(string(page), "```sh\n")
	begin, served, _ := strings.Cut(begin, "rapport serve --home ./shop &\n")
	if !strings.HasPrefix(served, "```") {
		t.Fatal("the page does not begin with a home that is made and served")
	}
	dir := shortDir(t)
	said, err := inShell(t, dir)(begin + "echo; echo $RAPPORT_KEY; echo $RAPPORT_TOKEN")
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	tokens := strings.Fields(said)
	home, key, token := filepath.Join(dir, "shop"), tokens[len(tokens)-2], tokens[len(tokens)-1]
	s := serveHome(t, home)
	run := map[string]struct {
		file string
		with []string
		who  string
	}{
		"sh": {"integration.sh", []string{"bash"}, "reader-1"}, "go": {"main.go", []string{"go", "run"}, "reader-2"},
		"js": {"integration.mjs", []string{"node"}, "reader-3"}, "python": {"integration.py", []string{"python3"}, "reader-4"},
	}
	if len(all) != len(run) {
		t.Errorf("the page has %d integrations, want %d", len(all), len(run))
	}
	for language, r := range run {
		if _, err := exec.LookPath(r.with[0]); err != nil {
			t.Errorf("%s is not installed: run make test, which installs it", r.with[0])
			continue
		}
		file := filepath.Join(t.TempDir(), r.file)
		if err := os.WriteFile(file, []byte(all[language]), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		cmd := exec.CommandContext(ctx, r.with[0], append(r.with[1:], file)...)
		cmd.Env = append(os.Environ(), "RAPPORT_URL="+s.URL, "RAPPORT_KEY="+key, "RAPPORT_TOKEN="+token)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		cancel()
		if said := strings.ReplaceAll(out.String(), `"remembered":`, "remembered: "); err != nil || !strings.Contains(said, "remembered: true") && !strings.Contains(said, "remembered: True") {
			t.Errorf("%s: %v\n%s", language, err, &out)
		}
	}
	s.stop()
	w := opened(t, homeOptions{Home: home})
	for language, r := range run {
		k := w.person(vault.UserID, r.who)
		if k == nil {
			t.Errorf("%s: nobody is known", language)
			continue
		}
		useful := 0
		for _, f := range k.Record.Feedback {
			if f.Kind == person.FeedbackKind("useful") {
				useful++
			}
		}
		if len(k.Events) != 1 || k.said("personalise") != consent.Yes || k.said("email") != consent.No || useful != 1 || len(k.Record.Shown) != 1 {
			t.Errorf("%s left %d events, the answers %v and %v, %d useful, %d shown", language, len(k.Events), k.said("personalise"), k.said("email"), useful, len(k.Record.Shown))
		}
	}
}
