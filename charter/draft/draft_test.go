package draft

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/charter"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func read(t testing.TB, name string) *Table {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	table, err := Read(name, f)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// stands fails when a draft is no charter, or breaks a promise that lint calls an error.
func stands(t testing.TB, text []byte) *charter.Charter {
	t.Helper()
	c, problems := charter.Parse(text)
	if c == nil {
		t.Fatalf("the draft does not stand: %v\n%s", problems, text)
	}
	return c
}

// TestDrafts compares whole drafts with what was read and agreed to. They are golden: -update writes them anew.
func TestDrafts(t *testing.T) {
	for _, c := range []struct{ golden, files string }{
		{"orders", "orders.csv"}, {"people", "people.csv"}, {"messages", "messages.jsonl"}, {"visits", "visits.tsv"}, {"segment", "segment.csv"}, {"both", "orders.csv people.csv"},
	} {
		var tables []*Table
		for _, name := range strings.Fields(c.files) {
			tables = append(tables, read(t, name))
		}
		got := Write(tables, noon)
		stands(t, got)
		path := filepath.Join("testdata", c.golden+".golden.yaml")
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s (-agreed +now; -update if it is meant):\n%s", c.golden, d)
		}
	}
}

// TestADraftRecognises asks for what matters most by itself, so that a golden file cannot hide it.
func TestADraftRecognises(t *testing.T) {
	c := stands(t, Write([]*Table{read(t, "people.csv")}, noon))
	for name, want := range map[string][3]string{
		"E-Mail":    {"e_mail", "email", "user.contact.email"},
		"phone":     {"phone", "phone", "user.contact.phone_number"},
		"dob":       {"dob", "date", "user.demographic.date_of_birth"},
		"income":    {"income", "number", "user.financial"},
		"Religion":  {"Religion", "enum", "user.demographic.religious_belief"},
		"allergies": {"allergies", "string", "user.health_and_medical"},
		"newbie":    {"newbie", "boolean", "user"},
		"channel":   {"channel", "enum", "user"},
		"last ip":   {"last_ip", "string", "user.device.ip_address"},
		"type":      {"fact_type", "string", "user"},
	} {
		d := c.Data[want[0]]
		if d == nil {
			t.Errorf("%s is not drafted as %s", name, want[0])
			continue
		}
		if string(d.Type.Name) != want[1] || d.Category != want[2] {
			t.Errorf("%s is drafted as %s of %s, want %v", name, d.Type.Name, d.Category, want)
		}
	}
	for _, special := range []string{"Religion", "allergies"} {
		d := c.Data[special]
		if d.Sensitivity != "special" || d.Condition != "explicit-consent" || !slices.Equal(d.Purposes, []string{"sensitive"}) {
			t.Errorf("%s is not special: %+v", special, d)
		}
	}
	text := string(Write([]*Table{read(t, "people.csv")}, noon))
	for _, never := range []string{"iban", "card", "password"} {
		if c.Data[never] != nil || !strings.Contains(text, `"`+never+`": `) {
			t.Errorf("%s is drafted, or left out without a word", never)
		}
	}
	for _, value := range []string{"ann1@", "hunter", "+44", "DE89", "192.0.2", "said 1", "Ann1"} {
		if strings.Contains(text, value) {
			t.Errorf("the draft holds a value: %s", value)
		}
	}
}

