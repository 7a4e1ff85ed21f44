// Package backup writes a home into two files and reads them back: one with everything that the database holds, sealed as it is there, and one with the
// keys. Each alone tells nothing about anybody but pseudonyms, times and counts.
//
// The keys file says besides who was forgotten: whoever is in the data and has no key in a newer keys file was, and cannot be read.
//
// It promises: neither file holds the wrapping key; the data file never holds a key, not even a wrapped one; a file that was cut short, changed in any byte, or belongs to another home is
// refused before a row of it is used, each by its own error; the rows are the same whichever engine they come from. It does not promise secrecy of the
// keys file: who has both files and the wrapping key reads everything. It is not compressed: sealed data does not shrink.
//
// A file is a line that says what it is, records (a length and so many bytes), and an end: the hash of all before it, the same under the home's key, the
// length and a mark.
package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/rapporthq/rapport/store"
)

// Kind is what a file holds.
type Kind string

// The two files of a backup.
const (
	Data Kind = "backup"
	Keys Kind = "keys"
)

// Why a file is refused.
var (
	ErrForeign   = errors.New("this is no file of rapport backup")
	ErrCut       = errors.New("the file is cut short: its end is missing")
	ErrChanged   = errors.New("the file was changed or damaged after it was written")
	ErrWrongKeys = errors.New("these keys belong to another home")
	ErrOldKeys   = errors.New("the keys file is older than the backup")
	ErrNewer     = errors.New("the backup was made by a newer rapport")
)

// Format is the version of the files that this package writes, and the only one that it reads.
const Format = 1

// Header says what a file is of.
type Header struct {
	Kind    Kind
	Home    string            // the public half of the ledger's key, which names the home
	At      time.Time         // when it was begun
	Version string            // of the program
	Schema  map[string]int64  // of the database; of the data file
	Charter []byte            // charter.yaml, the proposal as it lay in the home; of the data file
	Files   map[string][]byte // of keys/; of the keys file
}

// Home is what a backup needs to know of the home besides its rows.
type Home struct {
	Name    string // the public half of the ledger's key
	Secret  []byte // signs the files' ends
	Version string
	Charter []byte
	Files   map[string][]byte
	Now     time.Time
}

// Counts are the rows of each table.
type Counts map[string]int64

const (
	wrapped    = "wrapped"
	mark       = "rapport.\n"
	tailSize   = 2*sha256.Size + 8 + len(mark)
	maxRecord  = 1 << 30
	headRecord = 'H'
	tableMark  = 'T'
	rowRecord  = 'R'
	endRecord  = 'E'
)

func line(k Kind) string { return fmt.Sprintf("rapport %s %d\n", k, Format) }

// Write copies the home as it is at one moment: rows into data, keys into keys. See store.Store.Copy.
func Write(ctx context.Context, s *store.Store, h Home, data, keys io.Writer) (Counts, error) {
	d, k := newWriter(data, Data), newWriter(keys, Keys)
	d.json(headRecord, Header{Kind: Data, Home: h.Name, At: h.Now, Version: h.Version, Schema: store.Schema(), Charter: h.Charter})
	k.json(headRecord, Header{Kind: Keys, Home: h.Name, At: h.Now, Version: h.Version, Files: h.Files})
	err := s.Copy(ctx, func(r store.CopyRow) error {
		open, secret := split(r)
		if open.Table != "" {
			d.row(open)
		}
		if secret.Table != "" {
			k.row(secret)
		}
		return errors.Join(d.err, k.err)
	})
	if err != nil {
		return nil, err
	}
	counts := d.counts
	return counts, errors.Join(d.end(h.Secret), k.end(h.Secret))
}

// split says what of a row goes into the file of the data and what into that of the keys: the wrapped data keys, and what must be as new as they are.
func split(r store.CopyRow) (open, secret store.CopyRow) {
	if store.Current(r.Table) {
		return store.CopyRow{}, r
	}
	at := -1
	for i, c := range r.Columns {
		if r.Table == "person" && c == wrapped {
			at = i
		}
	}
	if at < 0 {
		return r, store.CopyRow{}
	}
	open = store.CopyRow{Table: r.Table}
	for i, c := range r.Columns {
		if i != at {
			open.Columns, open.Values = append(open.Columns, c), append(open.Values, r.Values[i])
		}
	}
	return open, store.CopyRow{Table: r.Table, Columns: []string{"id", wrapped}, Values: []any{r.Values[0], r.Values[at]}}
}

// writer writes one file; the first error stays.
type writer struct {
	to     *bufio.Writer
	sum    hash.Hash
	size   uint64
	err    error
	buf    []byte
	table  string
	counts Counts
}

func newWriter(to io.Writer, k Kind) *writer {
	w := &writer{to: bufio.NewWriterSize(to, 1<<20), sum: sha256.New(), counts: Counts{}}
	w.write([]byte(line(k)))
	return w
}

func (w *writer) write(b []byte) {
	if w.err == nil {
		_, _ = w.sum.Write(b)
		w.size += uint64(len(b))
		_, w.err = w.to.Write(b)
	}
}

func (w *writer) record(kind byte, body []byte) {
	head := binary.AppendUvarint(make([]byte, 0, binary.MaxVarintLen64+1), uint64(len(body)+1))
	w.write(append(head, kind))
	w.write(body)
}

func (w *writer) json(kind byte, v any) {
	b, err := json.Marshal(v)
	w.err = errors.Join(w.err, err)
	w.record(kind, b)
}

func (w *writer) row(r store.CopyRow) {
	if w.table != r.Table {
		w.table = r.Table
		w.json(tableMark, append([]string{r.Table}, r.Columns...))
	}
	w.counts[r.Table]++
	w.buf = AppendValues(w.buf[:0], r.Values)
	w.record(rowRecord, w.buf)
}

func (w *writer) end(secret []byte) error {
	w.json(endRecord, w.counts)
	tail := w.sum.Sum(nil)
	tail = append(tail, sign(secret, tail)...)
	tail = binary.BigEndian.AppendUint64(tail, w.size)
	tail = append(tail, mark...)
	if w.err == nil {
		_, w.err = w.to.Write(tail)
	}
	if w.err == nil {
		w.err = w.to.Flush()
	}
	return w.err
}

func sign(secret, sum []byte) []byte {
	m := hmac.New(sha256.New, secret)
	_, _ = m.Write(sum)
	return m.Sum(nil)
}

// AppendValues writes a row's values behind b. Two rows have the same bytes only when they are the same.
func AppendValues(b []byte, values []any) []byte {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = append(b, 'n')
		case int64:
			b = binary.AppendVarint(append(b, 'i'), v)
		case string:
			b = append(binary.AppendUvarint(append(b, 't'), uint64(len(v))), v...)
		case []byte:
			b = append(binary.AppendUvarint(append(b, 'b'), uint64(len(v))), v...)
		}
	}
	return b
}

// parseValues reads what AppendValues wrote. The values point into b.
func parseValues(b []byte) ([]any, error) {
	var out []any
	for len(b) > 0 {
		tag := b[0]
		b = b[1:]
		switch tag {
		case 'n':
			out = append(out, nil)
		case 'i':
			v, n := binary.Varint(b)
			if n <= 0 {
				return nil, ErrChanged
			}
			out, b = append(out, v), b[n:]
		case 't', 'b':
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return nil, ErrChanged
			}
			v := b[n : n+int(size)]
			b = b[n+int(size):]
			if tag == 't' {
				out = append(out, string(v))
			} else {
				out = append(out, bytes.Clone(v))
			}
		default:
			return nil, ErrChanged
		}
	}
	return out, nil
}
