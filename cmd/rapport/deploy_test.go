package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var (
	figureName = regexp.MustCompile(`\b(?:rapport|process|go)_[a-z0-9_]+\b`)
	selector   = regexp.MustCompile(`\b((?:rapport|process|go)_[a-z0-9_]+)\{([^}]*)\}`)
	grouping   = regexp.MustCompile(`\bby \(([^)]*)\) \((?:rate|increase)\(((?:rapport|process|go)_[a-z0-9_]+)`)
	matcher    = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"[^"]*"`)
)

// unknownFigures are the names and labels in an expression that the process does not give.
func unknownFigures(have map[string][]string, expr string) (wrong []string) {
	known := func(name string) ([]string, bool) {
		if labels, ok := have[name]; ok {
			return labels, true
		}
		for _, tail := range []string{"_bucket", "_count", "_sum"} {
			if base, cut := strings.CutSuffix(name, tail); cut && slices.Contains(have[base], "le") {
				return have[base], true
			}
		}
		return nil, false
	}
	names := figureName.FindAllString(expr, -1)
	for _, name := range names {
		if _, ok := known(name); !ok {
			wrong = append(wrong, name)
		}
	}
	for _, m := range selector.FindAllStringSubmatch(expr, -1) {
		labels, _ := known(m[1])
		for _, pair := range matcher.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(labels, pair[1]) {
				wrong = append(wrong, m[1]+"{"+pair[1]+"}")
			}
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(expr, -1) {
		labels, _ := known(m[2])
		for _, label := range strings.Split(m[1], ",") {
			if !slices.Contains(labels, strings.TrimSpace(label)) {
				wrong = append(wrong, m[2]+"{"+label+"}")
			}
		}
	}
	if len(names) == 0 && !strings.HasPrefix(expr, "up{") || strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "[") != strings.Count(expr, "]") {
		wrong = append(wrong, "no expression: "+expr)
	}
	return wrong
}

// figuresOf are the names that a process gives with their labels; of a histogram "le" too.
func figuresOf(t *testing.T) map[string][]string {
	t.Helper()
	m := newMeter()
	m.answered("GET /healthz", 200)
	m.eventsRefused.WithLabelValues("x")
	m.fieldsRefused.WithLabelValues("x")
	m.decisions.WithLabelValues("x", "x")
	m.degraded.WithLabelValues("x")
	m.holds.WithLabelValues("x")
	m.Looked("x")
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string][]string{}
	for _, f := range families {
		labels := []string{}
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		if f.GetMetric()[0].GetHistogram() != nil {
			labels = append(labels, "le")
		}
		have[f.GetName()] = labels
	}
	return have
}

// TestAlertsAndDashboardNameFiguresThatExist reads deploy/ as Prometheus and Grafana would.
func TestAlertsAndDashboardNameFiguresThatExist(t *testing.T) {
	have := figuresOf(t)
	named := map[string]bool{}
	check := func(where, expr string) {
		t.Helper()
		for _, name := range figureName.FindAllString(expr, -1) {
			named[strings.TrimSuffix(name, "_bucket")] = true
		}
		for _, w := range unknownFigures(have, expr) {
			t.Errorf("%s names %s, which /metrics does not give", where, w)
		}
	}
	raw, err := os.ReadFile("../../deploy/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(raw, &rules); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Groups[0].Rules {
		check("the alert "+r.Alert, r.Expr)
		if r.Annotations["summary"] == "" || r.Annotations["action"] == "" || r.Labels["severity"] == "" {
			t.Errorf("the alert %s does not say what is wrong, what to do or how badly", r.Alert)
		}
	}
	if raw, err = os.ReadFile("../../deploy/grafana-dashboard.json"); err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			check("the panel "+p.Title, target.Expr)
		}
	}
	for name := range have {
		if strings.HasPrefix(name, "rapport_") && !named[name] {
			t.Errorf("%s is on no panel and in no alert", name)
		}
	}
	for expr, want := range map[string]string{
		`rate(rapport_nothing_total[5m])`: "rapport_nothing_total", `rapport_looks_total{who="x"}`: "rapport_looks_total{who}",
		`sum by (colour) (rate(rapport_holds_total[5m]))`: "rapport_holds_total{colour}", `rate(rapport_holds_total_bucket[5m])`: "rapport_holds_total_bucket",
	} {
		if got := strings.Join(unknownFigures(have, expr), " "); got != want {
			t.Errorf("of %s %q was found, want %q", expr, got, want)
		}
	}
}

