package shop

import (
	"cmp"
	"slices"
	"strings"
)

// Product is one product of the brand's own catalogue.
type Product struct {
	ID, Name, Department, Category, Brand, Size string
	Price                                       float64

	Drawing string // of its package, by New: what tells the products of a department apart
	Tint    string // its department's, a class of the stylesheet
}

// Shelf is a part of a department.
type Shelf struct {
	Name, Slug string
	Products   []*Product
}

// Department is a part of the shop, with its drawing and its tint.
type Department struct {
	Name, Slug, Drawing, Tint string
	Products                  []*Product
	Shelves                   []Shelf // by name
}

// goods is everything that the shop sells.
type goods struct {
	byID        map[string]*Product
	all         []*Product // by name
	names       string     // all names as search reads them, each ended by a line break
	starts      []int      // where in names the name of each product of all begins
	departments []Department
}

// few is how many products a department needs to have a place of its own.
const few = 30

// other is where the rest goes.
const other = "Other"

// shelve puts the products into their departments. What has no name or no price is not sold.
func shelve(products []Product) *goods {
	g := &goods{byID: map[string]*Product{}}
	count := map[string]int{}
	for i := range products {
		p := &products[i]
		if p.Name == "" || p.Price <= 0 || g.byID[p.ID] != nil {
			continue
		}
		g.byID[p.ID] = p
		g.all = append(g.all, p)
		count[p.Department]++
	}
	slices.SortFunc(g.all, func(a, b *Product) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })
	var names strings.Builder
	for _, p := range g.all {
		g.starts = append(g.starts, names.Len())
		names.WriteString(strings.ToLower(strings.ReplaceAll(p.Name, "\n", " ")) + "\n")
	}
	g.names = names.String()
	hand := artist{}
	at := map[string]int{}
	for _, p := range g.all {
		name := p.Department
		if name == "" || count[name] < few {
			name = other
		}
		i, known := at[name]
		if !known {
			i = len(g.departments)
			at[name] = i
			g.departments = append(g.departments, Department{Name: name, Slug: slug(name), Drawing: departmentDrawing(name), Tint: tint(name)})
		}
		d := &g.departments[i]
		d.Products = append(d.Products, p)
		p.Drawing, p.Tint = hand.draw(p), d.Tint
		s := slices.IndexFunc(d.Shelves, func(s Shelf) bool { return s.Name == p.Category })
		if s < 0 {
			s = len(d.Shelves)
			d.Shelves = append(d.Shelves, Shelf{Name: p.Category, Slug: slug(p.Category)})
		}
		d.Shelves[s].Products = append(d.Shelves[s].Products, p)
	}
	for i := range g.departments {
		slices.SortFunc(g.departments[i].Shelves, func(a, b Shelf) int { return strings.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(g.departments, func(a, b Department) int {
		switch other { // the rest comes last, however much there is of it
		case a.Name:
			return 1
		case b.Name:
			return -1
		}
		return cmp.Or(cmp.Compare(len(b.Products), len(a.Products)), strings.Compare(a.Name, b.Name))
	})
	return g
}

func (g *goods) department(slug string) *Department {
	for i := range g.departments {
		if g.departments[i].Slug == slug {
			return &g.departments[i]
		}
	}
	return nil
}

func (d *Department) shelf(slug string) *Shelf {
	for i := range d.Shelves {
		if d.Shelves[i].Slug == slug {
			return &d.Shelves[i]
		}
	}
	return nil
}

// The bounds of what is searched for, and of what is found.
const (
	shortestQuery = 2
	longestQuery  = 80
	mostFound     = 480
)

// search finds the products whose names have all the words, those that begin with the first one before the others.
func (g *goods) search(query string) []*Product {
	if len(query) < shortestQuery || len(query) > longestQuery {
		return nil
	}
	words := strings.Fields(strings.ToLower(query))
	if len(words) == 0 {
		return nil
	}
	// The longest word is looked for in all names at once, for it has the fewest; the others in those names only.
	rare := slices.MaxFunc(words, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	var first, rest []*Product
	for at := 0; at < len(g.names); {
		hit := strings.Index(g.names[at:], rare)
		if hit < 0 {
			break
		}
		i, exact := slices.BinarySearch(g.starts, at+hit)
		if !exact {
			i--
		}
		start := g.starts[i]
		end := start + strings.IndexByte(g.names[start:], '\n')
		name := g.names[start:end]
		at = end + 1
		if slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(name, w) }) {
			continue
		}
		if strings.HasPrefix(name, words[0]) {
			first = append(first, g.all[i])
		} else if len(rest) < mostFound {
			rest = append(rest, g.all[i])
		}
	}
	found := append(first, rest...)
	return found[:min(len(found), mostFound)]
}

// slug is a name as it stands in an address.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
