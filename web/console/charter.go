package console

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/fault"
)

// Charters are the accepted charters, by position, and the file of the home that may become the next.
type Charters struct {
	Accepted []charter.Accepted
	File     []byte // nil: it cannot be read
}

// block is one part of a charter's plain words: a heading of level 2 or 3, a paragraph, or a list.
type block struct {
	Heading int
	Text    string
	Points  []string
}

// charterPage is what the page of the charter shows.
type charterPage struct {
	Words    []block
	Source   string
	Versions []charter.Accepted // the newest first
	Now      int                // in force

	From, To int
	Changes  []charter.Change // from one to the other

	Proposal *proposal
}

// proposal is the file of the home beside the charter in force.
type proposal struct {
	Missing bool
	Same    bool
	Flaws   charter.Problems
	Usable  bool // it has no errors
	Changes []charter.Change
}

func (c *Console) charter(w http.ResponseWriter, r *http.Request) {
	s, ok := c.staff(w, r)
	if !ok {
		return
	}
	body, err := c.readCharters(r)
	if err != nil {
		c.pages.Fail(w, r, c.frame(r, s, "", nil), err)
		return
	}
	c.pages.Show(w, http.StatusOK, "charter", c.frame(r, s, c.say(r, "charter.title"), body))
}

func (c *Console) readCharters(r *http.Request) (charterPage, error) {
	ch := c.cfg.Charter()
	p := charterPage{Words: c.papers.wordsOf(ch, c.lang(r)), Source: string(ch.Source), Now: ch.Position}
	all, err := c.cfg.Charters(r.Context())
	if err != nil {
		return p, err
	}
	for _, a := range all.Accepted {
		p.Versions = append([]charter.Accepted{a}, p.Versions...)
	}
	p.Proposal = c.papers.proposalOf(ch, all.File, c.lang(r))
	p.From, p.To = max(ch.Position-1, 1), ch.Position
	asked := r.URL.Query()
	for name, to := range map[string]*int{"from": &p.From, "to": &p.To} {
		if text := asked.Get(name); text != "" {
			if *to, err = strconv.Atoi(text); err != nil {
				return p, errNoVersion
			}
		}
	}
	series := c.cfg.Series()
	if series.At(p.From) == nil || series.At(p.To) == nil {
		return p, errNoVersion
	}
	p.Changes = charter.Diff(series.At(p.From), series.At(p.To), c.lang(r))
	return p, nil
}

var errNoVersion = fault.New(fault.NotFound, "There is no such version of the charter; choose two from the list.")

// papers keep what was made of the charter in force and of the home's file: both are read far more often than they change, and a
// file takes ten milliseconds to look over. They hold one of each: another charter, or another file, takes the place of the last.
type papers struct {
	mu    sync.Mutex
	hash  string             // of the charter in force
	words map[string][]block // its words, by language of the brand

	file  []byte
	next  *charter.Charter // what the file says; nil when it has errors
	flaws charter.Problems
}

// wordsOf are a charter's plain words.
func (p *papers) wordsOf(ch *charter.Charter, lang string) []block {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hash != ch.Hash {
		p.hash, p.words = ch.Hash, map[string][]block{}
	}
	if p.words[lang] == nil {
		p.words[lang] = blocks(ch.Show(lang))
	}
	return p.words[lang]
}

// parsed is a file looked over.
func (p *papers) parsed(file []byte) (*charter.Charter, charter.Problems) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flaws == nil && p.next == nil || !bytes.Equal(p.file, file) {
		p.next, p.flaws = charter.Parse(file)
		p.file = file
	}
	return p.next, p.flaws
}

// proposalOf is the file of the home, looked over and laid beside the charter in force.
func (p *papers) proposalOf(now *charter.Charter, file []byte, lang string) *proposal {
	if file == nil {
		return &proposal{Missing: true}
	}
	next, problems := p.parsed(file)
	out := &proposal{Flaws: problems.In(lang), Usable: next != nil, Same: next != nil && next.Hash == now.Hash}
	if out.Usable && !out.Same {
		out.Changes = charter.Diff(now, next, lang)
	}
	return out
}

// blocks reads what charter.Show writes.
func blocks(text string) []block {
	var out []block
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "# "): // the page has its own title
		case strings.HasPrefix(line, "### "):
			out = append(out, block{Heading: 3, Text: line[4:]})
		case strings.HasPrefix(line, "## "):
			out = append(out, block{Heading: 2, Text: line[3:]})
		case strings.HasPrefix(line, "- "):
			if n := len(out) - 1; n >= 0 && out[n].Points != nil {
				out[n].Points = append(out[n].Points, line[2:])
			} else {
				out = append(out, block{Points: []string{line[2:]}})
			}
		default:
			out = append(out, block{Text: line})
		}
	}
	return out
}
