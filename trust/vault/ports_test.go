package vault

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/tact"
)

// portsWithPermit is every exported function that yields what was sealed, asked with the permit it is given.
func portsWithPermit(h *household, r *Record, receipt Row, p tact.Permit, now person.Instant) map[string]func() (any, error) {
	look := lookRow(h)
	population := look
	population.Of = person.ID{}
	population.Reason = h.v.Home().SealReason(noon, "why")
	return map[string]func() (any, error){
		"Record.Open":      func() (any, error) { o, err := r.Open(p, now); return o != nil, err },
		"Record.OpenLines": func() (any, error) { o, err := r.OpenLines(p, now); return o != nil, err },
		"Record.Evidence":  func() (any, error) { e, err := r.Evidence(p, now, 0); return e != consent.Evidence{}, err },
		"Record.Claimed":   func() (any, error) { c, err := r.Claimed(p, now); return len(c) > 0, err },
		"Record.Receipt":   func() (any, error) { b, err := r.Receipt(p, now, receipt); return len(b) > 0, err },
		"Record.Reason":    func() (any, error) { s, err := r.Reason(p, now, look); return s != "", err },
		"Vault.PopulationReason": func() (any, error) {
			s, err := h.v.PopulationReason(p, r.Who.Root, now, population)
			return s != "", err
		},
	}
}

func TestEveryPortRefusesWhoHasNoPermit(t *testing.T) {
	h := newHousehold(t)
	claim, err := h.k.SealClaim(UserID, "13085", noon)
	must(t, err)
	h.put(claim, h.k.SealChoice(consent.Choice{Purpose: "personalise", Answer: consent.Yes, At: noon}, consent.Evidence{Words: "w"}, "m"))
	receipt := h.k.SealReceipt(Key{1}, noon, []byte("receipt"))
	r := h.record(t, noMarks)
	other := person.Person{Root: person.NewID()}
	c, _ := retail(t)
	staff, err := tact.ForStaff(c, "care", "ann", "agent", "service", h.loaded.Who, soon)
	must(t, err)
	job, err := tact.ForJob(c, "sweep", "service", 1, "all", soon)
	must(t, err)

	tested := map[string]bool{"Vault.OpenRetained": true} // TestWhatIsRetainedOpensForItsPurposeOnlyAndUntilItsEnd asks it: it opens to nobody of these
	for name, port := range portsWithPermit(h, r, receipt, tact.Permit{}, noon) {
		tested[name] = true
		if got, err := port(); got != false || !errors.Is(err, tact.ErrNoPermit) {
			t.Errorf("%s gives something for the zero permit: %v %v", name, got, err)
		}
	}
	for name, port := range portsWithPermit(h, r, receipt, tact.ForSelf(other, 1, soon), noon) {
		if got, err := port(); got != false || !errors.Is(err, tact.ErrNoPermit) {
			t.Errorf("%s gives something for somebody else's permit: %v %v", name, got, err)
		}
	}
	for name, port := range portsWithPermit(h, r, receipt, h.self(), soon+1) {
		if got, err := port(); got != false || !errors.Is(err, tact.ErrNoPermit) {
			t.Errorf("%s gives something for a permit that has run out: %v %v", name, got, err)
		}
	}
	for name, port := range portsWithPermit(h, r, receipt, h.self(), noon) {
		if got, err := port(); got != true || err != nil {
			t.Errorf("%s gives nothing to the person themselves: %v %v", name, got, err)
		}
	}
	for name, port := range portsWithPermit(h, r, receipt, staff, noon) {
		may := strings.HasPrefix(name, "Record.Open") || name == "Record.Receipt"
		if got, err := port(); got != may || errors.Is(err, tact.ErrNoPermit) == may {
			t.Errorf("%s for an agent: %v %v", name, got, err)
		}
	}
	for name, port := range portsWithPermit(h, r, receipt, job, noon) {
		may := strings.HasPrefix(name, "Record.Open")
		if got, err := port(); got != may || errors.Is(err, tact.ErrNoPermit) == may {
			t.Errorf("%s for a job: %v %v", name, got, err)
		}
	}

	// The table lists them all.
	ports, leaks := inspect(t, packageFiles(t))
	for _, p := range ports {
		if !tested[p] {
			t.Errorf("%s takes a permit and is not in the table of this test", p)
		}
	}
	for p := range tested {
		if i := sort.SearchStrings(ports, p); i == len(ports) || ports[i] != p {
			t.Errorf("%s is in the table of this test and takes no permit", p)
		}
	}
	for _, l := range leaks {
		t.Error(l)
	}
}

