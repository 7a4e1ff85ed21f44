package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
)

// twoCharters are the example and a next one that keeps the birthday for shorter.
func twoCharters(t *testing.T, change ...string) (first, second []byte) {
	t.Helper()
	first, _ = charter.Example("retail")
	text := string(first)
	for i := 0; i+1 < len(change); i += 2 {
		if !strings.Contains(text, change[i]) {
			t.Fatalf("the example has no %q", change[i])
		}
		text = strings.Replace(text, change[i], change[i+1], 1)
	}
	return first, []byte(text)
}

func TestTheCharterPage(t *testing.T) {
	first, second := twoCharters(t, "k: 25", "k: 50")
	parse := func(source []byte, pos int) *charter.Charter {
		c, problems := charter.Parse(source)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		return c.Placed(pos, person.Instant(pos))
	}
	series := charter.NewSeries(parse(first, 1), parse(second, 2))
	kept := Charters{Accepted: []charter.Accepted{{Position: 1, Hash: series.At(1).Hash, Source: first, At: 1_770_000_000_000_000, By: "init"}, {Position: 2, Hash: series.At(2).Hash, Source: second, At: 1_780_000_000_000_000, By: "Ada from the committee"}}, File: second}
	var err error
	desk := deskOf(t, signedIn{who: mary}, func(cfg *Config) {
		cfg.Charter, cfg.Series = func() *charter.Charter { return series.Current() }, func() charter.Series { return series }
		cfg.Charters = func(context.Context) (Charters, error) { return kept, err }
	})
	page := func(address, lang string) (int, string) {
		w := send(desk, "GET "+address, nil, lang)
		return w.Code, w.Body.String()
	}
	code, body := page("/console/charter", "en")
	for _, says := range []string{"Version 2 is in force", "Ada from the committee", "28 May 2026", "init", "is 50 instead of 25", "<h3>What we use data for</h3>", "brand:", "charter.yaml is the charter in force", series.At(1).Hash[:16]} {
		if code != http.StatusOK || !strings.Contains(body, says) {
			t.Errorf("%d, the page does not say %q", code, says)
		}
	}
	if _, body = page("/console/charter?from=2&to=1", "fr"); !strings.Contains(body, ": 25 au lieu de 50") || strings.Contains(body, "instead of 50") || !strings.Contains(body, "en vigueur") {
		t.Error("the way back is not shown")
	}
	if _, body = page("/console/charter?from=2&to=2", "en"); !strings.Contains(body, "Nothing differs between the two") {
		t.Error("the same twice differs")
	}
	for _, wrong := range []string{"from=3", "to=x", "from=0"} {
		if code, body = page("/console/charter?"+wrong, "en"); code != http.StatusNotFound || !strings.Contains(body, "no such version") {
			t.Errorf("%s: %d", wrong, code)
		}
	}
	kept.File = first
	if _, body = page("/console/charter", "en"); !strings.Contains(body, "would change this") || !strings.Contains(body, "is 25 instead of 50") {
		t.Error("what the file would change is not shown")
	}
	kept.File = []byte("brand: {name: X}\n")
	if _, body = page("/console/charter", "en"); !strings.Contains(body, "has errors and cannot be accepted") || !strings.Contains(body, `<span class="badge badge-no">error</span>`) {
		t.Error("the errors of the file are not shown")
	}
	if _, body = page("/console/charter", "fr"); !strings.Contains(body, "<code>1:1 </code> &#34;charter&#34; manque : ajoutez charter:") || strings.Contains(body, "is missing") {
		t.Error("the errors of the file are not said in French")
	}
	kept.File = second
	if _, body = page("/console/charter", "en"); !strings.Contains(body, "charter.yaml is the charter in force") || strings.Contains(body, "has errors") {
		t.Error("a file that was mended is not looked over again")
	}
	_, third := twoCharters(t, "To bring you what you ordered", "To bring you all that you ordered")
	series = series.Append(parse(third, 3))
	if _, body = page("/console/charter", "en"); !strings.Contains(body, "<p>To bring you all that") || !strings.Contains(body, "would change this") {
		t.Error("another charter in force is not in its own words")
	}
	kept.File = nil
	if _, body = page("/console/charter", "en"); !strings.Contains(body, "cannot be read") {
		t.Error("a file that is missing is not said")
	}
	err = fault.Wrap(fault.Unavailable, "The charters cannot be read just now; try again in a moment.", errors.New("no disk"))
	if code, body = page("/console/charter", "en"); code != http.StatusServiceUnavailable || strings.Contains(body, "no disk") {
		t.Errorf("a store that fails: %d", code)
	}
}
