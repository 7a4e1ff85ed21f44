package main

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// customerFile is a small file in which every third person stands twice, the second time with a slip.
func customerFile(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("ref;first name;surname;dob;postcode;email\n")
	given := strings.Fields("john mary thomas anna peter lucy helen david")
	for i := range 300 {
		surname := fmt.Sprintf("%c%cton%c", 'a'+i%26, 'a'+i*7%26, 'a'+i*11%26)
		row := func(ref, surname string) {
			fmt.Fprintf(&b, "%s;%s;%s;19%02d-%02d-%02d;ab%d %dcd;%s%d@mail.example\n", ref, given[i*5%8], surname, i%97, 1+i%12, 1+i*13%28, i%89, i%9, surname[:2], i)
		}
		row(fmt.Sprintf("c%d", i), surname)
		if i%3 == 0 {
			row(fmt.Sprintf("again%d", i), surname+"x")
		}
	}
	path := filepath.Join(t.TempDir(), "customers.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readRows(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestLinkWritesTheClusterOfEachRecordAndSaysWhatItDid(t *testing.T) {
	t.Parallel()
	in := customerFile(t)
	out := filepath.Join(t.TempDir(), "clusters.csv")
	said := must(t, "identity", "link", in, "--out", out, "--map", "ref=id")
	for _, want := range []string{"customers.csv: 400 records", "given_name   by name", "by map", "Pairs:", "Clusters: 300, of which 100 have two", "MB"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	rows := readRows(t, out)
	if len(rows) != 401 || !slices.Equal(rows[0], []string{"id", "cluster", "weight"}) {
		t.Fatalf("%d rows, header %v", len(rows), rows[0])
	}
	cluster := map[string][]string{}
	for _, row := range rows[1:] {
		cluster[row[0]] = row
	}
	for i := range 300 {
		row, again := cluster[fmt.Sprintf("c%d", i)], cluster[fmt.Sprintf("again%d", i)]
		if i%3 == 0 && (row[1] != again[1] || row[2] == "" || row[2] != again[2]) || i%3 != 0 && row[2] != "" {
			t.Errorf("person %d: %v and %v", i, row, again)
		}
	}
}

func TestLinkReportsAsJSONAndReadsGzip(t *testing.T) {
	t.Parallel()
	plain, err := os.ReadFile(customerFile(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	packed := filepath.Join(dir, "customers.csv.gz")
	f, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "clusters.csv")
	var report linked
	if err := json.Unmarshal([]byte(must(t, "identity", "link", packed, "--out", out, "--json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Files[0].Records != 400 || report.Clusters != 300 || report.Persons != 100 || report.Largest != 2 || report.Pairs.Sure < 90 || report.Thresholds["sure"] < report.Thresholds["review"] || len(report.Fields) < 5 || report.Seconds <= 0 {
		t.Errorf("%+v", report)
	}
}

func TestLinkOfTwoFilesNamesTheFile(t *testing.T) {
	t.Parallel()
	in, out := customerFile(t), filepath.Join(t.TempDir(), "clusters.csv")
	other := filepath.Join(t.TempDir(), "other.csv")
	raw, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "identity", "link", in, other, "--out", out)
	rows := readRows(t, out)
	if len(rows) != 801 || !slices.Equal(rows[0], []string{"id", "cluster", "weight", "file"}) || rows[1][3] != "customers.csv" || rows[800][3] != "other.csv" || rows[1][1] != rows[401][1] {
		t.Errorf("%d rows, %v, %v, %v", len(rows), rows[0], rows[1], rows[401])
	}
}

func TestLinkSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	in := customerFile(t)
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{in}, 2, "--out FILE"},
		{[]string{in, "--out", in}, 2, "name another"},
		{[]string{"--out", "x"}, 2, "--help"},
		{[]string{filepath.Join(dir, "none.csv"), "--out", filepath.Join(dir, "x")}, 1, "cannot be read"},
		{[]string{in, "--out", filepath.Join(dir, "x"), "--map", "dob=birthday"}, 1, "There is no field"},
		{[]string{in, "--out", filepath.Join(dir, "nowhere", "x")}, 1, "make it first"},
	} {
		_, errs, code := try(t, append([]string{"identity", "link"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d, %q; expected %d and %q", c.args, code, errs, c.code, c.says)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "x*")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v (%v)", left, err)
	}
}

func TestLinkTakesFilesAsTheyComeOrSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	wide := func(s string) string { // UTF-16, little end first
		var b strings.Builder
		for _, c := range []byte(s) {
			b.WriteByte(c)
			b.WriteByte(0)
		}
		return b.String()
	}
	const header = "id,name,dob\n"
	const three = "1,ann lee,1970-01-02\n2,bob ray,1971-03-04\n3,ann lee,1970-01-02\n"
	for _, c := range []struct {
		name, a, b string // b: a second file
		rows       int    // in the file that is written; 0: refused
		says       string
	}{
		{"an empty file", "", "", 0, "has no header line: give it one"},
		{"a file of empty lines", "\n\n\n", "", 0, "has no header line: give it one"},
		{"a header alone", header, "", 1, ""},
		{"one record", header + "1,ann lee,1970-01-02\n", "", 2, ""},
		{"one column of names", "name\nann lee\nbob ray\nann lee\n", "", 4, ""},
		{"one column of ids", "id\n1\n2\n3\n", "", 0, "say what they are with --map column=field"},
		{"two columns of one name", "id,name,name\n1,ann,lee\n2,bob,ray\n", "", 3, ""},
		{"a mark before it", "\xef\xbb\xbf" + header + three, "", 4, ""},
		{"UTF-16 with a mark", "\xff\xfe" + wide(header+three), "", 4, ""},
		{"UTF-16 without one", wide(header + three), "", 0, "save it as CSV, in UTF-8"},
		{"a quote that stays open", header + "1,\"ann lee,1970-01-02\n2,bob ray,1971-03-04\n", "", 3, ""},
		{"a line of ten megabytes", header + "1," + strings.Repeat("ann lee ", 10<<17) + ",1970-01-02\n2,bob ray,1971-03-04\n", "", 3, ""},
		{"ids that come twice", header + three + three, "", 7, ""},
		{"a second file without a column", header + three, "id,name\n1,ann lee\n", 0, "has no column dob"},
		{"a second file with one more", header + three, "id,dob,name,town\n1,1970-01-02,ann lee,york\n", 5, ""},
		{"a damaged gzip", "\x1f\x8bno", "", 0, "damaged gzip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := []string{"identity", "link", filepath.Join(dir, "a.csv"), "--out", filepath.Join(dir, "clusters.csv")}
			if c.b != "" {
				args = append(args, filepath.Join(dir, "b.csv"))
			}
			for name, text := range map[string]string{"a.csv": c.a, "b.csv": c.b} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, errs, code := try(t, args...)
			if c.rows == 0 {
				if code != 1 || !strings.Contains(errs, c.says) || strings.Count(strings.TrimSpace(errs), "\n") > 0 {
					t.Errorf("exit %d, %q; expected 1 and %q", code, errs, c.says)
				}
				if _, err := os.Stat(filepath.Join(dir, "clusters.csv")); err == nil {
					t.Error("it leaves a file of clusters")
				}
				return
			}
			if code != 0 || errs != "" { // progress is for terminals
				t.Fatalf("exit %d, %q", code, errs)
			}
			if rows := readRows(t, filepath.Join(dir, "clusters.csv")); len(rows) != c.rows {
				t.Errorf("%d rows are written, expected %d: %v", len(rows), c.rows, rows[:min(len(rows), 10)])
			}
		})
	}
}
