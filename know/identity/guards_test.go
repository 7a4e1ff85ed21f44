package identity

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// chains are rows of people of whom each shares much with the next and little with the one after: as a name drifts through a village,
// or records of moving people who resemble their neighbours. Whoever follows links from one to the next makes one person of all.
func chains(seed uint64, many, long int) (table *Table, truth []int, chain []int) {
	m := newMaker(seed, english)
	m.table = NewTable("chains.csv", []string{"id", "given name", "surname", "dob", "street", "postcode", "phone", "email"})
	who := 0
	add := func(row []string, at int) {
		m.add(who, row...)
		chain = append(chain, at)
		if m.chance(40) { // a true duplicate, from which to learn
			again := slices.Clone(row)
			c := m.below(len(again))
			again[c] = m.slip(again[c])
			m.add(who, again...)
			chain = append(chain, at)
		}
		who++
	}
	fresh := func() []string {
		h, given := m.home(), m.oneOf(englishGiven)
		return []string{given, h.last, iso(m.birth()), h.street, h.code, h.phone, given + strconv.Itoa(m.below(1_000_000)) + "@mail.example"}
	}
	for at := range many {
		row := fresh()
		for step := range long {
			add(row, at)
			next := slices.Clone(row) // two fields of seven pass to another person's, in turn
			other := fresh()
			for _, c := range []int{step * 2 % 7, (step*2 + 1) % 7} {
				next[c] = other[c]
			}
			row = next
		}
	}
	for range 1500 {
		add(fresh(), -1)
	}
	return m.table, m.truth, chain
}

