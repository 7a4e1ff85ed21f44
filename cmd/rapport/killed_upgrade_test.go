package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rapporthq/rapport/store/disktest"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/torture"
)

// TestAnUpgradeThatIsKilledGoesOn ends the first command that opens a home of an earlier schema, twice over: on SQLite in the stead of a write
// or a sync, on PostgreSQL at a message to the server, which arrives or does not. What it leaves is the schema from before or the one from after, and the
// next command finds the home up to date, deciding as before, its ledger whole.
func TestAnUpgradeThatIsKilledGoesOn(t *testing.T) {
	const archive = "testdata/upgrade/home-1.tar.gz"
	command := func(home string) []string { return []string{"token", "--home", home, "--list"} }
	t.Run("SQLite", func(t *testing.T) {
		rounds := torture.Rounds(3, 100)
		first := filepath.Join(shortDir(t), "home")
		unpack(t, archive, first)
		before := liteSchema(t, first)
		most := operationsOf(t, filepath.Join(first, databaseDir), command(first)...)
		after := liteSchema(t, first)
		killed, left := 0, [2]int{}
		for range rounds {
			home := filepath.Join(shortDir(t), "home")
			unpack(t, archive, home)
			for range 2 {
				d := disktest.Under(t, filepath.Join(home, databaseDir), false)
				d.Set(disktest.KillAt, 1+rand.Int64N(most))
				if _, was := under(t, d, command(home)...); was {
					killed++
				}
				now := liteSchema(t, home)
				for part := range now {
					left[eitherSchema(t, before[part], after[part], now[part])]++
				}
			}
			sameAsBefore(t, archive, homeOptions{Home: home})
		}
		if killed < (rounds+1)/2 {
			t.Errorf("of %d upgrades %d were killed: that tries too little", 2*rounds, killed)
		}
		t.Logf("%d killed, of %d operations; %d parts as before, %d as after", killed, most, left[0], left[1])
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		first := filepath.Join(shortDir(t), "home")
		unpack(t, archive, first)
		db := earlierPostgres(t, first)
		before := postgresSchema(t, db)
		whole := cutAt(t, db, 0, false, command(first)...)
		after := postgresSchema(t, db)
		if whole.killed || whole.messages < 10 {
			t.Fatalf("an upgrade that nobody kills: %+v", whole)
		}
		rounds := torture.Rounds(2, 100)
		killed, left := 0, [2]int{}
		for range rounds {
			home := filepath.Join(shortDir(t), "home")
			unpack(t, archive, home)
			db := earlierPostgres(t, home)
			for try := range 2 {
				at, arrives := 1+rand.Int64N(whole.messages), rand.IntN(2) == 0
				if try == 0 && rand.IntN(4) == 0 {
					at = whole.messages*3/4 + rand.Int64N(whole.messages/4) // about where it is committed
				}
				if cutAt(t, db, at, arrives, command(home)...).killed {
					killed++
				}
				left[eitherSchema(t, before, after, postgresSchema(t, db))]++
			}
			sameAsBefore(t, archive, homeOptions{Home: home, Database: db})
		}
		if killed < (rounds+1)/2 {
			t.Errorf("of %d upgrades %d were killed: that tries too little", 2*rounds, killed)
		}
		t.Logf("%d killed, of %d messages; %d as before, %d as after", killed, whole.messages, left[0], left[1])
	})
}

// eitherSchema wants a schema to be the one from before an upgrade, 0, or the one from after, 1.
func eitherSchema(t *testing.T, before, after, now string) int {
	t.Helper()
	switch {
	case before == after:
		t.Fatal("the upgrade changes nothing: this proves nothing")
	case now == after:
		return 1
	case now != before:
		t.Errorf("an upgrade that was killed left a schema in between (-before +now):\n%s", cmp.Diff(before, now))
	}
	return 0
}

// liteSchema is what a home's two files hold besides rows, and the versions that they say they have, read from a copy.
func liteSchema(t *testing.T, home string) (parts [2]string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(home, databaseDir))); err != nil {
		t.Fatal(err)
	}
	for part, name := range []string{"rapport.db", "history.db"} {
		c, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"SELECT name || ' ' || COALESCE(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_autoindex_%' ORDER BY name", "SELECT part || ' ' || version FROM migration ORDER BY part, version"} {
			rows, err := c.QueryContext(t.Context(), text)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var line string
				if err := rows.Scan(&line); err != nil {
					t.Fatal(err)
				}
				// How the rows of history lie was once otherwise, and is put right apart from the schema.
				parts[part] += strings.ReplaceAll(line, ") WITHOUT ROWID", ")") + "\n"
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
		}
		_ = c.Close()
	}
	return parts
}

