package identity

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func rowsOf(t *testing.T, file string, separator byte) (rows [][]string) {
	t.Helper()
	r := newRowReader(strings.NewReader(file))
	r.separator = separator
	for {
		row, err := r.read()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, slices.Clone(row))
	}
}

func TestRowsAreReadAsProgramsWriteThem(t *testing.T) {
	for file, want := range map[string][]string{
		"a,b\n1,2\n":               {"a|b", "1|2"},
		"a,b\r\n\r\n1,2":           {"a|b", "1|2"},
		"\"a,b\",c\n":              {"a,b|c"},
		"\"a \"\"b\"\"\",c\n":      {"a \"b\"|c"},
		"\"two\nlines\",c\nd,e\n":  {"two\nlines|c", "d|e"},
		"\"two\r\nlines\",c\r\n":   {"two\nlines|c"},
		"a,\"b\" ,c\n":             {"a|b|c"},
		"a, \"b\",c\n":             {"a|b|c"},
		",\n":                      {"|"},
		"a,\"\"\n":                 {"a|"},
		"a,say \"hi\",c\n":         {"a|say \"hi\"|c"},
		"1,\"Bob\" Lee,x\n2,c,d\n": {"1|\"Bob\" Lee|x", "2|c|d"}, // no separator after the quote
		"1,\"open,x\n2,b\n3,c\n":   {"1|\"open|x", "2|b", "3|c"}, // never closed: no row is lost
		"1,5\",x\n2,6\",y\n":       {"1|5\"|x", "2|6\"|y"},
	} {
		var got []string
		for _, row := range rowsOf(t, file, ',') {
			got = append(got, strings.Join(row, "|"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is %q, expected %q", file, got, want)
		}
	}
}

func TestAQuoteThatIsNeverClosedSwallowsNothing(t *testing.T) {
	file := "id,name\n1,\"open\n"
	for range 10_000 {
		file += "2,b\n"
	}
	file += "3,\"closed\"\n"
	if rows := rowsOf(t, file, ','); len(rows) != 10_003 || rows[1][1] != "\"open" || rows[10_002][1] != "closed" {
		t.Errorf("%d rows", len(rows))
	}
}

func TestALineOfTenMegabytesIsARow(t *testing.T) {
	file := "id,name\n1," + strings.Repeat("long ", 2<<20) + "\n2,b\n3,\"" + strings.Repeat("long ", 2<<20) + "\"\n4,d\n"
	table, err := ReadCSV(strings.NewReader(file), "x.csv", nil)
	if err != nil || table.Rows != 4 {
		t.Fatal(err, table)
	}
	name := &table.Columns[1]
	if v := name.Values[name.Of[0]]; len(v) > longest || name.Values[name.Of[1]] != "b" || name.Values[name.Of[3]] != "d" {
		t.Errorf("%d bytes, %q, %q", len(v), name.Values[name.Of[1]], name.Values[name.Of[3]])
	}
}

func TestColumnsOfOneNameAreNumbered(t *testing.T) {
	table, err := ReadCSV(strings.NewReader("id,phone,Phone,phone 2,phone\n1,a,b,c,d\n"), "x.csv", nil)
	if err != nil || columnNames(table) != "id, phone, Phone 2, phone 2 2, phone 3" {
		t.Error(err, columnNames(table))
	}
	if c := table.Column("phone 3"); c == nil || c.Values[c.Of[0]] != "d" {
		t.Errorf("%+v", c)
	}
}

func TestWhatIsNoTextIsRefused(t *testing.T) {
	for _, file := range []string{"PK\x03\x04\x00\x00", "i\x00d\x00,\x00n\x00\n\x00"} {
		if _, err := ReadCSV(strings.NewReader(file), "x.csv", nil); err == nil || !strings.Contains(err.Error(), "save it as CSV") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

// What encoding/csv takes without complaint is read as it reads it; and no line without quotes is lost, whatever stands around it.
func FuzzRows(f *testing.F) {
	f.Add("a,b\n\"1\n2\",3\n")
	f.Add("a,\"b\nc,d\n")
	f.Add("\"\"\"\",\"\r\n\"\r\n")
	f.Fuzz(func(t *testing.T, file string) {
		got := rowsOf(t, file, ',')
		strict := csv.NewReader(strings.NewReader(file))
		strict.FieldsPerRecord, strict.TrimLeadingSpace = -1, true
		want, err := strict.ReadAll()
		rare := func(r rune) bool { return unicode.IsSpace(r) && r != ' ' && r != '\t' && r != '\n' }
		if err != nil || strings.ContainsFunc(file, rare) || strings.Count(file, "\n") > valueLines {
			return
		}
		if !slices.EqualFunc(got, want, func(a, b []string) bool {
			return slices.EqualFunc(a, b, func(x, y string) bool { return strings.TrimSpace(x) == strings.TrimSpace(y) })
		}) {
			t.Errorf("%q is %q, encoding/csv has %q", file, got, want)
		}
	})
}

// TestATableThatIsArrangedIsAsIfItHadBeenMadeSo, values and all: what is learnt does not depend on how rows came.
func TestATableThatIsArrangedIsAsIfItHadBeenMadeSo(t *testing.T) {
	rows := [][]string{{"Ann", "x"}, {"", "y"}, {"Bob", "x"}, {"Ann", ""}, {"Cid", "z"}}
	order := []int32{4, 1, 3, 0, 2}
	got, want := NewTable("t", []string{"name", "code"}), NewTable("t", []string{"name", "code"})
	for i := range rows {
		got.Add(rows[i])
		want.Add(rows[order[i]])
	}
	got.Arrange(order)
	for i := range want.Columns {
		if g, w := got.Columns[i], want.Columns[i]; !slices.Equal(g.Values, w.Values) || !slices.Equal(g.Of, w.Of) {
			t.Errorf("%q %v, want %q %v", g.Values, g.Of, w.Values, w.Of)
		}
	}
}
