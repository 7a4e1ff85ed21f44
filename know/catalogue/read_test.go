package catalogue_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/catalogue"
	"github.com/rapporthq/rapport/person"
)

func pieces(n int) *int { return &n }

func at(t *testing.T, s string) person.Instant {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return person.At(v)
}

func whole(t *testing.T) catalogue.Item {
	return catalogue.Item{
		Item: charter.Item{ID: "22423", Name: `Regency "cakestand" 3 tier`, Department: "Kitchen", Category: "Baking", Type: "stand", Brand: "Fernhill", Size: "3 tier",
			Tags: []string{"gift", "new & nice"}, Price: 12.75, Attributes: map[string]string{"colour": "grün", "abv": "5.0", "vegan": "true"}},
		Stock: pieces(0), From: at(t, "2026-11-20T00:00:00Z"), Until: at(t, "2026-12-24T17:30:00.5Z"), Image: "/pictures/22423.jpg", URL: "https://shop.example/p/22423?a=b",
	}
}

const wholeJSON = `{"id":"22423","name":"Regency \"cakestand\" 3 tier","department":"Kitchen","category":"Baking","type":"stand","brand":"Fernhill","size":"3 tier","price":12.75,` +
	`"tags":["gift","new & nice"],"stock":0,"from":"2026-11-20T00:00:00Z","until":"2026-12-24T17:30:00.5Z","image":"/pictures/22423.jpg","url":"https://shop.example/p/22423?a=b",` +
	`"abv":"5.0","colour":"grün","vegan":"true"}`

