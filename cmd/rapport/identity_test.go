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
		{[]string{in, "--out", filepath.Join(dir, "nowhere", "x")}, 1, "cannot be written"},
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
