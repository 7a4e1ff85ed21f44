package store

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// query is one statement with its arguments: []byte, int64 or string. scan, when there is one, is called for each row that
// it gives; the row's values are valid only until scan returns, but byte slices may be kept.
type query struct {
	text string
	args []driver.Value
	scan func(row) error
}

// row is one row of an answer: []byte, int64, string or nil.
type row []driver.Value

func (r row) int(i int) int64 {
	n, _ := r[i].(int64)
	return n
}

func (r row) at(i int) person.Instant { return person.Instant(r.int(i)) }

func (r row) bytes(i int) []byte {
	b, _ := r[i].([]byte)
	return b
}

func (r row) text(i int) string {
	switch s := r[i].(type) {
	case string:
		return s
	case []byte:
		return string(s)
	}
	return ""
}

// id reads sixteen bytes into any of the names that are that long.
func (r row) id(i int) (id person.ID) {
	copy(id[:], r.bytes(i))
	return id
}

// conn runs statements in order, in one round trip where the engine can. The first error ends it. It is not for two
// goroutines at once.
type conn interface {
	do(ctx context.Context, qs ...query) error
}

// engine is one of the two databases. Its errors are already told apart: see fault in dialect.go.
type engine interface {
	// snapshot runs read on a connection whose queries all see one state of the database.
	snapshot(ctx context.Context, read func(conn) error) error
	// ask runs one statement that reads: on one state of the database, and without the price of a transaction around it.
	ask(ctx context.Context, q query) error
	// transaction runs write and commits it, synced to disk; when write gives an error nothing has happened. At most
	// writers() of them run at once; more wait.
	transaction(ctx context.Context, write func(conn) error) error
	// fold runs a transaction over history, alone among its kind.
	fold(ctx context.Context, write func(conn) error) error
	// settle leaves nothing in the logs of what was removed from the files; with rewrite, nothing in the files either.
	settle(ctx context.Context, rewrite bool) error
	// apart says that history is a database of its own, so that fold cannot delete from the journal.
	apart() bool
	writers() int
	close() error
}

// retry says that the engine undid a transaction because of another one; nothing was wrong with it.
type retry struct{ error }

func (e retry) Unwrap() error { return e.error }

func unavailable(err error) error { return fmt.Errorf("%w (%v)", vault.ErrUnavailable, err) }

// in writes "column IN ($from, …)" for n values, rounded up to few different lengths so that few statements are prepared;
// pad repeats the last value accordingly.
func in(column string, from, n int) string {
	b := make([]byte, 0, len(column)+8+6*n)
	b = append(b, column...)
	b = append(b, " IN ("...)
	for i := range roundUp(n) {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "$%d", from+i)
	}
	return string(append(b, ')'))
}

var idLists = map[int]string{1: in("id", 1, 1), 4: in("id", 1, 4), 16: in("id", 1, 16), 64: in("id", 1, 64), most: in("id", 1, most)}

// inID is in("id", 1, n), made once.
func inID(n int) string { return idLists[roundUp(n)] }

// most is how many values one list may have; callers cut longer lists into several queries.
const most = 256

func roundUp(n int) int {
	for _, size := range [...]int{1, 4, 16, 64} {
		if n <= size {
			return size
		}
	}
	return most
}

func pad[T ~[16]byte](args []driver.Value, ids []T) []driver.Value {
	for i := range roundUp(len(ids)) {
		id := ids[min(i, len(ids)-1)]
		args = append(args, id[:])
	}
	return args
}

// slices of ids, each short enough for one list.
func portions[T any](ids []T) [][]T {
	var out [][]T
	for len(ids) > most {
		out = append(out, ids[:most])
		ids = ids[most:]
	}
	if len(ids) > 0 {
		out = append(out, ids)
	}
	return out
}