func TestAnItemIsReadAndWrittenTheSame(t *testing.T) {
	it, err := catalogue.ReadItem([]byte(`{"id":"22423","name":"Regency \"cakestand\" 3 tier","department":"Kitchen","category":"Baking","type":"stand","brand":"Fernhill","size":"3 tier",
		"price":12.75,"tags":["gift","","new & nice","gift"],"stock":0,"from":"2026-11-20","until":"2026-12-24T18:30:00.5+01:00","image":"/pictures/22423.jpg",
		"url":"https://shop.example/p/22423?a=b","colour":"gr\u00fcn","abv":5.0,"vegan":true,"season":null,"origin":""}`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(whole(t), it); d != "" {
		t.Error(d)
	}
	out, err := catalogue.AppendItem([]byte("before "), &it)
	if err != nil || string(out) != "before "+wholeJSON {
		t.Errorf("%v\n%s", err, out)
	}
	row, err := catalogue.ReadRow(map[string]string{"\ufeffID": "22423", " Name ": `Regency "cakestand" 3 tier`, "DEPARTMENT": "Kitchen", "category": "Baking", "Type": "stand", "brand": " Fernhill ",
		"size": "3 tier", "price": "12.75", "tags": "gift; new & nice |gift;;", "stock": "0.0", "from": "2026-11-20", "until": "2026-12-24T17:30:00.5Z", "image": "/pictures/22423.jpg",
		"URL": "https://shop.example/p/22423?a=b", "colour": "grün", "abv": "5.0", "vegan": "true", "season": "  ", "": ""})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(whole(t), row); d != "" {
		t.Error(d)
	}
}

func TestTheSmallestItem(t *testing.T) {
	want := catalogue.Item{Item: charter.Item{ID: "a/b c"}}
	it, err := catalogue.ReadItem([]byte(" {\"id\":\"a/b c\",\"price\":-0.0,\"tags\":null,\"stock\":null,\"from\":\"\",\"name\":null}\r\n"))
	if d := cmp.Diff(want, it); err != nil || d != "" {
		t.Error(err, d)
	}
	if out, err := catalogue.AppendItem(nil, &it); err != nil || string(out) != `{"id":"a/b c"}` {
		t.Errorf("%v %s", err, out)
	}
}

// marker stands in every value of a refused item: no error may hold it.
const marker = "sEcReT"

func TestWhatIsNoItem(t *testing.T) {
	long := func(n int) string { return marker + strings.Repeat("x", n-len(marker)) }
	many := func(n int, form string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, form, i)
		}
		return b.String()
	}
	cases := []struct{ why, in, says string }{
		{"no object", `["` + marker + `"]`, "JSON object"},
		{"nothing", ``, "JSON object"},
		{"null", `null`, "JSON object"},
		{"cut off", `{"id":"` + marker + `"`, "JSON object"},
		{"more after it", `{"id":"` + marker + `"} {}`, "JSON object"},
		{"a comma too many", `{"id":"` + marker + `",}`, "JSON object"},
		{"not UTF-8", "{\"id\":\"" + marker + "\xff\"}", "JSON object"},
		{"half a surrogate", `{"id":"` + marker + `\ud800"}`, "JSON object"},
		{"twice", `{"id":"` + marker + `","price":1,"price":2}`, "price is there twice"},
		{"twice in disguise", `{"id":"` + marker + `","name":"a","n\u0061me":"b"}`, "name is there twice"},
		{"twice, and no word", `{"id":"a","` + marker + ` @":"a","` + marker + ` @":"b"}`, "an attribute is there twice"},
		{"no id", `{"name":"` + marker + `"}`, "id is missing"},
		{"empty id", `{"id":"","name":"` + marker + `"}`, "id is missing"},
		{"null id", `{"id":null,"name":"` + marker + `"}`, "id is missing"},
		{"id a number", `{"id":22423}`, "id must be a text"},
		{"id true", `{"id":true}`, "id must be a text"},
		{"id an object", `{"id":{"` + marker + `":1}}`, "id must be a text"},
		{"id too long", `{"id":"` + long(201) + `"}`, "id must be a text"},
		{"id with spaces", `{"id":" ` + marker + `"}`, "id must be a text"},
		{"id with NUL", `{"id":"` + marker + `\u0000"}`, "id must be a text"},
		{"capitals", `{"id":"a","Category":"` + marker + `"}`, "category must be written so"},
		{"spaces", `{"id":"a","category ":"` + marker + `"}`, "category must be written so"},
		{"name too long", `{"id":"a","name":"` + long(1001) + `"}`, "name must be a text"},
		{"a line break", `{"id":"a","name":"` + marker + `\n"}`, "name must be a text"},
		{"DEL", `{"id":"a","brand":"` + marker + `\u007f"}`, "brand must be a text"},
		{"C1", `{"id":"a","size":"` + marker + `\u0085"}`, "size must be a text"},
		{"turned round", `{"id":"a","type":"` + marker + `\u202e"}`, "type must be a text"},
		{"a line separator", `{"id":"a","department":"` + marker + `\u2028"}`, "department must be a text"},
		{"department a list", `{"id":"a","department":["` + marker + `"]}`, "department must be a text"},
		{"price a text", `{"id":"a","price":"3.50"}`, "price must be a number"},
		{"price below 0", `{"id":"a","price":-0.01}`, "price must be a number"},
		{"price without end", `{"id":"a","price":1e400}`, "price must be a number"},
		{"price too high", `{"id":"a","price":1e16}`, "price must be a number"},
		{"price true", `{"id":"a","price":true}`, "price must be a number"},
		{"price a list", `{"id":"a","price":[1]}`, "price must be a number"},
		{"tags a text", `{"id":"a","tags":"` + marker + `"}`, "tags must be a list"},
		{"tags an object", `{"id":"a","tags":{"` + marker + `":1}}`, "tags must be a list"},
		{"tags of numbers", `{"id":"a","tags":[1]}`, "tags must be a list"},
		{"tags of lists", `{"id":"a","tags":[["` + marker + `"]]}`, "tags must be a list"},
		{"51 tags", `{"id":"a","tags":[` + strings.TrimSuffix(many(51, `"`+marker+`%d",`), ",") + `]}`, "tags must be a list"},
		{"a tag too long", `{"id":"a","tags":["` + long(1001) + `"]}`, "tags must be a list"},
		{"a tag with a tab", `{"id":"a","tags":["` + marker + `\t"]}`, "tags must be a list"},
		{"tags cut off", `{"id":"a","tags":["` + marker, "JSON object"},
		{"stock below 0", `{"id":"a","stock":-1}`, "stock must be a whole number"},
		{"half a piece", `{"id":"a","stock":1.5}`, "stock must be a whole number"},
		{"a thousand or one", `{"id":"a","stock":1.000}`, "stock must be a whole number"},
		{"stock as a power", `{"id":"a","stock":1e3}`, "stock must be a whole number"},
		{"stock too high", `{"id":"a","stock":1000000001}`, "stock must be a whole number"},
		{"stock beyond 64 bits", `{"id":"a","stock":99999999999999999999}`, "stock must be a whole number"},
		{"stock a text", `{"id":"a","stock":"1"}`, "stock must be a whole number"},
		{"from no time", `{"id":"a","from":"` + marker + `"}`, "from must be a date"},
		{"from a number", `{"id":"a","from":1763596800}`, "from must be a date"},
		{"from a day that is none", `{"id":"a","from":"2026-02-30"}`, "from must be a date"},
		{"until that would be for ever", `{"id":"a","until":"1970-01-01"}`, "until must be a date"},
		{"until before 1970", `{"id":"a","until":"1969-12-31T23:59:59Z"}`, "until must be a date"},
		{"until after the years", `{"id":"a","until":"9999-12-31T23:59:59-01:00"}`, "until must be a date"},
		{"until not after from", `{"id":"a","from":"2026-11-20","until":"2026-11-20"}`, "until must be later"},
		{"a script", `{"id":"a","url":"javascript:` + marker + `"}`, "url must be an address"},
		{"data", `{"id":"a","image":"data:` + marker + `"}`, "image must be an address"},
		{"another site", `{"id":"a","image":"//` + marker + `"}`, "image must be an address"},
		{"another site for browsers", `{"id":"a","url":"/\\` + marker + `"}`, "url must be an address"},
		{"no host", `{"id":"a","url":"https:` + marker + `"}`, "url must be an address"},
		{"an attribute of parts", `{"id":"a","colour":{"` + marker + `":1}}`, "colour must be a text, a number"},
		{"an attribute of many", `{"id":"a","colour":["` + marker + `"]}`, "colour must be a text, a number"},
		{"an attribute too long", `{"id":"a","colour":"` + long(1001) + `"}`, "colour must be"},
		{"an attribute with NUL", `{"id":"a","colour":"` + marker + `\u0000"}`, "colour must be"},
		{"a name too long", `{"id":"a","` + long(1001) + `":"x"}`, "an attribute must be"},
		{"a name with a break", `{"id":"a","` + marker + `\n":"x"}`, "an attribute must be"},
		{"no name", `{"id":"a","":"` + marker + `"}`, "has no name"},
		{"101 attributes", `{"id":"a"` + many(101, `,"c%d":"`+marker+`"`) + `}`, "more than 100 attributes"},
		{"too much", `{"id":"a"` + many(40, `,"c%d":"`+long(1000)+`"`) + `}`, "at most 32 KB"},
		{"far too much", `{"id":"a"` + strings.Repeat(" ", 300<<10) + `}`, "at most 32 KB"},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			it, err := catalogue.ReadItem([]byte(c.in))
			refused(t, it, err, c.says)
		})
	}
}

