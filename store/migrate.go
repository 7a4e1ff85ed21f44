package store

import (
	"context"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/rapporthq/rapport/person"
)

//go:embed schema/*.sql
var embedded embed.FS

// schema holds the files; tests put those of another version in their place.
var schema fs.FS = embedded

// ErrNewer says that the database was written by a newer Rapport.
var ErrNewer = errors.New("this database was made by a newer rapport: run that one, or restore an older backup")

type migration struct {
	part    string // main or history
	version int64
	serves  int64 // the oldest version whose binaries may go on beside it
	name    string
	text    string
}

// serves is the first line of a schema file that only adds what older binaries need not know: a table, an index, a column that may be
// missing or has a default. From the version that it names on they may go on beside it, and start again. Without the line they may not.
var serves = regexp.MustCompile(`^-- Serves binaries from version ([0-9]+)\n`)

// migrations lists the embedded files of a part, in order: schema/PART_0001_name.sql. There is no way back.
func migrations(part string) ([]migration, error) {
	files, err := fs.Glob(schema, "schema/"+part+"_*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	var ms []migration
	for i, f := range files {
		text, err := fs.ReadFile(schema, f)
		if err != nil {
			return nil, err
		}
		number, name, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(f, "schema/"+part+"_"), ".sql"), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil || version != int64(i+1) {
			return nil, fmt.Errorf("schema file %s is not the next of its part", f)
		}
		m := migration{part, version, version, name, string(text)}
		if said := serves.FindStringSubmatch(m.text); said != nil {
			if m.serves, err = strconv.ParseInt(said[1], 10, 64); err != nil {
				return nil, err
			}
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// migrate brings one part up to date, inside a transaction that nobody shares. A newer part is left as it is: ErrNewer, unless it
// says that binaries of this version may go on.
func migrate(ctx context.Context, c conn, d *dialect, part string, now person.Instant) error {
	ms, err := migrations(part)
	if err != nil {
		return err
	}
	const table = "CREATE TABLE IF NOT EXISTS migration (part NAME NOT NULL, version BIGINT NOT NULL, name NAME NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (part, version))"
	const since = "CREATE TABLE IF NOT EXISTS compatible (part NAME PRIMARY KEY, version BIGINT NOT NULL, since BIGINT NOT NULL)"
	var have, oldest int64
	if err := c.do(ctx, query{text: d.words.Replace(table)}, query{text: d.words.Replace(since)}); err != nil {
		return err
	}
	if err := c.do(ctx, query{
		text: "SELECT COALESCE(MAX(version), 0) FROM migration WHERE part = $1", args: []driver.Value{part},
		scan: func(r row) error { have = r.int(0); return nil },
	}); err != nil {
		return err
	}
	if err := c.do(ctx, query{
		text: "SELECT since FROM compatible WHERE part = $1 AND version = $2", args: []driver.Value{part, have}, scan: func(r row) error { oldest = r.int(0); return nil },
	}); err != nil {
		return err
	}
	switch own := int64(len(ms)); {
	case have > own && (oldest == 0 || oldest > own):
		return ErrNewer
	case have > own:
		return nil
	}
	for _, m := range ms {
		oldest = max(oldest, m.serves)
	}
	if err := c.do(ctx, query{text: "INSERT INTO compatible (part, version, since) VALUES ($1, $2, $3) ON CONFLICT (part) DO UPDATE SET version = excluded.version, since = excluded.since",
		args: []driver.Value{part, int64(len(ms)), oldest}}); err != nil {
		return err
	}
	for _, m := range ms[have:] {
		for _, statement := range statements(d.words.Replace(m.text)) {
			if err := c.do(ctx, query{text: statement}); err != nil {
				return fmt.Errorf("migration %s %d (%s): %w", part, m.version, m.name, err)
			}
		}
		if err := c.do(ctx, query{text: "INSERT INTO migration (part, version, name, at) VALUES ($1, $2, $3, $4)",
			args: []driver.Value{part, m.version, m.name, int64(now)}}); err != nil {
			return err
		}
	}
	return nil
}

// statements cuts a schema file at its semicolons, without comments. Schema files have no semicolon inside a statement.
func statements(text string) []string {
	var plain strings.Builder
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "--")
		plain.WriteString(strings.TrimRight(code, " \t\n") + "\n")
	}
	var out []string
	for _, s := range strings.Split(plain.String(), ";") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
