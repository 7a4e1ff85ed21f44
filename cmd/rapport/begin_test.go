package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/demo/bank"
)

// inShell gives a shell in which the word rapport is this very program, as a newcomer types it.
func inShell(t *testing.T, dir string) func(line string) (string, error) {
	t.Helper()
	bin := t.TempDir()
	me, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "rapport"), []byte("#!/bin/sh\n"+asCommand+"=1 exec "+shellWord(me)+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return func(line string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "/bin/sh", "-ec", line)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

var printed = regexp.MustCompile(`(?m)^  (rapport .*)$`)

// TestInitPrintsCommandsThatAreTrue gives the commands that init prints, as they stand, for each example and for a charter of one's
// own, in a folder whose name has a space and a quote in it.
func TestInitPrintsCommandsThatAreTrue(t *testing.T) {
	dir := t.TempDir()
	sh := inShell(t, dir)
	mine := writeFile(t, "mine.yaml", string(edited(t)))
	for name, c := range map[string]struct{ init, says string }{
		"retail": {"rapport init shop", "rapport serve"},
		"bank":   {"rapport init \"the bank's home\" --example bank", "Far and wide card"},
		"own":    {"rapport init own --charter " + shellWord(mine), "rapport serve"},
	} {
		said, err := sh(c.init)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, said)
		}
		commands := printed.FindAllStringSubmatch(said, -1)
		if len(commands) != 3 {
			t.Fatalf("%s: init prints %d commands, not three:\n%s", name, len(commands), said)
		}
		all := said
		for _, m := range commands {
			if strings.Contains(m[1], " serve ") {
				s := startServing(t, strings.Fields(strings.TrimPrefix(strings.ReplaceAll(m[1], "--home ", "--listen 127.0.0.1:0 --home "+dir+"/"), "rapport "))...)
				s.stop()
				continue
			}
			out, err := sh(m[1])
			if err != nil {
				t.Errorf("%s: %s: %v\n%s", name, m[1], err, out)
			}
			all += out
		}
		if !strings.Contains(all, c.says) {
			t.Errorf("%s: nothing says %q:\n%s", name, c.says, all)
		}
	}
}

