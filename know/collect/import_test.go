package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

type fakeSettings map[string]string

func (f fakeSettings) Setting(_ context.Context, name string) (string, error) { return f[name], nil }
func (f fakeSettings) PutSetting(_ context.Context, name, text string) error {
	f[name] = text
	return nil
}

// mortal remembers nothing once the process is killed.
type mortal struct {
	fakeSettings
	alive context.Context
}

func (m *mortal) PutSetting(ctx context.Context, name, text string) error {
	if m.alive.Err() != nil {
		return m.alive.Err()
	}
	return m.fakeSettings.PutSetting(ctx, name, text)
}

func (h *home) bring(as Kind, source, file string) Report {
	h.t.Helper()
	rep, err := Import{Gate: h.gate, Source: source, As: as}.Run(context.Background(), strings.NewReader(file), int64(len(file)))
	if err != nil {
		h.t.Fatal(err)
	}
	return rep
}

func (h *home) wantReport(what string, rep Report, lines, kept, refused int64, bad ...int64) {
	h.t.Helper()
	var got []int64
	for _, p := range rep.Problems {
		got = append(got, p.Line)
	}
	if rep.Lines != lines || rep.Kept != kept || rep.Refused != refused || rep.Bad+rep.Nobody != int64(len(bad)) || !slices.Equal(got, bad) {
		h.t.Errorf("%s: %d lines, %d kept, %d refused, bad %v (%+v); want %d, %d, %d, %v", what, rep.Lines, rep.Kept, rep.Refused, got, rep.Problems, lines, kept, refused, bad)
	}
}

func TestPeopleFromCSV(t *testing.T) {
	h := newHome(t)
	rep := h.bring(People, "signup", "\xef\xbb\xbfuser_id;name;E-Mail;email;household\r\n"+
		"1;Ada Applewick;x;ada@post.example;\r\n"+
		"2;\"Bea; \"\"B\"\" Birchwood\";;;3\r\n"+
		"\r\n"+
		"3;Zo\xe9 Yarrowby;;;;too many\r\n"+
		"4;Zo\xe9 Yarrowby\r\n"+
		"5;\"open;;;\r\n"+
		";Nobody;;;\r\n"+
		"6;\"Two\r\nLines\";;;\r\n"+
		"7;Last One;;not an address;")
	h.wantReport("people", rep, 8, 5, 0, 5, 7, 8)
	if rep.Latin != 2 {
		t.Errorf("%d lines read as Windows-1252, want 2", rep.Latin)
	}
	for user, want := range map[string]map[string]string{
		"1": {"name": "Ada Applewick", "email": "ada@post.example"}, "2": {"name": `Bea; "B" Birchwood`}, "4": {"name": "Zoé Yarrowby"}, "6": {"name": "Two Lines"}, "7": {"name": "Last One"},
	} {
		if d := cmp.Diff(want, h.person(vault.UserID, user, h.now).facts()); d != "" {
			t.Errorf("%s: %s", user, d)
		}
	}
	for _, c := range rep.Counts {
		if c.Field == "E-Mail" || strings.Contains(fmt.Sprint(rep), "Applewick") {
			t.Errorf("the report holds what it should not: %+v", c)
		}
	}
}

func TestPeopleFromJSONLines(t *testing.T) {
	h := newHome(t)
	rep := h.bring(People, "signup", `{"userId":"1","name":"Ada Applewick","at":"2026-01-02T00:00:00Z"}
{"userId":2,"traits":{"name":"Bea Birchwood"}}

{"userId":"3","name":"Cut
{"name":"Nobody"}
{"userId":"4","name":"Dora Damsonby","at":"some day"}
[1]
{"userId":"5","name":"\u0000"}`)
	h.wantReport("people", rep, 7, 2, 0, 4, 5, 6, 7, 8)
	o := h.person(vault.UserID, "1", h.now)
	if o.facts()["name"] != "Ada Applewick" || o.Facts[0].At != readTime([]byte("2026-01-02T00:00:00Z")) {
		t.Errorf("%+v", o.Facts)
	}
}

