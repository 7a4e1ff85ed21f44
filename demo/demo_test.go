package demo

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the clocks of Great Britain, by the book

	"github.com/google/go-cmp/cmp"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
	"pgregory.net/rapid"
)

var now = time.Date(2026, 11, 22, 3, 32, 0, 0, time.UTC)

// whole is the whole demo, written once for all tests.
var whole = sync.OnceValues(func() (made struct {
	dir string
	sum Summary
}, err error) {
	if made.dir, err = os.MkdirTemp("", "fernhill"); err != nil {
		return made, err
	}
	made.sum, err = Write(made.dir, Options{Now: now}, nil)
	return made, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if w, err := whole(); err == nil {
		_ = os.RemoveAll(w.dir)
	}
	os.Exit(code)
}

func wholeDemo(t *testing.T) (string, Summary) {
	t.Helper()
	w, err := whole()
	if err != nil {
		t.Fatal(err)
	}
	return w.dir, w.sum
}

// eachLine reads a JSON Lines file of the demo.
func eachLine[T any](t *testing.T, name string, each func(T)) int {
	t.Helper()
	dir, _ := wholeDemo(t)
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	n := 0
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 {
			return n
		}
		if err != nil {
			t.Fatalf("%s: the last line does not end", name)
		}
		n++
		var v T
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s line %d: %v", name, n, err)
		}
		each(v)
	}
}

func table(t *testing.T, name string) [][]string {
	t.Helper()
	dir, _ := wholeDemo(t)
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return rows
}

type order struct {
	Type       string    `json:"type"`
	MessageID  string    `json:"messageId"`
	UserID     string    `json:"userId"`
	Event      string    `json:"event"`
	Timestamp  time.Time `json:"timestamp"`
	Properties struct {
		OrderID  string  `json:"order_id"`
		Total    float64 `json:"total"`
		Products []struct {
			ID       string  `json:"product_id"`
			Quantity int     `json:"quantity"`
			Price    float64 `json:"price"`
		} `json:"products"`
	} `json:"properties"`
}

func TestTheWholeYearIsThere(t *testing.T) {
	items := map[string]bool{}
	for _, it := range catalogue(t) {
		if items[it.ID] {
			t.Errorf("item %s is there twice", it.ID)
		}
		items[it.ID] = true
	}
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	lines, bought, messages, homes := 0, map[string]bool{}, map[string]bool{}, map[string]bool{}
	hours, weekdays := [24]int{}, [7]int{}
	var last, before time.Time
	var spent float64
	baskets := eachLine(t, "events.jsonl", func(o order) {
		if o.Type != "track" || o.Event != "Order Completed" || o.Properties.OrderID == "" || len(o.Properties.Products) == 0 {
			t.Fatalf("not an order: %+v", o)
		}
		if messages[o.MessageID] {
			t.Fatalf("message %s is there twice", o.MessageID)
		}
		if o.Timestamp.Before(before) {
			t.Fatalf("message %s goes back in time", o.MessageID)
		}
		before, messages[o.MessageID], homes[o.UserID] = o.Timestamp, true, true
		if o.Timestamp.After(last) {
			last = o.Timestamp
		}
		local := o.Timestamp.In(london)
		hours[local.Hour()]++
		weekdays[local.Weekday()]++
		sum := 0.0
		for _, p := range o.Properties.Products {
			lines++
			bought[p.ID] = true
			sum += p.Price * float64(p.Quantity)
			if !items[p.ID] || p.Quantity < 1 || p.Quantity > 100 || p.Price < 0 {
				t.Fatalf("a line of %s is not one of a shop: %+v", o.MessageID, p)
			}
		}
		spent += o.Properties.Total
		if d := sum - o.Properties.Total; d > 1 || d < -1 { // prices are rounded to the cent for one
			t.Fatalf("%s: lines cost %.2f, total is %.2f", o.MessageID, sum, o.Properties.Total)
		}
	})
	got := map[string]int{"baskets": baskets, "lines": lines, "items": len(items), "bought": len(bought), "homes": len(homes)}
	want := map[string]int{"baskets": 81_817, "lines": 828_850, "items": 52_437, "bought": 52_437, "homes": 801}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if last.After(now) || !last.After(now.AddDate(0, 0, -7)) {
		t.Errorf("the last purchase is at %v, now is %v", last, now)
	}
	// The source's week and day: Sundays are the fullest, and so is 17 o'clock; the shops are all but empty at 3.
	for d := range weekdays {
		if weekdays[d] > weekdays[time.Sunday] {
			t.Errorf("%v has more baskets than Sunday", time.Weekday(d))
		}
	}
	for h := range hours {
		if hours[h] > hours[17] || hours[h] < hours[3] {
			t.Errorf("%d o'clock has %d baskets, 17 has %d and 3 has %d", h, hours[h], hours[17], hours[3])
		}
	}
	_, sum := wholeDemo(t)
	if sum.Baskets != baskets || sum.Lines != lines || sum.Items != len(items) || sum.Households != len(homes) || !sum.Last.Equal(last) {
		t.Errorf("the summary says otherwise: %+v", sum)
	}
	for _, f := range sum.Files {
		if f.Rows == 0 || f.As == "events" && f.Rows != baskets {
			t.Errorf("%+v", f)
		}
	}
}