func refused(t *testing.T, it catalogue.Item, err error, says string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was taken")
	}
	if code, said := fault.Of(err); code != fault.Invalid || !strings.Contains(said, says) || !strings.HasSuffix(said, ".") {
		t.Errorf("%s: %q, want %q", code, said, says)
	}
	if strings.Contains(err.Error(), marker) {
		t.Error("the error repeats what was sent")
	}
	if d := cmp.Diff(catalogue.Item{}, it); d != "" {
		t.Errorf("an item came with the error: %s", d)
	}
}

func TestWhatIsNoRow(t *testing.T) {
	cases := []struct {
		why  string
		in   map[string]string
		says string
	}{
		{"no columns", map[string]string{}, "id is missing"},
		{"a blank id", map[string]string{"id": " \t", "name": marker}, "id is missing"},
		{"two spellings", map[string]string{"id": "a", "Category": marker, "category": marker}, "category is there twice"},
		{"two attributes", map[string]string{"id": "a", "colour": marker, " colour": marker}, "colour is there twice"},
		{"a column without a name", map[string]string{"id": "a", "": marker}, "has no name"},
		{"a decimal comma", map[string]string{"id": "a", "price": "3,50"}, "price must be a number"},
		{"a currency", map[string]string{"id": "a", "price": "£3.50"}, "price must be a number"},
		{"hexadecimal", map[string]string{"id": "a", "price": "0x1p4"}, "price must be a number"},
		{"infinite", map[string]string{"id": "a", "price": "Inf"}, "price must be a number"},
		{"no number", map[string]string{"id": "a", "price": "NaN"}, "price must be a number"},
		{"below 0", map[string]string{"id": "a", "price": "-1"}, "price must be a number"},
		{"stock with a sign", map[string]string{"id": "a", "stock": "+1"}, "stock must be a whole number"},
		{"stock with thousands", map[string]string{"id": "a", "stock": "1.000"}, "stock must be a whole number"},
		{"stock in words", map[string]string{"id": "a", "stock": marker}, "stock must be a whole number"},
		{"the day first", map[string]string{"id": "a", "from": "20/11/2026"}, "from must be a date"},
		{"a break in a cell", map[string]string{"id": "a", "name": marker + "\n" + marker}, "name must be a text"},
		{"not UTF-8", map[string]string{"id": "a", "name": marker + "\xff"}, "name must be a text"},
		{"a column that is not UTF-8", map[string]string{"id": "a", marker + "\xff": "x"}, "an attribute must be"},
		{"a script", map[string]string{"id": "a", "url": "JavaScript:" + marker}, "url must be an address"},
		{"51 tags", map[string]string{"id": "a", "tags": func() string {
			var b strings.Builder
			for i := range 51 {
				fmt.Fprintf(&b, "%s%d|", marker, i)
			}
			return b.String()
		}()}, "tags must be a list"},
		{"too much", map[string]string{"id": "a", "tags": func() string {
			var b strings.Builder
			for i := range 40 {
				fmt.Fprintf(&b, "%s%d%s;", marker, i, strings.Repeat("x", 900))
			}
			return b.String()
		}()}, "at most 32 KB"},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			it, err := catalogue.ReadRow(c.in)
			refused(t, it, err, c.says)
		})
	}
}

