package demo

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"
)

// Names that belong to nobody: each person gets one of the first and one of the second.
var (
	givenNames = strings.Fields(`Ada Agnes Alban Alice Ambrose Annis Arthur Audrey Barnaby Beatrice Bella Benedict Blanche Bruno Camille Cecily
		Clara Clement Cora Cyril Daphne Della Edith Edmund Elias Eloise Emil Enid Ernest Esme Felix Flora Freda Gideon Greta Gwen Harriet
		Hazel Hector Hugo Ida Imogen Ines Iris Ivo Jasper Josie Jude Juno Kit Lena Leo Linus Lottie Louis Lydia Mabel Margot Marius Maud
		Miriam Nell Ned Noah Nora Olive Oscar Otto Paloma Percy Petra Phoebe Quentin Ralph Rhea Robin Rosa Rowan Rufus Ruth Sabine Sasha
		Seth Sidney Silas Sylvie Thea Theo Tobias Una Vera Viola Wilf Winifred Xavier Yves Zelda Zoe`)
	familyNames = strings.Fields(`Applewick Ashcombe Barleycorn Beckthorn Birchwood Blackberry Bramblewood Brookmere Butterfield Cherrytree
		Cloverley Copperfield Cornflower Crabapple Damsonby Dandelby Dewberry Elderfield Elmswood Fennelworth Fernley Figtree Foxglove
		Gooseberry Greenhythe Hartsease Hawthornby Hazelgrove Heatherby Hollybank Honeysett Hopfield Ivywood Juniperly Kingcup Larkspur
		Lavenderby Lindenhall Mallowfield Marigold Marlfield Meadowcroft Medlar Millbrook Mistlethwaite Mossgrove Mulberry Nettlefold
		Oakapple Oatfield Orchardson Osierby Parsleyworth Pearmain Peppercorn Periwinkle Pippinby Plumtree Poppyfield Primrosely Quincey
		Radishby Ramsonby Rosehip Rowanberry Rushbrook Rydalmere Saffrony Sagebrook Sorrelby Spindlewood Stonecrop Strawbridge Sweetbriar
		Tansley Teaselby Thistlewood Thymely Turnipseed Underbough Violetby Walnutby Wheatcroft Whinberry Willowmere Winterberry Woodbine
		Woodruffe Yarrowby Yewdale`)
	mailDomains = []string{"post.example", "letterbox.example", "mail.fernhill.example", "courrier.example"}
)

// made is what is made up about one household, and what follows from its baskets.
type made struct {
	*household
	index        int // place among the source's households: gives each a telephone number of its own
	name         string
	email, phone string
	language     string
	declared     bool // the demographics come from the sign-up form; else from the bureau
	birthday     string
	diet         string
	ageBand      string
	choices      []choice
	complaint    *complaint

	days        int   // distinct days with a basket, in UTC
	first, last int64 // first and last basket, Unix; 0 without one
}

// choice is one made-up answer.
type choice struct {
	purpose string
	yes     bool
	at      int64 // Unix
	channel string
}

type complaint struct{ opened, closed int64 } // Unix; closed 0: open

// source gives each household its own chance for each topic, so that a change to one rule moves nothing else and a
// smaller demo has the same people.
func (g *generator) source(number int, topic string) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s", number, topic)
	return rand.New(rand.NewPCG(g.seed, h.Sum64()))
}

// makePerson makes up one household's person: the rule is the table in README.md.
func (g *generator) makePerson(i int) made {
	h := &g.sample.homes[i]
	m := made{household: h, index: i, language: "en", ageBand: "", diet: ""}
	g.contact(&m)

	r := g.source(h.number, "name")
	given, family := givenNames[r.IntN(len(givenNames))], familyNames[r.IntN(len(familyNames))]
	m.name = given + " " + family
	m.email = fmt.Sprintf("%s.%s.%d@%s", strings.ToLower(given), strings.ToLower(family), h.number, mailDomains[r.IntN(len(mailDomains))])
	if r.Float64() < 0.7 {
		m.phone = fmt.Sprintf("+442079460%03d", i) // 020 7946 0000 to 0999 are kept free for drama
	}
	if r.Float64() < 0.1 {
		m.language = "fr"
	}

	r = g.source(h.number, "form")
	m.declared = r.Float64() < 1.0/3
	if m.declared {
		if r.Float64() < 0.6 {
			m.birthday = g.makeBirthday(r, h.age)
		}
		switch d := r.Float64(); {
		case d < 0.12:
			m.diet = "vegetarian"
		case d < 0.16:
			m.diet = "vegan"
		case d < 0.24:
			m.diet = "diabetic"
		case d < 0.55:
			m.diet = "none"
		}
		m.ageBand = "adult"
		if h.kids != "0" && r.Float64() < 0.08 {
			m.ageBand = "child" // a child of the house uses the card
			m.birthday = ""
		}
	}
	g.makeChoices(&m)
	g.makeComplaint(&m)
	return m
}

