package identity

import (
	"strings"
	"testing"
)

func TestTextIsFolded(t *testing.T) {
	for in, want := range map[string]string{
		"  O'Neill-SMITH,  Jr. ": "oneill smith jr", "Łukasz Ørsted": "lukasz orsted", "Straße": "strasse", "Дмитрий Хрущёв": "dmitrii khrushchev",
		"Ελένη": "eleni", "José": "jose", "Jos\xe9": "jose", "山田 太郎": "山田 太郎", "": "", "---": "", "ﬁne Ⅳ": "fine iv",
	} {
		if got := fold(in); got != want {
			t.Errorf("%q is %q, expected %q", in, got, want)
		}
	}
	for _, in := range []string{"N/A", "unknown", "NULL", "-", "TEST"} {
		if got := said(in); got != "" {
			t.Errorf("%q says %q", in, got)
		}
	}
}

func TestDatesAreRead(t *testing.T) {
	for in, want := range map[string]string{
		"1862-04-01": "18620401", "18620401": "18620401", "01041862": "18620401", "1/4/1862": "18620401", "1.4.62": "19620401", "1 Apr 1862": "18620401",
		"April 1st, 1862": "18620401", "1862-04-01T10:11:12Z": "18620401", "1862-04-01 10:11": "18620401", "1862": "18620000", "1856-86-18": "18568618",
		"1. April 1862": "18620401", "1er avril 1862": "18620401", "1 de abril de 1862": "18620401", "3. März 1962": "19620303", "3 août 1962": "19620803",
		"00/00/0000": "", "00000000": "", "": "", "soon": "", "12": "", "1862-04": "", "12:30": "",
	} {
		d, ok := parseDate(in, dayFirst)
		if d.text != want || ok != (want != "") {
			t.Errorf("%q is %q %v, expected %q", in, d.text, ok, want)
		}
	}
	if d, _ := parseDate("4/1/1862", monthFirst); d.text != "18620401" {
		t.Error("month first:", d.text)
	}
	if orderOf([]string{"", "4/13/1999", "4/2/1999"}) != monthFirst || orderOf([]string{"", "13/4/1999"}) != dayFirst {
		t.Error("the order of day and month is not seen")
	}
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"1862-04-01", "1 Apr 62", "99999999999999999999", "1/1/1/1/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := parseDate(s, monthFirst); ok && (len(d.text) != 8 || strings.Trim(d.text, "0") == "") {
			t.Errorf("%q is %q", s, d.text)
		}
	})
}

func TestColumnsAreRecognised(t *testing.T) {
	table := NewTable("x.csv", []string{"Rec ID", "First Name", "last-name", "Geburtsdatum", "a", "b", "c", "sex", "cluster", "PLZ", "surname 2", "phone"})
	made := town{draws{31}}
	for i := range 200 {
		p := made.person()
		table.Add([]string{string(rune('A'+i/26)) + string(rune('A'+i%26)), p[0], p[1], p[2], p[6], p[2], "+44 1234 567" + p[2][1:4], p[0][:1], "9", p[4], "", "not one"})
	}
	columns, err := recognise([]*Table{table}, map[string]Kind{"PLZ": Place})
	if err != nil {
		t.Fatal(err)
	}
	want := "id given_name surname date email date phone category ignore place ignore"
	got := ""
	for _, c := range columns[:11] {
		got += string(c.Kind) + " "
	}
	if strings.TrimSpace(got) != want {
		t.Errorf("%s, expected %s", got, want)
	}
	if columns[9].By != "map" || columns[4].By != "content" || columns[1].By != "name" {
		t.Errorf("recognised by %v", columns)
	}
	if columns[11].Kind == Phone {
		t.Error("a column called phone that holds none is taken for one")
	}
}

func TestColumnsAreRecognisedInOtherLanguages(t *testing.T) {
	for name, c := range map[string]struct {
		make func(uint64) (*Table, []int)
		want string
	}{
		"German":  {inGerman, "id given_name surname date street postcode place phone"},
		"French":  {inFrench, "id given_name surname date street postcode place phone"},
		"Spanish": {inSpanish, "id given_name surname date street postcode place phone"},
		"a CRM":   {business, "id text full_name text email phone place"},
	} {
		table, _ := c.make(1)
		columns, err := recognise([]*Table{table}, nil)
		got := make([]string, len(columns))
		for i := range columns {
			got[i] = string(columns[i].Kind)
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, expected %s (%v)", name, got, c.want, err)
		}
	}
}

func TestNicknamesAndSounds(t *testing.T) {
	for _, p := range [][2]string{{"kate", "catherine"}, {"bill", "william"}, {"peggy", "margaret"}, {"wm", "william"}, {"alex", "sandra"}} {
		if !nicknamed(byNickname[p[0]], byNickname[p[1]]) {
			t.Errorf("%v are two names", p)
		}
	}
	if nicknamed(byNickname["john"], byNickname["william"]) {
		t.Error("john goes by william")
	}
	for _, p := range [][2]string{{"smith", "smyth"}, {"philips", "fillips"}, {"meyer", "maier"}, {"catherine", "katharina"}} {
		if skeleton(p[0]) != skeleton(p[1]) {
			t.Errorf("%v sound %s and %s", p, skeleton(p[0]), skeleton(p[1]))
		}
	}
	if skeleton("taylor") == skeleton("tucker") {
		t.Error("taylor sounds like tucker")
	}
}
