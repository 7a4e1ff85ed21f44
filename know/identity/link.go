// Package identity says which records are one person's: probabilistic linkage of tables (Fellegi and Sunter 1969) without labels
// and without settings. Columns are recognised by name and content; what to block on, how much each agreement and disagreement
// weighs, how many pairs match and where clusters are cut are all learnt from the records themselves.
//
// A score is log2 odds that two records are one person's, and the weights of the fields add up to it, with the prior: it can be
// read, and argued with. What the engine promises is that arithmetic, the same answer for the same input on any number of
// processors, and clusters in which records agree with one another on average rather than by a chain. It does not promise to
// be right: scores between Review and Sure are for a person to decide.
//
// The package is pure: it reads tables and gives numbers, and keeps nothing.
package identity

import (
	"context"
	"math"
	"slices"

	"github.com/rapporthq/rapport/fault"
)

// The bands of a score, in log2 odds: from Sure on at most one link in a hundred is expected to be false; below Review at most
// one pair in ten is expected to be a match; between them somebody should look.
const (
	Sure   = 6.63 // log2(.99/.01)
	Cut    = 0    // where clusters are cut: as likely as not
	Review = -3.17
)

// Options are what a caller may say; nothing needs to be.
type Options struct {
	Map      map[string]Kind                      // columns that are not what they seem, by name
	Progress func(what string, done, total int64) // hears how far it is; from several goroutines, never two at once
}

// Result is what was found.
type Result struct {
	Columns  []Recognised
	Lines    []Line  // the comparisons and what was learnt about them
	Prior    float64 // log2 odds that two records drawn at random are one person's
	OneToOne bool    // two files, neither with duplicates in itself: each record has at most one partner
	Records  int
	Possible float64 // pairs that there are
	Compared int64   // pairs that shared blocks and were compared
	Sure     int64   // of those: scores from Sure on
	Doubtful int64   // of those: scores between Review and Sure

	Cluster []int32   // by record, the first table's rows before the second's: its cluster, numbered from 1 as they first occur
	Weight  []float32 // by record: its mean score with the others of its cluster; 0 where there is none
	Pairs   []Pair    // compared, and scored from Review on; by A and B
	Sizes   []Size    // ascending
	Joining []Joining // the values shared within clusters by the most records, the first twenty

	records *records
	model   *model
}

// Pair is two records by their numbers, A below B, and how they scored: Explain gives the parts.
type Pair struct {
	A, B  int32
	Score float32
}

// Line is one comparison: what it weighs at each level.
type Line struct {
	Name   string  `json:"name"`
	Levels []Level `json:"levels"`
}

// Level is one way in which two values can agree.
type Level struct {
	Name   string  `json:"level"`
	Match  float64 `json:"m"`      // how often among matches
	Random float64 `json:"u"`      // how often among pairs drawn at random
	Weight float64 `json:"weight"` // log2(m/u) on average; where a value's own frequency counts, rarer ones weigh more
}

// Size is how many clusters have so many records.
type Size struct {
	Records  int `json:"records"`
	Clusters int `json:"clusters"`
}

// least is the score below which pairs are not kept, and as which they count in clusters.
const least = -8

// Link finds duplicates in one table, or links two. Two tables are linked one to one where neither turns out to have duplicates
// in itself; where one does, both are taken together and duplicates are found in all. The columns of the second table are those
// of the first, by name.
func Link(ctx context.Context, tables []*Table, o Options) (*Result, error) {
	r, columns, err := prepare(tables, o)
	if err != nil {
		return nil, err
	}
	res := &Result{Columns: columns, Records: r.n, records: r}
	if r.n < 2 {
		res.number(make([]int32, r.n))
		res.Weight = make([]float32, r.n)
		return res, nil
	}
	md, err := r.ready(ctx, o)
	if err != nil {
		return nil, err
	}
	pairs, compared, err := r.scores(ctx, md, o)
	if err != nil {
		return nil, err
	}
	var cluster []int32
	if r.two {
		cluster = r.oneToOne(md, pairs)
		if cluster == nil { // duplicates within a file
			r.two = false
			if md, err = r.ready(ctx, o); err != nil {
				return nil, err
			}
			if pairs, compared, err = r.scores(ctx, md, o); err != nil {
				return nil, err
			}
		}
	}
	res.OneToOne = r.two
	r.keys = keys{}
	g := newGraph(r.n, pairs)
	if cluster == nil {
		o.say("clusters", 0, 1)
		cluster = r.grow(md, g)
	}
	res.model, res.Prior, res.Compared, res.Possible = md, md.prior, compared, r.space()
	res.Lines = md.report()
	for _, p := range pairs {
		switch {
		case p.score >= Sure:
			res.Sure++
		case p.score >= Review:
			res.Doubtful++
		default:
			continue
		}
		res.Pairs = append(res.Pairs, Pair{min(p.a, p.b), max(p.a, p.b), p.score})
	}
	res.number(cluster)
	res.weigh(g)
	res.Joining = r.joining(res.Cluster)
	return res, nil
}

