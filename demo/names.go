package demo

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:embed words.tsv
var wordTable string

// lexicon turns the till's words into a shopper's. A product type that is in words.tsv has the name that stands there;
// the rule of typeName makes the others.
type lexicon struct {
	types, categories, departments map[string]string
	words                          map[string]string
	proper                         map[string]bool // words that always have a capital
	whole                          map[string]bool // words that occur in types that the source did not cut off
}

// cutAt is the length at which the source cuts a product type off, often within a word.
const cutAt = 30

var readLexicon = sync.OnceValues(func() (*lexicon, error) {
	x := &lexicon{types: map[string]string{}, categories: map[string]string{}, departments: map[string]string{}, words: map[string]string{}, whole: map[string]bool{}, proper: map[string]bool{"Danish": true, "Iceberg": true, "Swiss": true, "Worcestershire": true, "Australian": true}}
	into := map[string]map[string]string{"type": x.types, "category": x.categories, "department": x.departments, "word": x.words}
	for _, l := range strings.Split(wordTable, "\n") {
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		f := strings.Split(l, "\t")
		if len(f) != 3 || into[f[0]] == nil {
			return nil, fmt.Errorf("demo/words.tsv: three columns are expected, the first type, category, department or word: %q", l)
		}
		into[f[0]][f[1]] = f[2]
		if f[0] == "word" && f[2] != "" && unicode.IsUpper(rune(f[2][0])) {
			x.proper[f[2]] = f[2] != "Frozen" && f[2] != "Fresh" && f[2] != "Mixes" && f[2] != "Multi" && f[2] != "Dinners"
		}
	}
	return x, nil
})

// learn notes which words the source spells out.
func (x *lexicon) learn(products []product) {
	if len(x.whole) > 0 {
		return
	}
	for _, p := range products {
		if len(p.kind) < cutAt {
			for _, w := range splitWords.Split(p.kind, -1) {
				x.whole[w] = true
			}
		}
	}
}

var (
	splitWords  = regexp.MustCompile(`[^A-Z0-9.%']+`)
	inBrackets  = regexp.MustCompile(`\([^)]*\)`)
	openBracket = regexp.MustCompile(`\([^)]*$`)
	spaces      = regexp.MustCompile(`\s+`)
	lastWord    = regexp.MustCompile(`[^A-Z0-9.%']*[A-Z0-9.%']+$`)
	magazine    = regexp.MustCompile(`\s*-MAGAZINE$`)
	headed      = regexp.MustCompile(`^([A-Z ]+):\s*(.+)$`)
)

// vague types say too little without their category.
var vague = map[string]bool{
	"OTHER": true, "MISCELLANEOUS": true, "PREMIUM": true, "VALUE": true, "ECONOMY": true, "TRADITIONAL": true, "MAINSTREAM": true,
	"FRESH": true, "RED": true, "DRY": true, "COOKED": true, "MISC": true, "SEASONAL": true, "NOVELTIES": true, "EXTERNAL": true,
	"INTERNAL": true, "ENTREES": true, "MICROWAVE": true, "KITS": true, "BLENDS": true, "PATTIES": true, "RIBS": true, "DECOR": true,
	"ACCESSORIES": true, "ACTIVITY": true, "PROMOTIONAL": true, "CONTINUITY": true, "CUPS": true, "FRAMES": true, "LAUNDRY": true,
	"BRISKET": true, "MARINATED": true, "OFFALS": true, "BATTERIES": true, "SAUCES": true, "MIXES": true, "BAKING": true, "FLATS": true,
	"CHUCK/SHOULDER": true, "LOAVE": true, "VARIETY PACK": true, "COCKTAILS": true, "BETTER FOR YOU": true, "BARGAIN": true,
}

