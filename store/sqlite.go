package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"

	"github.com/rapporthq/rapport/trust/vault"
)

// lite is the engine inside: two SQLite files in one folder, written ahead and synced at each commit, owned by this process.
// rapport.db has one writer; history.db has another, so that folding and the door do not wait for each other.
type lite struct {
	dir         string
	synchronous string // FULL; tests plant OFF to see the sync test fail
	lock        *os.File

	writing sync.Mutex
	writer  *liteConn // nil after a fault: opened again by the next transaction
	folding sync.Mutex
	folder  *liteConn
	unmoved int            // bytes written to history's log since it was last emptied
	closed  bool           // under both
	readers chan *liteConn // nil ones are opened when they are wanted

	unchecked atomic.Int64 // bytes written since the log was last emptied into the file
	commits   atomic.Int64 // of rapport.db
	kick      chan struct{}
	done      chan struct{}
	checker   sync.WaitGroup
}

const (
	page     = 4096 // SQLite's default
	patience = "PRAGMA busy_timeout=10000"

	mainFile    = "rapport.db"
	historyFile = "history.db"
	lockFile    = "lock"

	liteReaders = 4
	// The writers' page caches, in SQLite's cache_size (negative: KiB).
	mainCache    = -32 << 10
	historyCache = -32 << 10
	// logLimit is how many bytes of the write-ahead log are left before it is emptied in the background.
	logLimit = 16 << 20
	// historyLog is the same for history.db, whose pages come again and again.
	historyLog = 128 << 20
)

func openLite(dir, synchronous string) (*lite, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unavailable(err)
	}
	lock, err := lockDir(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, err
	}
	temporaryFiles(dir)
	l := &lite{dir: dir, synchronous: synchronous, lock: lock, readers: make(chan *liteConn, liteReaders),
		kick: make(chan struct{}, 1), done: make(chan struct{})}
	for range liteReaders {
		l.readers <- nil
	}
	l.relay()
	if l.folder, err = l.open(historyFile, historyCache); err == nil { // first: the writer looks into its file
		l.writer, err = l.openWriter()
	}
	if err != nil {
		_ = l.close()
		return nil, err
	}
	// What a process that was killed left in the logs counts: else they grow with each that is killed before they are emptied. A log
	// over the limit is emptied before anybody comes, for this process may be killed as soon; if that cannot be done now, later.
	log := filepath.Join(dir, mainFile+"-wal")
	if sizeOf(log) > logLimit {
		_, _ = l.writer.checkpoint("TRUNCATE")
	}
	l.unchecked.Store(sizeOf(log))
	l.unmoved = int(sizeOf(filepath.Join(dir, historyFile+"-wal")))
	l.checker.Add(1)
	go l.check()
	return l, nil
}

// liteConn is one connection with its prepared statements.
type liteConn struct {
	c     *sqlite3.SQLiteConn
	stmts map[string]*liteStmt
	row   row
	wrote int // rough bytes written, for the checkpointer
}

type liteStmt struct {
	s       *sqlite3.SQLiteStmt
	columns int
}

// open opens one of the two files; cache is SQLite's cache_size (negative: KiB).
func (l *lite) open(file string, cache int) (*liteConn, error) {
	u := url.URL{Scheme: "file", Path: filepath.Join(l.dir, file), RawQuery: "_mutex=no"}
	opened, err := new(sqlite3.SQLiteDriver).Open(u.String())
	if err != nil {
		return nil, fault(err)
	}
	c := &liteConn{c: opened.(*sqlite3.SQLiteConn), stmts: map[string]*liteStmt{}}
	for _, pragma := range []string{
		"journal_mode=WAL", "synchronous=" + l.synchronous, "secure_delete=ON", strings.TrimPrefix(patience, "PRAGMA "), "foreign_keys=ON",
		"temp_store=MEMORY", "trusted_schema=OFF", "wal_autocheckpoint=0", "journal_size_limit=67108864", fmt.Sprintf("cache_size=%d", cache),
	} {
		if _, err := c.c.Exec("PRAGMA "+pragma, nil); err != nil {
			c.close()
			return nil, fault(err)
		}
	}
	return c, nil
}

func (l *lite) openReader() (*liteConn, error) {
	// What a reader has of rapport.db is gone with the next commit, what it has of history.db with the next fold.
	c, err := l.openBoth(-4 << 10)
	if err != nil {
		return nil, err
	}
	for _, pragma := range []string{"past.cache_size=-6144", "query_only=ON"} {
		if _, err = c.c.Exec("PRAGMA "+pragma, nil); err != nil {
			c.close()
			return nil, fault(err)
		}
	}
	return c, nil
}

func (l *lite) openWriter() (*liteConn, error) { return l.openBoth(mainCache) }

func (l *lite) openFolder() (*liteConn, error) { return l.open(historyFile, historyCache) }

