package charter

import (
	_ "embed"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// The reference of the charter, docs/charter.md, is the schema as a page: what editors show and what the page says cannot differ.

//go:embed testdata/reference.md.tmpl
var referencePage string

type (
	section struct {
		Name, Says, Must, Value, Example string
		Tables                           []table
	}
	table struct {
		Title, Says string
		Rows        []row
	}
	row   struct{ Key, Value, Without, Says string }
	shape struct{ Title, Anchor, Says, Value string }
)

// shapes are the definitions that many keys share, in the order of the page.
var shapes = []struct{ name, title, more string }{
	{"type", "type", "`string`, `text` (long, with line breaks), `number`, `integer`, `boolean`, `time`, `date`, `email`, `phone`, `name`, `postcode`, `country`, `money` (a number in the brand's currency, or " +
		"`{amount, currency}`), `item` (an id of the catalogue), `items` (of events only: a list of `{product_id, quantity, price}`), `{enum: [a, b]}`, `{band: [0, 18, 65]}` or `{list: TYPE, max: N}`. " +
		"A fact that is an enum or a band is a column of the recommender by itself."},
	{"text", "text", "`Why` or `{en: Why, fr: Pourquoi}`. With languages named, each of the brand's languages should be there."},
	{"span", "length of time", "Hours, days, weeks, months or years; at most a hundred years."},
	{"rule", "rule", "Written in [CEL](https://cel.dev), up to 2,000 characters. It reads `item.id`, `.name`, `.category`, `.type`, `.brand`, `.department`, `.size`, `.price`, `.tags` and `.attributes`; or, where the key says so, " +
		"`facts.NAME` by the fact's type, `moment`, `today`, and the functions `days_until(date)`, `days_since(date)` and `age(date)`, which count by the brand's clock. " +
		"A rule on facts is not true of somebody of whom the fact is not known. A rule that cannot be decided takes the person's side."},
	{"level", "level", "`stranger`, `acquaintance`, `regular` or `confidant`. Everybody begins as a stranger; the rest is under [relationship](#relationship)."},
	{"learntWord", "learnt", "`acquired` (somebody else said it), `inferred` (derived), `observed` (seen in what the person did) or `declared` (the person said it)."},
	{"channel", "channel", ""},
	{"name", "name", "Letters, digits, `-` and `_`, beginning with a letter, up to 64. The name of a fact has no `-`, so that rules can read it. The name of an event, a property or a consent category is any text of up to 100 characters."},
}

// reference reads a schema as the page needs it. The YAML reader keeps the order of its keys.
type reference struct {
	defs *yaml.Node
}

func field(n *yaml.Node, name string) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func word(n *yaml.Node, name string) string {
	if f := field(n, name); f != nil {
		return f.Value
	}
	return ""
}

// follow gives what a node refers to, and the name of it.
func (r *reference) follow(n *yaml.Node) (*yaml.Node, string) {
	name := strings.TrimPrefix(word(n, "$ref"), "#/$defs/")
	if name == "" {
		return n, ""
	}
	return field(r.defs, name), name
}

func (r *reference) says(n *yaml.Node) string {
	if s := word(n, "description"); s != "" {
		return s
	}
	to, name := r.follow(n)
	if name == "" {
		return ""
	}
	return r.says(to)
}

// value says in words what may stand at a node.
func (r *reference) value(n *yaml.Node) string {
	to, name := r.follow(n)
	for _, s := range shapes {
		if s.name == name {
			return "[" + s.title + "](#" + anchor(s.title) + ")"
		}
	}
	if name != "" {
		return r.value(to)
	}
	if c := field(n, "const"); c != nil {
		return "`" + c.Value + "`"
	}
	if e := field(n, "enum"); e != nil {
		return oneOf(e)
	}
	low, high := word(n, "minimum"), word(n, "maximum")
	switch word(n, "type") {
	case "integer":
		return "whole number, " + thousands(low) + " to " + thousands(high)
	case "number":
		return "number, " + thousands(low) + " to " + thousands(high)
	case "boolean":
		return "`true` or `false`"
	case "string":
		return "text"
	case "array":
		items, name := r.follow(field(n, "items"))
		switch {
		case name == "learntWord":
			return "list of [learnt](#learnt)"
		case field(items, "properties") != nil:
			return "list, below"
		}
		return "list of text"
	case "object":
		if more := field(n, "additionalProperties"); more != nil && more.Kind == yaml.MappingNode {
			if to, _ := r.follow(more); field(to, "properties") == nil {
				return "name: " + r.value(more)
			}
			return "by name, below"
		}
		return "below"
	}
	var kinds []string
	if a := field(n, "anyOf"); a != nil {
		for _, one := range a.Content {
			k := r.value(one)
			if k == "below" || strings.HasPrefix(k, "name: ") {
				k = "one for each by name"
			}
			if k == "text" {
				continue // a number that is written with its sign
			}
			kinds = append(kinds, k)
		}
	}
	return strings.Join(kinds, ", or ")
}

func oneOf(e *yaml.Node) string {
	var out []string
	for _, w := range e.Content {
		out = append(out, "`"+w.Value+"`")
	}
	return strings.Join(out, ", ")
}

func thousands(s string) string {
	if len(s) > 3 && !strings.ContainsAny(s, ".e-") {
		return thousands(s[:len(s)-3]) + "," + s[len(s)-3:]
	}
	return s
}

func anchor(title string) string { return strings.ReplaceAll(title, " ", "-") }

// flow is a node as one line of YAML.
func flow(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		var out []string
		for _, c := range n.Content {
			out = append(out, flow(c))
		}
		return "[" + strings.Join(out, ", ") + "]"
	case yaml.MappingNode:
		var out []string
		for i := 0; i+1 < len(n.Content); i += 2 {
			out = append(out, n.Content[i].Value+": "+flow(n.Content[i+1]))
		}
		return "{" + strings.Join(out, ", ") + "}"
	}
	return n.Value
}