// bankHome is Halden Bank, imported and learnt from.
func bankHome(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rapport-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	home := filepath.Join(dir, "home")
	must(t, "init", home, "--example", "bank")
	files, err := filepath.Glob(filepath.Join(sampleOf(home), "*.csv"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	must(t, append([]string{"import", "--home", home}, files...)...)
	must(t, "learn", "--home", home)
	return home
}

// TestTheWholeWayOnABank goes from an empty folder to decisions in a trade that is no shop's: nothing of a shop is wired into the code.
func TestTheWholeWayOnABank(t *testing.T) {
	home := bankHome(t)
	credit, personal, held := 0, 0, 0
	for n := range bank.People {
		d := decides(t, home, bank.Customer(n), "app-home")
		said := d.Rung == "individual"
		if said == bank.SaidNo(n) {
			t.Errorf("customer %d, who said no: %v, is decided for on the rung %s", n, bank.SaidNo(n), d.Rung)
		}
		for _, it := range d.Items {
			if it.ID == "card" || it.ID == "travel-card" || it.ID == "loan" || it.ID == "overdraft" {
				credit++
				if bank.InDifficulty(n) {
					t.Errorf("customer %d is behind with payments and is offered %s", n, it.ID)
				}
			}
			for _, b := range it.Because {
				if strings.Contains(strings.ToLower(b.Text), "bought") || strings.Contains(strings.ToLower(b.Text), "order") {
					t.Errorf("a bank says %q", b.Text)
				}
			}
		}
		if said {
			personal++
		}
		held += len(d.Held)
		if n == 25 {
			break // each is a process of its own
		}
	}
	if credit == 0 || personal == 0 || held == 0 {
		t.Errorf("%d offers of credit, %d personal decisions, %d holds: this proves nothing", credit, personal, held)
	}
	checks := proves(t, home)
	for check, failed := range checks {
		if failed > 0 && check != "holds-exercised" {
			t.Errorf("%s: %d failed", check, failed)
		}
	}
	whole(t, home)
}

// TestBothExamplesAreOffered holds the list of examples to what init takes.
func TestBothExamplesAreOffered(t *testing.T) {
	for _, name := range []string{"retail", "bank"} {
		if _, ok := charter.Example(name); !ok {
			t.Errorf("there is no example %s", name)
		}
		if _, err := firstSource(name, ""); err != nil {
			t.Error(err)
		}
	}
	raw, err := json.Marshal(charter.Examples())
	if err != nil || string(raw) != `["bank","retail"]` {
		t.Errorf("%s, %v", raw, err)
	}
}

// trades are words of the grocer's example that the code must do without: a charter says them, or nobody does.
var trades = regexp.MustCompile(`(?i)\b(fernhill|grocer(y|ies|s)?|bananas?|cakestand|sweets|diabetics?|halden|household [0-9]+)\b`)

// standard are names of events that the Segment specification gives and a charter may: pages show them in examples, the draft suggests one.
var standard = regexp.MustCompile(`\b(Order Completed|Product Viewed|Order Refunded)\b`)

// TestNoTradeIsWiredIn reads every Go file and page that is not the demo's, the shop's (an example of a site) or a test.
func TestNoTradeIsWiredIn(t *testing.T) {
	root := filepath.Join("..", "..")
	looked := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			switch {
			case rel == "demo", rel == "reference", rel == "web/shop", rel == "cmd/rapport/bench", rel == "docs", d.Name() == "testdata", d.Name() == "examples", d.Name() == "node_modules", strings.HasPrefix(d.Name(), ".") && rel != ".":
				return filepath.SkipDir
			}
			return nil
		}
		name := d.Name()
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(rel, "cmd/rapport/demo") || (!strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, ".html") && !strings.HasSuffix(name, ".css")) {
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		looked++
		for i, line := range strings.Split(string(body), "\n") {
			code, _, _ := strings.Cut(line, "// ")
			if strings.Contains(code, "Example:") || strings.Contains(code, `"  rapport `) {
				continue // an example of use names an example's words
			}
			m := trades.FindString(code)
			if m == "" && strings.HasSuffix(name, ".go") && rel != "charter/draft/write.go" {
				m = standard.FindString(code)
			}
			if m != "" {
				t.Errorf("%s:%d: %q belongs to a trade: a charter says it, or nobody does", rel, i+1, m)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if looked < 150 {
		t.Errorf("only %d files were looked at", looked)
	}
	if !standard.MatchString(`case "Order Completed":`) || !trades.MatchString(`"a grocer"`) {
		t.Error("a wired word is not found")
	}
}

// TestADryRunSaysWhichItemsAreNone, before anything is in the catalogue.
func TestADryRunSaysWhichItemsAreNone(t *testing.T) {
	home := exampleHome(t)
	file := writeFile(t, "items.csv", "id,name,price\n1,Lamp,3\n,Nothing,3\n2,Clock,three\n")
	said := must(t, "import", "--home", home, "--source", "tills", "--dry-run", file)
	for _, want := range []string{"3 lines, 1 kept", "2 could not be read", "line 3: id is missing", "line 4: price must be a number"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q: %s", want, said)
		}
	}
	if d := decides(t, home, "nobody", "home"); len(d.Items) != 0 {
		t.Errorf("a dry run brought items: %+v", d)
	}
	must(t, "import", "--home", home, "--source", "tills", file)
	if d := decides(t, home, "nobody", "home"); len(d.Items) != 1 {
		t.Errorf("the item is not there: %+v", d)
	}
}

// TestADryRunSaysReturnsInWords: a file of a till, with a return within an order and an order that is nothing else.
func TestADryRunSaysReturnsInWords(t *testing.T) {
	home := exampleHome(t)
	file := writeFile(t, "events.csv", "userId,event,timestamp,order_id,product_id,quantity,price\n"+
		"u,Order Completed,2026-01-02T03:04:05Z,o1,p1,2,1.5\nu,Order Completed,2026-01-02T03:04:05Z,o1,p2,-1,1.5\nu,Order Completed,2026-01-03T03:04:05Z,C1,p1,-2,1.5\n")
	said := must(t, "import", "--home", home, "--source", "tills", "--dry-run", file)
	for _, want := range []string{"3 lines, 1 kept, 1 refused by the charter, 0 could not be read", "Order Completed.products", "returned: rows with a quantity below zero are returns, no purchases: they are left out, the other rows of the order are kept."} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q: %s", want, said)
		}
	}
}

// TestAnImportSaysWhoIsNotNamed in words and as JSON, apart from what cannot be read.
func TestAnImportSaysWhoIsNotNamed(t *testing.T) {
	home := exampleHome(t)
	file := writeFile(t, "people.csv", "userId,household\n,2\n7,3,more\n8,4\n")
	if said := must(t, "import", "--home", home, "--source", "tills", "--dry-run", file); !strings.Contains(said, "1 could not be read, 1 name nobody.") {
		t.Error(said)
	}
	if said := must(t, "import", "--home", home, "--source", "tills", "--dry-run", "--json", file); !strings.Contains(said, `"bad":1,"nobody":1`) {
		t.Error(said)
	}
}