func TestEventsFromJSONLines(t *testing.T) {
	h := newHome(t)
	rep := h.bring(Events, "tills", `{"userId":"u","event":"Order Completed","timestamp":"2026-01-02T03:04:05Z","sentAt":"2026-01-03T00:00:00Z","properties":{"order_id":"o1","products":[{"product_id":"p1"}]}}
{"type":"page","userId":"u","timestamp":"2026-11-01T00:00:00Z","messageId":"m"}
{"type":"page","userId":"u","timestamp":"2026-11-01T00:00:00Z","messageId":"m"}
{"event":"Danced","userId":"u"}
{"event":"Order Completed","userId":"u","timestamp":"1.2.2026"}
{"event":"Order Completed","userId":"u","properties":{"a":1,"a":2}}
`+`{"userId":"u","event":"Order Completed","properties":{"x":"`+strings.Repeat("x", 40<<10)+`"}}`+"\n"+strings.Repeat("y", 2<<20)+"\n"+`{"type":"page","userId":"u"}`)
	h.wantReport("events", rep, 9, 4, 1, 5, 6, 7, 8)
	o := h.person(vault.UserID, "u", h.now)
	if got := o.events(); len(got) != 3 || o.History[0].At != readTime([]byte("2026-01-02T03:04:05Z")) {
		t.Errorf("%v at %v", got, o.History[0].At.Time())
	}
}

func TestEventsFromCSV(t *testing.T) {
	h := newHome(t)
	rep := h.bring(Events, "tills", "event,userId,timestamp,order_id,total,gift,coupons,products,operator\n"+
		"Order Completed,u,2026-01-02T03:04:05Z,o1,12.50,yes,a;b,\"[{\"\"product_id\"\":\"\"p1\"\",\"\"quantity\"\":2}]\",Jane\n"+
		"Order Completed,u,2026-01-02T03:04:05Z,o2,a lot,,,\"[{\"\"product_id\"\":\"\"p2\"\"}]\",\n")
	h.wantReport("events", rep, 2, 2, 0)
	o := h.person(vault.UserID, "u", h.now)
	if len(o.History) != 2 || o.History[0].Properties["total"] != 12.5 || o.History[0].Properties["gift"] != true || len(o.History[0].Lines) != 1 || o.History[0].Lines[0].Quantity != 2 {
		t.Errorf("%+v", o.History)
	}
}

func TestOrderLinesFromCSVAreGathered(t *testing.T) {
	h := newHome(t)
	var file strings.Builder
	file.WriteString("userId,event,timestamp,order_id,product_id,quantity,price\n")
	const orders, each = 900, 7 // more rows than a block has, and orders that lie across its end
	for o := range orders {
		for l := range each {
			fmt.Fprintf(&file, "u%d,Order Completed,2026-01-02T03:04:05Z,o%d,p%d,%d,1.25\n", o%10, o, l, l+1)
		}
	}
	rep := h.bring(Events, "tills", file.String())
	h.wantReport("lines", rep, orders*each, orders, 0)
	n := 0
	for u := range 10 {
		for _, e := range h.person(vault.UserID, fmt.Sprint("u", u), h.now).History {
			n++
			if len(e.Lines) != each || e.Lines[6].Quantity != 7 || e.Lines[6].Price != 1.25 {
				t.Fatalf("an order was cut: %+v", e.Lines)
			}
		}
	}
	if n != orders {
		t.Errorf("%d orders, want %d", n, orders)
	}
}