// contact counts the days on which the household was in the shop.
func (g *generator) contact(m *made) {
	day := int64(-1)
	for _, b := range g.sample.baskets[m.household.first:m.household.last] {
		at := g.calendar.at(b.at)
		if m.first == 0 {
			m.first = at
		}
		m.last = at
		if d := at / daySeconds; d != day {
			day = d
			m.days++
		}
	}
}

// makeBirthday is a day in the source's age group; one in twelve lies in the next week.
func (g *generator) makeBirthday(r *rand.Rand, ageGroup string) string {
	low, high := 65, 84
	if _, err := fmt.Sscanf(ageGroup, "%d-%d", &low, &high); err != nil {
		low, high = 65, 84
	}
	age := low + r.IntN(high-low+1)
	today := time.Unix(g.calendar.now, 0).UTC().Truncate(daySeconds * time.Second)
	ahead := 8 + r.IntN(350)
	if r.Float64() < 1.0/12 {
		ahead = 1 + r.IntN(7)
	}
	next := today.AddDate(0, 0, ahead) // the next birthday, on which they turn age + 1
	born := time.Date(next.Year()-age-1, next.Month(), next.Day(), 0, 0, 0, 0, time.UTC)
	return born.Format(time.DateOnly)
}

// answers is the rule for one purpose: shares of yes and no, the rest never answered; and of the yes, how many took
// it back later.
type answers struct {
	purpose       string
	yes, no, back float64
}

var answerRules = []answers{
	{"personalise", 0.74, 0.14, 0.06},
	{"email", 0.55, 0.30, 0.10},
	{"measure", 0, 0.05, 0},
	{"share", 0.30, 0.45, 0.05},
	{"sensitive", 0.08, 0.22, 0},
	{"protect", 0.25, 0.05, 0},
}

// makeChoices: each purpose by its shares, answered together on one day: within three weeks of the first basket where
// the sign-up form was filled in, else on any day since; protect and sensitive are asked of those only who said yes to
// personalise or told a diet.
func (g *generator) makeChoices(m *made) {
	if m.first == 0 {
		return
	}
	r := g.source(m.number, "choices")
	asked := m.first + r.Int64N(21*daySeconds)
	if late := m.last - m.first; !m.declared && late > 0 {
		asked = m.first + r.Int64N(late)
	}
	asked = min(asked, g.calendar.now-daySeconds)
	channel := [...]string{"web", "web", "web", "store", "store", "post"}[r.IntN(6)]
	if m.declared {
		channel = "web"
	}
	yes := false
	for _, a := range answerRules {
		d, back, when := r.Float64(), r.Float64(), r.Float64()
		shareYes, shareNo := a.yes, a.no
		switch {
		case a.purpose == "protect" && m.diet != "" && m.diet != "none":
			shareYes, shareNo = 0.95, 0.02
		case (a.purpose == "protect" || a.purpose == "sensitive") && !yes:
			continue
		}
		switch {
		case d < shareYes:
			m.choices = append(m.choices, choice{a.purpose, true, asked, channel})
			if a.purpose == "personalise" {
				yes = true
			}
			if room := g.calendar.now - 2*daySeconds - asked; back < a.back && room > 14*daySeconds {
				at := asked + 14*daySeconds + int64(when*float64(room-14*daySeconds))
				m.choices = append(m.choices, choice{a.purpose, false, at, "web"})
			}
		case d < shareYes+shareNo:
			m.choices = append(m.choices, choice{a.purpose, false, asked, channel})
		}
	}
}

// makeComplaint: one household in forty complained in the last seven months; half of the complaints are open.
func (g *generator) makeComplaint(m *made) {
	r := g.source(m.number, "complaint")
	if r.Float64() >= 1.0/40 || m.first == 0 {
		return
	}
	room := min(g.calendar.now-m.first, 210*daySeconds)
	c := &complaint{opened: g.calendar.now - daySeconds - r.Int64N(max(room-daySeconds, 1))}
	if closed := c.opened + (2+r.Int64N(26))*daySeconds; r.Float64() < 0.5 && closed < g.calendar.now {
		c.closed = closed
	}
	m.complaint = c
}

// answer is what the person says to the purpose in the end: said is false when they never answered.
func (m *made) answer(purpose string) (yes, said bool) {
	for _, c := range m.choices { // in order of time within a purpose
		if c.purpose == purpose {
			yes, said = c.yes, true
		}
	}
	return yes, said
}

// incomeBand is the source's income in the charter's words.
func incomeBand(income string) string {
	switch income {
	case "Under 15K", "15-24K", "25-34K":
		return "low"
	case "35-49K", "50-74K":
		return "middle"
	case "":
		return ""
	}
	return "high"
}
