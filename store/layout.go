package store

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// history.db was laid out as one tree with the rows inside it (WITHOUT ROWID). A row of some kilobytes does not fit into a node of
// such a tree: few stand in one, and SQLite reads the whole of each row that it compares with on its way down. For one of a million people that were 21
// reads, where an index beside the rows takes 4. Both layouts hold the same and answer the same statements.

// freshFile is history.db in the layout of today, while it is written.
const freshFile = historyFile + ".new"

// relay writes a history.db of the old layout anew, beside it, and puts it in its place once it is synced. It is called before anybody has opened the
// file. Whatever fails, the old file stands as it did, and serves; the next start tries again.
func (l *lite) relay() {
	old, fresh := filepath.Join(l.dir, historyFile), filepath.Join(l.dir, freshFile)
	_ = os.Remove(fresh) // of a start that was killed
	if _, err := os.Stat(old); err != nil {
		return
	}
	if wanted, err := l.rewritten(fresh); err != nil || !wanted {
		_ = os.Remove(fresh)
		return
	}
	if err := errors.Join(logless(old), flushed(fresh), flushed(l.dir)); err != nil { // the directory: the old file's log is gone for good, else it would be read into the new one
		_ = os.Remove(fresh)
		return
	}
	if os.Rename(fresh, old) == nil {
		_ = flushed(l.dir)
	}
}

// rewritten copies history.db into the file, all in one transaction, when it has the old layout.
func (l *lite) rewritten(file string) (wanted bool, err error) {
	c, err := l.open(historyFile, historyCache)
	if err != nil {
		return false, err
	}
	defer c.close() // the last one to leave empties the log and takes it away
	var names, texts []string
	if err := c.one(&query{text: "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL", scan: func(r row) error {
		name, text := r.text(1), r.text(2)
		if r.text(0) != "table" {
			return fmt.Errorf("%s is no table", name) // there was none when the layout was the old one
		}
		if name == "history" {
			text, wanted = strings.CutSuffix(text, " WITHOUT ROWID")
		}
		names, texts = append(names, name), append(texts, text)
		return nil
	}}); err != nil || !wanted {
		return false, err
	}
	if all, err := c.checkpoint("TRUNCATE"); err != nil || !all {
		return false, fmt.Errorf("the log cannot be emptied: %w", err)
	}
	to := url.URL{Scheme: "file", Path: file}
	if _, err := c.c.Exec("ATTACH DATABASE ? AS fresh", []driver.Value{to.String()}); err != nil {
		return false, fault(err)
	}
	for _, text := range []string{"PRAGMA fresh.journal_mode=OFF", "PRAGMA fresh.synchronous=OFF", "BEGIN"} {
		if err := c.one(&query{text: text, scan: ignore}); err != nil {
			return false, err
		}
	}
	for i, name := range names {
		text := strings.Replace(texts[i], "CREATE TABLE ", "CREATE TABLE fresh.", 1)
		if err := c.one(&query{text: text}); err != nil {
			return false, err
		}
		if err := c.one(&query{text: "INSERT INTO fresh." + name + " SELECT * FROM main." + name}); err != nil { // in the order of the old: by person
			return false, err
		}
	}
	return true, c.one(&query{text: "COMMIT"})
}

// logless says that a database has no log with anything in it.
func logless(file string) error {
	if sizeOf(file+"-wal") > 0 {
		return errors.New("the log is not empty")
	}
	return nil
}

func flushed(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
