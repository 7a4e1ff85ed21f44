package charter

import (
	"fmt"
	"sort"
	"strings"
)

// Severity says whether a problem keeps the charter from being used.
type Severity string

// The severities: a charter with an error is refused, one with warnings only may be accepted.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one thing that is wrong in a charter file, where it is and how to mend it.
type Problem struct {
	Line, Column int      // from 1, as editors count
	Path         string   // such as data.birthday.level or protect[0].when
	What         string   // what is wrong, in English unless asked In another language
	Mend         string   // what to do about it, likewise
	Severity     Severity // error or warning

	what, mend *sentence
}

func problem(s Severity, a at, what, mend *sentence) Problem {
	p := Problem{Line: 1, Column: 1, Path: a.path, What: what.in("en"), Mend: mend.in("en"), Severity: s, what: what, mend: mend}
	if a.node != nil && a.node.Line > 0 {
		p.Line, p.Column = a.node.Line, a.node.Column
	}
	return p
}

// String is the problem in one line, as a compiler would print it.
func (p Problem) String() string {
	s := fmt.Sprintf("%d:%d: %s: %s: %s", p.Line, p.Column, p.Severity, p.Path, p.What)
	if p.Path == "" {
		s = fmt.Sprintf("%d:%d: %s: %s", p.Line, p.Column, p.Severity, p.What)
	}
	if p.Mend != "" {
		s += ": " + p.Mend
	}
	return s
}

// Problems lists what is wrong in a charter file, in the order of the file. It is an error when it holds an
// error; use Err to get a nil error when it holds warnings only.
type Problems []Problem

// Error is every problem, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Err is the errors among the problems as an error, nil when there are none.
func (ps Problems) Err() error {
	if e := ps.only(Error); len(e) > 0 {
		return e
	}
	return nil
}

// In is the problems said in English or French, the same ones in the same order. Other languages get English. What the file says is
// quoted as it stands there, and so are words of YAML and CEL that the house does not know.
func (ps Problems) In(lang string) Problems {
	out := make(Problems, len(ps))
	for i, p := range ps {
		out[i] = p
		out[i].What, out[i].Mend = p.what.in(lang), p.mend.in(lang)
	}
	return out
}

// Errors lists the problems that keep the charter from being used.
func (ps Problems) Errors() Problems { return ps.only(Error) }

// Warnings lists the problems that do not.
func (ps Problems) Warnings() Problems { return ps.only(Warning) }

func (ps Problems) only(s Severity) Problems {
	var out Problems
	for _, p := range ps {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

func (ps Problems) sort() {
	sort.SliceStable(ps, func(i, j int) bool {
		if ps[i].Line != ps[j].Line {
			return ps[i].Line < ps[j].Line
		}
		if ps[i].Column != ps[j].Column {
			return ps[i].Column < ps[j].Column
		}
		if ps[i].Path != ps[j].Path {
			return ps[i].Path < ps[j].Path
		}
		return ps[i].What < ps[j].What
	})
}