func (o *Options) say(what string, done, total int64) {
	if o.Progress != nil {
		o.Progress(what, done, total)
	}
}

// prepare recognises and standardises.
func prepare(tables []*Table, o Options) (*records, []Recognised, error) {
	if len(tables) < 1 || len(tables) > 2 {
		return nil, nil, fault.New(fault.Invalid, "Give one table or two.")
	}
	columns, err := recognise(tables, o.Map)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range tables[1:] {
		for _, c := range columns {
			if c.Kind != ID && c.Kind != Ignored && t.Column(c.Column) == nil {
				return nil, nil, fault.New(fault.Invalid, t.Name+" has no column "+c.Column+", which "+tables[0].Name+" has: call the columns of both the same, or leave it out with --map "+c.Column+"=ignore.")
			}
		}
	}
	o.say("values", 0, 1)
	r := standardise(tables, columns)
	if r.n > 1 && !slices.ContainsFunc(columns, func(c Recognised) bool { return c.Kind != ID && c.Kind != Ignored }) {
		return nil, nil, fault.New(fault.Invalid, "No column of "+tables[0].Name+" says anything about a person: say what they are with --map column=field.")
	}
	return r, columns, nil
}

// ready makes the blocks and learns the model.
func (r *records) ready(ctx context.Context, o Options) (*model, error) {
	o.say("blocks", 0, 1)
	r.build()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.say("learning", 0, 1)
	return r.study(), ctx.Err()
}

// space is how many pairs there are.
func (r *records) space() float64 {
	if r.two {
		return float64(r.first) * float64(r.n-r.first)
	}
	return float64(r.n) * float64(r.n-1) / 2
}

// Compared calls with every pair of records that Link compares: those that share a block, by their numbers from 0. It is how
// blocking is judged.
func Compared(ctx context.Context, tables []*Table, o Options, visit func(i, j int32)) error {
	r, _, err := prepare(tables, o)
	if err != nil {
		return err
	}
	md, err := r.ready(ctx, o)
	if err != nil {
		return err
	}
	s := r.seeker(md)
	n, limit := r.asking(), r.limit()
	for i := range int32(n) {
		for _, m := range s.seek(i, false, limit) {
			visit(i, m.record)
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// Part is one line of a score.
type Part struct {
	Field  string  `json:"field"`
	Level  string  `json:"level"`
	Weight float64 `json:"weight"`
}

// Explain gives the score of two records by their numbers and the parts that add up to it: the prior first, then each field of
// which both say something, and last what is taken off because the two may be of one household.
func (r *Result) Explain(i, j int) (score float64, parts []Part) {
	var v vector
	r.records.compare(int32(i), int32(j), &v)
	parts = append(parts, Part{"prior", "", r.model.prior})
	score = r.model.prior
	for c, l := range r.model.lines {
		if v.level[c] == missing {
			continue
		}
		w := float64(r.model.part(c, &v))
		score += w
		parts = append(parts, Part{l.name, levelNames[v.level[c]], w})
	}
	if _, relatives := r.model.odds(&v); beside(relatives) > 0 {
		score -= beside(relatives)
		parts = append(parts, Part{"relatives", "may be", -beside(relatives)})
	}
	return score, parts
}

// number numbers clusters as they first occur, and counts sizes.
func (r *Result) number(cluster []int32) {
	seen := make([]int32, len(cluster)) // by the number that grow gave
	r.Cluster = make([]int32, len(cluster))
	var size []int32
	for i, c := range cluster {
		at := seen[c]
		if at == 0 {
			size = append(size, 0)
			at = int32(len(size))
			seen[c] = at
		}
		r.Cluster[i] = at
		size[at-1]++
	}
	count := map[int]int{}
	for _, n := range size {
		count[int(n)]++
	}
	for n, c := range count {
		r.Sizes = append(r.Sizes, Size{n, c})
	}
	slices.SortFunc(r.Sizes, func(a, b Size) int { return a.Records - b.Records })
}

// weigh finds each record's mean score with the others of its cluster.
func (r *Result) weigh(g *graph) {
	size := make([]int32, len(r.Cluster)+1)
	for _, c := range r.Cluster {
		size[c]++
	}
	r.Weight = make([]float32, len(r.Cluster))
	for i, c := range r.Cluster {
		others := size[c] - 1
		if others == 0 {
			continue
		}
		sum, n := float32(0), int32(0)
		for _, t := range g.of(int32(i)) {
			if r.Cluster[t.to] == c {
				sum += t.score
				n++
			}
		}
		r.Weight[i] = (sum + float32(others-n)*least) / float32(others)
	}
}

// report is what was learnt, for people.
func (md *model) report() []Line {
	var out []Line
	for c, l := range md.lines {
		line := Line{Name: l.name}
		for _, level := range l.has {
			m, u := md.m[c][level], md.u[c][level]
			line.Levels = append(line.Levels, Level{levelNames[level], m, u, math.Log2(m / u)})
		}
		out = append(out, line)
	}
	return out
}