func TestChoicesAndComplaints(t *testing.T) {
	h := newHome(t)
	file := `{"userId":"u","purpose":"personalise","answer":"yes","at":"2026-01-02T00:00:00Z","channel":"phone","language":"en","notice":"3","words":"To show you what suits you."}
{"userId":"u","purpose":"protect","answer":true,"at":"2026-01-03T00:00:00Z","explicit":true}
{"userId":"u","purpose":"personalise","answer":"no","at":"2026-01-04T00:00:00Z"}
{"userId":"u","purpose":"unheard-of","answer":"no","at":"2026-01-04T00:00:00Z"}
{"userId":"u","purpose":"personalise","answer":"perhaps","at":"2026-01-04T00:00:00Z"}
{"userId":"u","purpose":"personalise","answer":"no"}
{"userId":"u","answer":"no","at":"2026-01-04T00:00:00Z"}
{"purpose":"personalise","answer":"no","at":"2026-01-04T00:00:00Z"}
{"userId":"u","purpose":"email","answer":"no","answer":"yes","at":"2026-01-04T00:00:00Z"}
`
	rep := h.bring(Choices, "signup", file)
	h.wantReport("choices", rep, 9, 3, 1, 5, 6, 7, 8, 9)
	h.bring(Choices, "signup", "\n"+file) // another file, the same answers
	o := h.person(vault.UserID, "u", h.now)
	if len(o.record.Choices) != 3 {
		t.Errorf("%d choices, want 3", len(o.record.Choices))
	}
	for _, c := range o.record.Choices {
		if !c.Verified || c.Explicit != (c.Purpose == "protect") || (c.Purpose == "personalise" && c.Answer == consent.Yes && c.Channel != "phone") {
			t.Errorf("%+v", c)
		}
	}
	rep = h.bring(Choices, "signup", "userId,purpose,answer,at,words\nu,email,Yes,2026-01-02,To write to you.\n")
	h.wantReport("choices from CSV", rep, 1, 1, 0)
	rep = h.bring(Choices, "web", `{"userId":"w","purpose":"personalise","answer":"yes","at":"2026-01-02T00:00:00Z"}`)
	h.wantReport("a browser's choices", rep, 1, 1, 0)
	if h.person(vault.UserID, "w", h.now) != nil {
		t.Error("a client source's file speaks for a known person")
	}

	rep = h.bring(Complaints, "signup", `{"userId":"u","opened":"2026-05-01T00:00:00Z"}
{"userId":"u","opened":"2026-06-01T00:00:00Z","closed":"2026-06-05T00:00:00Z"}
{"userId":"u","opened":"2026-06-01T00:00:00Z","closed":"soon"}
{"userId":"u"}`)
	h.wantReport("complaints", rep, 4, 2, 0, 3, 4)
	open := 0
	for _, c := range h.person(vault.UserID, "u", h.now).record.Complaints {
		if c.Closed == 0 {
			open++
		}
	}
	if open != 1 || len(h.person(vault.UserID, "u", h.now).record.Complaints) != 2 {
		t.Errorf("%+v", h.person(vault.UserID, "u", h.now).record.Complaints)
	}
}

// TestAnImportThatIsKilledLosesAndDoublesNothing stops an import at every commit, in turn, and runs it again until it
// is done.
func TestAnImportThatIsKilledLosesAndDoublesNothing(t *testing.T) {
	var file strings.Builder
	const orders = 20 * mostRows
	for i := range orders {
		fmt.Fprintf(&file, `{"userId":"u%d","event":"Order Completed","timestamp":"2026-01-02T03:04:05Z","properties":{"order_id":"o%d","products":[{"product_id":"p%d"}]}}`+"\n", i%50, i, i)
		if i%1000 == 500 {
			file.WriteString("not a line\n")
		}
	}
	h := newHome(t)
	settings := fakeSettings{}
	im := Import{Gate: h.gate, Source: "tills", As: Events}
	var rep Report
	runs, resumed := 0, 0
	for {
		runs++
		ctx, kill := context.WithCancel(context.Background())
		left := 1 + runs%5*3
		h.store.before = func() {
			if left--; left == 0 {
				kill()
			}
		}
		im.Progress = func(done, total int64) {
			if done > total {
				t.Errorf("%d of %d bytes", done, total)
			}
		}
		im.Settings = settings
		if runs%2 == 0 {
			im.Settings = &mortal{settings, ctx} // a kill leaves no time to say how far it came
		}
		var err error
		rep, err = im.Run(ctx, strings.NewReader(file.String()), int64(file.Len()))
		kill()
		if rep.Resumed {
			resumed++
		}
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			if code, _ := fault.Of(err); code != fault.Unavailable {
				t.Fatal(err)
			}
		}
		if runs > 100 {
			t.Fatal("it never ends")
		}
	}
	if runs < 3 || resumed == 0 {
		t.Fatalf("%d runs, %d resumed: nothing was tested", runs, resumed)
	}
	im.Settings = settings
	h.store.before = nil
	n, seen := 0, map[string]bool{}
	for u := range 50 {
		for _, e := range h.person(vault.UserID, fmt.Sprint("u", u), h.now).History {
			n++
			seen[e.Properties["order_id"].(string)] = true
		}
	}
	if n != orders || len(seen) != orders {
		t.Errorf("%d events of %d orders, want %d", n, len(seen), orders)
	}
	if rep.Kept != orders || rep.Bad != orders/1000 {
		t.Errorf("the report counts %d kept and %d bad", rep.Kept, rep.Bad)
	}
	commits := h.store.commits
	if rep, err := im.Run(context.Background(), strings.NewReader(file.String()), int64(file.Len())); err != nil || !rep.Before || h.store.commits != commits {
		t.Errorf("brought twice: %+v %v", rep, err)
	}
	im.Again = true
	if _, err := im.Run(context.Background(), strings.NewReader(file.String()), int64(file.Len())); err != nil || len(h.store.frames) != orders {
		t.Errorf("again: %d events, %v", len(h.store.frames), err)
	}
}

