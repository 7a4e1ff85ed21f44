package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// promtool is Prometheus' own reader of rules.
func promtool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is not here: scripts/setup.sh installs it, as root, out of Debian's prometheus")
	}
	out, err := exec.Command(tool, args...).CombinedOutput()
	return string(out), err
}

// TestPrometheusReadsTheAlertsAndTheDashboard has Prometheus parse every expression of deploy/.
func TestPrometheusReadsTheAlertsAndTheDashboard(t *testing.T) {
	if out, err := promtool(t, "check", "rules", "../../deploy/alerts.yaml"); err != nil {
		t.Errorf("of the alerts Prometheus says: %s", out)
	}
	raw, err := os.ReadFile("../../deploy/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	var rules []map[string]string
	for _, p := range board.Panels {
		for _, target := range p.Targets { // Grafana fills in the interval
			rules = append(rules, map[string]string{"record": "panel", "expr": strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")})
		}
	}
	check := func() (string, error) {
		file, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
		if err != nil {
			t.Fatal(err)
		}
		return promtool(t, "check", "rules", "--lint=none", writeFile(t, "dashboard.yaml", string(file)))
	}
	if out, err := check(); err != nil || len(rules) < 20 {
		t.Errorf("of the %d expressions of the dashboard Prometheus says: %s", len(rules), out)
	}
	rules[3]["expr"] += " by"
	if _, err := check(); err == nil {
		t.Error("an expression that is none is not found")
	}
}

// TestEachAlertFiresWhenItShouldAndOnlyThen plays testdata/alerts.yaml to Prometheus; and plays it to alerts that never fire, and to ones that
// always do, so that each alert is known to have a case that would see it.
func TestEachAlertFiresWhenItShouldAndOnlyThen(t *testing.T) {
	if out, err := promtool(t, "test", "rules", "testdata/alerts.yaml"); err != nil {
		t.Fatalf("%s", out)
	}
	raw, err := os.ReadFile("../../deploy/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for expr, says := range map[string]string{"vector(0) > 1": "got:[]", "vector(1)": "exp:[]"} {
		var rules map[string][]struct {
			Name  string           `yaml:"name"`
			Rules []map[string]any `yaml:"rules"`
		}
		if err := yaml.Unmarshal(raw, &rules); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, r := range rules["groups"][0].Rules {
			r["expr"] = expr
			names = append(names, r["alert"].(string))
		}
		file, err := yaml.Marshal(rules)
		if err != nil {
			t.Fatal(err)
		}
		broken := writeFile(t, "alerts.yaml", string(file))
		test := strings.Replace(string(cases), "../../../deploy/alerts.yaml", filepath.ToSlash(broken), 1)
		out, err := promtool(t, "test", "rules", writeFile(t, "cases.yaml", test))
		said := strings.Split(out, "alertname: ")
		for _, name := range names {
			if err == nil || !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, name+",") && strings.Contains(s, says) }) {
				t.Errorf("no case sees that %s is %s", name, expr)
			}
		}
	}
}