// openBoth opens rapport.db with history.db beside it, to be read only.
func (l *lite) openBoth(cache int) (*liteConn, error) {
	c, err := l.open(mainFile, cache)
	if err != nil {
		return nil, err
	}
	past := url.URL{Scheme: "file", Path: filepath.Join(l.dir, historyFile), RawQuery: "mode=ro"}
	if _, err = c.c.Exec("ATTACH DATABASE ? AS past", []driver.Value{past.String()}); err != nil {
		c.close()
		return nil, fault(err)
	}
	return c, nil
}

func (c *liteConn) close() {
	for _, s := range c.stmts {
		_ = s.s.Close()
	}
	_ = c.c.Close()
}

func (c *liteConn) prepare(text string) (*liteStmt, error) {
	if s, ok := c.stmts[text]; ok {
		return s, nil
	}
	p, err := c.c.Prepare(sqliteDialect.text(text))
	if err != nil {
		return nil, fault(err)
	}
	s := &liteStmt{s: p.(*sqlite3.SQLiteStmt), columns: -1}
	c.stmts[text] = s
	return s, nil
}

func (c *liteConn) do(ctx context.Context, qs ...query) error {
	for i := range qs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.one(&qs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *liteConn) one(q *query) error {
	s, err := c.prepare(q.text)
	if err != nil {
		return err
	}
	for _, a := range q.args {
		if b, ok := a.([]byte); ok {
			c.wrote += len(b)
		}
	}
	if q.scan == nil {
		c.wrote += page // about: each statement that writes touches a page
		_, err := s.s.Exec(q.args)
		return fault(err)
	}
	rows, err := s.s.Query(q.args)
	if err != nil {
		return fault(err)
	}
	if s.columns < 0 {
		s.columns = len(rows.Columns())
		for len(c.row) < s.columns {
			c.row = append(c.row, nil)
		}
	}
	for {
		switch err := rows.Next(c.row[:s.columns]); {
		case err == io.EOF:
			return fault(rows.Close())
		case err != nil:
			_ = rows.Close()
			return fault(err)
		}
		if err := q.scan(c.row[:s.columns]); err != nil {
			_ = rows.Close()
			return err
		}
	}
}

// within runs work between BEGIN and COMMIT. Whatever fails, nothing has happened and the connection is out of the transaction,
// or broken is true and it must not be used again.
func (c *liteConn) within(begin string, work func(conn) error) (broken bool, err error) {
	if err := c.one(&query{text: begin}); err != nil {
		return true, err
	}
	if err = work(c); err == nil {
		if err = c.one(&query{text: "COMMIT"}); err == nil {
			return false, nil
		}
	}
	if !c.c.AutoCommit() {
		if undone := c.one(&query{text: "ROLLBACK"}); undone != nil {
			return true, err
		}
	}
	return errors.Is(err, vault.ErrUnavailable), err
}

func (l *lite) snapshot(ctx context.Context, read func(conn) error) error {
	return l.reading(ctx, func(c *liteConn) (broken bool, err error) { return c.within("BEGIN", read) })
}

func (l *lite) ask(ctx context.Context, q query) error {
	return l.reading(ctx, func(c *liteConn) (broken bool, err error) {
		err = c.one(&q)
		return errors.Is(err, vault.ErrUnavailable), err
	})
}

// reading lends one of the readers. work says whether it broke it.
func (l *lite) reading(ctx context.Context, work func(*liteConn) (broken bool, err error)) error {
	var c *liteConn
	select {
	case c = <-l.readers:
	case <-l.done:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	if c == nil {
		var err error
		if c, err = l.openReader(); err != nil {
			l.readers <- nil
			return err
		}
	}
	broken := true
	defer func() { // also when work panics: the connection goes, its place stays
		if broken {
			c.close()
			c = nil
		}
		l.readers <- c
	}()
	var err error
	broken, err = work(c)
	return err
}

func (l *lite) transaction(_ context.Context, write func(conn) error) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	// Deferred: history.db is touched only by the transactions that read it. Nobody else writes rapport.db, so that the
	// lock is there when it is wanted.
	return l.update(&l.writer, l.openWriter, "BEGIN", write)
}

func (l *lite) fold(_ context.Context, write func(conn) error) error {
	l.folding.Lock()
	defer l.folding.Unlock()
	err := l.update(&l.folder, l.openFolder, "BEGIN IMMEDIATE", write)
	if err == nil {
		// Nobody waits for this file but folds, so its log is emptied here, when it is worth it: pages that several folds
		// wrote are then copied once.
		if l.unmoved += l.folder.wrote; l.unmoved > historyLog {
			l.unmoved = 0
			_, _ = l.folder.checkpoint("PASSIVE")
		}
	}
	return err
}

func (l *lite) update(c **liteConn, open func() (*liteConn, error), begin string, write func(conn) error) error {
	if l.closed {
		return errClosed
	}
	if *c == nil {
		opened, err := open()
		if err != nil {
			return err
		}
		*c = opened
	}
	(*c).wrote = 0
	broken, err := (*c).within(begin, write)
	if c == &l.writer {
		l.commits.Add(1)
		if l.unchecked.Add(int64((*c).wrote)+4096) > logLimit {
			select {
			case l.kick <- struct{}{}:
			default:
			}
		}
	}
	if broken {
		(*c).close()
		*c = nil
	}
	return err
}

// mostPasses over the log are made beside the writer.
const mostPasses = 4

// check empties rapport.db's log into the file: most of it beside the writer, the rest between two of its transactions, so
// that the log starts again from its beginning and the writer waits only for the little that came meanwhile. A pass that something
// came into does not sync the file: the next does, and with one pass alone the writer waited for the sync of everything.
func (l *lite) check() {
	defer l.checker.Done()
	var c *liteConn
	defer func() {
		if c != nil {
			c.close()
		}
	}()
	for {
		select {
		case <-l.done:
			return
		case <-l.kick:
		}
		if c == nil {
			var err error
			if c, err = l.open(mainFile, -1<<10); err != nil {
				continue // the next commit asks again
			}
		}
		l.unchecked.Store(0)
		if err := passes(&l.commits, func() (bool, error) { return c.checkpoint("PASSIVE") }); err != nil {
			c.close()
			c = nil
			continue
		}
		l.writing.Lock()
		if l.writer != nil {
			_, _ = l.writer.checkpoint("PASSIVE")
		}
		l.writing.Unlock()
	}
}

// passes has the log emptied again until all of it is moved and nothing was committed meanwhile.
func passes(commits *atomic.Int64, pass func() (all bool, err error)) error {
	for range mostPasses {
		before := commits.Load()
		all, err := pass()
		if err != nil || (all && commits.Load() == before) {
			return err
		}
	}
	return nil
}

// checkpoint empties the log as far as readers allow, and says whether all of it.
func (c *liteConn) checkpoint(mode string) (all bool, err error) {
	err = c.one(&query{text: "PRAGMA main.wal_checkpoint(" + mode + ")", scan: func(r row) error {
		all = r.int(0) == 0 && r.int(1) == r.int(2)
		return nil
	}})
	return all, err
}

// settle empties the logs and cuts them off; rewrite has SQLite write each file anew first. A reader that holds on to an old
// state keeps the logs from being emptied: then it is an error, and the next sweep tries again.
func (l *lite) settle(_ context.Context, rewrite bool) error {
	one := func(mu *sync.Mutex, c **liteConn, open func() (*liteConn, error)) error {
		mu.Lock()
		defer mu.Unlock()
		if l.closed {
			return errClosed
		}
		if *c == nil {
			opened, err := open()
			if err != nil {
				return err
			}
			*c = opened
		}
		if rewrite {
			if err := (*c).vacuum(); err != nil {
				return err
			}
		}
		// Writers wait for this, so it does not wait for readers.
		_ = (*c).one(&query{text: "PRAGMA busy_timeout=100", scan: ignore})
		all, err := (*c).checkpoint("TRUNCATE")
		_ = (*c).one(&query{text: patience, scan: ignore})
		if err == nil && !all {
			err = unavailable(errors.New("a long read keeps the log from being emptied"))
		}
		return err
	}
	return errors.Join(one(&l.writing, &l.writer, l.openWriter), one(&l.folding, &l.folder, l.openFolder))
}

// vacuum writes the file anew by way of a temporary one. What else SQLite would put aside stays in memory; a whole home has no place there.
func (c *liteConn) vacuum() error {
	if err := c.one(&query{text: "PRAGMA temp_store=FILE"}); err != nil {
		return err
	}
	err := c.one(&query{text: "VACUUM"})
	return errors.Join(err, c.one(&query{text: "PRAGMA temp_store=MEMORY"}))
}

// temporaryFiles has SQLite put temporary files, which are without a name from the moment that they are made, beside the home's own: there is the room for a
// second copy of it, and /tmp may be memory. SQLite reads this once for the whole process, so the first home decides.
func temporaryFiles(dir string) {
	if os.Getenv("SQLITE_TMPDIR") == "" {
		_ = os.Setenv("SQLITE_TMPDIR", dir)
	}
}

func (l *lite) apart() bool  { return true }
func (l *lite) writers() int { return 1 }

func (l *lite) close() error {
	close(l.done)
	l.checker.Wait()
	for range liteReaders {
		if c := <-l.readers; c != nil {
			c.close()
		}
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	l.folding.Lock()
	defer l.folding.Unlock()
	l.closed = true
	for _, c := range []*liteConn{l.writer, l.folder} {
		if c != nil {
			_, _ = c.checkpoint("TRUNCATE")
			c.close()
		}
	}
	return l.lock.Close()
}
