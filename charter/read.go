package charter

import (
	"fmt"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"gopkg.in/yaml.v3"
)

// at is a place in the file: the node, and the path by which people name it.
type at struct {
	node *yaml.Node
	path string
}

// reader walks the file once. It never stops at a problem: it notes it and goes on, so that an author sees
// everything that is wrong at once.
type reader struct {
	c        *Charter
	problems Problems
	places   map[string]*yaml.Node            // where each path stands, for checks that come after reading
	seen     func(path string, keys []string) // tells a test which keys are known at a path
	facts    *cel.Env                         // made when the first rule over facts is read, after all data
}

// key is one key that a mapping may have, and what reads its value.
type key struct {
	name string
	must bool
	read func(at)
}

func need(name string, read func(at)) key  { return key{name, true, read} }
func allow(name string, read func(at)) key { return key{name, false, read} }

func (r *reader) note(s Severity, a at, what, mend *sentence) {
	r.problems = append(r.problems, problem(s, a, what, mend))
	if len(r.problems) >= maxProblems {
		panic(enough{})
	}
}

// maxProblems is where reading ends: nobody mends more at a time, and finding what was meant takes time.
const maxProblems = 200

// enough ends the reading of a file with too many problems; parse catches it.
type enough struct{}

func (r *reader) fail(a at, what, mend *sentence) { r.note(Error, a, what, mend) }

// mapping reads a mapping whose keys are all known. It returns false when the node is none.
func (r *reader) mapping(a at, keys ...key) bool {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	if r.seen != nil {
		r.seen(a.path, names)
	}
	found := map[string]bool{}
	ok := r.entries(a, func(name string, k, v at) {
		for i := range keys {
			if keys[i].name == name {
				found[name] = true
				if r.hasValue(v) {
					keys[i].read(v)
				}
				return
			}
		}
		mend := say("remove it; known here are %s", list(names))
		if near := nearest(name, names); near != "" {
			mend = say("did you mean %q?", near)
		}
		r.fail(k, say("unknown key %q", clip(name)), mend)
	})
	if !ok {
		return false
	}
	for _, k := range keys {
		if k.must && !found[k.name] {
			r.fail(a, say("%q is missing", k.name), say("add %s:", k.name))
		}
	}
	return true
}

// named reads a mapping whose keys are names of the author's, each once.
func (r *reader) named(a at, what *sentence, good *regexp.Regexp, rule *sentence, read func(name string, v at)) []string {
	var order []string
	r.entries(a, func(name string, k, v at) {
		if !good.MatchString(name) || !plain(name, 100, false) {
			r.fail(k, say("%q cannot be the name of a %s", clip(name), what), rule)
			return
		}
		if r.hasValue(v) {
			order = append(order, name)
			read(name, v)
		}
	})
	return order
}

// entries calls each for every key and value of a mapping, after refusing what no mapping may have.
func (r *reader) entries(a at, each func(name string, k, v at)) bool {
	if a.node.Kind != yaml.MappingNode {
		r.fail(a, say("a list of keys and values is expected here, not %s", kindWord(a.node)), say("write key: value pairs"))
		return false
	}
	first := map[string]int{}
	for i := 0; i+1 < len(a.node.Content); i += 2 {
		kn, vn := a.node.Content[i], a.node.Content[i+1]
		k := at{kn, a.path}
		if kn.Kind != yaml.ScalarNode {
			r.fail(k, say("a key must be a word"), say("write it as text"))
			continue
		}
		k.path = join(a.path, kn.Value)
		if kn.ShortTag() == "!!merge" {
			r.fail(k, say("merging with << is not allowed"), say("write the keys out: every line of a charter stands by itself"))
			continue
		}
		if line, twice := first[kn.Value]; twice {
			r.fail(k, say("%q is here twice", clip(kn.Value)), say("it stands on line %d already: keep one", line))
			continue
		}
		first[kn.Value] = kn.Line
		r.places[k.path] = kn
		each(kn.Value, k, at{vn, k.path})
	}
	return true
}

