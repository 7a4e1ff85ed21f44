package console

import (
	"net/http"
	"slices"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/know/tally"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/web/page"
)

// Ledger is what the page of the ledger says.
type Ledger struct {
	Entries int
	Waiting int
	Sound   bool // the head is signed by this home's key
	Head    string
	Public  string // the public key of the heads
	Anchors []Anchor
	Months  []ledger.Month
	Latest  []ledger.Row // the newest first; the page shows neither whom they were at nor their reasons
}

// Anchor is a place outside the home where heads are kept.
type Anchor struct {
	Where   string
	Entries int64          // under the last head that it has
	At      person.Instant // when that was confirmed; 0: never
	Fault   ledger.Fault   // how the ledger is not the one whose heads it keeps
	Failed  bool           // it could not be asked at its last turn
}

// ledgerPage is the page, and what the walk found after the button was pressed.
type ledgerPage struct {
	Ledger
	K      int
	Report *ledger.Report
	Failed string
}

// People is how many people a count covers, as it may be shown; "" under the charter's k.
func (p ledgerPage) People(n int) int64 {
	shown, _ := tally.Rounded(int64(n), p.K)
	return shown
}

func (c *Console) ledgerPage(w http.ResponseWriter, r *http.Request) { c.showLedger(w, r, nil, nil) }

// verify walks the ledger. It changes nothing, but it is work: so it is asked for by a form.
func (c *Console) verify(w http.ResponseWriter, r *http.Request) {
	if err := c.cfg.Sessions.SameOrigin(r); err != nil {
		c.pages.Fail(w, r, c.frame(r, Staff{}, "", nil), err)
		return
	}
	report, err := c.cfg.Home.Verify(r.Context())
	c.showLedger(w, r, &report, err)
}

func (c *Console) showLedger(w http.ResponseWriter, r *http.Request, report *ledger.Report, failed error) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	l, err := c.cfg.Home.Ledger(r.Context())
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	slices.Reverse(l.Months)
	slices.SortStableFunc(l.Months, func(a, b ledger.Month) int { // the latest month first, and a team before its actors
		switch {
		case a.Month != b.Month:
			return cmpText(b.Month, a.Month)
		case a.Team != b.Team:
			return cmpText(a.Team, b.Team)
		}
		return cmpText(a.Actor, b.Actor)
	})
	body := ledgerPage{Ledger: l, K: c.cfg.Charter().K, Report: report}
	status := http.StatusOK
	if failed != nil {
		code, _ := fault.Of(failed)
		status, body.Failed, body.Report = page.Status(code), c.say(r, "ledger.unwalked"), nil
		c.cfg.Log.Warn("the ledger could not be walked", "error", failed)
	}
	c.pages.Show(w, status, "ledger", c.frame(r, s, c.say(r, "ledger.title"), body))
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