// Neighbours agree on five fields of seven, so that the links are there, and the ends on none: a person is no chain of them. What connected
// components would make of the same links is told first, so that the test is known to have something to find.
func TestAChainOfLinksIsNotOnePerson(t *testing.T) {
	table, truth, chain := chains(1, 10, 14)
	r, _, err := prepare([]*Table{table}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	md, err := r.ready(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	pairs, _, err := r.scores(t.Context(), md, Options{})
	if err != nil {
		t.Fatal(err)
	}
	parent := make([]int32, r.n)
	for i := range parent {
		parent[i] = int32(i)
	}
	for _, p := range pairs {
		if p.score > Cut {
			parent[root(parent, p.a)] = root(parent, p.b)
		}
	}
	component := make([]int32, r.n)
	for i := range component {
		component[i] = root(parent, int32(i))
	}
	longest := func(cluster []int32) int { // steps of a chain in one cluster
		steps := map[[2]int]map[int]bool{}
		most := 0
		for i, c := range cluster {
			if chain[i] < 0 {
				continue
			}
			k := [2]int{int(c), chain[i]}
			if steps[k] == nil {
				steps[k] = map[int]bool{}
			}
			steps[k][truth[i]] = true
			most = max(most, len(steps[k]))
		}
		return most
	}
	if n := longest(component); n < 8 {
		t.Fatalf("connected components join no more than %d of a chain: nothing is tried here", n)
	}
	cluster := r.grow(md, newGraph(r.n, pairs))
	if n := longest(cluster); n > 6 {
		t.Errorf("%d people of a chain are one; F1 %.4f, of connected components %.4f", n, judged(cluster, truth), judged(component, truth))
	}
	t.Logf("F1 %.4f, of connected components %.4f", judged(cluster, truth), judged(component, truth))
}

// A rare surname says more than a common one. Here it is all that tells the right neighbour from the wrong one: two people of one given
// name, town and year, whose surnames are the same. Where the surname is Smith they are two, where it is Featherstonehaugh one.
func TestARareNameWeighsMoreThanACommonOne(t *testing.T) {
	m := newMaker(3, english)
	m.table = NewTable("register.csv", []string{"id", "given name", "surname", "birth year", "town"})
	who := 0
	for range 2000 {
		last := "Smith"
		if m.chance(70) {
			last = m.surname() + m.name(m.below(3000))
		}
		given, year, town := m.oneOf(englishGiven), strconv.Itoa(1900+m.below(30)), m.name(m.below(8))
		m.add(who, given, last, year, town)
		if m.chance(50) {
			m.add(who, m.sometimes(10, given, m.slip), m.sometimes(10, last, m.slip), m.sometimes(10, year, m.slip), town)
		}
		who++
	}
	table, truth := m.done()
	res := link(t, table)
	surname := table.Column("surname")
	rightOf := func(common bool) (right, made int) {
		for i := range table.Rows {
			for j := range i {
				if res.Cluster[i] == res.Cluster[j] && (surname.Values[surname.Of[i]] == "Smith" && surname.Values[surname.Of[j]] == "Smith") == common {
					made++
					if truth[i] == truth[j] {
						right++
					}
				}
			}
		}
		return right, made
	}
	rare, rareMade := rightOf(false)
	smiths, smithsMade := rightOf(true)
	t.Logf("of rare names %d of %d are right, of Smith %d of %d", rare, rareMade, smiths, smithsMade)
	if rareMade < 400 || rare*100 < rareMade*97 {
		t.Errorf("of pairs with rare names %d of %d are right", rare, rareMade)
	}
	if smiths*100 < smithsMade*70 {
		t.Errorf("of pairs called Smith %d of %d are right", smiths, smithsMade)
	}
	a, b := exactScores(t, res, table)
	if a-b < 4 {
		t.Errorf("a rare surname weighs %.1f, Smith %.1f", a, b)
	}
}

// exactScores are what sharing a rare surname and sharing Smith weigh.
func exactScores(t *testing.T, res *Result, table *Table) (rare, common float64) {
	t.Helper()
	surname := table.Column("surname")
	count := make([]int, len(surname.Values))
	for _, v := range surname.Of {
		count[v]++
	}
	first := make([]int, len(surname.Values))
	for i, v := range surname.Of {
		j := first[v] - 1
		if first[v] = i + 1; j < 0 || count[v] != 2 && surname.Values[v] != "Smith" {
			continue
		}
		_, parts := res.Explain(i, j)
		for _, p := range parts {
			if p.Field == "surname" && p.Level == "exact" {
				if count[v] == 2 {
					rare = p.Weight
				} else {
					common = p.Weight
				}
			}
		}
	}
	return rare, common
}

// What a field's agreement weighs is learnt: in one file the telephone is kept well and the e-mail is not, in the other the other
// way round. Nothing else differs.
func TestWhatAgreementWeighsIsLearntFromTheFile(t *testing.T) {
	file := func(wrongPhone, wrongMail int) *Result {
		m := newMaker(5, english)
		m.table = NewTable("x.csv", []string{"id", "given name", "surname", "dob", "phone", "email"})
		for who := range 1000 {
			given, last, birth, phone := m.oneOf(englishGiven), m.surname(), iso(m.birth()), m.phone()
			mail := given + strconv.Itoa(m.below(1_000_000)) + "@mail.example"
			m.add(who, given, last, birth, phone, mail)
			if m.chance(50) {
				m.add(who, given, last, birth, m.sometimes(wrongPhone, phone, func(string) string { return m.phone() }), m.sometimes(wrongMail, mail, func(string) string { return m.slip(m.phone()) + "@post.example" }))
			}
		}
		table, _ := m.done()
		return link(t, table)
	}
	weight := func(res *Result, field, level string) float64 {
		for _, l := range res.Lines {
			for _, v := range l.Levels {
				if l.Name == field && v.Name == level {
					return v.Match
				}
			}
		}
		t.Fatal("there is no", field, level)
		return 0
	}
	for _, c := range []struct{ wrongPhone, wrongMail int }{{5, 60}, {60, 5}} {
		res := file(c.wrongPhone, c.wrongMail)
		for field, wrong := range map[string]int{"phone": c.wrongPhone, "email": c.wrongMail} {
			if m, want := weight(res, field, "exact"), 1-float64(wrong)/100; m < want-0.15 || m > want+0.15 {
				t.Errorf("%d%% of the telephones and %d%% of the e-mails are wrong: of matches %.2f are learnt to share the %s", c.wrongPhone, c.wrongMail, m, field)
			}
		}
	}
}

// Which columns are blocks is read off the data: the same file twice, once with the telling column first among columns that are no good
// for finding anybody, once last and under another name. Nobody says on what to block.
func TestWhatToBlockOnIsChosenByTheData(t *testing.T) {
	for _, telling := range []int{0, 1, 2} { // which of three columns of words tells people apart
		m := newMaker(7, english)
		m.table = NewTable("x.csv", []string{"id", "alpha", "beta", "gamma", "birth date"})
		for who := range 1500 {
			row := []string{m.oneOf("red green blue"), m.oneOf("red green blue"), m.oneOf("red green blue"), iso(m.birth())}
			row[telling] = m.surname() + " " + m.name(m.below(4000)) + " " + m.name(m.below(4000))
			m.add(who, row...)
			if m.chance(40) {
				row[3] = m.sometimes(30, row[3], m.slip)
				row[telling] = m.sometimes(20, row[telling], m.slip)
				m.add(who, row...)
			}
		}
		table, truth := m.done()
		met, pairs := 0, 0
		count := map[int]int{}
		for _, who := range truth {
			pairs += count[who]
			count[who]++
		}
		compared := 0
		if err := Compared(t.Context(), []*Table{table}, Options{}, func(i, j int32) {
			compared++
			if truth[i] == truth[j] {
				met++
			}
		}); err != nil {
			t.Fatal(err)
		}
		if met*100 < pairs*97 || compared > 60*table.Rows {
			t.Errorf("column %d tells: %d of %d true pairs among %d that are compared, of %d records", telling, met, pairs, compared, table.Rows)
		}
	}
}

// Each record of one file has one partner at most in the other, however well several would do: brothers of one birthday at one address, as
// far as their records say, and only one of them in the second file.
func TestARecordHasOnePartnerAtMost(t *testing.T) {
	m := newMaker(9, english)
	columns := []string{"id", "given name", "surname", "dob", "street", "postcode"}
	a, b := NewTable("a.csv", columns), NewTable("b.csv", columns)
	for i := range 1200 {
		h, given, birth := m.home(), m.oneOf(englishGiven), iso(m.birth())
		a.Add([]string{fmt.Sprint(i), given, h.last, birth, h.street, h.code})
		b.Add([]string{fmt.Sprint(i), m.sometimes(20, given, m.slip), m.sometimes(20, h.last, m.slip), birth, h.street, h.code})
		if i%100 == 0 { // one more in the second file who is as near
			b.Add([]string{"twin", given[:len(given)-1], h.last, birth, h.street, h.code})
		}
	}
	res := link(t, a, b)
	if !res.OneToOne {
		t.Error("the files are not linked one to one")
	}
	of := map[int32][2]int{}
	for i, c := range res.Cluster {
		n := of[c]
		if i < a.Rows {
			n[0]++
		} else {
			n[1]++
		}
		of[c] = n
	}
	for _, n := range of {
		if n[0] > 1 || n[1] > 1 {
			t.Fatalf("a cluster has %d records of one file and %d of the other", n[0], n[1])
		}
	}
}

// A telephone that ten thousand people have makes no block of its own and no giant of the others, though every other value they share is
// shared by a few of them as well.
func TestNoClusterIsAGiant(t *testing.T) {
	m := newMaker(11, english)
	m.table = NewTable("x.csv", []string{"id", "name", "phone", "town", "email"})
	for who := range 10_000 {
		name := m.oneOf(englishGiven) + " " + m.surname()
		mail := strings.ReplaceAll(strings.ToLower(name), " ", ".") + strconv.Itoa(m.below(50)) + "@mail.example"
		m.add(who, name, "0800123456", m.name(m.below(50)), m.sometimes(70, mail, none))
		if m.chance(20) {
			m.add(who, m.sometimes(30, name, m.slip), "0800123456", m.name(m.below(50)), mail)
		}
	}
	table, truth := m.done()
	res := link(t, table)
	if largest := sized(res); largest > 6 {
		t.Errorf("a cluster of %d, F1 %.4f, sizes %v", largest, judged(res.Cluster, truth), res.Sizes)
	}
}

// A number that no two records share says nothing of the person, whatever its column is called; one that some share does.
func TestANumberThatNobodySharesNamesTheRecord(t *testing.T) {
	m := newMaker(13, english)
	table := NewTable("x.csv", []string{"customer id", "loyalty card", "account no", "given name", "surname"})
	for i := range 300 {
		table.Add([]string{strconv.Itoa(5000 + i), strconv.Itoa(900_000 + i/2), strconv.Itoa(100_000 + 7*i), m.oneOf(englishGiven), m.surname()})
	}
	columns, err := recognise([]*Table{table}, nil)
	if err != nil || columns[0].Kind != ID || columns[1].Kind != Code || columns[2].Kind != Ignored {
		t.Errorf("%v %v", columns, err)
	}
	if columns, err = recognise([]*Table{table}, map[string]Kind{"account no": Code}); err != nil || columns[2].Kind != Code {
		t.Errorf("said to be a code: %v %v", columns, err)
	}
}
