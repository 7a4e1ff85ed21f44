package charter

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Format is the version of the file's format that this package reads.
const Format = 1

// The bounds of a charter file: nothing of a law that people read needs more.
const (
	maxFile  = 1 << 20
	maxDepth = 24
	maxNodes = 100_000
)

// Parse reads a charter. It gives nil when there is an error among the problems; warnings alone leave the charter
// valid. Every problem names its place, what is wrong and how to mend it.
func Parse(src []byte) (*Charter, Problems) {
	r := newReader(src)
	r.parse()
	r.problems.sort()
	if r.problems.Err() != nil {
		return nil, r.problems
	}
	return r.c, r.problems
}

func newReader(src []byte) *reader {
	sum := sha256.Sum256(src)
	return &reader{
		c: &Charter{
			Hash: "sha256:" + hex.EncodeToString(sum[:]), Source: bytes.Clone(src),
			Purposes: map[string]*Purpose{}, Data: map[string]*Datum{}, Events: map[string]*Event{},
			Placements: map[string]*Placement{}, Terms: map[string]*Term{}, Sources: map[string]*Source{}, Teams: map[string]*Team{},
		},
		places: map[string]*yaml.Node{},
	}
}

func (r *reader) parse() {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case enough:
			r.problems = append(r.problems, problem(Error, at{}, say("the file has too many problems to list"), say("mend these first")))
		default:
			panic(p)
		}
	}()
	root, ok := r.tree(r.c.Source)
	if !ok {
		return
	}
	// Purposes come before what names them, whatever the order of the file: so the sections are found first and read after.
	sections := map[string]at{}
	keep := func(v at) { sections[v.path] = v }
	if !r.mapping(at{root, ""},
		need("charter", r.format),
		need("brand", keep), need("k", keep), allow("purposes", keep), allow("signals", keep), allow("data", keep), allow("events", keep),
		allow("items", keep), allow("relationship", keep), allow("surprise", keep), allow("placements", keep), allow("terms", keep),
		allow("protect", keep), allow("sources", keep), allow("identity", keep), allow("receipts", keep), allow("ledger", keep), allow("teams", keep),
		allow("committee", keep), allow("partners", keep)) {
		return
	}
	r.c.Surprise = usualSurprise
	for _, s := range []struct {
		name string
		read func(at)
	}{
		{"brand", r.brand}, {"k", r.k}, {"purposes", r.purposes}, {"signals", r.signals}, {"events", r.events}, {"data", r.data},
		{"items", r.sensitive}, {"relationship", r.relationship}, {"surprise", r.surprise}, {"placements", r.placements}, {"terms", r.terms},
		{"protect", r.protect}, {"sources", r.sources}, {"identity", r.identity}, {"receipts", r.retention(&r.c.Receipts)}, {"ledger", r.retention(&r.c.Ledger)},
		{"teams", r.teams}, {"committee", r.committee}, {"partners", r.partners},
	} {
		if v, ok := sections[s.name]; ok {
			s.read(v)
		}
	}
	r.lint()
}

// tree reads the YAML and refuses what would make one line mean another or the file larger than it looks.
func (r *reader) tree(src []byte) (root *yaml.Node, ok bool) {
	top := at{&yaml.Node{Line: 1, Column: 1}, ""}
	r.places[""] = top.node
	if len(src) > maxFile {
		r.fail(top, say("the file is larger than 1 MB"), say("shorten it"))
		return nil, false
	}
	if !utf8.Valid(src) || bytes.IndexByte(src, 0) >= 0 {
		r.fail(top, say("the file is not text in UTF-8"), say("save it as UTF-8"))
		return nil, false
	}
	if deep(src) {
		r.fail(top, say("the file nests too deeply"), say("a charter needs no more than ten levels"))
		return nil, false
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case enough:
			panic(p)
		default: // the YAML library's own faults on broken input are no reason to stop the house
			r.fail(top, say("the file cannot be read as YAML"), say("look for an unclosed quote or bracket"))
			root, ok = nil, false
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(src))
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			r.fail(top, say("the file is empty"), say("begin with charter: 1"))
		} else {
			r.notYAML(top, err)
		}
		return nil, false
	}
	var more yaml.Node
	switch err := d.Decode(&more); {
	case err == nil:
		r.fail(at{&more, ""}, say("the file holds a second document"), say("keep one: remove the line ---"))
		return nil, false
	case !errors.Is(err, io.EOF):
		r.notYAML(top, err)
		return nil, false
	}
	if len(doc.Content) != 1 {
		r.fail(top, say("the file is empty"), say("begin with charter: 1"))
		return nil, false
	}
	n := 0
	return doc.Content[0], r.sound(doc.Content[0], 0, &n)
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

func (r *reader) notYAML(top at, err error) {
	top.node = &yaml.Node{Line: 1, Column: 1}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		top.node.Line, _ = strconv.Atoi(m[1])
	}
	what := strings.TrimPrefix(yamlLine.ReplaceAllString(err.Error(), ""), "yaml: ")
	says := foreign(clipTo(what, 160))
	if strings.HasPrefix(what, "did not find expected") && strings.Contains(err.Error(), "line ") {
		top.node.Line++ // here the library counts from 0, and names the line on which the broken part begins
		says = say("%s in the part that begins here", says)
	}
	r.fail(top, say("the file cannot be read as YAML: %s", says), say("look for wrong indents, an unclosed quote or bracket, or a : in unquoted text"))
}

// sound refuses references to other parts of the file, tags of one's own, and trees that are too large or too deep.
func (r *reader) sound(n *yaml.Node, depth int, count *int) bool {
	*count++
	here := at{n, ""}
	switch {
	case depth > maxDepth:
		r.fail(here, say("the file nests too deeply"), say("a charter needs no more than ten levels"))
		return false
	case *count > maxNodes:
		r.fail(here, say("the file holds too much"), say("shorten it"))
		return false
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.fail(here, say("anchors and aliases (& and *) are not allowed"), say("write it out, or put quotes around a text that begins with & or *: every line of a charter stands by itself"))
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.fail(here, say("tags (!) are not allowed"), say("remove the tag, or put quotes around a text that begins with !"))
		return false
	}
	for _, c := range n.Content {
		if !r.sound(c, depth+1, count) {
			return false
		}
	}
	return true
}

// deep says whether brackets nest further than any charter does, before the YAML library recurses into them.
func deep(src []byte) bool {
	open := 0
	for _, c := range src {
		switch c {
		case '[', '{':
			open++
		case ']', '}':
			open = max(0, open-1)
		case '\n':
			if open > 4*maxDepth {
				return true
			}
		}
		if open > 1000 {
			return true
		}
	}
	return false
}

func (r *reader) format(a at) {
	if n := r.integer(a, 1, 1000); n != Format {
		r.fail(a, say("the file is in another format than this Rapport reads"), say("write charter: %d, or use the Rapport that the file was written for", Format))
	}
}

func (r *reader) k(a at) {
	r.c.K = r.integer(a, 0, 1_000_000)
	switch {
	case r.c.K < 2:
		r.fail(a, say("k is under 2: a cohort of one person is a person"), say("write at least 10, better 25"))
	case r.c.K < 10:
		r.note(Warning, a, say("k is only %d: so few people can be told apart", r.c.K), say("write at least 10, better 25"))
	}
}
