// Package demo is a grocer to try Rapport on: Fernhill Grocers, made of a real year of real purchases (see
// sample/ORIGIN.md) and of what that data lacks, made up by a stated rule (see README.md).
//
// It promises: Write makes the same bytes from the same Options; the purchases, products and demographics are the
// source's, moved in time by whole weeks so that the last of them lies in the seven days before Now; names, addresses,
// numbers, choices, birthdays, diets and complaints are made up and say so in the README; addresses and numbers are of
// ranges that are kept free for examples. It writes import files only: everything goes through the same door as
// anybody's data, and what the charter makes of it there is the door's affair.
package demo

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rapporthq/rapport/charter"
)

//go:embed charter.yaml
var charterFile []byte

// Charter is Fernhill's charter.yaml. The slice is the caller's own.
func Charter() []byte { return slices.Clone(charterFile) }

var readCharter = sync.OnceValues(func() (*charter.Charter, error) {
	c, problems := charter.Parse(charterFile)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("the demo's charter does not stand (%w): mend demo/charter.yaml", err)
	}
	return c, nil
})

// DefaultSeed is the seed of what is made up when Options has none.
const DefaultSeed = 84_51

// Options say how the demo's home is made.
type Options struct {
	Now        time.Time // the last purchase lies in the seven days before it; must be given
	Seed       uint64    // of what is made up; 0: DefaultSeed
	Households int       // only the first so many households of the source, for small tests; 0: all 801
}

// File is one import file that Write made.
type File struct {
	Name   string // within the folder
	As     string // items, people, choices, events or complaints: what `rapport import --as` is told
	Source string // the charter's source that sends it
	Rows   int
}

// ChoiceCount counts what the made-up people answered to one purpose in the end.
type ChoiceCount struct {
	Yes, No, Unanswered int
	Withdrawn           int // of the no: had said yes before
}

// Summary says what Write made.
type Summary struct {
	Files                       []File
	Households, Baskets, Lines  int
	Items, NotOffered           int
	SensitiveItems              int // items that a rule of the charter marks
	SensitiveLines              int // purchases of them
	SensitiveHouseholds         int // households that bought one
	Cards                       int // old cards: households that are in the customer list twice
	Declared, Acquired          int // households whose demographics come from the sign-up form, and from the bureau
	Birthdays, BirthdaysInAWeek int
	Diets                       map[string]int
	Children                    int // people who are children by their own word
	Choices                     map[string]ChoiceCount
	ComplaintsOpen              int
	ComplaintsClosed            int
	Levels                      map[string]int // relationship levels to be expected at Now where the purpose is personalise
	First, Last                 time.Time      // of the purchases
	UserIDs                     []string       // twenty known people of all levels, most of whom said yes to personalise
	UserLevels                  []string       // their expected levels, in the same order
}

var readItems = sync.OnceValues(func() ([]charter.Item, error) {
	s, err := readSample()
	if err != nil {
		return nil, err
	}
	x, err := readLexicon()
	if err != nil {
		return nil, err
	}
	names := nameProducts(x, s.products)
	prices := s.unitPrices()
	type kind struct {
		department, category string
		tags                 []string
	}
	kinds := map[[3]string]kind{} // few kinds and sizes, many products
	sizes := map[string]string{}
	items := make([]charter.Item, len(s.products))
	for i := range s.products {
		p := &s.products[i]
		key := [3]string{p.department, p.category, p.kind}
		k, ok := kinds[key]
		if !ok {
			k = kind{x.departmentName(p.department), x.categoryName(p.category), tagsOf(p)}
			kinds[key] = k
		}
		size, ok := sizes[p.size]
		if !ok {
			size = sizeName(p.size)
			sizes[p.size] = size
		}
		items[i] = charter.Item{
			ID: p.id, Name: names[i], Department: k.department, Category: k.category,
			Type: p.kind, Brand: p.brand, Size: size, Tags: k.tags, Price: prices[i],
		}
	}
	return items, nil
})

// Catalogue lists Fernhill's products, most bought first. Type keeps the till's words, which the charter's rule on
// sensitive items reads; name, department and category are a shopper's. The slice is the caller's own, the tags are not.
func Catalogue() ([]charter.Item, error) {
	items, err := readItems()
	return slices.Clone(items), err
}

// unitPrices gives the median price of one of each product, in the currency; 0 when it never cost anything.
func (s *sample) unitPrices() []float64 {
	at := make([]int, len(s.products)+1)
	for l, i := range s.index {
		if s.cents[l] > 0 {
			at[i+1]++
		}
	}
	for i := range s.products {
		at[i+1] += at[i]
	}
	all := make([]int32, at[len(s.products)])
	next := slices.Clone(at)
	for l, i := range s.index {
		if s.cents[l] > 0 {
			all[next[i]] = unitCents(s.cents[l], s.quantity[l])
			next[i]++
		}
	}
	prices := make([]float64, len(s.products))
	for i := range prices {
		if of := all[at[i]:at[i+1]]; len(of) > 0 {
			slices.Sort(of)
			prices[i] = float64(of[len(of)/2]) / 100
		}
	}
	return prices
}

// unitCents is the price of one, rounded to the cent.
func unitCents(cents int32, quantity uint8) int32 {
	if quantity <= 1 {
		return cents
	}
	q := int32(quantity)
	return (cents + q/2) / q
}