// tables lists the keys of a node, and after it those of what stands in it.
func (r *reference) tables(title string, n *yaml.Node) []table {
	n, _ = r.follow(n)
	if items := field(n, "items"); items != nil {
		if to, _ := r.follow(items); field(to, "properties") != nil {
			return r.tables(title+"[]", items)
		}
		return nil
	}
	if more := field(n, "additionalProperties"); more != nil && more.Kind == yaml.MappingNode {
		if to, _ := r.follow(more); field(to, "properties") != nil {
			return r.tables(title+".NAME", more)
		}
		return nil
	}
	props := field(n, "properties")
	if props == nil {
		return nil
	}
	var needed []string
	if req := field(n, "required"); req != nil {
		for _, k := range req.Content {
			needed = append(needed, k.Value)
		}
	}
	t, under := table{Title: title, Says: r.says(n)}, []table(nil)
	for i := 0; i+1 < len(props.Content); i += 2 {
		key, v := props.Content[i].Value, props.Content[i+1]
		w := row{Key: key, Value: r.value(v), Says: strings.ReplaceAll(r.says(v), "|", "\\|")}
		if slices.Contains(needed, key) {
			w.Without = "needed"
		} else if d := field(v, "default"); d != nil {
			w.Without = "`" + flow(d) + "`"
		}
		t.Rows = append(t.Rows, w)
		under = append(under, r.tables(title+"."+key, v)...)
	}
	return append([]table{t}, under...)
}

var topKey = regexp.MustCompile(`(?m)^([a-z]+):`)

// examples cuts a charter into its sections, each with the comments that stand before it.
func examples(src string) map[string]string {
	out := map[string]string{}
	for _, part := range strings.Split(src, "\n\n") {
		if m := topKey.FindStringSubmatch(part); m != nil {
			out[m[1]] = strings.Trim(part, "\n") + "\n"
		}
	}
	return out
}

func referenceText(t *testing.T, src string) string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	root := doc.Content[0]
	r := &reference{defs: field(root, "$defs")}
	shown := examples(src)
	var page struct {
		Sections []section
		Shapes   []shape
	}
	for _, top := range r.tables("", root)[0].Rows {
		n := field(field(root, "properties"), top.Key)
		s := section{Name: top.Key, Says: top.Says, Example: shown[top.Key], Tables: r.tables(top.Key, n)}
		switch top.Without {
		case "needed":
			s.Must = "Needed."
		case "":
			s.Must = "May be left out."
		default:
			s.Must = "When left out: " + top.Without + ", with a warning."
		}
		if len(s.Tables) == 0 {
			s.Value = top.Value
		} else if s.Tables[0].Title == top.Key {
			s.Tables[0].Title = ""
		} else if s.Tables[0].Says == top.Says {
			s.Tables[0].Says = ""
		}
		if s.Example == "" {
			t.Errorf("testdata/reference.yaml has no example for %s", top.Key)
		}
		page.Sections = append(page.Sections, s)
	}
	for _, s := range shapes {
		n := field(r.defs, s.name)
		if n == nil {
			t.Fatalf("the schema has no %s", s.name)
		}
		value := s.more
		if value == "" {
			value = oneOf(field(n, "enum")) + "."
		}
		page.Shapes = append(page.Shapes, shape{s.title, anchor(s.title), word(n, "description"), value})
	}
	var out strings.Builder
	if err := template.Must(template.New("").Parse(referencePage)).Execute(&out, page); err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(regexp.MustCompile(`\n{3,}`).ReplaceAllString(out.String(), "\n\n"), "\n") + "\n"
}

