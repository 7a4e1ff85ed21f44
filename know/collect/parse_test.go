package collect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
)

const good = `{"type":"track","event":"E","userId":"u"}`

func TestWhatIsNoBody(t *testing.T) {
	deep := strings.Repeat("[", 100000)
	for name, body := range map[string]string{
		"empty": "", "space": "  ", "cut": `{"event":"E"`, "list": `[{}]`, "text": `"x"`, "number": `1`, "null": `null`, "after": `{"event":"E","userId":"u"}x`, "two": `{} {}`,
		"comma": `{"event":"E",}`, "no colon": `{"event" "E"}`, "single quotes": `{'event':'E'}`, "no quotes": `{event:"E"}`, "escape": `{"event":"\x"}`, "unicode escape": `{"event":"\u12G4"}`,
		"newline in text": "{\"event\":\"a\nb\"}", "literal": `{"a":tru}`, "NaN": `{"a":NaN}`, "leading zero": `{"a":01}`, "plus": `{"a":+1}`, "point": `{"a":1.}`, "exponent": `{"a":1e}`, "hex": `{"a":0x10}`,
		"comment": `{"a":1/*c*/}`, "deep and cut": `{"a":` + deep, "key": `{1:2}`, "bare": `{"a"}`,
	} {
		var b Batch
		if err := b.Parse([]byte(body), Track); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if len(b.Messages) != 0 {
			t.Errorf("%s: messages of what is no body", name)
		}
	}
	for name, body := range map[string]string{
		"no batch": `{"writeKey":"k"}`, "batch object": `{"batch":{}}`, "batch text": `{"batch":"x"}`, "two batches": `{"batch":[],"batch":[` + good + `]}`, "bad inside": `{"batch":[` + good + `,]}`,
		"envelope twice": `{"writeKey":"a","writeKey":"b","batch":[` + good + `]}`, "envelope NUL": `{"writeKey":"a\u0000","batch":[` + good + `]}`,
	} {
		var b Batch
		if err := b.Parse([]byte(body), BatchOf); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOneBadMessageNeverSinksItsBatch(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		defect  defect
	}{
		"no ids":            {`{"type":"track","event":"E"}`, missing},
		"empty ids":         {`{"type":"track","event":"E","userId":"","anonymousId":null}`, missing},
		"no type":           {`{"event":"E","userId":"u"}`, missing},
		"unknown type":      {`{"type":"dance","userId":"u"}`, missing},
		"batch in batch":    {`{"type":"batch","userId":"u"}`, missing},
		"one letter":        {`{"type":"t","event":"E","userId":"u"}`, missing},
		"no event":          {`{"type":"track","userId":"u"}`, missing},
		"alias without":     {`{"type":"alias","userId":"u"}`, missing},
		"group without":     {`{"type":"group","userId":"u"}`, missing},
		"userId list":       {`{"type":"track","event":"E","userId":["u"]}`, wrongShape},
		"userId true":       {`{"type":"track","event":"E","userId":true}`, wrongShape},
		"long userId":       {`{"type":"track","event":"E","userId":"` + strings.Repeat("u", maxID+1) + `"}`, wrongShape},
		"long event":        {`{"type":"track","event":"` + strings.Repeat("e", maxName+1) + `","userId":"u"}`, wrongShape},
		"event object":      {`{"type":"track","event":{},"userId":"u"}`, wrongShape},
		"properties list":   {`{"type":"track","event":"E","userId":"u","properties":[]}`, wrongShape},
		"traits text":       {`{"type":"identify","userId":"u","traits":"x"}`, wrongShape},
		"context number":    {`{"type":"track","event":"E","userId":"u","context":1}`, wrongShape},
		"consent list":      {`{"type":"track","event":"E","userId":"u","context":{"consent":[]}}`, wrongShape},
		"no object":         {`7`, wrongShape},
		"null message":      {`null`, wrongShape},
		"twice":             {`{"type":"track","event":"E","userId":"u","userId":"v"}`, namedTwice},
		"twice within":      {`{"type":"track","event":"E","userId":"u","properties":{"a":1,"b":{"c":1,"c":2}}}`, namedTwice},
		"twice by escape":   {`{"type":"track","event":"E","userId":"u","properties":{"ab":1,"\u0061b":2}}`, namedTwice},
		"NUL":               {`{"type":"track","event":"E\u0000","userId":"u"}`, holdsNUL},
		"raw NUL":           {"{\"type\":\"track\",\"event\":\"E\x00\",\"userId\":\"u\"}", holdsNUL},
		"NUL in a name":     {`{"type":"track","event":"E","userId":"u","properties":{"a\u0000":1}}`, holdsNUL},
		"invalid UTF-8":     {"{\"type\":\"track\",\"event\":\"\xff\",\"userId\":\"u\"}", notUTF8},
		"lone surrogate":    {`{"type":"track","event":"\ud800","userId":"u"}`, notUTF8},
		"surrogate pair":    {`{"type":"track","event":"\ud83d\ude00","userId":"u"}`, sound},
		"wrong pair":        {`{"type":"track","event":"\ud83d\u0041","userId":"u"}`, notUTF8},
		"huge number":       {`{"type":"track","event":"E","userId":"u","properties":{"n":1e999}}`, hugeNumber},
		"long number":       {`{"type":"track","event":"E","userId":"u","properties":{"n":` + strings.Repeat("9", 400) + `}}`, hugeNumber},
		"tiny number":       {`{"type":"track","event":"E","userId":"u","properties":{"n":1e-999}}`, sound},
		"32 deep":           {`{"type":"track","event":"E","userId":"u","properties":` + strings.Repeat(`{"a":`, 31) + `1` + strings.Repeat(`}`, 31) + `}`, sound},
		"33 deep":           {`{"type":"track","event":"E","userId":"u","properties":` + strings.Repeat(`{"a":`, 32) + `1` + strings.Repeat(`}`, 32) + `}`, tooDeep},
		"very deep":         {`{"type":"track","event":"E","userId":"u","properties":{"a":` + strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000) + `}}`, tooDeep},
		"33 KB":             {`{"type":"track","event":"E","userId":"u","properties":{"a":"` + strings.Repeat("x", 33<<10) + `"}}`, tooLarge},
		"exactly 32 KB":     {sized(MaxMessage), sound},
		"one byte too many": {sized(MaxMessage + 1), tooLarge},
		"many names":        {`{"type":"track","event":"E","userId":"u","properties":{` + names(3000) + `}}`, sound},
		"many names, twice": {`{"type":"track","event":"E","userId":"u","properties":{` + names(3000) + `,"n2999":1}}`, namedTwice},
		"number as id":      {`{"type":"track","event":"E","userId":42}`, sound},
	} {
		var b Batch
		if err := b.Parse([]byte(`{"batch":[`+good+`,`+c.message+`,`+good+`],"sentAt":"2026-11-20T11:00:00Z"}`), BatchOf); err != nil {
			t.Errorf("%s: the batch was lost: %v", name, err)
			continue
		}
		if len(b.Messages) != 3 || b.Messages[0].defect != sound || b.Messages[2].defect != sound {
			t.Errorf("%s: its neighbours suffered", name)
			continue
		}
		if got := b.Messages[1].defect; got != c.defect {
			t.Errorf("%s: defect %q, want %q", name, defectWords[got], defectWords[c.defect])
		}
	}
}

