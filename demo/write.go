package demo

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

// generator is one run of Write.
type generator struct {
	sample   *sample
	seed     uint64
	calendar calendar
	dir      string
	sum      Summary
	done     int
	total    int
	progress func(done, total int)
}

// Write makes the demo's import files in dir, which it makes when it is not there. It writes what Summary.Files names,
// replacing files of these names, and calls progress (which may be nil) about every thousand rows. An error leaves
// what was written so far.
func Write(dir string, opts Options, progress func(done, total int)) (Summary, error) {
	if opts.Now.IsZero() {
		return Summary{}, errors.New("the demo needs a time to end at: give Options.Now")
	}
	s, err := readSample()
	if err != nil {
		return Summary{}, err
	}
	items, err := readItems()
	if err != nil {
		return Summary{}, err
	}
	c, err := readCharter()
	if err != nil {
		return Summary{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Summary{}, fmt.Errorf("the demo's folder cannot be made: %w", err)
	}
	last := int64(0)
	for _, b := range s.baskets {
		last = max(last, b.at)
	}
	g := &generator{sample: s, seed: opts.Seed, calendar: newCalendar(last, opts.Now), dir: dir, progress: progress}
	if g.seed == 0 {
		g.seed = DefaultSeed
	}
	homes := len(s.homes)
	if opts.Households > 0 {
		homes = min(homes, opts.Households)
	}
	baskets := s.homes[homes-1].last
	g.total = len(items) + homes + baskets

	people := make([]made, homes)
	levels := make([]person.Level, homes)
	for i := range people {
		people[i] = g.makePerson(i)
		levels[i] = g.levelOf(c, &people[i])
	}
	g.count(c, people, items, baskets)
	g.sum.Levels = spread(levels)
	g.sum.UserIDs, g.sum.UserLevels = g.known(people, levels)
	for _, step := range []func() error{
		func() error { return g.writeItems(items) },
		func() error { return g.writeChoices(c, people) }, // before the facts: what nobody has said yes to is not kept
		func() error { return g.writePeople(people) },
		func() error { return g.writeCards(people) },
		func() error { return g.writeComplaints(people) },
		func() error { return g.writeEvents(baskets) },
	} {
		if err := step(); err != nil {
			return g.sum, fmt.Errorf("the demo's files cannot be written: %w", err)
		}
	}
	if progress != nil {
		progress(g.total, g.total)
	}
	return g.sum, nil
}

// step counts rows towards progress.
func (g *generator) step(n int) {
	before := g.done / 1000
	g.done += n
	if g.progress != nil && g.done/1000 != before {
		g.progress(min(g.done, g.total), g.total)
	}
}

// file writes one import file; each gives rows until it returns nil.
func (g *generator) file(name, as, source, head string, each func(b []byte, row int) []byte) error {
	f, err := os.OpenFile(filepath.Join(g.dir, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, _ = w.WriteString(head) // bufio keeps the first error for Flush
	rows := 0
	var b []byte
	for {
		b = each(b[:0], rows)
		if b == nil {
			break
		}
		rows++
		_, _ = w.Write(b)
	}
	err = w.Flush()
	if e := f.Close(); err == nil {
		err = e
	}
	g.sum.Files = append(g.sum.Files, File{Name: name, As: as, Source: source, Rows: rows})
	return err
}

func (g *generator) writeItems(items []charter.Item) error {
	return g.file("items.jsonl", "items", "tills", "", func(b []byte, row int) []byte {
		if row == len(items) {
			return nil
		}
		g.step(1)
		it := &items[row]
		b = appendField(append(b, '{'), "id", it.ID)
		b = appendField(append(b, ','), "name", it.Name)
		b = appendField(append(b, ','), "department", it.Department)
		b = appendField(append(b, ','), "category", it.Category)
		b = appendField(append(b, ','), "type", it.Type)
		b = appendField(append(b, ','), "brand", it.Brand)
		b = appendField(append(b, ','), "size", it.Size)
		b = append(b, `,"price":`...)
		b = strconv.AppendFloat(b, it.Price, 'f', -1, 64)
		b = append(b, `,"tags":[`...)
		for i, t := range it.Tags {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, t)
		}
		b = append(b, ']')
		if has(it.Tags, "not-offered") {
			b = append(b, `,"stock":0`...)
		}
		return append(b, "}\n"...)
	})
}

// formColumns are the columns of the sign-up form and of the bureau's file. The bureau sends two more, of which the
// charter knows nothing: they are refused at the door, as they should be.
var (
	formColumns   = []string{"userId", "household", "children", "age_group", "income_band", "birthday", "diet", "age_band"}
	bureauColumns = []string{"userId", "household", "children", "age_group", "income_band", "home_ownership", "marital_status"}
)

func (g *generator) formRow(m *made) []string {
	return []string{strconv.Itoa(m.number), m.size, m.kids, m.age, incomeBand(m.income), m.birthday, m.diet, m.ageBand}
}

func (g *generator) writePeople(people []made) error {
	table := func(name, source string, columns []string, row func(m *made) []string) error {
		next := 0
		return g.file(name, "people", source, string(appendRow(nil, columns)), func(b []byte, _ int) []byte {
			for ; next < len(people); next++ {
				if r := row(&people[next]); r != nil {
					next++
					return appendRow(b, r)
				}
			}
			return nil
		})
	}
	if err := table("crm.csv", "crm", []string{"userId", "name", "email", "phone"}, func(m *made) []string {
		g.step(1)
		return []string{strconv.Itoa(m.number), m.name, m.email, m.phone}
	}); err != nil {
		return err
	}
	if err := table("signup.csv", "signup", formColumns, func(m *made) []string {
		if !m.declared {
			return nil
		}
		return g.formRow(m)
	}); err != nil {
		return err
	}
	return table("bureau.csv", "bureau", bureauColumns, func(m *made) []string {
		if m.declared {
			return nil
		}
		return []string{strconv.Itoa(m.number), m.size, m.kids, m.age, incomeBand(m.income), m.home, m.marital}
	})
}

// writeChoices writes the answers in order of time, with the words that were shown: the charter's own.
func (g *generator) writeChoices(c *charter.Charter, people []made) error {
	type said struct {
		*made
		choice
	}
	var all []said
	for i := range people {
		for _, ch := range people[i].choices {
			all = append(all, said{&people[i], ch})
		}
	}
	slices.SortStableFunc(all, func(a, b said) int { return cmp.Compare(a.at, b.at) })
	return g.file("choices.jsonl", "choices", "signup", "", func(b []byte, row int) []byte {
		if row == len(all) {
			return nil
		}
		s := &all[row]
		p := c.Purposes[s.purpose]
		words := p.Why.In(s.language, &c.Brand)
		if len(p.Benefit) > 0 {
			words += " " + p.Benefit.In(s.language, &c.Brand)
		}
		answer := "no"
		if s.yes {
			answer = "yes"
		}
		b = appendField(append(b, '{'), "userId", strconv.Itoa(s.number))
		b = appendField(append(b, ','), "purpose", s.purpose)
		b = appendField(append(b, ','), "answer", answer)
		b = append(b, `,"at":"`...)
		b = append(appendInstant(b, s.choice.at), '"')
		b = appendField(append(b, ','), "channel", s.channel)
		b = appendField(append(b, ','), "language", s.language)
		b = appendField(append(b, ','), "notice", c.Hash)
		b = appendField(append(b, ','), "words", words)
		if p.Explicit {
			b = append(b, `,"explicit":true`...)
		}
		return append(b, "}\n"...)
	})
}

func (g *generator) writeComplaints(people []made) error {
	next := 0
	return g.file("complaints.jsonl", "complaints", "crm", "", func(b []byte, _ int) []byte {
		for next < len(people) && people[next].complaint == nil {
			next++
		}
		if next == len(people) {
			return nil
		}
		m := &people[next]
		next++
		b = appendField(append(b, '{'), "userId", strconv.Itoa(m.number))
		b = append(b, `,"opened":"`...)
		b = append(appendInstant(b, m.complaint.opened), '"')
		if m.complaint.closed != 0 {
			b = append(b, `,"closed":"`...)
			b = append(appendInstant(b, m.complaint.closed), '"')
		}
		return append(b, "}\n"...)
	})
}

// writeEvents writes every basket as an Order Completed, in order of time.
func (g *generator) writeEvents(n int) error {
	s := g.sample
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	at := make([]int64, n)
	for i := range at {
		at[i] = g.calendar.at(s.baskets[i].at)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	return g.file("events.jsonl", "events", "tills", "", func(b []byte, row int) []byte {
		if row == n {
			return nil
		}
		g.step(1)
		k := &s.baskets[order[row]]
		b = append(b, `{"type":"track","messageId":"fernhill-`...)
		b = strconv.AppendInt(b, int64(order[row])+1, 10)
		b = append(b, `","userId":"`...)
		b = strconv.AppendInt(b, int64(s.homes[k.home].number), 10)
		b = append(b, `","event":"Order Completed","timestamp":"`...)
		b = g.calendar.appendTime(b, k.at)
		b = append(b, `","properties":{"order_id":"F`...)
		b = strconv.AppendInt(b, int64(order[row])+1, 10)
		b = append(b, `","total":`...)
		total := int64(0)
		for _, c := range s.cents[k.first:k.last] {
			total += int64(c)
		}
		b = appendCents(b, total)
		b = append(b, `,"products":[`...)
		for l := k.first; l < k.last; l++ {
			if l > k.first {
				b = append(b, ',')
			}
			b = append(b, `{"product_id":"`...)
			b = append(b, s.products[s.index[l]].id...)
			b = append(b, `","quantity":`...)
			b = strconv.AppendInt(b, int64(s.quantity[l]), 10)
			b = append(b, `,"price":`...)
			b = appendCents(b, int64(unitCents(s.cents[l], s.quantity[l])))
			b = append(b, '}')
		}
		return append(b, "]}}\n"...)
	})
}

// appendCents writes an amount in the currency: 250 cents are 2.5.
func appendCents(b []byte, cents int64) []byte {
	b = strconv.AppendInt(b, cents/100, 10)
	if c := byte(cents % 100); c != 0 {
		b = append(b, '.', '0'+c/10)
		if c%10 != 0 {
			b = append(b, '0'+c%10)
		}
	}
	return b
}

// appendField writes "name":"text".
func appendField(b []byte, name, text string) []byte {
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, `":`...)
	return appendText(b, text)
}

// appendText writes a JSON string. All text here is ours or the sample's: valid UTF-8, one line.
func appendText(b []byte, text string) []byte {
	b = append(b, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, ' ')
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// appendRow writes a line of CSV. No value here holds a comma, a quote or a line's end: they are words of lists of ours.
func appendRow(b []byte, values []string) []byte {
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, v...)
	}
	return append(b, '\n')
}

// count fills in the summary's numbers.
func (g *generator) count(c *charter.Charter, people []made, items []charter.Item, baskets int) {
	s, sum := g.sample, &g.sum
	sum.Households, sum.Baskets, sum.Lines = len(people), baskets, s.baskets[baskets-1].last
	sum.Items = len(items)
	marked := make([]bool, len(items))
	for i := range items {
		if has(items[i].Tags, "not-offered") {
			sum.NotOffered++
		}
		for _, r := range c.Sensitive {
			if yes, err := r.Where.Matches(&items[i]); yes || err != nil {
				marked[i] = true
			}
		}
		if marked[i] {
			sum.SensitiveItems++
		}
	}
	sum.Choices = map[string]ChoiceCount{}
	sum.Diets = map[string]int{}
	first, last := int64(0), int64(0)
	for i := range people {
		m := &people[i]
		g.countPerson(c, m)
		lines := sum.SensitiveLines
		for _, b := range s.baskets[m.household.first:m.household.last] {
			for _, p := range s.index[b.first:b.last] {
				if marked[p] {
					sum.SensitiveLines++
				}
			}
		}
		if sum.SensitiveLines > lines {
			sum.SensitiveHouseholds++
		}
		if m.first != 0 && (first == 0 || m.first < first) {
			first = m.first
		}
		last = max(last, m.last)
	}
	sum.First, sum.Last = time.Unix(first, 0).UTC(), time.Unix(last, 0).UTC()
}

func (g *generator) countPerson(c *charter.Charter, m *made) {
	sum := &g.sum
	if m.declared {
		sum.Declared++
	} else {
		sum.Acquired++
	}
	if m.birthday != "" {
		sum.Birthdays++
		born, _ := time.Parse(time.DateOnly, m.birthday)
		today := time.Unix(g.calendar.now, 0).UTC().Truncate(daySeconds * time.Second)
		for d := range 8 {
			if at := today.AddDate(0, 0, d); at.Month() == born.Month() && at.Day() == born.Day() {
				sum.BirthdaysInAWeek++
			}
		}
	}
	if m.diet != "" {
		sum.Diets[m.diet]++
	}
	if m.ageBand == "child" {
		sum.Children++
	}
	if m.complaint != nil {
		if m.complaint.closed == 0 {
			sum.ComplaintsOpen++
		} else {
			sum.ComplaintsClosed++
		}
	}
	for _, a := range answerRules {
		n := sum.Choices[a.purpose]
		yes, said := m.answer(a.purpose)
		switch {
		case yes:
			n.Yes++
		case !said:
			n.Unanswered++
		default:
			n.No++
			for _, ch := range m.choices {
				if ch.purpose == a.purpose && ch.yes {
					n.Withdrawn++
				}
			}
		}
		sum.Choices[a.purpose] = n
	}
}