func (r *reader) hasValue(v at) bool {
	if v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!null" {
		r.fail(v, say("it has no value"), say("give it one or remove the key"))
		return false
	}
	return true
}

// items calls each for every element of a list.
func (r *reader) items(a at, each func(i int, v at)) bool {
	if a.node.Kind != yaml.SequenceNode {
		r.fail(a, say("a list is expected here, not %s", kindWord(a.node)), say("write it as [one, two] or one a line after a dash"))
		return false
	}
	for i, n := range a.node.Content {
		v := at{n, fmt.Sprintf("%s[%d]", a.path, i)}
		r.places[v.path] = n
		if r.hasValue(v) {
			each(i, v)
		}
	}
	return true
}

func (r *reader) str(a at) (string, bool) {
	if a.node.Kind != yaml.ScalarNode || a.node.ShortTag() != "!!str" {
		r.fail(a, say("text is expected here, not %s", kindWord(a.node)), say(`write it in quotes: "…"`))
		return "", false
	}
	if !plain(a.node.Value, 4000, true) {
		r.fail(a, say("the text is empty, too long or has characters that cannot be shown"), say("use up to 4,000 ordinary characters"))
		return "", false
	}
	return a.node.Value, true
}

func (r *reader) boolean(a at) bool {
	if a.node.Kind != yaml.ScalarNode || a.node.ShortTag() != "!!bool" {
		r.fail(a, say("true or false is expected here, not %s", kindWord(a.node)), say("write true or false"))
		return false
	}
	return strings.EqualFold(a.node.Value, "true")
}

func (r *reader) number(a at, low, high float64) float64 {
	f, err := math.NaN(), error(nil)
	if a.node.Kind == yaml.ScalarNode {
		f, err = strconv.ParseFloat(a.node.Value, 64)
	}
	switch {
	case a.node.Kind != yaml.ScalarNode, err != nil, math.IsNaN(f), math.IsInf(f, 0):
		r.fail(a, say("a number is expected here, not %s", kindWord(a.node)), say("write a number from %v to %v", low, high))
		return low
	case f < low || f > high:
		r.fail(a, say("the number is out of range"), say("write a number from %v to %v", low, high))
		return low
	}
	return f
}

func (r *reader) integer(a at, low, high int) int {
	if a.node.Kind == yaml.ScalarNode && a.node.ShortTag() == "!!int" {
		if n, err := strconv.Atoi(a.node.Value); err == nil {
			if n < low || n > high {
				r.fail(a, say("the number is out of range"), say("write a whole number from %d to %d", low, high))
				return low
			}
			return n
		}
	}
	r.fail(a, say("a whole number is expected here, not %s", kindWord(a.node)), say("write a whole number from %d to %d", low, high))
	return low
}

// word reads one of some words.
func (r *reader) word(a at, what *sentence, words ...string) (string, bool) {
	s, ok := r.str(a)
	if !ok {
		return "", false
	}
	if has(words, s) {
		return s, true
	}
	r.fail(a, say("%q is no %s", clip(s), what), suggest(s, words))
	return "", false
}

// strings reads a list of texts, each once.
func (r *reader) strings(a at, each func(s string, v at)) {
	once := map[string]bool{}
	r.items(a, func(_ int, v at) {
		s, ok := r.str(v)
		if !ok {
			return
		}
		if once[s] {
			r.fail(v, say("%q is in the list twice", clip(s)), say("keep one"))
			return
		}
		once[s] = true
		each(s, v)
	})
}

// words reads a list of some words, each once.
func (r *reader) words(a at, what *sentence, words []string) []string {
	var out []string
	r.strings(a, func(s string, v at) {
		if !has(words, s) {
			r.fail(v, say("%q is no %s", clip(s), what), suggest(s, words))
			return
		}
		out = append(out, s)
	})
	return out
}

