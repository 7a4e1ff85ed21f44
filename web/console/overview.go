package console

import (
	"net/http"

	"github.com/rapporthq/rapport/charter"
)

// LedgerState is what the overview says of the ledger.
type LedgerState struct {
	Entries int64
	Waiting int64
	Sound   bool
	Says    string // what verify said, in one sentence
}

// Overview is the console's first page.
type Overview struct {
	Charter  *charter.Charter
	Position int
	Models   string
	Refusals []Refusal
	Ledger   LedgerState
}

// Refusal is how often something was refused.
type Refusal struct {
	Day, Source, Reason, Event, Field string
	Count                             int64
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	view, err := c.cfg.Overview(r.Context())
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	c.pages.Show(w, http.StatusOK, "overview", c.frame(r, s, "Overview", view))
}
