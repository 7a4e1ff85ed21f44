// Package cost measures what the journal's shape rests on: see docs/decisions/0001-the-journal.md.
// It is a module of its own, so that the drivers that were not chosen stay out of the product.
//
//	RAPPORT_TEST_POSTGRES=postgres://… go test -bench . -count 5
package cost

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	_ "modernc.org/sqlite"
)

const frame = 460 // bytes of a sealed event with its header

type engine struct {
	name string
	open func(b *testing.B) *sql.DB
}

var engines = []engine{
	{"mattn", func(b *testing.B) *sql.DB {
		return sqlite(b, "sqlite3", "?_journal_mode=WAL&_synchronous=FULL&_secure_delete=on")
	}},
	{"modernc", func(b *testing.B) *sql.DB {
		return sqlite(b, "sqlite", "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)")
	}},
	{"pgx", func(b *testing.B) *sql.DB {
		url := os.Getenv("RAPPORT_TEST_POSTGRES")
		if url == "" {
			b.Fatal("set RAPPORT_TEST_POSTGRES to the URL of an empty database")
		}
		db, err := sql.Open("pgx", url)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			_, _ = db.Exec("DROP TABLE IF EXISTS narrow, wide, history")
			_ = db.Close()
		})
		return prepared(b, db, "bytea", "bigint generated always as identity primary key", "")
	}},
}

func sqlite(b *testing.B, driver, options string) *sql.DB {
	db, err := sql.Open(driver, "file:"+filepath.Join(b.TempDir(), "cost.db")+options)
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = db.Close() })
	return prepared(b, db, "blob", "integer primary key", " WITHOUT ROWID")
}

func prepared(b *testing.B, db *sql.DB, blob, key, without string) *sql.DB {
	for _, s := range []string{
		"CREATE TABLE narrow (seq " + key + ", person " + blob + ", id " + blob + ", stream bigint, at bigint, received bigint, body " + blob + ")",
		"CREATE TABLE wide (seq " + key + ", received bigint, body " + blob + ")",
		"CREATE TABLE history (person " + blob + ", chunk bigint, frames bigint, body " + blob + ", PRIMARY KEY (person, chunk))" + without,
	} {
		if _, err := db.Exec(s); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

func each(b *testing.B, run func(b *testing.B, db *sql.DB, name string)) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) { run(b, e.open(b), e.name) })
	}
}

func must(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRow is one narrow row in a large transaction: what a journal of a row an event would pay for each event.
func BenchmarkRow(b *testing.B) {
	each(b, func(b *testing.B, db *sql.DB, name string) {
		body, id := make([]byte, 400), make([]byte, 16)
		tx, err := db.Begin()
		must(b, err)
		insert, err := tx.Prepare("INSERT INTO narrow (person, id, stream, at, received, body) VALUES ($1,$2,$3,$4,$5,$6)")
		must(b, err)
		b.ResetTimer()
		for i := range b.N {
			_, err := insert.Exec(id, id, 1, i, i, body)
			must(b, err)
		}
		must(b, tx.Commit())
	})
}

// BenchmarkCopyRow is the same row by PostgreSQL's COPY, its fastest way in.
func BenchmarkCopyRow(b *testing.B) {
	db := engines[2].open(b)
	_ = db
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv("RAPPORT_TEST_POSTGRES"))
	must(b, err)
	defer conn.Close(ctx)
	body, id := make([]byte, 400), make([]byte, 16)
	b.ResetTimer()
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"narrow"}, []string{"person", "id", "stream", "at", "received", "body"},
		pgx.CopyFromSlice(b.N, func(i int) ([]any, error) { return []any{id, id, int64(1), int64(i), int64(i), body}, nil }))
	must(b, err)
}

// BenchmarkCommit is an almost empty transaction, synced: the floor under one acknowledged request.
func BenchmarkCommit(b *testing.B) {
	each(b, func(b *testing.B, db *sql.DB, name string) {
		for i := range b.N {
			_, err := db.Exec("INSERT INTO wide (received, body) VALUES ($1,$2)", i, []byte{1})
			must(b, err)
		}
	})
}