// text reads what people read: one text, or a text for each language.
func (r *reader) text(a at) Text {
	if a.node.Kind != yaml.MappingNode {
		if s, ok := r.str(a); ok {
			return Text{"": s}
		}
		return nil
	}
	t := Text{}
	r.named(a, say("language"), languageName, say("write a language code such as en or fr"), func(lang string, v at) {
		if s, ok := r.str(v); ok {
			t[lang] = s
		}
	})
	if len(t) == 0 {
		r.fail(a, say("the text is empty"), say(`write it in quotes, or as {en: "…", fr: "…"}`))
		return nil
	}
	return t
}

func (r *reader) span(a at) Span {
	s, ok := r.str(a)
	if !ok {
		return Span{}
	}
	sp, err := ParseSpan(s)
	if err != nil {
		r.fail(a, say("%q is no length of time", clip(s)), say("write a number and d, w, mo, y or h, such as 30d, 18mo, 5y or 12h"))
	}
	return sp
}

var (
	languageName = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	plainName    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
	factName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)
	anyName      = regexp.MustCompile(`^\S(.{0,98}\S)?$`)
)

var (
	plainRule = say("use letters, digits, - and _, beginning with a letter")
	factRule  = say("use letters, digits and _, beginning with a letter, so that rules can read it")
	anyRule   = say("use up to 100 ordinary characters, no space at either end")
)

func join(path, name string) string {
	if utf8.RuneCountInString(name) > 100 {
		name = clip(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// says tells whether a mapping has a key.
func says(n *yaml.Node, name string) bool {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

// under is the place of a key of a mapping, the mapping's own when it is not there.
func (r *reader) under(a at, name string) at {
	for i := 0; a.node.Kind == yaml.MappingNode && i+1 < len(a.node.Content); i += 2 {
		if a.node.Content[i].Value == name {
			return at{a.node.Content[i+1], join(a.path, name)}
		}
	}
	return a
}

// plain says whether s is not empty, valid, at most n runes long and free of characters that cannot be shown.
func plain(s string, n int, breaks bool) bool {
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > n {
		return false
	}
	for _, c := range s {
		if breaks && (c == '\n' || c == '\t') {
			continue
		}
		if unicode.IsControl(c) || c == '\u2028' || c == '\u2029' {
			return false
		}
	}
	return true
}

// clip keeps what an author wrote short enough to be shown in a problem.
func clip(s string) string { return clipTo(s, 60) }

func clipTo(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

func kindWord(n *yaml.Node) *sentence {
	switch n.Kind {
	case yaml.MappingNode:
		return say("keys and values")
	case yaml.SequenceNode:
		return say("a list")
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!int", "!!float":
			return say("a number")
		case "!!bool":
			return say("true or false")
		case "!!timestamp":
			return say("a date")
		case "!!null":
			return say("nothing")
		}
		return say("text")
	}
	return say("something else")
}

func list(names []string) *sentence {
	switch len(names) {
	case 0:
		return say("none")
	case 1:
		return say("%s", names[0])
	}
	return say("%s and %s", strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
}

func suggest(s string, words []string) *sentence {
	if near := nearest(s, words); near != "" {
		return say("did you mean %q?", near)
	}
	if len(words) == 0 {
		return say("declare it first")
	}
	if len(words) > 20 {
		words = words[:20]
	}
	return say("write one of %s", list(words))
}

// nearest is the word that s was probably meant to be, or nothing.
func nearest(s string, words []string) string {
	best, distance := "", 1+max(1, min(len(s), 60)/3)
	if len(words) > 1000 {
		words = words[:1000]
	}
	for _, w := range words {
		if d := edits(strings.ToLower(clip(s)), strings.ToLower(w)); d < distance {
			best, distance = w, d
		}
	}
	return best
}

// edits counts the letters to add, drop or change, a swap of neighbours as one.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}
