package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"github.com/rapporthq/rapport/person"
)

// Health is what a check of an open home's database found.
type Health struct {
	Engine  string         // "SQLite" or "PostgreSQL"
	Damage  []string       // what the engine says of its own files; none: nothing
	Bytes   int64          // of the database, without logs
	Log     int64          // of SQLite's write-ahead logs
	Waiting int            // events that are not in history yet, on SQLite
	Latest  person.Instant // of what the home wrote: looks, receipts, events received
}

// Health asks the engine to check its files, and reads what is latest. On a large home it takes a while; others read and write meanwhile.
func (s *Store) Health(ctx context.Context) (Health, error) {
	h := Health{Engine: "PostgreSQL"}
	l, lite := s.engine.(*lite)
	if lite {
		h.Engine = "SQLite"
		for _, name := range []string{mainFile, historyFile} {
			h.Bytes += sizeOf(filepath.Join(l.dir, name))
			h.Log += sizeOf(filepath.Join(l.dir, name+"-wal"))
		}
		s.waiting.mu.RLock()
		h.Waiting = len(s.waiting.young.refs)
		s.waiting.mu.RUnlock()
	}
	err := s.engine.snapshot(ctx, func(c conn) error {
		later := func(r row) error { h.Latest = max(h.Latest, r.at(0)); return nil }
		qs := []query{
			{text: "SELECT COALESCE(MAX(at), 0) FROM look", scan: later}, {text: "SELECT COALESCE(MAX(at), 0) FROM receipt", scan: later},
			{text: "SELECT COALESCE(MAX(last), 0) FROM history", scan: later}, {text: "SELECT COALESCE(MAX(received), 0) FROM journal", scan: later},
		}
		if lite {
			damage := func(r row) error {
				if r.text(0) != "ok" {
					h.Damage = append(h.Damage, r.text(0))
				}
				return nil
			}
			qs = append(qs, query{text: "PRAGMA main.integrity_check(10)", scan: damage}, query{text: "PRAGMA past.integrity_check(10)", scan: damage})
		} else {
			qs = append(qs, query{text: "SELECT pg_database_size(current_database())", scan: func(r row) error { h.Bytes = r.int(0); return nil }})
		}
		return c.do(ctx, qs...)
	})
	return h, err
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// Written gives the versions of the schema that a SQLite home's files were written by, without opening the home or bringing it up to date: compare with
// Schema. A home that was never opened has none.
func Written(dir string) (map[string]int64, error) {
	out := map[string]int64{}
	for part, file := range map[string]string{"main": mainFile, "history": historyFile} {
		path := filepath.Join(dir, file)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue
		}
		u := url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro"}
		opened, err := new(sqlite3.SQLiteDriver).Open(u.String())
		if err != nil {
			return nil, fault(err)
		}
		c := &liteConn{c: opened.(*sqlite3.SQLiteConn), stmts: map[string]*liteStmt{}}
		err = c.do(context.Background(), query{text: "SELECT COALESCE(MAX(version), 0) FROM migration WHERE part = $1", args: []driver.Value{part},
			scan: func(r row) error { out[part] = r.int(0); return nil }})
		c.close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return out, nil
}
