package store

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rapporthq/rapport/person"
)

// postgres is the engine outside: a server that many processes share.
type postgres struct{ pool *pgxpool.Pool }

const (
	pgWriters = 2 // while one syncs the other gathers: with four the groups are smaller and each act dearer, with one all wait for whoever is slow
	pgMigrate = "SELECT pg_advisory_xact_lock(7267071)"
	// pgPatience is how long one transaction may take before the server counts as gone; a fold takes longer.
	pgPatience     = 30 * time.Second
	pgFoldPatience = 10 * time.Minute
	// pgForsaken is how long the server waits for the next statement of a transaction before it undoes it: a process that was stopped
	// in mid-work, or whose machine is gone, holds up the others for no longer.
	pgForsaken      = 10 * time.Second
	forsakenSetting = "idle_in_transaction_session_timeout"
)

// pgSettings are those of our connections; the database's URL may give others. Every statement that is not a walk finds its rows by an
// index, whatever the server knows of the tables: right after a home was filled it knows nothing of them, and would read all of
// a table for a batch's people. And a plan is made once, not at each use.
var pgSettings = map[string]string{
	forsakenSetting:   strconv.Itoa(int(pgForsaken.Milliseconds())),
	"plan_cache_mode": "force_generic_plan",
	"enable_seqscan":  "off",
	"jit":             "off",
}

// errUnsafe says that the server forgets on a power cut what it has acknowledged.
var errUnsafe = errors.New("this PostgreSQL does not sync its commits: set fsync, full_page_writes and synchronous_commit to on")

func openPostgres(ctx context.Context, url string, now person.Instant) (engine, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database's URL cannot be read: postgres://USER@HOST/NAME is expected") // err may hold the password
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = 16
	}
	p := config.ConnConfig.RuntimeParams
	p["application_name"] = "rapport"
	p["default_transaction_isolation"] = "read committed"
	p["statement_timeout"] = "0"
	for name, value := range pgSettings {
		if _, given := p[name]; !given {
			p[name] = value
		}
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	config.AfterConnect = synced
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, unavailable(errors.New("no pool of connections"))
	}
	e := &postgres{pool}
	err = e.run(ctx, pgPatience, "BEGIN", func(c conn) error {
		if err := c.do(ctx, query{text: pgMigrate, scan: ignore}); err != nil { // other processes may start now too
			return err
		}
		if err := migrate(ctx, c, &postgresDialect, "main", now); err != nil {
			return err
		}
		return migrate(ctx, c, &postgresDialect, "history", now)
	})
	if err != nil {
		pool.Close()
		if errors.Is(err, errUnsafe) {
			return nil, errUnsafe
		}
		return nil, err
	}
	return e, nil
}

// synced refuses each connection on which a commit would be acknowledged before it is on disk.
func synced(ctx context.Context, c *pgx.Conn) error {
	var commit, sync, pages, encoding string
	if err := c.QueryRow(ctx, `SELECT current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes'),
		current_setting('server_encoding')`).Scan(&commit, &sync, &pages, &encoding); err != nil {
		return err
	}
	if commit == "off" || sync != "on" || pages != "on" {
		return errUnsafe
	}
	if encoding != "UTF8" {
		return errors.New("this PostgreSQL database is not in UTF-8: make it with ENCODING 'UTF8'")
	}
	return nil
}

// pgConn is a connection inside a transaction. Statements that cannot fail and give nothing wait for the next that does.
type pgConn struct {
	c       *pgx.Conn
	pending []string
}

func control(text string) bool {
	return strings.HasPrefix(text, "SAVEPOINT ") || strings.HasPrefix(text, "RELEASE ") || strings.HasPrefix(text, "BEGIN")
}

func (p *pgConn) do(ctx context.Context, qs ...query) error {
	for len(qs) > 0 && control(qs[0].text) {
		p.pending = append(p.pending, qs[0].text)
		qs = qs[1:]
	}
	if len(qs) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	waiting := len(p.pending)
	for _, text := range p.pending {
		batch.Queue(text)
	}
	p.pending = p.pending[:0]
	for i := range qs {
		a := arrayOf(qs[i].text)
		batch.Queue(a.text, a.args(qs[i].args)...)
	}
	results := p.c.SendBatch(ctx, batch)
	err := func() error {
		for range waiting {
			if _, err := results.Exec(); err != nil {
				return err
			}
		}
		for i := range qs {
			if qs[i].scan == nil {
				if _, err := results.Exec(); err != nil {
					return err
				}
				continue
			}
			rows, err := results.Query()
			if err != nil {
				return err
			}
			if err := scanAll(rows, qs[i].scan); err != nil {
				return err
			}
		}
		return nil
	}()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return p.fault(ctx, err)
}

// fault is the dialect's fault, and besides: a connection that broke is the server's absence, whatever the error was.
func (p *pgConn) fault(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if p.c.IsClosed() {
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return unavailable(errors.New("the connection to PostgreSQL broke"))
	}
	return fault(err)
}

