package console

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/quality"
	"github.com/rapporthq/rapport/know/tally"
)

type fakeQuality struct {
	census Census
	err    error
}

func (f fakeQuality) Census(context.Context) (Census, error) { return f.census, f.err }

func count(day int64, source, fact, what string, n int64) tally.Count {
	return tally.Count{Day: day, Kind: tally.Census, Name: quality.Line{Source: source, Fact: fact, What: what}.String(), N: n}
}

// TestThePageOfDataQualityShowsCountsAndNobody shows what k people have in common, rounded, and of fewer not that there are any.
func TestThePageOfDataQualityShowsCountsAndNobody(t *testing.T) {
	ch := retail(t)
	k := int64(ch.K)
	q := fakeQuality{census: Census{Today: today, Counts: []tally.Count{
		count(today-1, "bureau", "email", quality.Kept, 70*k), count(today-1, "bureau", "email", quality.Held, 61*k), // not the last count: in the chart only
		count(today, "bureau", "email", quality.Kept, 8*k+3), count(today, "bureau", "email", quality.Held, 2*k+1), count(today, "bureau", "email", "misspelt", 2*k), count(today, "bureau", "email", "role", k-1),
		count(today, "signup", "name", quality.Kept, 40*k), count(today, "signup", "name", quality.Held, k-1), count(today, "signup", "name", "placeholder", k-1),
		count(today, "self", "birthday", quality.Kept, k-1), count(today, "signup", "email", quality.Kept, 10*k), count(today, "signup", "email", "bounced", 0),
	}}}
	page := func(as, lang string) string {
		t.Helper()
		status, body := visit(t, Config{Charter: func() *charter.Charter { return ch }, Quality: q}, "GET /console/quality", as, nil, "Accept-Language", lang)
		if status != 200 {
			t.Fatalf("%d: %s", status, body)
		}
		return body
	}
	body := page("marketer", "en")
	holds(t, body, "E-mail address", "from bureau", "25% held", "mostly: looks misspelt", `<td class="num">200</td><td class="num">50</td><td>looks misspelt 50</td>`,
		`<td>Name</td><td>signup</td><td class="num">1,000</td><td class="num">fewer than 25</td><td>–</td>`, `<td>Birthday</td><td>the people themselves</td><td class="num">fewer than 25</td><td class="num">fewer than 25</td>`)
	holdsNot(t, body, "stands for nothing", "address of an office", "203", "51", "24<", "mail came back")
	if _, rest, _ := strings.Cut(body, `id="worst"`); strings.Contains(strings.Split(rest, "</section>")[0], "signup") {
		t.Error("what fewer than k have is among the worst")
	}
	holds(t, page("admin", "fr"), "Qualité des données", "Adresse de courriel", "25 % retenu", "semble mal écrit", "les personnes mêmes")
}

func TestThePageOfDataQualitySaysWhenNothingWasCounted(t *testing.T) {
	ch := retail(t)
	cfg := Config{Charter: func() *charter.Charter { return ch }, Quality: fakeQuality{census: Census{Today: today}}}
	if _, body := visit(t, cfg, "GET /console/quality", "privacy", nil, "Accept-Language", "en"); !strings.Contains(body, "Nothing was counted yet") {
		t.Error(body)
	}
	cfg.Quality = fakeQuality{err: errors.New("the store is away")}
	if status, body := visit(t, cfg, "GET /console/quality", "privacy", nil); status < 500 || strings.Contains(body, "the store is away") {
		t.Error(status, body)
	}
}