// Who takes the permit out of a port, or adds a port without one, is caught.
func TestAPortWithoutAPermitIsCaught(t *testing.T) {
	for name, src := range map[string]string{
		"opens without a permit":     `package vault; func (r *Record) Peek(row *Row) (string, error) { return r.body(nil, row) }`,
		"opens through another":      `package vault; func (r *Record) Peek(row *Row) int { return peek(r) }; func peek(r *Record) int { r.body(nil, nil); return 1 }`,
		"uses the cipher itself":     `package vault; func (k *KeyRing) Peek() { k.aead.Open(nil, nil, nil, nil) }`,
		"makes a cipher of its own":  `package vault; func (k *KeyRing) Peek() { k.cipher().Open(nil, nil, nil, nil) }`,
		"yields values":              `package vault; func (r *Record) Values() []person.Fact { return nil }`,
		"yields somebody's evidence": `package vault; func (r *Record) All() map[string]consent.Evidence { return nil }`,
		"gives the cipher away":      `package vault; func (k *KeyRing) Cipher() cipher.AEAD { return k.aead }`,
	} {
		files := packageFiles(t)
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "planted.go", src, 0)
		must(t, err)
		files["planted.go"] = f
		if _, leaks := inspect(t, files); len(leaks) == 0 {
			t.Errorf("%s: not caught", name)
		}
	}
}

func packageFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	fset, files := token.NewFileSet(), map[string]*ast.File{}
	names, err := filepath.Glob("*.go")
	must(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		files[name], err = parser.ParseFile(fset, name, nil, 0)
		must(t, err)
	}
	return files
}

// opensHeadsOnly are the exported functions that reach the cipher without a permit, and why they may.
var opensHeadsOnly = map[string]string{
	"Vault.Record": "opens heads, which hold no values",
}

// inspect lists the exported functions that take a permit, sorted, and those that ought to.
func inspect(t *testing.T, files map[string]*ast.File) (ports, leaks []string) {
	t.Helper()
	calls := map[string]map[string]bool{} // by plain name: a call of a method counts for every method of that name
	decls := map[string]*ast.FuncDecl{}
	for _, f := range files {
		for _, d := range f.Decls {
			fd, ok := d.(*ast.FuncDecl)
			if !ok || fd.Body == nil {
				continue
			}
			decls[fullName(fd)] = fd
			set := calls[fd.Name.Name]
			if set == nil {
				set = map[string]bool{}
				calls[fd.Name.Name] = set
			}
			ast.Inspect(fd.Body, func(n ast.Node) bool {
				c, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				switch f := c.Fun.(type) {
				case *ast.Ident:
					set[f.Name] = true
				case *ast.SelectorExpr:
					if ofCipher(f) {
						set["the cipher"] = true
					} else {
						set[f.Sel.Name] = true
					}
				}
				return true
			})
		}
	}
	opens := map[string]bool{}
	for grew := true; grew; {
		grew = false
		for name, set := range calls {
			if opens[name] {
				continue
			}
			for callee := range set {
				// Exported ports ask for their permit themselves, so who calls them need not.
				if callee == "the cipher" || (opens[callee] && !ast.IsExported(callee)) {
					opens[name], grew = true, true
					break
				}
			}
		}
	}
	for full, fd := range decls {
		if !fd.Name.IsExported() {
			continue
		}
		permitted := false
		for _, p := range fd.Type.Params.List {
			if text(p.Type) == "tact.Permit" {
				permitted = true
			}
		}
		if permitted {
			ports = append(ports, full)
			continue
		}
		if opens[fd.Name.Name] && reaches(fd, opens) && opensHeadsOnly[full] == "" {
			leaks = append(leaks, full+" reaches the cipher without a permit")
		}
		if fd.Type.Results != nil {
			for _, res := range fd.Type.Results.List {
				for _, value := range []string{"Opened", "Claimed", "person.Fact", "person.Event", "consent.Evidence", "cipher.AEAD"} {
					if s := text(res.Type); s == value || strings.HasSuffix(s, "]"+value) || strings.HasSuffix(s, "*"+value) {
						leaks = append(leaks, full+" gives "+value+" without a permit")
					}
				}
			}
		}
	}
	sort.Strings(ports)
	return ports, leaks
}

// reaches says whether this very function, of several of the same name, calls something that opens.
func reaches(fd *ast.FuncDecl, opens map[string]bool) bool {
	found := false
	ast.Inspect(fd.Body, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch f := c.Fun.(type) {
		case *ast.Ident:
			found = found || (opens[f.Name] && !ast.IsExported(f.Name))
		case *ast.SelectorExpr:
			found = found || (opens[f.Sel.Name] && !ast.IsExported(f.Sel.Name)) || ofCipher(f)
		}
		return true
	})
	return found
}

// ofCipher says whether it is the cipher's Open, of the ring's own or of one that it makes.
func ofCipher(f *ast.SelectorExpr) bool {
	if f.Sel.Name != "Open" {
		return false
	}
	switch in := f.X.(type) {
	case *ast.SelectorExpr:
		return in.Sel.Name == "aead"
	case *ast.CallExpr:
		made, ok := in.Fun.(*ast.SelectorExpr)
		return ok && made.Sel.Name == "cipher"
	}
	return false
}

func fullName(fd *ast.FuncDecl) string {
	if fd.Recv == nil {
		return fd.Name.Name
	}
	return strings.TrimPrefix(text(fd.Recv.List[0].Type), "*") + "." + fd.Name.Name
}

func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + text(e.X)
	case *ast.SelectorExpr:
		return text(e.X) + "." + e.Sel.Name
	case *ast.ArrayType:
		return "[]" + text(e.Elt)
	case *ast.MapType:
		return "map[" + text(e.Key) + "]" + text(e.Value)
	}
	return ""
}