// TestTheSystemdUnit has systemd itself read the unit, with the test binary in the place of ours, and say how exposed it is.
func TestTheSystemdUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("systemd-analyze is not here: install systemd, as scripts/setup.sh does")
	}
	unit, err := os.ReadFile("../../deploy/rapport.service")
	if err != nil {
		t.Fatal(err)
	}
	check := func(unit string) (string, error) {
		file := filepath.Join(t.TempDir(), "rapport.service")
		if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(analyze, "verify", file).CombinedOutput(); err != nil || len(out) > 0 {
			return string(out), errSaid
		}
		out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=20", file).CombinedOutput()
		return string(out), err
	}
	here, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	good := strings.Replace(string(unit), "/usr/local/bin/rapport serve", here+" serve", 1)
	if good == string(unit) {
		t.Fatal("the unit does not start rapport serve")
	}
	if out, err := check(good); err != nil {
		t.Errorf("systemd says of the unit: %v\n%s", err, out)
	}
	for _, bad := range []string{strings.Replace(good, "ProtectHome=yes", "ProtectHome=perhaps", 1), strings.Replace(good, "ProtectSystem=strict", "", 1) + "\n"} {
		bad = strings.ReplaceAll(bad, "CapabilityBoundingSet=\n", "")
		bad = strings.ReplaceAll(bad, "User=rapport\n", "")
		bad = strings.ReplaceAll(bad, "NoNewPrivileges=yes\n", "")
		if _, err := check(bad); err == nil {
			t.Error("a unit that is wrong or exposed passes")
		}
	}
	// The flags that it gives are ours.
	line := regexp.MustCompile(`(?m)^ExecStart=\S+ (.*)$`).FindStringSubmatch(string(unit))
	serve := serveCommand()
	for _, word := range strings.Fields(line[1])[1:] {
		if name, ok := strings.CutPrefix(word, "--"); ok && serve.Flags().Lookup(name) == nil {
			t.Errorf("the unit gives --%s, which serve does not have", name)
		}
	}
}

// TestTheDockerfileBuildsWithOurGo compares the toolchain that it takes with the one of go.mod, and what it starts with what there is.
func TestTheDockerfileBuildsWithOurGo(t *testing.T) {
	dockerfile, err := os.ReadFile("../../deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	wants := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	takes := regexp.MustCompile(`(?m)^FROM golang:(\d+\.\d+)-`).FindSubmatch(dockerfile)
	if wants == nil || takes == nil || string(wants[1]) != string(takes[1]) {
		t.Errorf("go.mod wants Go %s and the Dockerfile takes %s", wants, takes)
	}
	for _, line := range []string{"USER 10001", "./cmd/rapport", "CGO_ENABLED=1"} {
		if !strings.Contains(string(dockerfile), line) {
			t.Errorf("the Dockerfile has lost %q", line)
		}
	}
}

// TestTheContainerSaysWhetherItIsWell runs the Dockerfile's own check against a home that is served, and against one that is not any more.
func TestTheContainerSaysWhetherItIsWell(t *testing.T) {
	dockerfile, err := os.ReadFile("../../deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^HEALTHCHECK .*CMD (\[.*\])$`).FindSubmatch(dockerfile)
	if line == nil {
		t.Fatal("the Dockerfile has no check")
	}
	var check []string
	if err := json.Unmarshal(line[1], &check); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "home")
	must(t, "init", home)
	s := serveHome(t, home)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	for i := range check {
		check[i] = strings.ReplaceAll(check[i], "8080", port)
	}
	if out, err := exec.Command(check[0], check[1:]...).CombinedOutput(); err != nil {
		t.Errorf("a home that is served is called ill: %v %s", err, out)
	}
	s.stop()
	if out, err := exec.Command(check[0], check[1:]...).CombinedOutput(); err == nil {
		t.Errorf("a home that is not served is called well: %s", out)
	}
}