// TestOddFiles says what becomes of files that are none, or too much.
func TestOddFiles(t *testing.T) {
	wide := strings.Repeat("column,", 9999) + "column\n" + strings.Repeat("1,", 9999) + "1\n"
	many := "id"
	for i := range 10_000 {
		many += fmt.Sprintf(",c%c%c%c%c", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26, 'a'+i/17576)
	}
	for what, c := range map[string]struct{ file, fault, says string }{
		"empty":             {"", "there is nothing in it", ""},
		"blank":             {"\n \n", "there is nothing in it", ""},
		"a header alone":    {"a,b\n", "no row", ""},
		"no header":         {"17,2026-01-01,x\n18,2026-01-02,y\n", "first line has values", ""},
		"an address on top": {"jane@example.org,x\n", "first line has values", ""},
		"a list":            {"[{}]", "one JSON list", ""},
		"UTF-16":            {"\xff\xfea\x00", "UTF-16", ""},
		"packed":            {"\x1f\x8b\x08\x00\x00", "no text", ""},
		"only bad lines":    {"{\n{{\n", "no row", ""},
		"one column":        {"mail\na@example.org\nb@example.org\n", "", "mail:"},
		"bad UTF-8":         {"na\xefve,x\n\xe9,1\n", "", "read as Windows-1252"},
		"the same name":     {wide, "", "column:"},
		"10,000 columns":    {many + "\n" + strings.Repeat("1,", 10_000) + "1\n", "", "more columns or events"},
		"a byte order mark": {"\xef\xbb\xbfage\n5\n", "", "age:"},
		"ragged":            {"a,b\n1\n1,2,3\n", "", "1 lines could not be read"},
		"an open quote":     {"a,b\n\"x,1\n2,3\n", "", "a:"},
		"odd names":         {"a b,a_b,a-b,ä,1x!,\n1,2,3,4,5,6\n", "", "a_b_2:"},
	} {
		table, err := Read(what, strings.NewReader(c.file))
		switch {
		case c.fault != "":
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: %v, want %q", what, err, c.fault)
			}
			continue
		case err != nil:
			t.Errorf("%s: %v", what, err)
			continue
		}
		text := Write([]*Table{table}, noon)
		stands(t, text)
		if !bytes.Contains(text, []byte(c.says)) {
			t.Errorf("%s: the draft does not say %q:\n%s", what, c.says, text)
		}
	}
}

// TestAHugeFileIsLookedAtInPart reads so many rows and no more.
func TestAHugeFileIsLookedAtInPart(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("customer,sku\n")
	for i := range MostRows + 5 {
		fmt.Fprintf(&b, "%d,s%d\n", i, i%7)
	}
	table, err := Read("huge.csv", &b)
	if err != nil || table.Rows != MostRows || !table.More {
		t.Fatalf("%+v, %v", table, err)
	}
	if text := Write([]*Table{table}, noon); !bytes.Contains(text, []byte("its first 200000 rows")) {
		t.Error("the draft does not say that it saw a part")
	}
}

// watched is what arrives at a home with the example's charter.
func watched() *Table {
	a := Arrivals()
	for range 12 {
		a.Event("Seat Booked")
		a.Property("Seat Booked", "offer_id", Words)
		a.Property("Seat Booked", "row", Integer)
		a.Property("Order Completed", "coupon", Words)
		a.Property("Page Viewed", "title", Words)
		a.Fact("plan", Words)
		a.Fact("allergies", Words)
		a.Fact("password", Words)
		a.Property("Seat Booked", "jane@example.org", Boolean)
		a.Fact("0044207946000", Words)
	}
	a.Event("Rare Thing")
	a.Property("Order Completed", "rare", Words)
	return a
}

// small is a charter in other styles than the examples'.
const small = "charter: 1\nbrand: {name: X}\nk: 5\npurposes:\n    service: {uses: [essential.service], basis: contract, why: So., label: é}\nevents:\n    Order Completed: {category: user.behavior, purposes: [service], retain: 1y, label: é, properties: {total: {type: number}}}\n    Page Viewed:\n        category: user.behavior\n        purposes: [service]\n        retain: 1y\nsources:\n    s: {kind: server, purposes: [service], channel: web}\nreceipts: {retain: 1y}\nledger: {retain: 1y}"