// TestReference holds docs/charter.md to the schema, and its examples to the parser.
func TestReference(t *testing.T) {
	src, err := os.ReadFile("testdata/reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if c, problems := Parse(src); c == nil || len(problems) > 0 {
		t.Errorf("the examples are not as they should be written: %v", problems)
	}
	golden(t, "../docs/charter.md", referenceText(t, string(src)))
}

// TestExamplesShowEveryKey asks that nothing in the reference is without an example.
func TestExamplesShowEveryKey(t *testing.T) {
	src, err := os.ReadFile("testdata/reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := newReader(src)
	shown, known := map[string]bool{}, map[string]bool{}
	r.seen = func(path string, keys []string) {
		for _, k := range keys {
			known[describe(join(path, k))] = true
		}
	}
	r.parse()
	for path := range r.places {
		shown[describe(path)] = true
	}
	for _, path := range names(known) {
		// Levels have the same conditions; a rung that is always open, or that nothing opens yet, needs no line.
		alike := strings.HasPrefix(path, "relationship.") && shown["relationship.confidant"+path[strings.LastIndexByte(path, '.'):]]
		if !shown[path] && !alike && !strings.HasPrefix(path, "placements.*.rungs.") {
			t.Errorf("testdata/reference.yaml never shows %s", path)
		}
	}
}

// TestDefaultsAreTrue takes each key that the schema gives a default, and asks that leaving it out and writing the default are one charter.
func TestDefaultsAreTrue(t *testing.T) {
	var root yaml.Node
	if err := yaml.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	r := &reference{defs: field(root.Content[0], "$defs")}
	src := soundFiles(t)["market"]
	tried := map[string]bool{}
	var file yaml.Node
	if err := yaml.Unmarshal(src, &file); err != nil {
		t.Fatal(err)
	}
	parsed := func() *Charter {
		out, err := yaml.Marshal(&file)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := Parse(out)
		if c == nil {
			return nil // another part of the file needs the key as it was
		}
		c.Hash, c.Source = "", nil
		return c
	}
	var walk func(path string, schema, m *yaml.Node)
	try := func(path string, m *yaml.Node, key string, usual *yaml.Node) {
		if tried[path+"."+key] {
			return // once for each is enough
		}
		before := m.Content
		without := slices.Clone(before)
		for i := 0; i < len(without); i += 2 {
			if without[i].Value == key {
				without = slices.Delete(without, i, i+2)
				break
			}
		}
		m.Content = without
		silent := parsed()
		m.Content = append(slices.Clone(without), &yaml.Node{Kind: yaml.ScalarNode, Value: key}, usual)
		said := parsed()
		m.Content = before
		if silent == nil || said == nil {
			return
		}
		tried[path+"."+key] = true
		if diff := cmp.Diff(said, silent, cmp.Comparer(func(a, b *ItemRule) bool { return ruleText(a) == ruleText(b) }),
			cmp.Comparer(func(a, b *FactRule) bool { return (a == nil) == (b == nil) && (a == nil || a.Text == b.Text) }),
			cmp.Comparer(func(a, b *LineRule) bool { return (a == nil) == (b == nil) && (a == nil || a.Text == b.Text) })); diff != "" {
			t.Errorf("the schema's default of %s.%s is not what the parser takes (-written +left out):\n%s", path, key, diff)
		}
	}
	walk = func(path string, schema, m *yaml.Node) {
		schema, _ = r.follow(schema)
		if items := field(schema, "items"); items != nil && m.Kind == yaml.SequenceNode {
			for _, v := range m.Content {
				walk(path, items, v)
			}
			return
		}
		if m.Kind != yaml.MappingNode {
			return
		}
		props := field(schema, "properties")
		for i := 0; props != nil && i+1 < len(props.Content); i += 2 {
			if d := field(props.Content[i+1], "default"); d != nil {
				try(path, m, props.Content[i].Value, d)
			}
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			if p := field(props, m.Content[i].Value); p != nil {
				walk(path+"."+m.Content[i].Value, p, m.Content[i+1])
			} else if more := field(schema, "additionalProperties"); more != nil {
				walk(path+".*", more, m.Content[i+1])
			}
		}
	}
	walk("", root.Content[0], file.Content[0])
	want := strings.Count(string(Schema()), `"default":`) // learnt's own word "default" stands there too
	if len(tried) < want-1 {
		t.Errorf("of %d defaults only %d were tried: %v", want, len(tried), names(tried))
	}
}

func ruleText(r *ItemRule) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%q", r.Text)
}