func TestTheSampleIsSmall(t *testing.T) {
	size := int64(0)
	err := filepath.Walk("sample", func(_ string, f os.FileInfo, err error) error {
		if err == nil && !f.IsDir() {
			size += f.Size()
		}
		return err
	})
	if err != nil || size >= 10_000_000 || size < 1_000_000 {
		t.Errorf("the sample has %d bytes (%v)", size, err)
	}
}

func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(raw)
	}
	return all
}

func TestSameOptionsSameBytes(t *testing.T) {
	write := func(o Options) (map[string]string, Summary) {
		dir := t.TempDir()
		sum, err := Write(dir, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		return read(t, dir), sum
	}
	a, sum := write(Options{Now: now, Households: 150})
	b, again := write(Options{Now: now, Households: 150})
	if d := cmp.Diff(sum, again); d != "" {
		t.Error(d)
	}
	if len(a) != 8 {
		t.Errorf("eight files were expected: %d", len(a))
	}
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s differs", name)
		}
	}
	c, _ := write(Options{Now: now, Households: 150, Seed: 2})
	for name := range a {
		real := name == "events.jsonl" || name == "items.jsonl"
		if same := a[name] == c[name]; same != real {
			t.Errorf("%s with another seed: the same is %v; what is real must stay, what is made up must not", name, same)
		}
	}
}

func TestASmallDemoHasTheSamePeople(t *testing.T) {
	dir := t.TempDir()
	calls, last := 0, 0
	sum, err := Write(dir, Options{Now: now, Households: 40}, func(done, total int) {
		calls++
		if done < last || done > total {
			t.Errorf("progress went from %d to %d of %d", last, done, total)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Households != 40 || calls < 10 || last < 52_437 || len(sum.UserIDs) != 20 {
		t.Errorf("%+v after %d calls", sum, calls)
	}
	big, _ := wholeDemo(t)
	small, whole := read(t, dir), read(t, big)
	if !strings.HasPrefix(whole["crm.csv"], small["crm.csv"]) {
		t.Error("the first forty people are others")
	}
}

func TestNowIsAsked(t *testing.T) {
	if _, err := Write(t.TempDir(), Options{}, nil); err == nil || !strings.Contains(err.Error(), "Options.Now") {
		t.Errorf("%v", err)
	}
	if _, err := Write(filepath.Join(t.TempDir(), "a\x00b"), Options{Now: now}, nil); err == nil {
		t.Error("a folder that cannot be made was made")
	}
}

// TestTimesMoveByWholeWeeks: for any Now, nothing lies in its future, the last purchase in its last seven days, and
// every purchase has the weekday and the time on the wall that it has in the source.
func TestTimesMoveByWholeWeeks(t *testing.T) {
	s, err := readSample()
	if err != nil {
		t.Fatal(err)
	}
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	latest := int64(0)
	for _, b := range s.baskets {
		latest = max(latest, b.at)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(1_600_000_000, 4_000_000_000).Draw(t, "now"), 0)
		c := newCalendar(latest, at)
		if last := c.at(latest); last > at.Unix() || last <= at.Unix()-weekSeconds {
			t.Fatalf("the last is %d seconds before", at.Unix()-last)
		}
		for i := rapid.IntRange(0, 996).Draw(t, "basket"); i < len(s.baskets); i += 997 {
			b := s.baskets[i]
			text := string(c.appendTime(nil, b.at))
			when, err := time.Parse(time.RFC3339, text)
			if err != nil || when.Unix() != c.at(b.at) || when.After(at) {
				t.Fatalf("%s at %v: %v", text, at, err)
			}
			source := time.Unix(sampleStart+b.at, 0).UTC()
			shown := when.In(london)
			if shown.Weekday() != source.Weekday() {
				t.Fatalf("%v was a %v", shown, source.Weekday())
			}
			if gap := shown.Month() == time.March && shown.Hour() == 2 && source.Hour() == 1; !gap && // that hour there is not
				shown.Format("15:04:05") != source.Format("15:04:05") {
				t.Fatalf("%v was %v", shown, source)
			}
		}
	})
}

func TestUserIDsAreTheSourcesNumbers(t *testing.T) {
	raw, err := os.ReadFile("sample/households.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	crm := table(t, "crm.csv")
	if len(rows) != 802 || len(crm) != 802 {
		t.Fatalf("%d and %d rows", len(rows), len(crm))
	}
	for i := range rows {
		if i > 0 && rows[i][0] != crm[i][0] {
			t.Errorf("row %d: %s and %s", i, rows[i][0], crm[i][0])
		}
	}
}

func TestDamagedSampleIsRefused(t *testing.T) {
	raw, err := unpacked("baskets.bin.gz")
	if err != nil {
		t.Fatal(err)
	}
	var c column
	c.rest = raw[len(raw)-3:]
	c.bytes(4)
	if !c.short {
		t.Error("four bytes of three")
	}
	c = column{rest: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}}
	if c.next(); !c.short {
		t.Error("a number without end")
	}
	c = column{rest: []byte{0x80}}
	if c.next(); !c.short {
		t.Error("half a number")
	}
	c = column{rest: []byte{0xac, 0x02, 7}}
	if a, b := c.next(), c.next(); a != 300 || b != 7 || c.short {
		t.Error(strconv.Itoa(a), b)
	}
}