// BenchmarkBlob is one journal row of a hundred frames inside a transaction of ten of them; the figure is for one blob.
func BenchmarkBlob(b *testing.B) {
	each(b, func(b *testing.B, db *sql.DB, name string) {
		body := make([]byte, 100*frame)
		_, _ = rand.Read(body)
		for i := 0; i < b.N; i += 10 {
			tx, err := db.Begin()
			must(b, err)
			for range 10 {
				_, err = tx.Exec("INSERT INTO wide (received, body) VALUES ($1,$2)", i, body)
				must(b, err)
			}
			must(b, tx.Commit())
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/event")
	})
}

// BenchmarkUpsertChunk appends one frame to the last chunk of one of 20,000 people, in key order, inside large transactions:
// what the fold pays for a person in a batch.
func BenchmarkUpsertChunk(b *testing.B) {
	each(b, func(b *testing.B, db *sql.DB, name string) {
		const people = 20000
		body := make([]byte, frame)
		_, _ = rand.Read(body)
		tx, err := db.Begin()
		must(b, err)
		upsert, err := tx.Prepare(`INSERT INTO history (person, chunk, frames, body) VALUES ($1,0,1,$2)
			ON CONFLICT (person, chunk) DO UPDATE SET frames = history.frames + 1, body = CAST(history.body || excluded.body AS ` +
			map[bool]string{true: "bytea", false: "blob"}[name == "pgx"] + `)`)
		must(b, err)
		key := make([]byte, 16)
		b.ResetTimer()
		for i := range b.N {
			binary.BigEndian.PutUint64(key, uint64(i%people))
			_, err := upsert.Exec(key, body)
			must(b, err)
		}
		must(b, tx.Commit())
	})
}

// BenchmarkSeal is AES-256-GCM over 400 bytes with the key ready.
func BenchmarkSeal(b *testing.B) {
	block, err := aes.NewCipher(make([]byte, 32))
	must(b, err)
	gcm, err := cipher.NewGCM(block)
	must(b, err)
	nonce, plain, out := make([]byte, 12), make([]byte, 400), make([]byte, 0, 500)
	for range b.N {
		_, _ = rand.Read(nonce)
		out = gcm.Seal(out[:0], nonce, plain, nonce)
	}
}

// BenchmarkSealNewKey is the same with the key's schedule made each time: a person who was not in the cache.
func BenchmarkSealNewKey(b *testing.B) {
	nonce, plain, key, out := make([]byte, 12), make([]byte, 400), make([]byte, 32), make([]byte, 0, 500)
	for range b.N {
		_, _ = rand.Read(nonce)
		block, err := aes.NewCipher(key)
		must(b, err)
		gcm, err := cipher.NewGCM(block)
		must(b, err)
		out = gcm.Seal(out[:0], nonce, plain, nonce)
	}
}

// BenchmarkParse walks the tokens of a 500-byte event.
func BenchmarkParse(b *testing.B) {
	text := fmt.Sprintf(`{"type":"track","event":"Order Completed","messageId":"ajs-next-1700000000000-%s","userId":"13085","timestamp":"2026-11-20T10:00:00.000Z","properties":{"order_id":"50314838","total":29.5,"products":[{"product_id":"22423","quantity":2,"price":12.75},{"product_id":"21931","quantity":1,"price":4.0}]},"context":{"library":{"name":"@segment/analytics-node","version":"2.1.0"},"ip":"203.0.113.7","page":{"path":"/basket"}},"padding":"`, strings.Repeat("a", 36))
	text += strings.Repeat("x", 500-len(text)-2) + `"}`
	b.SetBytes(int64(len(text)))
	d := jsontext.NewDecoder(strings.NewReader(""))
	for range b.N {
		d.Reset(strings.NewReader(text))
		for {
			if _, err := d.ReadToken(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