// TestWhatArrivedBecomesAProposal adds to each example's charter, and to one in other styles, and leaves all else as it is written.
func TestWhatArrivedBecomesAProposal(t *testing.T) {
	retail, _ := charter.Example("retail")
	bank, _ := charter.Example("bank")
	for name, source := range map[string][]byte{"retail": retail, "bank": bank, "flow": []byte(small)} {
		before := stands(t, source)
		proposal, added, err := Extend(source, watched(), 10)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := stands(t, proposal)
		want := []string{"events.Seat Booked", "data.plan"}
		if before.Events["Order Completed"] != nil {
			want = append(want, "events.Order Completed.properties.coupon", "events.Page Viewed.properties.title")
		} else {
			want = append(want, "events.Order Completed", "events.Page Viewed")
		}
		for _, w := range want {
			if !slices.Contains(added, w) && before.Events["Order Completed"] != nil {
				t.Errorf("%s: %s was not added: %v", name, w, added)
			}
		}
		e := c.Events["Seat Booked"]
		if e == nil || e.Properties["offer_id"].Type.Name != charter.TItem || e.Properties["row"].Type.Name != charter.TInteger || len(e.Properties) != 2 {
			t.Errorf("%s: Seat Booked is %+v", name, e)
		}
		if c.Data["plan"] == nil || c.Data["password"] != nil || c.Events["Rare Thing"] != nil {
			t.Errorf("%s: data %v, events %v", name, c.Order.Data, c.Order.Events)
		}
		if strings.Contains(string(proposal), "jane@") || strings.Contains(string(proposal), "0044") {
			t.Errorf("%s: a name that may be somebody's own is in the proposal", name)
		}
		// Every line that was there is there still, in its order.
		at := 0
		lines := strings.Split(string(proposal), "\n")
		for _, line := range strings.Split(strings.TrimRight(string(source), "\n"), "\n") {
			for at < len(lines) && lines[at] != line && !(name == "flow" && strings.Contains(line, "{total") && strings.Contains(lines[at], "total")) {
				at++
			}
			if at == len(lines) {
				t.Fatalf("%s: the line %q is gone", name, line)
			}
			at++
		}
	}
	if same, added, err := Extend(retail, Arrivals(), 10); err != nil || len(added) > 0 || !bytes.Equal(same, retail) {
		t.Errorf("nothing arrived, and it adds %v (%v)", added, err)
	}
}

// FuzzRead drafts from anything: what can be read becomes a charter that stands, with commands of one line.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"orders.csv", "people.csv", "messages.jsonl", "visits.tsv"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("userId,event,x\n1,a: b,#\n1,\"- {\",y\n"))
	f.Add([]byte(`{"type":"track","event":"\u0085","properties":{"~":1,"null":2,"y":true}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		table, err := Read("a file\n.csv", bytes.NewReader(body))
		if err != nil {
			return
		}
		stands(t, Write([]*Table{table}, noon))
		for _, c := range Commands([]*Table{table}, "charter.yaml", "home") {
			if !strings.HasPrefix(c, "rapport ") {
				t.Errorf("a command is %q", c)
			}
		}
		arrived := Arrivals()
		for _, name := range table.order {
			arrived.Event(name)
			for _, c := range table.events[name].properties.columns {
				arrived.Property(name, c.Name, Words)
			}
		}
		for _, c := range table.columns {
			arrived.Fact(c.Name, Integer)
			arrived.Property("Order Completed", c.Name, Date)
		}
		proposal, _, err := Extend([]byte(small), arrived, 1)
		if err != nil {
			t.Fatal(err)
		}
		stands(t, proposal)
	})
}

// TestADraftKeepsWhatItsFilesHold: the events' retention takes the oldest row, and in doubt the usual years.
func TestADraftKeepsWhatItsFilesHold(t *testing.T) {
	for oldest, want := range map[string]int{"2026-11-01": 5, "2021-12-24": 5, "2021-12-01": 6, "2010-12-01": 17, "1900-01-01": 30} {
		table, err := Read("sales.csv", strings.NewReader("customer_id,order_id,sku,date\n1,1,a,2026-11-01\n2,2,b,"+oldest+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		text := Write([]*Table{table}, noon)
		c := stands(t, text)
		for _, e := range c.Events {
			if e.Retain.Years != want {
				t.Errorf("files from %s on are kept for %d years, want %d", oldest, e.Retain.Years, want)
			}
		}
		if len(c.Events) == 0 || strings.Contains(string(text), "reach back to "+oldest[:7]) != (want > 5) {
			t.Errorf("files from %s on:\n%s", oldest, text)
		}
	}
}