func TestADryImportKeepsNothing(t *testing.T) {
	h := newHome(t)
	settings := fakeSettings{}
	const file = `{"userId":"u","event":"Danced"}` + "\n" + `{"type":"page","userId":"u"}`
	rep, err := Import{Gate: h.gate, Settings: settings, Source: "tills", As: Events, Dry: true}.Run(context.Background(), strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	h.wantReport("dry", rep, 2, 1, 1)
	if h.store.commits != 0 || len(settings) != 0 {
		t.Error("a dry run left traces")
	}
}

func TestFilesThatCannotBeImported(t *testing.T) {
	h := newHome(t)
	for name, c := range map[string]struct {
		as   Kind
		file string
	}{
		"UTF-16": {Events, "\xff\xfe{\x00"}, "a list": {Events, `[{"userId":"u"}]`}, "no kind": {"things", `{}`}, "no catalogue": {Items, `{}`}, "open quote": {People, "\"userId,name\n1,x\n"},
		"unknown source": {Events, `{"type":"page","userId":"u"}`},
	} {
		source := "tills"
		if name == "unknown source" {
			source = "nobody"
		}
		_, err := Import{Gate: h.gate, Source: source, As: c.as}.Run(context.Background(), strings.NewReader(c.file), int64(len(c.file)))
		if code, _ := fault.Of(err); err == nil || (code != fault.Invalid && code != fault.Unauthorised) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, file := range []string{"", "\n\n", "\xef\xbb\xbf", "userId,name\n", "userId,name"} {
		rep := h.bring(People, "signup", file)
		h.wantReport(fmt.Sprintf("%q", file), rep, 0, 0, 0)
	}
}

func TestItemsAreHandedOn(t *testing.T) {
	h := newHome(t)
	var got []Line
	im := Import{Gate: h.gate, Source: "tills", As: Items, Items: func(_ context.Context, lines []Line) ([]Problem, error) {
		got = append(got, lines...)
		return []Problem{{Line: lines[0].Number, Reason: "no name"}}, nil
	}}
	for _, file := range []string{"id,name\n1,Milk\n2,Bread\n", `{"id":"1"}` + "\n" + `{"id":` + "\n" + `{"id":"2"}`} {
		got = nil
		rep, err := im.Run(context.Background(), strings.NewReader(file), int64(len(file)))
		if err != nil || len(got) != 2 || rep.Kept != 1 {
			t.Errorf("%+v %+v %v", rep, got, err)
		}
	}
	if got[1].Number != 3 || string(got[1].JSON) != `{"id":"2"}` {
		t.Errorf("%+v", got)
	}
}

// FuzzImport holds that no file harms an import, that every line is accounted for, and that a file cut at any place
// into blocks is read the same.
func FuzzImport(f *testing.F) {
	f.Add("userId,name\n1,\"a\nb\"\n2,\"c\n", uint8(0))
	f.Add(`{"userId":"1","name":"x"}`+"\n"+`{"userId":`, uint8(0))
	f.Add("userId,event,product_id\n1,Order Completed,p\n1,Order Completed,q\n", uint8(1))
	f.Add(`{"userId":"u","purpose":"personalise","answer":"yes","at":"2026-01-02"}`, uint8(2))
	h := newHome(f)
	kinds := []Kind{People, Events, Choices, Complaints}
	f.Fuzz(func(t *testing.T, file string, kind uint8) {
		h.t = t
		rep, err := Import{Gate: h.gate, Source: "signup", As: kinds[int(kind)%len(kinds)], Dry: true}.Run(context.Background(), strings.NewReader(file), int64(len(file)))
		if err != nil {
			if code, _ := fault.Of(err); code != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		if lines := int64(strings.Count(file, "\n") + 1); rep.Lines > lines || rep.Bad+rep.Nobody > rep.Lines || rep.Kept+rep.Refused > rep.Lines {
			t.Fatalf("%+v of %d lines", rep, lines)
		}
	})
}
