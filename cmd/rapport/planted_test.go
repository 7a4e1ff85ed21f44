package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/torture"
)

// planted is one break, as testdata/planted.yaml has it.
type planted struct {
	What, File, Was, Is, Package, Test string
}

// TestEveryPlantedBreakIsFound builds the house with each break of testdata/planted.yaml in turn and runs the test that is there for it, with its
// usual budget: it must fail. make test only looks whether every break can still be planted; make torture plants them.
func TestEveryPlantedBreakIsFound(t *testing.T) {
	src, err := os.ReadFile("testdata/planted.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []planted
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true)
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	tries := torture.Rounds(0, 1) == 1
	seen := map[string]bool{}
	for _, p := range all {
		if p.Package == "" {
			p.Package = "cmd/rapport"
		}
		if p.What == "" || p.Test == "" || seen[p.What] {
			t.Errorf("%+v has no name, a name twice, or no test", p)
		}
		seen[p.What] = true
		text, err := os.ReadFile(filepath.Join(root, p.File))
		if n := strings.Count(string(text), p.Was); err != nil || n != 1 {
			t.Errorf("%s: what it changes stands in %s %d times (%v): write the break anew", p.What, p.File, n, err)
			continue
		}
		if tries {
			t.Run(p.What, func(t *testing.T) { p.isFound(t, root, string(text)) })
		}
	}
}

var inHistory = regexp.MustCompile(`failed after (\d+) tests`)

func (p planted) isFound(t *testing.T, root, text string) {
	dir := t.TempDir()
	broken, overlay, binary := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "test")
	write(t, broken, strings.Replace(text, p.Was, p.Is, 1))
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, p.File): broken}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, overlay, string(replace))
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, "./"+p.Package)
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	made, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-test.run", "^(" + p.Test + ")$", "-test.failfast", "-test.timeout", "10m"}
	if bytes.Contains(made, []byte("rapid.nofailfile")) {
		args = append(args, "-rapid.nofailfile", "-rapid.shrinktime=1s")
	}
	run := exec.Command(binary, args...)
	run.Dir, run.Env = filepath.Join(root, p.Package), append(os.Environ(), "RAPPORT_TORTURE=0")
	began := time.Now()
	out, err := run.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("--- FAIL: ")) {
		t.Fatalf("%s does not find it (%v):\n%s", p.Test, err, out)
	}
	where := ""
	if m := inHistory.FindSubmatch(out); m != nil {
		where = ", after " + string(m[1]) + " histories"
	}
	used := run.ProcessState.UserTime() + run.ProcessState.SystemTime()
	t.Logf("found by %s%s, %.1f s of processor time, %.0f s in all", p.Test, where, used.Seconds(), time.Since(began).Seconds())
}
