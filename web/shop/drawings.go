package shop

import (
	_ "embed"
	"hash/fnv"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// drawings holds a symbol for each package and department. Pages show one by <use>: it is sent once and kept by the browser.
//
//go:embed drawings/drawings.svg
var drawings []byte

// drawingsPath is where the drawings are. It changes with them, so that a browser may keep them.
var drawingsPath = "/shop/drawings.svg?v=" + strconv.FormatUint(uint64(hash(string(drawings))), 36)

func showDrawings(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(drawings)
}

// pictured are words of a product's shelf or name, and the package it comes in; the first that fits decides.
var pictured = []struct {
	words   *regexp.Regexp
	drawing string
}{
	{regexp.MustCompile(`\b(?:canned|soup|tins?)`), "tin"},
	{regexp.MustCompile(`\b(?:frozen (vegetable|fruit|potato)|popcorn|crisps)`), "bag"},
	{regexp.MustCompile(`\b(?:peanut butter|jam|pickle|relish|olive|honey|mustard|mayo)`), "jar"},
	{regexp.MustCompile(`\b(?:banana)`), "banana"},
	{regexp.MustCompile(`\b(?:carrot)`), "carrot"},
	{regexp.MustCompile(`\b(?:tomato)`), "tomato"},
	{regexp.MustCompile(`\b(?:mushroom)`), "mushroom"},
	{regexp.MustCompile(`\b(?:\w*berr(?:y|ies)|grapes?|cherr)`), "berries"},
	{regexp.MustCompile(`\b(?:salad mix|lettuce|broccoli|vegetable|herb|onion|corn|pepper|squash)`), "greens"},
	{regexp.MustCompile(`\b(?:nuts|peanut|almond)`), "nuts"},
	{regexp.MustCompile(`\b(?:apple|pear|citrus|peach|melon|tropical|fruit|potato)`), "fruit"},
	{regexp.MustCompile(`\b(?:wines?$|wines?,)`), "wine"},
	{regexp.MustCompile(`\b(?:spirit|vodka|whisk|liqueur|rum$)`), "spirit"},
	{regexp.MustCompile(`\b(?:beer|ales?|can$)`), "can"},
	{regexp.MustCompile(`\b(?:eggs?)`), "eggs"},
	{regexp.MustCompile(`\b(?:butter|margarine|cream cheese)`), "butter"},
	{regexp.MustCompile(`\b(?:cheese)`), "cheese"},
	{regexp.MustCompile(`\b(?:milk)`), "jug"},
	{regexp.MustCompile(`\b(?:yogurt|pudding|cottage)`), "pot"},
	{regexp.MustCompile(`\b(?:juice)`), "carton"},
	{regexp.MustCompile(`\b(?:ice cream bar|lolly|lollies)`), "lolly"},
	{regexp.MustCompile(`\b(?:ice cream|sherbet|dip|spread)`), "tub"},
	{regexp.MustCompile(`\b(?:pizza)`), "pizza"},
	{regexp.MustCompile(`\b(?:soft drink|fizzy|water|sports drink|drink|syrup|oil$|oils?,|dressing|sauce|vinegar)`), "bottle"},
	{regexp.MustCompile(`\b(?:beans)`), "tin"},
	{regexp.MustCompile(`\b(?:coffee shop|coffee|tea|teas)`), "cup"},
	{regexp.MustCompile(`\b(?:pies?)`), "pie"},
	{regexp.MustCompile(`\b(?:cake|muffin|pastr|cookie tray|doughnut|donut)`), "cake"},
	{regexp.MustCompile(`\b(?:toilet paper|kitchen roll)`), "roll"},
	{regexp.MustCompile(`\b(?:bread|bun|roll|rolls|loaf|bagel|tortilla|dough)`), "loaf"},
	{regexp.MustCompile(`\b(?:flour|sugar|rice|dog food|cat litter|charcoal|seed|potatoes)`), "sack"},
	{regexp.MustCompile(`\b(?:pet|dog|cat food)`), "paw"},
	{regexp.MustCompile(`\b(?:crisps|snack|popcorn|cookies|crackers|frozen vegetables|frozen potatoes)`), "bag"},
	{regexp.MustCompile(`\b(?:sweets|chocolate|candy|bar|bars)`), "bar"},
	{regexp.MustCompile(`\b(?:chicken|turkey)`), "drumstick"},
	{regexp.MustCompile(`\b(?:sausage|hot dog|bacon|sliced meat)`), "sausage"},
	{regexp.MustCompile(`\b(?:beef|pork|lamb|veal|meat|game)`), "meat"},
	{regexp.MustCompile(`\b(?:shrimp|crab|shell|lobster|oyster)`), "shell"},
	{regexp.MustCompile(`\b(?:fish|seafood|tuna|salmon|sushi)`), "fish"},
	{regexp.MustCompile(`\b(?:toilet|tissue|napkin|foil|wrap)`), "roll"},
	{regexp.MustCompile(`\b(?:cleaning|bleach|air care|insect|spray)`), "spray"},
	{regexp.MustCompile(`\b(?:laundry|detergent)`), "jug"},
	{regexp.MustCompile(`\b(?:soap|bath)`), "soap"},
	{regexp.MustCompile(`\b(?:hair|hand, body|lotion|sun|shampoo)`), "pump"},
	{regexp.MustCompile(`\b(?:oral|toothpaste|shav|cream)`), "tube"},
	{regexp.MustCompile(`\b(?:deodorant|fragrance)`), "spray"},
	{regexp.MustCompile(`\b(?:makeup|cosmetic|lip)`), "lipstick"},
	{regexp.MustCompile(`\b(?:vitamin|pain|cold and|sinus|antacid|laxative|medic|aid|eye|health|diet|smoking|family|incontinence|hygiene)`), "pills"},
	{regexp.MustCompile(`\b(?:baby|infant|nappies)`), "baby"},
	{regexp.MustCompile(`\b(?:cards?|gift|wrap|party)`), "card"},
	{regexp.MustCompile(`\b(?:balloon)`), "balloon"},
	{regexp.MustCompile(`\b(?:magazine|newspaper|stationery|film)`), "sheet"},
	{regexp.MustCompile(`\b(?:book|music)`), "book"},
	{regexp.MustCompile(`\b(?:toy|game|sports|christmas|halloween|easter|valentine|seasonal)`), "toy"},
	{regexp.MustCompile(`\b(?:candle)`), "candle"},
	{regexp.MustCompile(`\b(?:brooms|brush|mop|shoe)`), "brush"},
	{regexp.MustCompile(`\b(?:electr|batter)`), "battery"},
	{regexp.MustCompile(`\b(?:hosiery|textile|apparel)`), "shirt"},
	{regexp.MustCompile(`\b(?:cookware|kitchen|glassware|gadget|housewares|appliance)`), "pan"},
	{regexp.MustCompile(`\b(?:rose|bouquet|cut flower)`), "flower"},
	{regexp.MustCompile(`\b(?:plant|garden|lawn|vase|foliage)`), "plant"},
	{regexp.MustCompile(`\b(?:salad|prepared|sandwich|party tray|deli)`), "salad"},
	{regexp.MustCompile(`\b(?:ice$|ice,)`), "ice"},
	{regexp.MustCompile(`\b(?:frozen|dinner|cereal|mix|pasta|noodle|baking|spice)`), "box"},
}

// artist knows the package of each kind of product.
type artist map[string]string

// draw is the drawing of a product's package: by the words of its name, then of its shelf, else a parcel.
func (a artist) draw(p *Product) string {
	for _, text := range []string{p.Name, p.Category} {
		drawing, known := a[text]
		if !known {
			for _, rule := range pictured {
				if rule.words.MatchString(strings.ToLower(text)) {
					drawing = rule.drawing
					break
				}
			}
			a[text] = drawing
		}
		if drawing != "" {
			return drawing
		}
	}
	return "parcel"
}

// departments that have a drawing of their own; another is a basket.
var departmentDrawings = map[string]string{
	"Grocery": "d-basket", "Health, beauty & home": "pump", "Natural & organic": "nuts", "Fruit & vegetables": "fruit", "Cosmetics": "lipstick", "Deli": "cheese", "Butcher": "meat", "Bakery": "loaf",
	"Packaged meat": "sausage", "Flowers": "flower", "Packaged fish": "shell", "Fish counter": "fish", "Spirits": "spirit", "Garden": "plant", "Café": "cup", "Salad bar": "salad", other: "parcel",
}

func departmentDrawing(name string) string {
	if d := departmentDrawings[name]; d != "" {
		return d
	}
	return "d-basket"
}

// tints of departments, classes of the stylesheet; another has one of them by its name.
var tints = map[string]string{
	"Grocery": "tint-8", "Health, beauty & home": "tint-3", "Natural & organic": "tint-1", "Fruit & vegetables": "tint-1", "Cosmetics": "tint-6", "Deli": "tint-5", "Butcher": "tint-4", "Bakery": "tint-2",
	"Packaged meat": "tint-4", "Flowers": "tint-6", "Packaged fish": "tint-3", "Fish counter": "tint-7", "Spirits": "tint-2", "Garden": "tint-7", "Café": "tint-8", "Salad bar": "tint-5",
}

func tint(name string) string {
	if t := tints[name]; t != "" {
		return t
	}
	return "tint-" + strconv.Itoa(1+int(hash(name)%8))
}

// Mark is the colour of the label on its package, by its name: two cartons of milk are told apart.
func (p *Product) Mark() string { return "mark-" + strconv.Itoa(1+int(hash(p.ID)%6)) }

func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}