// typeName is what a shopper would call products of this type, without their size. The rule, where words.tsv has no
// entry: what stands in brackets falls, and a last word that the source cut off; "-MAGAZINE" is a magazine; "X: Y" is
// Y of the kind X; abbreviations are spelt out; lists by stroke are joined with commas and "&"; a vague word is
// followed by its category.
func (x *lexicon) typeName(category, kind string) string {
	if n, ok := x.types[category+"|"+kind]; ok {
		return n
	}
	if n, ok := x.types[kind]; ok {
		return n
	}
	if kind == "" {
		if category == "" {
			return "Not described"
		}
		return x.categoryName(category)
	}
	s := kind
	if len(s) == cutAt {
		if end := splitWords.Split(s, -1); len(end[len(end)-1]) < 3 || !x.whole[end[len(end)-1]] {
			s = lastWord.ReplaceAllString(s, "")
		}
	}
	s = openBracket.ReplaceAllString(inBrackets.ReplaceAllString(s, " "), "")
	s = strings.NewReplacer("-FRE-", "-fresh ", "JHOOK -", "", "AIR CARE -", "AIR FRESHENER", "SW GDS:", "", "DL SPEC:", "", "PREP FD:", "",
		"PREP FOODS:", "", "SV BEV:", "", "COFF SHOP:", "", "CHILDREN S", "CHILDREN'S", "WOMEN S", "WOMEN'S", "DVD S", "DVDS").Replace(s)
	if magazine.MatchString(s) {
		s = magazine.ReplaceAllString(s, "") + " MAGAZINE"
	}
	if m := headed.FindStringSubmatch(strings.TrimSpace(s)); m != nil {
		head, rest := m[1], m[2]
		if strings.Contains(rest, strings.TrimSuffix(head, "S")) {
			s = rest
		} else {
			s = rest + " " + head
		}
	}
	name := x.phrase(s)
	if vague[kind] {
		name = x.phrase(strings.ReplaceAll(s, " - ", " ")) + " " + strings.ToLower(x.categoryName(category))
		name = x.tidy(name)
	}
	if name == "" {
		return x.categoryName(category)
	}
	return name
}

func (x *lexicon) categoryName(category string) string {
	if n, ok := x.categories[category]; ok {
		return n
	}
	return x.phrase(category)
}

func (x *lexicon) departmentName(department string) string {
	if n, ok := x.departments[department]; ok {
		return n
	}
	return x.phrase(department)
}