// postgresSchema is the same of a database, once whoever brought it up to date has ended.
func postgresSchema(t *testing.T, db string) (all string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	if _, err := c.Exec(t.Context(), "SELECT pg_advisory_lock(7267071)"); err != nil { // as store/postgres.go has it
		t.Fatal(err)
	}
	for _, text := range []string{
		"SELECT concat_ws(' ', c.relname, a.attname, a.atttypid::regtype, a.attnotnull, a.attstorage) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 ORDER BY 1",
		"SELECT replace(indexdef, current_schema(), '') FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1",
		"SELECT concat_ws(' ', part, version) FROM migration ORDER BY 1",
	} {
		rows, err := c.Query(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		all += strings.Join(lines, "\n") + "\n"
	}
	return all
}

// earlierPostgres makes a database as the binary of the first schema made them, with the rows of a home that it left in SQLite.
func earlierPostgres(t *testing.T, home string) (db string) {
	t.Helper()
	db = pgtest.URL(t)
	c, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	do := func(text string) {
		t.Helper()
		if _, err := c.Exec(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	const identity = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
	words := strings.NewReplacer("BYTES", "BYTEA", "NAME", `TEXT COLLATE "C"`, "COUNTER", identity, "FOREVER", identity, ") CLUSTERED", ")")
	do(words.Replace("CREATE TABLE migration (part NAME NOT NULL, version BIGINT NOT NULL, name NAME NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (part, version))"))
	for _, file := range []string{"main_0001_spine.sql", "history_0001_chunks.sql"} {
		text, err := os.ReadFile(filepath.Join("../../store/schema", file))
		if err != nil {
			t.Fatal(err)
		}
		do(words.Replace(string(text)))
	}
	do("DELETE FROM folded")
	for _, name := range []string{"rapport.db", "history.db"} {
		from, err := sql.Open("sqlite3", "file:"+filepath.Join(home, databaseDir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range strings.Fields(one(t, from, "SELECT group_concat(name, ' ') FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")) {
			copyTable(t, c, from, table)
		}
		_ = from.Close()
	}
	for table, column := range map[string]string{"journal": "seq", "stream": "id", "receipt": "seq", "look": "id"} {
		do(fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%s', '%s'), 1 + COALESCE(MAX(%s), 0)) FROM %s", table, column, column, table))
	}
	return db
}

func one(t *testing.T, c *sql.DB, query string) (text string) {
	t.Helper()
	if err := c.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func copyTable(t *testing.T, to *pgx.Conn, from *sql.DB, table string) {
	t.Helper()
	rows, err := from.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all [][]any
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := to.CopyFrom(t.Context(), pgx.Identifier{table}, columns, pgx.CopyFromRows(all)); err != nil {
		t.Fatalf("%s: %v", table, err)
	}
}

// cut is what became of a command whose messages to its server were counted.
type cut struct {
	killed   bool
	messages int64
}

// cutAt runs a command that reaches its PostgreSQL through a door of ours, and kills it at its message of that number, 0: never. arrives says whether
// the server gets that message still.
func cutAt(t *testing.T, db string, at int64, arrives bool, args ...string) cut {
	t.Helper()
	config, err := pgx.ParseConfig(db)
	if err != nil {
		t.Fatal(err)
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = door.Close() }()
	u, err := url.Parse(db)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("host", "127.0.0.1")
	q.Set("port", strconv.Itoa(door.Addr().(*net.TCPAddr).Port))
	u.RawQuery = q.Encode()

	cmd := rapport(t.Context(), append(args, "--database", u.String())...)
	var said strings.Builder
	cmd.Stderr = &said
	started, dead := make(chan struct{}), make(chan struct{})
	var messages atomic.Int64
	var cutOff atomic.Bool
	passes := func(c, s net.Conn) {
		defer func() { _ = s.Close(); _ = c.Close() }()
		for b := make([]byte, 1<<16); ; {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			if messages.Add(1) == at {
				cutOff.Store(true)
				<-started
				_ = cmd.Process.Kill()
				<-dead
			}
			if cutOff.Load() && !arrives {
				return
			}
			if _, err := s.Write(b[:n]); err != nil || cutOff.Load() {
				return
			}
		}
	}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	go func() {
		for {
			c, err := door.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial(network, address)
			if err != nil {
				_ = c.Close()
				continue
			}
			go func() { _, _ = io.Copy(c, s); _ = c.Close() }()
			go passes(c, s)
		}
	}()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	err = cmd.Wait()
	close(dead)
	if err != nil && !cutOff.Load() {
		t.Fatalf("rapport %s: %v: %s", args[0], err, said.String())
	}
	return cut{cutOff.Load(), messages.Load()}
}