func TestTheLimitsThemselvesAreTaken(t *testing.T) {
	m := map[string]any{"id": strings.Repeat("i", 200), "name": strings.Repeat("n", 1000), "price": 1e15, "stock": 1_000_000_000}
	var tags []string
	for i := range 50 {
		tags = append(tags, fmt.Sprint(i))
	}
	m["tags"] = tags
	for i := range 100 {
		m[fmt.Sprint("c", i)] = strings.Repeat("<", 250) // which some writers of JSON make six bytes each
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	it, err := catalogue.ReadItem(raw)
	if err != nil || len(it.Tags) != 50 || len(it.Attributes) != 100 || *it.Stock != 1_000_000_000 || it.Price != 1e15 {
		t.Error(err)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	for _, it := range []catalogue.Item{
		{Item: charter.Item{ID: "a\xff"}},
		{Item: charter.Item{ID: "a", Attributes: map[string]string{"\xff": "x"}}},
		{Item: charter.Item{ID: "a", Tags: []string{"ok", "\xff"}}},
	} {
		if b, err := catalogue.AppendItem([]byte("b"), &it); err == nil || string(b) != "b" {
			t.Errorf("%q was written", b)
		}
	}
	it := catalogue.Item{Item: charter.Item{ID: "a", Attributes: map[string]string{"Category": "x", "price": "y"}}, Bare: true}
	if b, err := catalogue.AppendItem(nil, &it); err != nil || string(b) != `{"id":"a"}` {
		t.Errorf("%s %v", b, err)
	}
}

func TestReadingLeavesTheBytesAlone(t *testing.T) {
	raw := []byte(wholeJSON)
	it, err := catalogue.ReadItem(raw)
	if err != nil || string(raw) != wholeJSON {
		t.Fatal("the bytes were changed", err)
	}
	for i := range raw {
		raw[i] = 'x'
	}
	if d := cmp.Diff(whole(t), it); d != "" {
		t.Errorf("the item holds on to the bytes it was read from: %s", d)
	}
}

// same is what is promised of every item that was read: written and read again it is the same.
func same(t *testing.T, it catalogue.Item) {
	t.Helper()
	out, err := catalogue.AppendItem(nil, &it)
	if err != nil {
		t.Fatal(err)
	}
	again, err := catalogue.ReadItem(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if d := cmp.Diff(it, again); d != "" {
		t.Fatal(d)
	}
	stored, err := json.Marshal(&it)
	if err != nil {
		t.Fatal(err)
	}
	var kept catalogue.Item
	if err := json.Unmarshal(stored, &kept); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(it, kept); d != "" {
		t.Fatalf("a store that keeps it as JSON changes it: %s", d)
	}
}

func FuzzReadItem(f *testing.F) {
	for _, s := range []string{wholeJSON, `{"id":"a"}`, `{"id":"a","price":1e3,"x":-0.0}`, `{"id":"a","tags":["a",1]}`, `{"id":"\ud83d\ude00","stock":1.0}`, `[`, `{"id":"a","Name":"b"}`,
		`{"id":"a","from":"2026-11-20T23:59:60Z"}`, `{"id":"a","x":{"y":[]}}`, "{\"id\":\"a\",\"\ufeffid\":\"b\"}", `{"id":"a","url":"https://[::1]:80/%zz"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		it, err := catalogue.ReadItem(raw)
		if !bytes.Equal(before, raw) {
			t.Fatal("the bytes were changed")
		}
		if err != nil {
			if code, _ := fault.Of(err); code != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		if it.ID == "" || len(it.ID) > 200 || !(it.Price >= 0) || it.Stock != nil && *it.Stock < 0 || it.Bare {
			t.Fatalf("%+v", it)
		}
		same(t, it)
	})
}

func FuzzReadRow(f *testing.F) {
	f.Add("ID", " a ", "tags", "x;y|z", "price", "3.50")
	f.Add("id", "a", " \ufeffid", "b", "colour", "red")
	f.Add("id", "a", "stock", "12.0", "until", "2026-12-24")
	f.Add("id", "a\x00", "", "", "image", "/a b.jpg")
	f.Add("id", "a", "STOC\u212a", "1", "name", "\u00a0n\u00a0")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2, k3, v3 string) {
		row := map[string]string{k1: v1, k2: v2, k3: v3}
		it, err := catalogue.ReadRow(row)
		again, err2 := catalogue.ReadRow(row)
		if (err == nil) != (err2 == nil) || !cmp.Equal(it, again) {
			t.Fatal("the same row was read in two ways", err, err2)
		}
		if err != nil {
			if code, _ := fault.Of(err); code != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		same(t, it)
	})
}

func BenchmarkReadItem(b *testing.B) {
	raw := []byte(`{"id":"1082185","name":"Bananas","department":"Fruit & vegetables","category":"Tropical fruit","type":"BANANAS","brand":"National","size":"40 lb","price":0.94,"tags":["fresh"]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := catalogue.ReadItem(raw); err != nil {
			b.Fatal(err)
		}
	}
}
