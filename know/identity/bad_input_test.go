package identity

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sized is the largest cluster.
func sized(res *Result) int { return res.Sizes[len(res.Sizes)-1].Records }

func TestNoRecordsAndOneRecordAreNobodysDuplicates(t *testing.T) {
	table := NewTable("x.csv", personColumns)
	if res := link(t, table); len(res.Cluster) != 0 {
		t.Error(res.Cluster)
	}
	made := town{draws{20}}
	table.Add(append([]string{"1"}, made.person()...))
	if res := link(t, table); !slices.Equal(res.Cluster, []int32{1}) || res.Weight[0] != 0 {
		t.Error(res.Cluster, res.Weight)
	}
}

// Records that are all alike cannot be told apart by what all of them say: that is no reason to join them.
func TestRecordsThatAreAllIdenticalAreNotOnePerson(t *testing.T) {
	table := NewTable("x.csv", personColumns)
	for i := range 5000 {
		table.Add([]string{strconv.Itoa(i), "john", "smith", "1970-01-01", "1 high street", "ab1 2cd", "town", "info@shop.example"})
	}
	if res := link(t, table); sized(res) != 1 {
		t.Errorf("a cluster of %d", sized(res))
	}
}

func TestEmptyAndOneLetterNamesJoinNobody(t *testing.T) {
	made := town{draws{21}}
	table, truth := made.records(1000, 2, 2)
	for i := range 500 {
		row := append([]string{strconv.Itoa(table.Rows + 1)}, made.person()...)
		switch i % 3 {
		case 0:
			row[1], row[2] = "", ""
		case 1:
			row[1], row[2] = "j", "s"
		default: // nothing but a name of two letters
			row = []string{row[0], "j", "s", "", "", "", "", ""}
		}
		table.Add(row)
		truth = append(truth, -i-1)
	}
	res := link(t, table)
	if f1 := judged(res.Cluster, truth); f1 < 0.97 {
		t.Errorf("F1 %.4f, sizes %v", f1, res.Sizes)
	}
}

func TestDatesThatAreNoneJoinNobody(t *testing.T) {
	made := town{draws{22}}
	table, truth := made.records(1000, 2, 2)
	none := []string{"00/00/0000", "0000-00-00", "00000000", "unknown", "99/99/9999"}
	for i := range 500 {
		row := append([]string{strconv.Itoa(table.Rows + 1)}, made.person()...)
		row[3] = none[i%len(none)]
		table.Add(row)
		truth = append(truth, -i-1)
	}
	res := link(t, table)
	if f1 := judged(res.Cluster, truth); f1 < 0.97 {
		t.Errorf("F1 %.4f, sizes %v", f1, res.Sizes)
	}
}

// Ten thousand people whom a shop gave its own telephone number.
func TestOneTelephoneOfTenThousandPeopleJoinsNobody(t *testing.T) {
	made := town{draws{23}}
	table := NewTable("x.csv", append(slices.Clone(personColumns), "phone"))
	var truth []int
	for i := range 12_000 {
		phone := "0123456789"
		if i >= 10_000 {
			phone = "07" + strconv.Itoa(100_000_000+made.d.below(800_000_000))
		}
		row := made.person()
		table.Add(append(append([]string{strconv.Itoa(2 * i)}, row...), phone))
		truth = append(truth, i)
		if i%4 == 0 {
			table.Add(append(append([]string{strconv.Itoa(2*i + 1)}, made.mistaken(row, 2)...), phone))
			truth = append(truth, i)
		}
	}
	res := link(t, table)
	if f1 := judged(res.Cluster, truth); f1 < 0.98 || sized(res) > 4 {
		t.Errorf("F1 %.4f, sizes %v", f1, res.Sizes)
	}
}

// A block of 100,000 is no block: its key is crossed with others, and the work stays within bounds.
func TestAHundredThousandRecordsOfOnePostcodeAreNoBlock(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	made := town{draws{24}}
	table := NewTable("x.csv", []string{"id", "given_name", "surname", "dob", "postcode"})
	var truth []int
	for i := range 80_000 {
		row := made.person()
		table.Add([]string{strconv.Itoa(2 * i), row[0], row[1], row[2], "sw1a 1aa"})
		truth = append(truth, i)
		if i%4 == 0 {
			again := made.mistaken(row, 1)
			table.Add([]string{strconv.Itoa(2*i + 1), again[0], again[1], row[2], "sw1a 1aa"})
			truth = append(truth, i)
		}
	}
	for i := range 100 { // else it would say nothing at all
		row := made.person()
		table.Add([]string{"o" + strconv.Itoa(i), row[0], row[1], row[2], row[4]})
		truth = append(truth, -i-1)
	}
	res := link(t, table)
	if res.Compared > int64(table.Rows)*int64(res.records.limit()) {
		t.Errorf("%d pairs compared of %d records", res.Compared, table.Rows)
	}
	if f1 := judged(res.Cluster, truth); f1 < 0.8 {
		t.Errorf("F1 %.4f", f1)
	}
}

