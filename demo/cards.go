package demo

import (
	"fmt"
	"strconv"
	"strings"
)

// card is somebody's second entry: an old paper card of the shop that was typed in again, as a clerk read it.
type card struct{ id, name, email, phone string }

// makeCard makes up the card of one household in fifteen; of the others none. What a clerk got wrong is one of six things.
func (g *generator) makeCard(m *made) (card, bool) {
	r := g.source(m.number, "card")
	if r.Float64() >= 1.0/15 {
		return card{}, false
	}
	given, family, _ := strings.Cut(m.name, " ")
	c := card{id: "card-" + strconv.Itoa(m.number), name: m.name, email: m.email, phone: m.phone}
	other := fmt.Sprintf("%s.%s@%s", strings.ToLower(given[:1]), strings.ToLower(family), mailDomains[r.IntN(len(mailDomains))])
	switch r.IntN(6) {
	case 0: // an initial, and no number
		c.name, c.phone = given[:1]+". "+family, ""
	case 1: // the names in each other's place, and no number
		c.name, c.phone = family+" "+given, ""
	case 2: // a letter left out, and another address
		at := 1 + r.IntN(len(family)-2)
		c.name, c.email = given+" "+family[:at]+family[at+1:], other
	case 3: // no address
		c.email = ""
	case 4: // another address, and no number: the name alone speaks for it
		c.email, c.phone = other, ""
	case 5: // an initial, another address and no number
		c.name, c.email, c.phone = given[:1]+". "+family, other, ""
	}
	return c, true
}

// writeCards writes the old cards, as another file of the customer list.
func (g *generator) writeCards(people []made) error {
	next := 0
	return g.file("cards.csv", "people", "crm", "userId,name,email,phone\n", func(b []byte, _ int) []byte {
		for ; next < len(people); next++ {
			if c, ok := g.makeCard(&people[next]); ok {
				next++
				g.sum.Cards++
				return appendRow(b, []string{c.id, c.name, c.email, c.phone})
			}
		}
		return nil
	})
}
