package charter

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("charter.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("charter.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON is a YAML file as a JSON Schema sees it.
func asJSON(t *testing.T, src []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(src, &v); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func soundFiles(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, n := range Examples() {
		files[n], _ = Example(n)
	}
	b, err := os.ReadFile("testdata/market.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files["market"] = b
	return files
}

func TestSchemaTakesWhatTheParserTakes(t *testing.T) {
	s := compiledSchema(t)
	for name, src := range soundFiles(t) {
		if c, problems := Parse(src); c == nil || len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
		if err := s.Validate(asJSON(t, src)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRefusesUnknownKeys puts an unknown key into every mapping in turn: schema and parser must both refuse it
// wherever one of them does.
func TestSchemaRefusesUnknownKeys(t *testing.T) {
	s := compiledSchema(t)
	for name, src := range map[string][]byte{"market": soundFiles(t)["market"]} {
		var doc yaml.Node
		if err := yaml.Unmarshal(src, &doc); err != nil {
			t.Fatal(err)
		}
		n := 0
		var walk func(*yaml.Node)
		walk = func(m *yaml.Node) {
			if m.Kind == yaml.MappingNode {
				n++
				before := m.Content
				m.Content = append(slices.Clone(m.Content), &yaml.Node{Kind: yaml.ScalarNode, Value: "zz zz"}, &yaml.Node{Kind: yaml.ScalarNode, Value: "1", Tag: "!!int"})
				out, err := yaml.Marshal(&doc)
				if err != nil {
					t.Fatal(err)
				}
				_, problems := Parse(out)
				if problems.Err() == nil || s.Validate(asJSON(t, out)) == nil {
					t.Errorf("%s: an unknown key under line %d: the parser says %v, the schema says %v", name, m.Line, problems.Err(), s.Validate(asJSON(t, out)))
				}
				m.Content = before
			}
			for _, c := range m.Content {
				walk(c)
			}
		}
		walk(&doc)
		if n < 50 {
			t.Errorf("%s: only %d mappings were tried", name, n)
		}
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

// TestSchemaAndParserAgreeOnKeys compares the keys that the parser knows at each path that the market's charter
// visits, which is every mapping of the format, with those that the schema knows there.
func TestSchemaAndParserAgreeOnKeys(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	src := soundFiles(t)["market"]
	r := newReader(src)
	visited := map[string]bool{}
	r.seen = func(path string, keys []string) {
		node := schemaAt(t, schema, path)
		props, _ := node["properties"].(map[string]any)
		if strings.HasSuffix(path, ".type") || strings.HasSuffix(path, ".type.list") { // a type is one of several
			props = map[string]any{}
			for _, one := range node["anyOf"].([]any) {
				if p, ok := one.(map[string]any)["properties"].(map[string]any); ok {
					for k := range p {
						props[k] = true
					}
				}
			}
		}
		visited[describe(path)] = true
		want := names(props)
		got := slices.Sorted(slices.Values(keys))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: schema and parser know different keys (-schema +parser):\n%s", path, diff)
		}
	}
	r.parse()
	if r.problems.Err() != nil {
		t.Fatal(r.problems)
	}
	for _, p := range []string{"", "brand", "purposes.*", "signals", "data.*", "data.*.type", "data.*.ask", "data.*.rule", "events.*", "events.*.properties.*", "items", "items.sensitive", "relationship", "relationship.regular",
		"surprise", "placements.*", "placements.*.rungs", "placements.*.caps", "terms.*", "protect", "sources.*", "receipts", "ledger", "teams.*", "committee", "committee.quorum", "partners", "partners.privacy-a-year"} {
		if !visited[p] {
			t.Errorf("the market's charter has no %s, so its keys were not compared", p)
		}
	}
}

var ownNames = regexp.MustCompile(`^(purposes|data|events|placements|terms|sources|teams)\.[^.]+`)
var propertyNames = regexp.MustCompile(`\.properties\.[^.]+`)

func describe(path string) string {
	path = index.ReplaceAllString(path, "")
	path = ownNames.ReplaceAllString(path, "$1.*")
	return propertyNames.ReplaceAllString(path, ".properties.*")
}

// schemaAt is the part of the schema for a path of the file.
func schemaAt(t *testing.T, schema map[string]any, path string) map[string]any {
	t.Helper()
	resolve := func(n map[string]any) map[string]any {
		for n["$ref"] != nil {
			name := strings.TrimPrefix(n["$ref"].(string), "#/$defs/")
			n = schema["$defs"].(map[string]any)[name].(map[string]any)
		}
		return n
	}
	node := schema
	if path == "" {
		return node
	}
	for _, step := range strings.Split(describe(path), ".") {
		node = resolve(node)
		if items, ok := node["items"].(map[string]any); ok {
			node = resolve(items)
		}
		var next any
		if props, ok := node["properties"].(map[string]any); ok && step != "*" {
			next = props[step]
		} else {
			next = node["additionalProperties"]
		}
		if next == nil {
			for _, one := range anyOf(node) {
				if p, ok := one.(map[string]any)["properties"].(map[string]any); ok && p[step] != nil {
					next = p[step]
				}
			}
		}
		m, ok := next.(map[string]any)
		if !ok {
			t.Fatalf("the schema knows no %s of %s", step, path)
		}
		node = resolve(m)
	}
	if items, ok := node["items"].(map[string]any); ok {
		node = resolve(items)
	}
	return node
}

func anyOf(n map[string]any) []any {
	l, _ := n["anyOf"].([]any)
	return l
}

// TestSchemaDescribesEveryKey holds the schema to its use: an editor shows a sentence for every key.
func TestSchemaDescribesEveryKey(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	defs := schema["$defs"].(map[string]any)
	var walk func(path string, n map[string]any)
	walk = func(path string, n map[string]any) {
		props, _ := n["properties"].(map[string]any)
		for k, v := range props {
			p := v.(map[string]any)
			said := p["description"] != nil
			if ref, ok := p["$ref"].(string); ok && !said {
				said = defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)["description"] != nil
			}
			if !said {
				t.Errorf("%s.%s has no description", path, k)
			}
			walk(path+"."+k, p)
		}
	}
	walk("", schema)
	for name, d := range defs {
		walk(name, d.(map[string]any))
	}
}