func TestFilesOfMixedEncodingsAreRead(t *testing.T) {
	for name, file := range map[string]string{
		"UTF-8":            "id;name;town\n1;Jürgen Müller;Köln\n",
		"UTF-8 with mark":  "\xef\xbb\xbfid;name;town\n1;Jürgen Müller;Köln\n",
		"Windows-1252":     "id;name;town\n1;J\xfcrgen M\xfcller;K\xf6ln\n",
		"both in one line": "id;name;town\n1;J\xfcrgen Müller;K\xf6ln\n",
		"decomposed":       "id;name;town\n1;Ju\u0308rgen Mu\u0308ller;Ko\u0308ln\n",
		"commas, quotes":   "\"id\",\"name\",\"town\"\r\n\"1\",\"Jürgen Müller\",\"Köln\"\r\n",
		"tabs":             "id\tname\ttown\n1\tJürgen Müller\tKöln\n",
		"UTF-16":           "\xff\xfei\x00d\x00;\x00n\x00a\x00m\x00e\x00;\x00t\x00o\x00w\x00n\x00\n\x001\x00;\x00J\x00\xfc\x00r\x00g\x00e\x00n\x00 \x00M\x00\xfc\x00l\x00l\x00e\x00r\x00;\x00K\x00\xf6\x00l\x00n\x00\n\x00",
	} {
		table, err := ReadCSV(strings.NewReader(file), "x.csv", nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := ""
		for _, c := range table.Columns {
			got += fold(c.Values[c.Of[0]]) + "|"
		}
		if got != "1|jurgen muller|koln|" || table.Columns[0].Name != "id" {
			t.Errorf("%s: %q, columns %s", name, got, columnNames(table))
		}
	}
}

func TestRaggedRowsAndLongValuesAreTaken(t *testing.T) {
	table, err := ReadCSV(strings.NewReader("id,name,\n1\n2,a \"quoted\" name,x,y,z\n3,"+strings.Repeat("long ", 1000)+"\n"), "x.csv", nil)
	if err != nil || table.Rows != 3 || columnNames(table) != "id, name, column 3" {
		t.Fatal(err, table)
	}
	if n := len(table.Columns[1].Values[table.Columns[1].Of[2]]); n > longest {
		t.Errorf("a value of %d bytes is kept", n)
	}
	if _, err := ReadCSV(strings.NewReader(""), "x.csv", nil); err == nil || !strings.Contains(err.Error(), "header") {
		t.Error(err)
	}
}

func TestColumnsBeyondTheLimitAreNamedAndLeftOut(t *testing.T) {
	columns := []string{"given_name", "surname"}
	for i := range 40 {
		columns = append(columns, "city "+strconv.Itoa(i))
	}
	table := NewTable("wide.csv", columns)
	made := town{draws{25}}
	for range 200 {
		row := made.person()
		for range 40 {
			row = append(row[:len(row):len(row)], made.word(2))
		}
		table.Add(append(row[:2:2], row[7:]...))
	}
	res := link(t, table)
	if last := res.Columns[len(columns)-1]; last.By != "limit" || last.Kind != Ignored || len(res.Lines) > most {
		t.Errorf("%v, %d lines", last, len(res.Lines))
	}
}

func FuzzLink(f *testing.F) {
	f.Add("id,name,dob,postcode\n1,john smith,1970-01-01,ab1 2cd\n2,jon smith,01/01/1970,ab12cd\n3,,,\n")
	f.Add("given_name;surname;email;phone\na;b;a@b.c;0123\n\xff;\x00;@;+\n")
	f.Add("a,b\n\"\n")
	f.Fuzz(func(t *testing.T, file string) {
		table, err := ReadCSV(strings.NewReader(file), "x.csv", nil)
		if err != nil {
			return
		}
		res, err := Link(t.Context(), []*Table{table}, Options{})
		if err != nil {
			return
		}
		if len(res.Cluster) != table.Rows {
			t.Errorf("%d clusters for %d rows", len(res.Cluster), table.Rows)
		}
	})
}
