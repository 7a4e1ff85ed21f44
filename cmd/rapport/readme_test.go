package main

import (
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Commands in pages are true: they are given to a shell as they stand, and only addresses and folders are other ones.

// blocks are the fenced blocks without a language under a heading of a page.
func blocks(t *testing.T, page, heading string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut("\n"+string(text), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", page, heading)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	var out []string
	for _, m := range regexp.MustCompile("(?ms)^```\n(.*?)^```$").FindAllStringSubmatch(part, -1) {
		out = append(out, m[1])
	}
	return out
}

// lines are the commands of a block: a line that is indented goes on from the one before.
func lines(block string) []string {
	return strings.Split(strings.ReplaceAll(strings.TrimSpace(block), "\n  ", " "), "\n")
}

func TestTheReadmesWayToOnesOwnData(t *testing.T) {
	found := blocks(t, "README.md", "## Your own data")
	if len(found) != 2 {
		t.Fatalf("the README shows %d blocks, not commands and a file", len(found))
	}
	dir, err := os.MkdirTemp("", "rapport-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, text := range map[string]string{
		"orders.csv":   found[1],
		"products.csv": "id,name,price\nB1,Bananas,0.9\nM1,Milk,1.2\n",
		"choices.csv":  "userId,purpose,answer,at\n42,personalise,yes,2026-11-01T10:00:00Z\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("EDITOR", "true")
	sh, home, said := inShell(t, dir), filepath.Join(dir, "shop"), ""
	given := lines(found[0])
	for _, line := range given {
		line = strings.ReplaceAll(line, "/srv/shop", home)
		if strings.HasPrefix(line, "rapport serve ") {
			s := startServing(t, "serve", "--home", home, "--listen", "127.0.0.1:0")
			t.Cleanup(s.stop)
			continue
		}
		out, err := sh(line)
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		said += out
	}
	if len(given) < 10 || strings.Contains(said, "refused:") {
		t.Errorf("of %d lines something was refused:\n%s", len(given), said)
	}
	until(t, "the order is in history", func() bool {
		_, _ = sh("rapport learn --home " + home)
		d := decides(t, home, "42", "home")
		return len(d.Items) > 0
	})
	for _, line := range lines(blocks(t, "docs/operations.md", "## What to back up")[0]) {
		line = strings.NewReplacer("/srv/shop", home, "/backups/", dir+"/", "/elsewhere/", dir+"/").Replace(line)
		if out, err := sh(line); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	if _, err := os.Stat(home + "-again"); err != nil {
		t.Errorf("the page's restore made no home: %v", err)
	}
}

func TestTheReadmesTourOfTheDoor(t *testing.T) {
	d := openDemo(t)
	found := blocks(t, "README.md", "## Five minutes' tour")
	if len(found) != 1 {
		t.Fatalf("the tour shows %d blocks", len(found))
	}
	t.Setenv("DECIDE", d.DecideToken)
	t.Setenv("SOURCE", d.SourceKey)
	sh := inShell(t, t.TempDir())
	var said []string
	for _, line := range lines(found[0]) {
		out, err := sh(strings.ReplaceAll(line, "http://127.0.0.1:8080", d.URL))
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		said = append(said, out)
	}
	for i, want := range []string{`"items":[{`, `"success":true`, `"unplanned-field"`} {
		if i >= len(said) || !strings.Contains(said[i], want) {
			t.Errorf("line %d of the tour does not say %s: %q", i+1, want, said)
		}
	}
}

// TestTheLinesOfTheFrontPageRunAsTheyStand types what the page at / shows to engineers, for each example: the event is one of that charter,
// all of it is kept, and the question has an answer.
func TestTheLinesOfTheFrontPageRunAsTheyStand(t *testing.T) {
	for example, c := range map[string]struct{ source, says string }{"retail": {"tills", `"event": "Order Completed"`}, "bank": {"core", `"event": "Account Opened"`}} {
		home := filepath.Join(shortDir(t), "home")
		must(t, "init", home, "--example", example)
		source, decide := must(t, "token", "--home", home, "--role", "source", "--name", c.source), must(t, "token", "--home", home, "--role", "decide", "--name", "site")
		s := startServing(t, "serve", "--home", home, "--listen", "127.0.0.1:0")
		t.Cleanup(s.stop)
		t.Setenv("SOURCE", strings.TrimSpace(source))
		t.Setenv("DECIDE", strings.TrimSpace(decide))
		sh := inShell(t, t.TempDir())
		page, err := sh("curl -sS " + s.URL + "/")
		if err != nil {
			t.Fatal(err, page)
		}
		found := regexp.MustCompile(`(?s)<code>(curl .*?)</code>`).FindAllStringSubmatch(page, -1)
		if len(found) != 2 || !strings.Contains(html.UnescapeString(found[0][1]), c.says) {
			t.Fatalf("%s: the page shows %d lines, of another event than %s", example, len(found), c.says)
		}
		for i, want := range []string{`"success":true`, `"rung":"generic"`} {
			line := html.UnescapeString(found[i][1])
			if out, err := sh(strings.Replace(line, "curl ", "curl -sS --fail-with-body ", 1)); err != nil || !strings.Contains(out, want) {
				t.Errorf("%s: %v %s\n%s", example, err, out, line)
			}
		}
		recent, err := sh(`curl -sS -H "Authorization: Bearer $SOURCE" ` + s.URL + "/api/events/recent")
		if err != nil || !strings.Contains(recent, `"kept":true`) || strings.Contains(recent, `"reason"`) {
			t.Errorf("%s: %v, of the event became: %s", example, err, recent)
		}
	}
}

// TestTheReadmeNamesEveryCommand holds the table of commands to the program.
func TestTheReadmeNamesEveryCommand(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| (`rapport .*?) \\| ").FindAllStringSubmatch(string(text), -1) {
		for _, c := range regexp.MustCompile("`rapport ([a-z]+)").FindAllStringSubmatch(m[1], -1) {
			named[c[1]] = true
		}
	}
	is := map[string]bool{}
	for _, c := range commands() {
		is[c.Name()] = true
		if !named[c.Name()] {
			t.Errorf("the README's table does not name rapport %s", c.Name())
		}
	}
	for name := range named {
		if !is[name] {
			t.Errorf("the README names rapport %s, which is no command", name)
		}
	}
}
