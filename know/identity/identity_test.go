package identity

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// town is made people: what is drawn of them, and records with mistakes.
type town struct{ d draws }

func (t *town) of(list string) string {
	words := strings.Fields(list)
	return words[min(t.d.below(len(words)), t.d.below(len(words)))] // the first oftener
}

func (t *town) word(syllables int) string {
	w := ""
	for range syllables {
		w += t.of("har ley ton den bro mas wil son ker ner ash ford gra ham pel bur nor pen cot mel stan ros")
	}
	return w
}

const givenNames = "john william mary thomas elizabeth james anna george margaret robert sarah edward catherine henry jane charles alice joseph emma peter helen samuel lucy david clara michael ruth"

// person is a row: given name, surname, date of birth, street, postcode, town, e-mail.
func (t *town) person() []string {
	given, surname := t.of(givenNames), t.word(1+t.d.below(2)+1)
	return []string{given, surname, fmt.Sprintf("%d-%02d-%02d", 1930+t.d.below(75), 1+t.d.below(12), 1+t.d.below(28)),
		strconv.Itoa(1+t.d.below(90)) + " " + t.word(2) + " street", fmt.Sprintf("%c%c%d %d%c%c", 'a'+t.d.below(6), 'a'+t.d.below(6), 1+t.d.below(9), 1+t.d.below(9), 'a'+t.d.below(20), 'a'+t.d.below(20)),
		t.word(1) + "ville", given + "." + surname + strconv.Itoa(t.d.below(100)) + "@" + t.of("mail.example post.example net.example")}
}

var personColumns = []string{"id", "given_name", "surname", "dob", "street", "postcode", "town", "email"}

// mistaken is the row with n mistakes.
func (t *town) mistaken(row []string, n int) []string {
	out := slices.Clone(row)
	for range n {
		c := t.d.below(len(out))
		v := []byte(out[c])
		switch {
		case len(v) < 2 || t.d.below(4) == 0:
			out[c] = ""
		default:
			v[t.d.below(len(v))] = byte('a' + t.d.below(26))
			out[c] = string(v)
		}
	}
	return out
}

// records makes a table of n people with up to extra further records each; whose each is stands in truth.
func (t *town) records(n, extra, mistakes int) (table *Table, truth []int) {
	var rows [][]string
	for p := range n {
		row := t.person()
		rows, truth = append(rows, row), append(truth, p)
		for range t.d.below(extra + 1) {
			rows, truth = append(rows, t.mistaken(row, t.d.below(mistakes+1))), append(truth, p)
		}
	}
	order := t.d.order(len(rows))
	table = NewTable("made.csv", personColumns)
	mixed := make([]int, len(rows))
	for i, at := range order {
		table.Add(append([]string{strconv.Itoa(i + 1)}, rows[at]...))
		mixed[i] = truth[at]
	}
	return table, mixed
}

