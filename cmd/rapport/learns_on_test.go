package main

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapporthq/rapport/store/pgtest"
)

// TestAnotherLearnsWhereTheHolderDiedWhileItLearnt keeps the process that learns from writing what it has learnt, and kills it there. Another
// learns within seconds; there is one model, each attempt is one look on record, and what is kept is counted once.
func TestAnotherLearnsWhereTheHolderDiedWhileItLearnt(t *testing.T) {
	t.Parallel() // it waits more than it works
	home, db := exampleHome(t), pgtest.URL(t)
	newLoad(t, "--home", home, "--database", db) // so that there are tables
	connect := func() *pgx.Conn {
		c, err := pgx.Connect(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close(context.Background()) })
		return c
	}
	sql, holds := connect(), connect()
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if err := sql.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	tx, err := holds.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE model IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	first := serveHome(t, home, "--database", db)
	until(t, "it has learnt, and waits to keep it", func() bool {
		return count("SELECT COUNT(*) FROM pg_stat_activity WHERE $1::int = ANY(pg_blocking_pids(pid))", int32(holds.PgConn().PID())) > 0
	})
	next := serveHome(t, home, "--database", db)
	began := time.Now()
	first.kill()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "another has learnt and counted", func() bool {
		return count("SELECT COUNT(*) FROM model") == 1 && count("SELECT COUNT(*) FROM setting WHERE name = $1", countedSetting) == 1
	})
	if took := time.Since(began); took > takeover+10*time.Second {
		t.Errorf("another learnt after %v, and %v is the most", took, takeover)
	} else {
		t.Logf("another has learnt after %v", took.Round(10*time.Millisecond))
	}
	next.stop()
	// The work of who died is undone, for it could not end it; or it was done, and then nobody learns again.
	learnt, counted := count("SELECT COUNT(*) FROM look WHERE actor = 'learn'"), count("SELECT COUNT(*) FROM look WHERE actor = 'quality'")
	if learnt+counted != 2 || learnt < 1 {
		t.Errorf("there were %d looks to learn and %d to count, and two attempts", learnt, counted)
	}

	// Who follows when all is done does nothing again.
	last := serveHome(t, home, "--database", db)
	until(t, "the last has the lease", func() bool { return count("SELECT COUNT(*) FROM lease WHERE name = 'job:learn'") == 1 })
	last.stop() // which waits for the jobs that run
	if n := count("SELECT COUNT(*) FROM look WHERE actor IN ('learn', 'quality')"); n != 2 {
		t.Errorf("it was learnt or counted again: %d looks", n)
	}
}
