package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The tables that a copy of a home holds, in the order in which they are read and written, with the kind of each column (i: a number, b: bytes,
// t: text, ?: may be missing) and the columns by which they are sorted. Leases, sessions and sign-in links are left out: nobody is to be signed in
// by an old copy. What history has folded is left out too: of the journal only what waits is copied. Of person the
// wrapped keys come last, where a restore puts them again. A test holds this list to the schema.
var copied = []copiedTable{
	{"tombstone", "hash:b at:i", "hash"},
	{"erasure", "id:b begun:i ended:i body:b", "id"},
	{"retained", "id:b label:b purpose:t until:i body:b", "id"},
	{"person", "id:b root:b parent:b? joined_at:i why:t version:i enrolled_at:i doubtful:i via:b? source:t wrapped:b", "id"},
	{"identifier", "blind:b since:i person:b verified:i generation:i bond:b? led:i", "blind, since"},
	{"bearer", "person:b bond:b at:i source:t", "person, bond"},
	{"pairing", "a:b b:b state:t score:i weights:b decided_by:t at:i", "a, b"},
	{"sealed", "person:b kind:i key:b at:i head:b body:b", "person, kind, key"},
	{"journal", "seq:i received:i body:b", "seq"},
	{"stream", "id:i event:t source:t charter:i", "id"},
	{"receipt", "seq:i key:b person:b at:i head:b body:b", "seq"},
	{"sighting", "item:b person:b", "item, person"},
	{"charter", "position:i hash:t source:b at:i by:t", "position"},
	{"item", "id:t version:i body:b", "id"},
	{"counter", "name:t n:i", "name"},
	{"model", "name:t version:t at:i body:b", "name"},
	{"setting", "name:t value:b", "name"},
	{"look", "id:i number:i? person:b at:i kind:t actor:t role:t team:t purpose:t fields:t count:i filter:t reason:b leaf:b", "id"},
	{"tree", "idx:i hash:b", "idx"},
	{"head", "one:i signed:b", "one"},
	{"token", "hash:b issued:i revoked:i body:b", "hash"},
	{"spent", "hash:b until:i", "hash"},
	{"refusal", "day:i source:t event:t field:t reason:t count:i", "day, source, event, field, reason"},
	{"tally", "day:i kind:t name:t count:i", "day, kind, name"},
	{"leaving", "person:b erasure:b", "person"},
	{"history", "person:b chunk:i last:i heads:b body:b", "person, chunk"},
}

// Current says whether the rows of a table belong to what must always be the newest, as the wrapped data keys do: who was forgotten since an older
// copy was made, and what is kept of them. They come before all others.
func Current(table string) bool {
	return table == "tombstone" || table == "erasure" || table == "retained"
}

// notCopied are the tables that a copy does without, and why not is said above.
var notCopied = []string{"compatible", "folded", "lease", "link", "migration", "session"}

// numbered are the columns whose numbers the database gives, each once and for ever where forever is set: then a copy holds the last number that
// was given besides, for rows may have gone.
var numbered = []struct {
	table, column string
	forever       bool
}{{"journal", "seq", false}, {"stream", "id", false}, {"receipt", "seq", true}, {"look", "id", true}}

// lastNumbers is the name under which a copy holds them, as a table of name and number.
const lastNumbers = "last-number"

type copiedTable struct{ name, spec, order string }

func (t copiedTable) columns() (names []string, kinds []string) {
	for _, c := range strings.Fields(t.spec) {
		name, kind, _ := strings.Cut(c, ":")
		names, kinds = append(names, name), append(kinds, kind)
	}
	return names, kinds
}

// CopyRow is one row of a copy. Its values are int64, []byte, string or nil, in the order of the columns.
type CopyRow struct {
	Table   string
	Columns []string
	Values  []any
}

// ErrNotEmpty says that a copy cannot be put where something is already.
var ErrNotEmpty = errors.New("the database holds a home already")

// ErrForeignCopy says that a copy holds what this database has no place for.
var ErrForeignCopy = errors.New("the copy holds what this version has no place for")

// Schema gives the versions of the two parts of the database that this binary works with.
func Schema() map[string]int64 {
	out := map[string]int64{}
	for _, part := range []string{"main", "history"} {
		ms, err := migrations(part)
		if err == nil {
			out[part] = int64(len(ms))
		}
	}
	return out
}

// whole refuses a database that a newer binary has added to: its additions would be missing.
func whole(ctx context.Context, c conn) error {
	own := Schema()
	newer := false
	err := c.do(ctx, query{text: "SELECT part, MAX(version) FROM migration GROUP BY part", scan: func(r row) error {
		newer = newer || r.int(1) > own[r.text(0)]
		return nil
	}})
	if err == nil && newer {
		err = ErrNewer
	}
	return err
}

// Copy gives every row of the home as it is at one moment, in an order that does not depend on the engine: what was acknowledged before Copy was
// called is in it, and what is acknowledged while it runs is in it whole or not at all. ErrNewer when a newer binary has added to the schema. Others read and write meanwhile. It ends at the first error of
// yield, which must not keep the row's values. Data keys are in the column wrapped of person: see that they do not travel with the rest.
func (s *Store) Copy(ctx context.Context, yield func(CopyRow) error) error {
	begun := false
	s.folding.Lock() // between the beginnings of the two files' states nothing moves from one to the other
	unlock := func() {
		if !begun {
			begun = true
			s.folding.Unlock()
		}
	}
	defer unlock()
	return s.engine.snapshot(ctx, func(c conn) error {
		if err := s.unhurried(ctx, c); err != nil {
			return err
		}
		if err := whole(ctx, c); err != nil {
			return err
		}
		if err := c.do(ctx, query{text: "SELECT COUNT(*) FROM charter", scan: ignore}, query{text: "SELECT seq FROM folded", scan: ignore}); err != nil {
			return err
		}
		unlock()
		for _, t := range copied {
			if err := copyTable(ctx, c, t, yield); err != nil {
				return err
			}
		}
		for _, n := range numbered {
			if !n.forever {
				continue
			}
			q := query{text: s.dialect.lastNumber, args: []driver.Value{n.table}}
			if !s.dialect.seq {
				q.args = append(q.args, n.column)
			}
			last := int64(0)
			q.scan = func(r row) error { last = r.int(0); return nil }
			if err := c.do(ctx, q); err != nil {
				return err
			}
			if err := yield(CopyRow{lastNumbers, []string{"name", "number"}, []any{n.table, last}}); err != nil {
				return err
			}
		}
		return nil
	})
}

func copyTable(ctx context.Context, c conn, t copiedTable, yield func(CopyRow) error) error {
	names, kinds := t.columns()
	text := "SELECT " + strings.Join(names, ", ") + " FROM " + t.name
	if t.name == "journal" {
		text += " WHERE seq > (SELECT seq FROM folded)"
	}
	out := CopyRow{t.name, names, make([]any, len(names))}
	return c.do(ctx, query{text: text + " ORDER BY " + t.order, scan: func(r row) error {
		for i, kind := range kinds {
			switch {
			case r[i] == nil && strings.HasSuffix(kind, "?"):
				out.Values[i] = nil
			case kind[0] == 'i':
				out.Values[i] = r.int(i)
			case kind[0] == 't':
				out.Values[i] = r.text(i)
			default:
				b := r.bytes(i)
				if text, ok := r[i].(string); ok {
					b = []byte(text)
				}
				out.Values[i] = b
			}
		}
		return yield(out)
	}})
}

// fillStep is how many rows one transaction writes.
const fillStep = 500

// Fill writes a copy into an empty home; next gives its rows, and false after the last. The store must be closed and opened again before it is used: it
// knows nothing of what Fill has written. After an error the home is empty again, unless that fails too. Errors: ErrNotEmpty, ErrForeignCopy,
// those of next.
func (s *Store) Fill(ctx context.Context, next func() (CopyRow, bool, error)) error {
	for _, t := range copied {
		if err := s.engine.snapshot(ctx, func(c conn) error {
			return c.do(ctx, query{text: "SELECT 1 FROM " + t.name + " LIMIT 1", scan: func(row) error { return ErrNotEmpty }})
		}); err != nil {
			return err
		}
	}
	err := s.fill(ctx, next)
	if err != nil {
		err = errors.Join(err, s.empty(context.WithoutCancel(ctx)))
	}
	return err
}

func (s *Store) fill(ctx context.Context, next func() (CopyRow, bool, error)) error {
	var table string
	var rows []query
	var ends []query
	flush := func() error {
		defer func() { rows = rows[:0] }()
		if len(rows) == 0 {
			return nil
		}
		return s.write(ctx, table, rows)
	}
	for {
		r, more, err := next()
		if err != nil {
			return err
		}
		if !more || r.Table != table || len(rows) == fillStep {
			if err := flush(); err != nil {
				return err
			}
			table = r.Table
		}
		if !more {
			break
		}
		if r.Table == lastNumbers {
			qs, err := s.numberAfter(r)
			if err != nil {
				return err
			}
			ends = append(ends, qs...)
			continue
		}
		q, err := insertion(r)
		if err != nil {
			return err
		}
		rows = append(rows, q)
	}
	if !s.dialect.seq {
		for _, n := range numbered {
			if !n.forever {
				ends = append(ends, query{text: fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%s', '%s'), GREATEST((SELECT COALESCE(MAX(%s), 0) FROM %s), 1))", n.table, n.column, n.column, n.table), scan: ignore})
			}
		}
	}
	return s.write(ctx, "person", ends)
}

// write runs statements over one table.
func (s *Store) write(ctx context.Context, table string, qs []query) error {
	run := func(c conn) error { return c.do(ctx, qs...) }
	if table == "history" {
		return s.engine.fold(ctx, run)
	}
	return s.engine.transaction(ctx, run)
}

// insertion is the statement that writes a row; its names are checked against our own, for they come from a file.
func insertion(r CopyRow) (query, error) {
	i := slices.IndexFunc(copied, func(t copiedTable) bool { return t.name == r.Table })
	if i < 0 || len(r.Values) != len(r.Columns) {
		return query{}, ErrForeignCopy
	}
	names, kinds := copied[i].columns()
	q := query{args: make([]driver.Value, len(r.Values))}
	places := make([]string, len(r.Columns))
	for n, column := range r.Columns {
		at := slices.Index(names, column)
		if at < 0 || slices.Index(r.Columns, column) != n {
			return query{}, ErrForeignCopy
		}
		ok := false
		switch v := r.Values[n].(type) {
		case nil:
			ok = strings.HasSuffix(kinds[at], "?")
		case int64:
			ok, q.args[n] = kinds[at][0] == 'i', v
		case string:
			ok, q.args[n] = kinds[at][0] == 't', v
		case []byte:
			ok, q.args[n] = kinds[at][0] == 'b', blob(v)
		}
		if !ok {
			return query{}, ErrForeignCopy
		}
		places[n] = fmt.Sprintf("$%d", n+1)
	}
	q.text = "INSERT INTO " + r.Table + " (" + strings.Join(r.Columns, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")"
	return q, nil
}

// numberAfter are the statements that make a table's numbers go on after the copy's last.
func (s *Store) numberAfter(r CopyRow) ([]query, error) {
	if len(r.Values) != 2 {
		return nil, ErrForeignCopy
	}
	name, _ := r.Values[0].(string)
	last, ok := r.Values[1].(int64)
	column := ""
	for _, n := range numbered {
		if n.forever && n.table == name {
			column = n.column
		}
	}
	switch {
	case column == "" || !ok:
		return nil, ErrForeignCopy
	case s.dialect.seq:
		args := []driver.Value{name, last}
		return []query{
			{text: "UPDATE sqlite_sequence SET seq = $2 WHERE name = $1 AND seq < $2", args: args},
			{text: "INSERT INTO sqlite_sequence (name, seq) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)", args: args},
		}, nil
	case last == 0:
		return nil, nil
	}
	return []query{{text: fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%s', '%s'), $1)", name, column), args: []driver.Value{last}, scan: ignore}}, nil
}

// empty takes out again what Fill wrote.
func (s *Store) empty(ctx context.Context) error {
	for _, t := range copied {
		if err := s.write(ctx, t.name, []query{{text: "DELETE FROM " + t.name}}); err != nil {
			return err
		}
	}
	return nil
}