func link(t *testing.T, tables ...*Table) *Result {
	t.Helper()
	res, err := Link(context.Background(), tables, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// judged is F1 over pairs.
func judged[T comparable](cluster []int32, truth []T) float64 {
	type both struct {
		c int32
		t T
	}
	c, w, b := map[int32]int{}, map[T]int{}, map[both]int{}
	pairs := func(n int) int { return n * (n - 1) / 2 }
	for i := range cluster {
		c[cluster[i]]++
		w[truth[i]]++
		b[both{cluster[i], truth[i]}]++
	}
	right, made, there := 0, 0, 0
	for _, n := range b {
		right += pairs(n)
	}
	for _, n := range c {
		made += pairs(n)
	}
	for _, n := range w {
		there += pairs(n)
	}
	return 2 * float64(right) / float64(made+there)
}

func TestDuplicatesOfMadePeopleAreFound(t *testing.T) {
	for seed := range 3 {
		made := town{draws{uint64(seed)}}
		table, truth := made.records(1500, 3, 4)
		res := link(t, table)
		f1 := judged(res.Cluster, truth)
		t.Logf("seed %d: %d records, F1 %.4f, %d compared, %d sure, %d doubtful, sizes %v", seed, table.Rows, f1, res.Compared, res.Sure, res.Doubtful, res.Sizes)
		if f1 < 0.985 {
			t.Errorf("seed %d: F1 %.4f", seed, f1)
		}
	}
}

func TestTheSameRecordsGiveTheSameClustersHoweverManyProcessors(t *testing.T) {
	made := town{draws{11}}
	table, _ := made.records(600, 3, 4)
	many := link(t, table)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if one := link(t, table); !slices.Equal(one.Cluster, many.Cluster) || !slices.Equal(one.Weight, many.Weight) {
		t.Error("one processor gives other clusters")
	}
}

func TestThePartsOfAScoreAddUpToIt(t *testing.T) {
	made := town{draws{12}}
	table, _ := made.records(400, 3, 5)
	r, _, err := prepare([]*Table{table}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	md, err := r.ready(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	pairs, _, err := r.scores(t.Context(), md, Options{})
	if err != nil || len(pairs) < 300 {
		t.Fatal(len(pairs), err)
	}
	res := Result{records: r, model: md}
	for _, p := range pairs {
		score, parts := res.Explain(int(p.a), int(p.b))
		sum := 0.0
		for _, part := range parts {
			sum += part.Weight
		}
		if math.Abs(sum-score) > 1e-9 || math.Abs(score-float64(p.score)) > 1e-3 {
			t.Fatalf("parts %v, score %v, kept %v", sum, score, p.score)
		}
		if parts[0].Field != "prior" || parts[0].Weight >= 0 {
			t.Fatalf("the first part is %v", parts[0])
		}
	}
}

func TestWhatPeopleWriteDifferentlyIsRecognised(t *testing.T) {
	made := town{draws{13}}
	table, _ := made.records(800, 1, 3)
	first := table.Rows
	for _, row := range [][]string{
		{"catherine", "o'neillson", "1971-03-05", "4 gravesham road", "ab1 2cd", "burville", "kate@mail.example"},
		{"Kate", "ONeillson", "05/03/1971", "4 Gravesham Road", "AB12CD", "Burville", ""},
		{"oneillson", "catherine", "1971-05-03", "4, gravesham road", "ab1 2cd", "", ""}, // swapped names, swapped day and month
		{"Сергей", "Мюллеров", "1969-12-24", "9 penford street", "ba3 4xy", "", "sm@mail.example"},
		{"Sergei", "Myullerov", "24 Dec 1969", "9 penford street", "ba3 4xy", "", "SM@mail.example"},
		{"S.", "Müllerov", "1969-12-24", "9 penford st", "ba34xy", "", "sm@mail.example"},
	} {
		table.Add(append([]string{strconv.Itoa(table.Rows + 1)}, row...))
	}
	res := link(t, table)
	for _, pair := range [][2]int{{0, 1}, {0, 2}, {3, 4}, {3, 5}} {
		a, b := first+pair[0], first+pair[1]
		if res.Cluster[a] != res.Cluster[b] {
			score, parts := res.Explain(a, b)
			t.Errorf("records %v are apart: %.1f %v", pair, score, parts)
		}
	}
}

func TestTwoFilesAreLinkedOneToOne(t *testing.T) {
	made := town{draws{14}}
	a, b := NewTable("a.csv", personColumns), NewTable("b.csv", []string{"ref", "email", "surname", "given name", "DOB", "street", "postcode", "town"})
	order := made.d.order(900)
	rows := make([][]string, 900)
	for i := range rows {
		rows[i] = made.person()
		a.Add(append([]string{"a" + strconv.Itoa(i)}, rows[i]...))
	}
	for _, i := range order[:700] {
		r := made.mistaken(rows[i], 3)
		b.Add([]string{strconv.Itoa(int(i)), r[6], r[1], r[0], r[2], r[3], r[4], r[5]})
	}
	for range 100 { // whom the first file does not know
		r := made.person()
		b.Add([]string{"-1", r[6], r[1], r[0], r[2], r[3], r[4], r[5]})
	}
	res := link(t, a, b)
	if !res.OneToOne {
		t.Error("not one to one")
	}
	right, wrong := 0, 0
	at := map[int32]int{}
	for i := range a.Rows {
		if _, twice := at[res.Cluster[i]]; twice {
			t.Fatal("two records of the first file in one cluster")
		}
		at[res.Cluster[i]] = i
	}
	ref := b.Column("ref")
	for j := range b.Rows {
		if i, ok := at[res.Cluster[a.Rows+j]]; ok {
			if strconv.Itoa(i) == ref.Values[ref.Of[j]] {
				right++
			} else {
				wrong++
			}
		}
	}
	if right < 695 || wrong > 3 {
		t.Errorf("%d right, %d wrong of 700", right, wrong)
	}
}

func TestTwoFilesWithDuplicatesInThemselvesAreTakenTogether(t *testing.T) {
	made := town{draws{15}}
	a, b := NewTable("a.csv", personColumns), NewTable("b.csv", personColumns)
	var truth []int
	var later [][]string
	for i := range 500 {
		row := made.person()
		a.Add(append([]string{strconv.Itoa(i)}, row...))
		truth = append(truth, i)
		later = append(later, row)
	}
	n := 0
	for i, row := range later {
		for range 3 {
			b.Add(append([]string{strconv.Itoa(n)}, made.mistaken(row, 2)...))
			truth = append(truth, i)
			n++
		}
	}
	res := link(t, a, b)
	if f1 := judged(res.Cluster, truth); res.OneToOne || f1 < 0.98 {
		t.Errorf("one to one: %v, F1 %.4f", res.OneToOne, f1)
	}
}

func TestATableThatSaysNothingOfAPersonIsRefusedWithWhatToDo(t *testing.T) {
	table := NewTable("x.csv", []string{"id", "cluster"})
	table.Add([]string{"1", "2"})
	table.Add([]string{"2", "2"})
	if _, err := Link(context.Background(), []*Table{table}, Options{}); err == nil || !strings.Contains(err.Error(), "--map") {
		t.Error(err)
	}
	other := NewTable("y.csv", []string{"name"})
	named := NewTable("x.csv", []string{"name", "dob"})
	for range 3 {
		named.Add([]string{"a b", "1970-01-01"})
		other.Add([]string{"a b"})
	}
	if _, err := Link(context.Background(), []*Table{named, other}, Options{}); err == nil || !strings.Contains(err.Error(), "y.csv has no column dob") {
		t.Error(err)
	}
	if _, err := Link(context.Background(), []*Table{named}, Options{Map: map[string]Kind{"dob": "birthday"}}); err == nil || !strings.Contains(err.Error(), "use one of") {
		t.Error(err)
	}
	if _, err := Link(context.Background(), []*Table{named}, Options{Map: map[string]Kind{"birth": Birth}}); err == nil || !strings.Contains(err.Error(), "has no column") {
		t.Error(err)
	}
}