func sized(n int) string {
	s := `{"type":"track","event":"E","userId":"u","properties":{"a":""}}`
	return strings.Replace(s, `""`, `"`+strings.Repeat("x", n-len(s))+`"`, 1)
}

func names(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"n%d":1`, i)
	}
	return b.String()
}

func TestHowMuchABodyMayHold(t *testing.T) {
	batch := func(n int) []byte {
		return []byte(`{"batch":[` + strings.TrimSuffix(strings.Repeat(good+",", n), ",") + `]}`)
	}
	var b Batch
	if err := b.Parse(batch(MaxMessages), BatchOf); err != nil || len(b.Messages) != MaxMessages {
		t.Errorf("2,500 messages: %v", err)
	}
	if err := b.Parse(batch(MaxMessages+1), BatchOf); !errors.Is(err, ErrTooLarge) {
		t.Errorf("2,501 messages: %v", err)
	}
	full := []byte(good + strings.Repeat(" ", MaxBody-len(good)))
	if err := b.Parse(full, Track); err != nil {
		t.Errorf("4 MB: %v", err)
	}
	if err := b.Parse(append(full, ' '), Track); !errors.Is(err, ErrTooLarge) {
		t.Errorf("4 MB and a byte: %v", err)
	}
}

func TestTheEnvelopeIsRead(t *testing.T) {
	var b Batch
	if err := b.Parse([]byte(`{"writeKey":"key","sentAt":"2026-11-20T11:00:10Z","context":{"consent":{"categoryPreferences":{}}},"batch":[
		{"type":"page","name":"Home","anonymousId":"a","messageId":"m","timestamp":"2026-11-20T11:00:00.5Z","context":{"page":{"path":"/"}}},
		{"type":"alias","previousId":"a","userId":"\u0075","originalTimestamp":"2026-11-20T10:00:00Z","timestamp":"2026-11-20T11:00:00Z","sentAt":"2026-11-20T11:00:00Z","context":{"consent":{"x":1}}}]}`), BatchOf); err != nil {
		t.Fatal(err)
	}
	p, a := b.Messages[0], b.Messages[1]
	if b.WriteKey != "key" || p.Event != "Page Viewed" || p.Name != "Home" || p.ID != "m" || string(p.context) != `{"page":{"path":"/"}}` || p.consent == nil {
		t.Errorf("%+v", p)
	}
	received := readTime([]byte("2026-11-20T11:00:20Z"))
	if got := p.when(received).Time().Format(time.RFC3339Nano); got != "2026-11-20T11:00:10.5Z" {
		t.Errorf("page at %s", got)
	}
	if a.UserID != "u" || a.Previous != "a" || string(a.consent) != `{"x":1}` {
		t.Errorf("%+v", a)
	}
	if got := a.when(received).Time().Format(time.RFC3339); got != "2026-11-20T10:00:20Z" {
		t.Errorf("alias at %s", got)
	}
}

func TestNonsenseTimesAreTheTimeOfReceipt(t *testing.T) {
	const now = "2026-11-20T12:00:00Z"
	for _, c := range []struct{ stamp, sent, want string }{
		{"2026-11-20T11:00:00Z", "", "2026-11-20T11:00:00Z"},
		{"2026-11-20T11:00:00.123456Z", "", "2026-11-20T11:00:00.123456Z"},
		{"2026-11-20T13:00:00+02:00", "", "2026-11-20T11:00:00Z"},
		{"2026-11-20T11:00:00", "", "2026-11-20T11:00:00Z"},
		{"2026-11-20 11:00:00", "", "2026-11-20T11:00:00Z"},
		{"2026-10-31T11:00:00Z", "", "2026-10-31T11:00:00Z"},
		{"2026-11-20T08:00:00Z", "2026-11-20T08:00:05Z", "2026-11-20T11:59:55Z"}, // a clock four hours slow
		{"2031-11-20T08:00:00Z", "2031-11-20T08:00:05Z", "2026-11-20T11:59:55Z"}, // a clock five years fast
		{"1970-01-01T00:00:00Z", "", now},
		{"1970-01-01T00:00:00Z", "2026-11-20T12:00:00Z", now},
		{"2100-01-01T00:00:00Z", "", now},
		{"2100-01-01T00:00:00Z", "2026-11-20T12:00:00Z", now},
		{"2026-11-20T12:00:01Z", "", now}, // the future
		{"2026-11-20T11:00:00Z", "1970-01-01T00:00:00Z", "2026-11-20T11:00:00Z"},
		{"1996-01-01T00:00:00Z", "2031-11-20T12:00:00Z", now}, // corrected, it would be 1991
		{"yesterday", "", now}, {"", "", now}, {"2026-13-20T11:00:00Z", "", now}, {"2026-02-30T11:00:00Z", "", now}, {"2026-11-20T25:00:00Z", "", now},
		{"9999999999999999", "", now}, {"+292278994-08-17T07:12:55.807Z", "", now},
	} {
		m := Message{timestamp: readTime([]byte(c.stamp)), sent: readTime([]byte(c.sent))}
		if got := m.when(readTime([]byte(now))).Time().Format(time.RFC3339Nano); got != c.want {
			t.Errorf("%q sent %q: %s, want %s", c.stamp, c.sent, got, c.want)
		}
	}
}

func TestPlainTimesAreReadAsTheLibraryReadsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		when := time.UnixMicro(rapid.Int64Range(8e14, 4e15).Draw(t, "micros")).UTC()
		layout := rapid.SampledFrom([]string{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.0Z", "2006-01-02T15:04:05.000Z", "2006-01-02T15:04:05.000000Z"}).Draw(t, "layout")
		s := when.Format(layout)
		want, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		if got := readTime([]byte(s)); got != person.At(want) {
			t.Fatalf("%s: %v, want %v", s, got.Time(), want)
		}
	})
}

func TestNumbersAreReadAsTheLibraryReadsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }).Draw(t, "f")
		s := strconv.FormatFloat(f, rapid.SampledFrom([]byte{'f', 'g', 'e'}).Draw(t, "as"), rapid.IntRange(-1, 12).Draw(t, "digits"), 64)
		want, err := strconv.ParseFloat(s, 64)
		if err != nil { // the largest, rounded up: no number
			if got, err := number([]byte(s)); err == nil {
				t.Fatalf("%s is read as %v", s, got)
			}
			return
		}
		if got, err := number([]byte(s)); err != nil || got != want {
			t.Fatalf("%s: %v %v, want %v", s, got, err, want)
		}
	})
}

func TestItemsAreReadAsTheCharterReadsThem(t *testing.T) {
	ty := charter.Type{Name: charter.TItems, Currency: "GBP", Max: 4}
	for _, raw := range []string{
		`[]`, `[{}]`, `[{"product_id":"a"}]`, `[{"product_id":1}]`, `[{"product_id":""}]`, `[{"product_id":"a","quantity":2,"price":1.5,"name":"x","list":[{"product_id":"no"}]}]`,
		`[{"product_id":"a","quantity":-1}]`, `[{"product_id":"a","quantity":"2"}]`, `[{"product_id":"a","price":{"amount":2.5,"currency":"GBP"}}]`, `[{"product_id":"a","price":{"amount":2.5,"currency":"EUR"}}]`,
		`[{"product_id":"a","price":-3}]`, `[{"product_id":"a","price":2e9}]`, `[{"product_id":"a","quantity":null}]`, `[{"product_id":"\u00e9"}]`, `[{"product_id":"a\tb"}]`, `["a"]`, `[[{"product_id":"a"}]]`, `{"product_id":"a"}`,
		`[{"product_id":"a"},{"product_id":"b"},{"product_id":"c"},{"product_id":"d"}]`, `[{"product_id":"a"},{"product_id":"b"},{"product_id":"c"},{"product_id":"d"},{"product_id":"e"}]`,
		`[{"product_id":"` + strings.Repeat("a", 101) + `"}]`, `[{"product_id":"a","price":1e-12}]`,
	} {
		var v any
		if err := json.Unmarshal([]byte(raw), &v); err != nil {
			t.Fatal(err)
		}
		want, wantErr := ty.Lines(v)
		var k sketch
		got, gotErr := k.items(&ty, []byte(raw))
		if (gotErr == nil) != (wantErr == nil) {
			t.Errorf("%s: %v, the charter says %v", raw, gotErr, wantErr)
		} else if wantErr == nil {
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %s", raw, d)
			}
		}
	}
}

// FuzzParse holds the parser against the library's: what is no JSON is malformed, what is JSON is taken apart without
// harm, and no message reaches outside its body.
func FuzzParse(f *testing.F) {
	for _, s := range []string{good, `{"batch":[` + good + `,7,` + good + `]}`, `{"userId":"u","event":"E","properties":{"a":[1,2,{"b":"\u00e9"}],"n":-1.5e3}}`, `{"a":"\ud83d\ude00","b":"\ud83d"}`, "{\"a\":\"\xff\"}", `{"context":{"consent":{"categoryPreferences":{"a":true}}},"timestamp":"2026-11-20T11:00:00Z"}`,
		strings.Repeat("[", 40), `{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, `{"a":1,"a":2}`} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	var k sketch
	f.Fuzz(func(t *testing.T, body []byte, single bool) {
		as := BatchOf
		if single {
			as = Track
		}
		var b Batch
		before := bytes.Clone(body)
		err := b.Parse(body, as)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		valid := json.Valid(body)
		buried := false
		for i := range b.Messages {
			buried = buried || b.Messages[i].defect == tooDeep
		}
		// Raw NUL is no JSON, but its message alone is at fault.
		if err == nil && !valid && !buried && bytes.IndexByte(body, 0) < 0 {
			t.Fatalf("taken, though it is no JSON")
		}
		if single && valid && err != nil && len(body) > 0 && bytes.TrimLeft(body, " \t\r\n")[0] == '{' {
			t.Fatalf("a JSON object was not taken: %v", err)
		}
		for i := range b.Messages {
			m := &b.Messages[i]
			if m.defect != sound {
				continue
			}
			if m.UserID == "" && m.Anonymous == "" {
				t.Fatal("a message of nobody is sound")
			}
			for _, raw := range [][]byte{m.properties, m.traits, m.context, m.consent, m.raw} {
				if raw != nil && !json.Valid(raw) {
					t.Fatal("a part of a sound message is no JSON")
				}
			}
			var want map[string]any
			if m.properties != nil {
				if err := json.Unmarshal(m.properties, &want); err != nil {
					t.Fatal(err)
				}
				n := 0
				k.each(m.properties, func(name string, v []byte) {
					n++
					got, err := decode(v)
					if _, isNumber := want[name].(float64); err != nil && !isNumber {
						t.Fatal(err)
					}
					if err == nil && v[0] != 'n' {
						if d := cmp.Diff(want[name], got); d != "" {
							t.Fatal(d)
						}
					}
				})
				if n != len(want) {
					t.Fatalf("%d members, the library has %d", n, len(want))
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	body := []byte(`{"type":"track","messageId":"bench-1234567-4f1c0a7e-9d1b","userId":"u0001234","timestamp":"2026-11-20T11:00:00.000Z","context":{"library":{"name":"analytics-node","version":"3.1.0"},"ip":"203.0.113.9","userAgent":"Mozilla/5.0 (X11; Linux x86_64) bench"},"event":"Order Completed","properties":{"order_id":"o1234567","total":23.45,"products":[{"product_id":"1000001","quantity":1,"price":2.5},{"product_id":"1000002","quantity":1,"price":2.5}],"till_operator":"not declared"}}`)
	var batch Batch
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := batch.Parse(body, Track); err != nil {
			b.Fatal(err)
		}
	}
}
