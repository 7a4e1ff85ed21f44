package house

import (
	"go/ast"
	"go/printer"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// rememberers are the fields that can hold people between two requests, and how they let go when somebody is forgotten. What is not here and could
// fails the test below: a cache of people needs a rights.Holder, which is told of each erasure.
var rememberers = map[string]string{
	"trust/vault.ringShard.at":            "Vault.Forget drops the keys of who was forgotten; rings that somebody holds stop opening",
	"know/collect.age.idents":             "Gate.Forget",
	"know/collect.age.people":             "Gate.Forget",
	"know/collect.memo.dropped":           "keyed hashes of identifiers that were dropped, which lead to nobody; it turns over by itself",
	"know/collect.subject.rings":          "a batch's, and the memo's: Gate.Forget; a ring of who was forgotten opens nothing",
	"reach/decide.recent.at":              "Decider.Forget",
	"reach/decide.recent.ring":            "Decider.Forget",
	"store.keeper.waiting":                "Store.Forget",
	"store.versions.of":                   "Store.ForgetPerson",
	"store.generation.of":                 "Store.Clear",
	"trust/access.memory.at":              "Keeper.Dropped is told of each session that goes",
	"trust/ledger.worker.keys":            "one walk of the ledger",
	"trust/vault.Loaded.Wrapped":          "what one read gives",
	"trust/vault.Record.rings":            "what one read gives",
	"know/collect.state.idents":           "one batch",
	"know/collect.state.people":           "one batch",
	"know/collect.state.new":              "one batch",
	"know/collect.state.users":            "one batch",
	"know/collect.state.stones":           "one batch",
	"store.family.by":                     "one act",
	"store.family.of":                     "one act",
	"store.family.involved":               "one act",
	"store.folding.frames":                "one fold, for which Store.Clear waits",
	"store.plain.seen":                    "one transaction",
	"store.tail.of":                       "one fold, for which Store.Clear waits",
	"know/stewardship.population.decided": "one match",
}

// ofPeople are types of fields that are kept by person: maps by pseudonym, by keyed hash or by a session's hash, and rows and events in a row.
var ofPeople = regexp.MustCompile(`map\[(person\.ID|vault\.Blind|Blind|vault\.Key|vault\.Tombstone|\[16\]byte|\[32\]byte)\]|\[[0-9]*\]vault\.(Row|Frame|Loaded)$`)

// remembering lists the fields of structs, and variables of packages, that could hold people for longer than a call.
func remembering(s source) (names []string) {
	typed := func(name string, t ast.Expr) {
		var b strings.Builder
		if printer.Fprint(&b, s.set, t) == nil && ofPeople.MatchString(b.String()) {
			names = append(names, s.pkg+"."+name)
		}
	}
	for _, decl := range s.file.Decls {
		g, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			switch sp := spec.(type) {
			case *ast.TypeSpec:
				st, ok := sp.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, f := range st.Fields.List {
					for _, n := range f.Names {
						typed(sp.Name.Name+"."+n.Name, f.Type)
					}
				}
			case *ast.ValueSpec:
				for i, n := range sp.Names {
					if sp.Type != nil {
						typed(n.Name, sp.Type)
					} else if i < len(sp.Values) {
						if c, ok := sp.Values[i].(*ast.CompositeLit); ok {
							typed(n.Name, c.Type)
						}
					}
				}
			}
		}
	}
	return names
}

// TestWhateverRemembersPeopleLetsGoOfThem finds a new cache of people, and a row of the table that is true of nothing any more.
func TestWhateverRemembersPeopleLetsGoOfThem(t *testing.T) {
	there := map[string]bool{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") || strings.Contains(s.path, "test/") || s.pkg == "." {
			continue
		}
		for _, name := range remembering(s) {
			there[name] = true
			if rememberers[name] == "" {
				t.Errorf("%s can remember people: have a rights.Holder let go of it when they are forgotten, and say so in holders_test.go", name)
			}
		}
	}
	var gone []string
	for name := range rememberers {
		if !there[name] {
			gone = append(gone, name)
		}
	}
	sort.Strings(gone)
	if len(gone) > 0 {
		t.Errorf("these remember nobody any more, or are called otherwise: %v", gone)
	}
}