// TestWarningsOfOneKindAreOneLine: a fresh draft lacks a benefit everywhere, and that is said once.
func TestWarningsOfOneKindAreOneLine(t *testing.T) {
	dir := shortDir(t)
	draft := filepath.Join(dir, "charter.yaml")
	must(t, "charter", "draft", filepath.Join("..", "..", "charter", "draft", "testdata", "people.csv"), "--out", draft)
	const lacks = "the datum has no benefit"
	n := strings.Count(must(t, "charter", "check", "--json", draft), lacks)
	if n < 2 {
		t.Fatalf("%d facts lack a benefit: nothing is tested", n)
	}
	if each := must(t, "charter", "check", "--each", draft); strings.Count(each, lacks) != n {
		t.Errorf("--each names %d of %d:\n%s", strings.Count(each, lacks), n, each)
	}
	if said := must(t, "charter", "check", draft); strings.Count(said, lacks) != 1 || !strings.Contains(said, fmt.Sprintf("(%d times; --each names them)", n)) {
		t.Errorf("%d warnings of one kind are not one line:\n%s", n, said)
	}
	if said := must(t, "init", filepath.Join(dir, "home"), "--charter", draft); !strings.Contains(said, fmt.Sprintf("It has %d warnings", n)) {
		t.Errorf("init does not count %d warnings:\n%s", n, said)
	}
}

// TestLearningFromNobodySaysWhy takes a home from nobody at all to people of whom something may be learnt.
func TestLearningFromNobodySaysWhy(t *testing.T) {
	home := exampleHome(t)
	for _, c := range []struct{ what, file, text, says string }{
		{"nobody", "", "", "Nobody is known yet"},
		{"no choice", "people.csv", "userId,email\nu1,ada@post.example\n", "No choice was imported or given, and personalise rests on consent"},
		{"a no", "choices.csv", "userId,purpose,answer,at\nu1,personalise,no,2026-01-02T03:04:05Z\n", "Nobody has said yes to personalise"},
		{"a yes", "choices2.csv", "userId,purpose,answer,at\nu1,personalise,yes,2026-01-03T03:04:05Z\n", "Those who allow it have taken nothing"},
	} {
		if c.file != "" {
			must(t, "import", "--home", home, "--source", "tills", writeFile(t, c.file, c.text))
		}
		if said := must(t, "learn", "--home", home); !strings.Contains(said, c.says) {
			t.Errorf("%s: learning says %s", c.what, said)
		}
	}
}

// TestAHigherKAsksForLearning accepts a charter that wants more people behind each weight, and one that wants fewer.
func TestAHigherKAsksForLearning(t *testing.T) {
	home := exampleHome(t)
	for k, asks := range map[string]bool{"k: 40": true, "k: 20": false} {
		first := writeFile(t, "first.yaml", string(edited(t, "k: 25", "k: 30")))
		must(t, "charter", "accept", "--home", home, first)
		said := must(t, "charter", "accept", "--home", home, writeFile(t, "next.yaml", string(edited(t, "k: 25", k))))
		if strings.Contains(said, "rapport learn") != asks {
			t.Errorf("%s after 30: %s", k, said)
		}
	}
}

// TestAHigherKIsInForceAtOnce asks for more people than a model was learnt from: at once what rests on fewer plays no part, and
// the daily learning does not wait for its day.
func TestAHigherKIsInForceAtOnce(t *testing.T) {
	home := bankHome(t)
	source, _ := charter.Example("bank")
	next := writeFile(t, "next.yaml", strings.Replace(string(source), "\nk: 25 ", "\nk: 60 ", 1))
	must(t, "charter", "accept", "--home", home, next)
	h, err := openHouse(t.Context(), homeOptions{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	least := func() (n int) {
		n = math.MaxInt
		h.live.House().Model.Supports(func(_, _ string, people int) bool { n = min(n, people); return true })
		return n
	}
	if n, learnt := least(), h.live.House().Learnt.MinSupport(); n < 60 || n == math.MaxInt || learnt != 25 {
		t.Fatalf("a weight rests on %d people; the model was learnt for %d", n, learnt)
	}
	if err := h.learnIfDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	version := h.live.House().ModelVersion
	if n, learnt := least(), h.live.House().Learnt.MinSupport(); n < 60 || learnt != 60 {
		t.Errorf("a weight rests on %d people; the model was learnt for %d", n, learnt)
	}
	if err := h.learnIfDue(t.Context()); err != nil || h.live.House().ModelVersion != version {
		t.Errorf("it was learnt again within the day: %v", err)
	}
}