func scanAll(rows pgx.Rows, scan func(row) error) error {
	defer rows.Close()
	var r row
	fields := rows.FieldDescriptions()
	for rows.Next() {
		if r == nil {
			r = make(row, len(fields))
		}
		for i, raw := range rows.RawValues() {
			v, err := value(&fields[i], raw)
			if err != nil {
				return err
			}
			r[i] = v
		}
		if err := scan(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

const voidOID = 2278 // what a lock gives

func value(f *pgconn.FieldDescription, raw []byte) (driver.Value, error) {
	switch {
	case raw == nil:
		return nil, nil
	case f.DataTypeOID == pgtype.ByteaOID && f.Format == pgx.BinaryFormatCode:
		return append(make([]byte, 0, len(raw)), raw...), nil
	case f.DataTypeOID == pgtype.Int8OID && f.Format == pgx.BinaryFormatCode && len(raw) == 8:
		return int64(binary.BigEndian.Uint64(raw)), nil
	case f.DataTypeOID == pgtype.Int4OID && f.Format == pgx.BinaryFormatCode && len(raw) == 4:
		return int64(int32(binary.BigEndian.Uint32(raw))), nil
	case f.DataTypeOID == pgtype.TextOID, f.DataTypeOID == pgtype.VarcharOID:
		return string(raw), nil
	case f.DataTypeOID == voidOID:
		return nil, nil
	}
	return nil, fmt.Errorf("column %s has a type that the store does not read: %d", f.Name, f.DataTypeOID)
}

// run is one transaction. Whatever fails, nothing has happened, except that a commit whose answer was lost may be found done.
func (e *postgres) run(ctx context.Context, patience time.Duration, begin string, work func(conn) error) error {
	return e.on(ctx, patience, func(ctx context.Context, c *pgConn) error {
		c.pending = []string{begin}
		err := work(timed{ctx, c})
		if err == nil {
			err = c.commit(ctx)
		}
		if err != nil && !c.c.IsClosed() {
			if _, undone := c.c.Exec(ctx, "ROLLBACK"); undone != nil {
				_ = c.c.Close(ctx)
			}
		}
		return err
	})
}

// on lends a connection to work, for as long as patience lasts.
func (e *postgres) on(ctx context.Context, patience time.Duration, work func(context.Context, *pgConn) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	held, err := e.pool.Acquire(ctx)
	if err != nil {
		switch {
		case errors.Is(err, errUnsafe):
			return errUnsafe
		case errors.Is(ctx.Err(), context.Canceled):
			return ctx.Err()
		}
		return unavailable(errors.New("no connection to PostgreSQL"))
	}
	defer held.Release()
	c := &pgConn{c: held.Conn()}
	done := false
	defer func() {
		if !done { // a panic in work: the connection goes
			_ = held.Conn().Close(ctx)
		}
	}()
	err = work(ctx, c)
	done = true
	return err
}

// timed gives every statement the transaction's patience, besides the caller's own context.
type timed struct {
	ctx context.Context
	c   *pgConn
}

func (t timed) do(ctx context.Context, qs ...query) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := t.c.do(t.ctx, qs...)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (p *pgConn) commit(ctx context.Context) error {
	if len(p.pending) > 0 && strings.HasPrefix(p.pending[0], "BEGIN") {
		return nil // nothing was done
	}
	batch := &pgx.Batch{}
	for _, text := range p.pending {
		batch.Queue(text)
	}
	batch.Queue("COMMIT")
	results := p.c.SendBatch(ctx, batch)
	var tag pgconn.CommandTag
	var err error
	for range len(p.pending) + 1 {
		if tag, err = results.Exec(); err != nil {
			break
		}
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	if err == nil && tag.String() != "COMMIT" { // a failed transaction is ended by COMMIT without an error
		err = errors.New("PostgreSQL undid a transaction in which a statement had failed")
	}
	return p.fault(ctx, err)
}

func (e *postgres) snapshot(ctx context.Context, read func(conn) error) error {
	return e.run(ctx, pgFoldPatience, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", read)
}

func (e *postgres) ask(ctx context.Context, q query) error {
	return e.on(ctx, pgPatience, func(ctx context.Context, c *pgConn) error { return timed{ctx, c}.do(ctx, q) })
}

func (e *postgres) transaction(ctx context.Context, write func(conn) error) error {
	return e.run(ctx, pgPatience, "BEGIN", write)
}

// observation is a transaction that reads one state, as transaction does not, and appends rows.
func (e *postgres) observation(ctx context.Context, work func(conn) error) error {
	return e.run(ctx, pgPatience, "BEGIN ISOLATION LEVEL REPEATABLE READ", work)
}

func (e *postgres) fold(ctx context.Context, write func(conn) error) error {
	return e.run(ctx, pgFoldPatience, "BEGIN", write)
}

// settle has nothing to do: the server keeps its own logs and pages, and what is removed there is unreadable, not absent.
func (e *postgres) settle(context.Context, bool) error { return nil }

func (e *postgres) apart() bool  { return false }
func (e *postgres) writers() int { return pgWriters }

func (e *postgres) close() error {
	e.pool.Close()
	return nil
}