// phrase spells out the till's words: lower case with one capital, abbreviations by words.tsv.
func (x *lexicon) phrase(s string) string {
	s = strings.NewReplacer(" - ", ", ", "- ", ", ", " -", ", ", "W/", "W ", "&", " & ", ":", " ", "; ", ", ", "*", "").Replace(" " + s)
	parts := strings.Split(s, "/")
	for i, part := range parts {
		words := strings.Fields(part)
		for j, w := range words {
			words[j] = x.word(w)
		}
		parts[i] = strings.Join(words, " ")
	}
	kept := parts[:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	joined := ""
	switch n := len(kept); n {
	case 0:
	case 1:
		joined = kept[0]
	default:
		joined = strings.Join(kept[:n-1], ", ") + " & " + kept[n-1]
	}
	return x.tidy(joined)
}

// word spells out one word, with the comma or hyphen it came with.
func (x *lexicon) word(w string) string {
	core := strings.TrimRight(w, ",")
	tail := w[len(core):]
	if full, ok := x.words[core]; ok {
		return full + tail
	}
	if a, b, ok := strings.Cut(core, "-"); ok && a != "" && b != "" && x.words[core] == "" {
		return x.word(a) + "-" + x.word(b) + tail
	}
	return strings.ToLower(core) + tail
}

var stray = regexp.MustCompile(`\s+,|,\s*,|^[\s,&-]+|[\s,&-]+$`)

func (x *lexicon) tidy(s string) string {
	for range 3 {
		s = stray.ReplaceAllStringFunc(s, func(m string) string {
			if strings.Contains(m, ",") && strings.TrimLeft(m, " ,&-") == "" && m != s && !strings.HasPrefix(s, m) && !strings.HasSuffix(s, m) {
				return ","
			}
			return ""
		})
	}
	s = spaces.ReplaceAllString(s, " ")
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// within is a name as it stands within a sentence: small, unless it begins with a proper name or an abbreviation.
func (x *lexicon) within(name string) string {
	first, _, _ := strings.Cut(strings.ReplaceAll(name, ",", " "), " ")
	if first != strings.ToUpper(first[:1])+strings.ToLower(first[1:]) || x.proper[first] {
		return name
	}
	return strings.ToLower(first[:1]) + name[1:]
}

// ---- sizes

var (
	sizeForm = regexp.MustCompile(`^(\d+(?:\.\d+)?|\.\d+|\d+ \d+/\d+)\s*([A-Z]+(?: (?:FT|OZ))?)$`)
	packForm = regexp.MustCompile(`^(\d+) ?PK ?/ ?(\d+(?:\.\d+)?|\.\d+) ?(OZ|Z|ML|L|LTR)$`)
	leading  = regexp.MustCompile(`^(?:\(\d+\)|\d{5,6}|[A-Z]{1,2})\s+`)
	bare     = regexp.MustCompile(`^[A-Z]+$`)
)

var units = map[string]string{
	"OZ": "oz", "OZS": "oz", "Z": "oz", "FL OZ": "fl oz", "LB": "lb", "CT": "count", "ML": "ml", "L": "l", "LTR": "l", "PK": "pack",
	"GA": "gal", "GAL": "gal", "QT": "qt", "PT": "pt", "IN": "in", "INES": "in", "FT": "ft", "SQ FT": "sq ft", "PC": "pieces", "G": "g",
	"GM": "g", "MG": "mg", "DZ": "dozen", "DOZ": "dozen", "LD": "washes", "LDS": "washes", "LOAD": "washes", "LOADS": "washes", "YD": "yd",
	"MM": "mm", "CM": "cm", "STEM": "stems", "STEMS": "stems", "CUP": "cups", "CP": "cups", "ROLL": "rolls", "SHEETS": "sheets",
}

var bareUnits = map[string]string{"PT": "1 pt", "GAL": "1 gal", "CTN": "carton", "DZ": "1 dozen", "QT": "1 qt", "LB": "1 lb", "LARGE": "large",
	"SMALL": "small", "MEDIUM": "medium", "MINI": "mini", "HALF": "half", "LG": "large", "SML": "small", "MED": "medium"}

// sizeName is the package size as a shopper reads it ("22 lb", "6 × 12 oz"), and "" when the source's is not clear.
func sizeName(raw string) string {
	s := strings.TrimSpace(spaces.ReplaceAllString(raw, " "))
	s = strings.TrimSuffix(strings.TrimSuffix(s, " BAG"), " CAN")
	if m := packForm.FindStringSubmatch(s); m != nil {
		return m[1] + " × " + number(m[2]) + " " + units[m[3]]
	}
	for range 2 {
		if m := sizeForm.FindStringSubmatch(s); m != nil {
			unit, ok := units[m[2]]
			n := number(m[1])
			switch {
			case !ok || strings.HasPrefix(n, "0") && !strings.HasPrefix(n, "0.") || (unit == "count" || unit == "pack") && len(n) > 4:
				return ""
			case unit == "pack" && n != "1":
				return "pack of " + n
			case unit == "pack" || unit == "count" && n == "1":
				return ""
			case unit == "count":
				return "pack of " + n
			case n == "1" && (unit == "stems" || unit == "rolls" || unit == "cups" || unit == "pieces"):
				return "1 " + strings.TrimSuffix(unit, "s")
			}
			return n + " " + unit
		}
		s = leading.ReplaceAllString(s, "")
	}
	if bare.MatchString(s) {
		return bareUnits[s]
	}
	return ""
}

// number drops needless zeros: "10.50" is 10.5, ".5" is 0.5, "8 1/2" stays.
func number(s string) string {
	if strings.Contains(s, "/") {
		return s
	}
	if strings.HasPrefix(s, ".") {
		s = "0" + s
	}
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// loose departments sell by weight or piece: their sizes are those of the crate that came to the shop.
var loose = map[string]bool{"PRODUCE": true, "TRAVEL & LEISURE": true, "SALAD BAR": true}

var crate = regexp.MustCompile(`^(?:pack of \d+|(?:[5-9]|\d{2,})(?:\.\d+)? lb)$`)

// shownSize is the size that belongs into the name.
func shownSize(p *product) string {
	s := sizeName(p.size)
	if loose[p.department] && crate.MatchString(s) {
		if p.brand != "Private" || !strings.HasSuffix(s, " lb") { // the own brand's bags are sold as bags
			return ""
		}
	}
	return s
}

// nameProducts gives every product its name, no two the same: type and size; where several share that, the own
// brand's are "Fernhill …"; where several still do, the most bought has the plain name and the next are "variety 2"
// and so on. products must be sorted most bought first.
func nameProducts(x *lexicon, products []product) []string {
	x.learn(products)
	plain := make([]string, len(products))
	kinds := map[[2]string]string{} // few kinds and sizes, many products
	sizes := map[[3]string]string{}
	brands := map[string]int{} // bit 1: own brand, bit 2: others
	for i := range products {
		p := &products[i]
		kind, size := [2]string{p.category, p.kind}, [3]string{p.department, p.brand, p.size}
		n, ok := kinds[kind]
		if !ok {
			n = x.typeName(p.category, p.kind)
			kinds[kind] = n
		}
		s, ok := sizes[size]
		if !ok {
			s = shownSize(p)
			sizes[size] = s
		}
		if s != "" {
			n += ", " + s
		}
		plain[i] = n
		if p.brand == "Private" {
			brands[n] |= 1
		} else {
			brands[n] |= 2
		}
	}
	names := make([]string, len(products))
	used := map[string]int{}
	for i := range products {
		n := plain[i]
		if products[i].brand == "Private" && brands[n] == 3 {
			n = "Fernhill " + x.within(n)
		}
		used[n]++
		if k := used[n]; k > 1 {
			n = fmt.Sprintf("%s, variety %d", n, k)
		}
		names[i] = n
	}
	return names
}
