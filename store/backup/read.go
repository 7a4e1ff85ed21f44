package backup

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io"
	"strings"

	"github.com/rapporthq/rapport/store"
)

// File is an opened file of a backup whose end and hash are right.
type File struct {
	Header
	Counts Counts

	from io.ReaderAt
	size int64 // without the end
	sum  []byte
	mac  []byte
}

// Open checks a file of that kind from its first byte to its last. Errors: ErrForeign, ErrCut, ErrChanged, ErrNewer, and those of reading.
// Whether the right home wrote it says Signed.
func Open(from io.ReaderAt, size int64, k Kind) (*File, error) {
	first := make([]byte, min(size, int64(len(line(k)))))
	if _, err := from.ReadAt(first, 0); err != nil && err != io.EOF {
		return nil, err
	}
	want := line(k)
	if string(first) != want {
		if prefix, _, _ := strings.Cut(want, " 1\n"); len(first) == len(want) && strings.HasPrefix(string(first), prefix+" ") {
			return nil, ErrNewer
		}
		if strings.HasPrefix(want, string(first)) {
			return nil, ErrCut
		}
		return nil, ErrForeign
	}
	if size < int64(len(want)+tailSize) {
		return nil, ErrCut
	}
	tail := make([]byte, tailSize)
	if _, err := from.ReadAt(tail, size-int64(tailSize)); err != nil && err != io.EOF {
		return nil, err
	}
	f := &File{from: from, size: size - int64(tailSize), sum: tail[:sha256.Size], mac: tail[sha256.Size : 2*sha256.Size]}
	switch {
	case string(tail[tailSize-len(mark):]) != mark:
		return nil, ErrCut
	case binary.BigEndian.Uint64(tail[2*sha256.Size:]) != uint64(f.size):
		return nil, ErrChanged
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, bufio.NewReaderSize(io.NewSectionReader(from, 0, f.size), 1<<20)); err != nil {
		return nil, err
	}
	if !bytes.Equal(sum.Sum(nil), f.sum) {
		return nil, ErrChanged
	}
	r := f.records()
	kind, body, err := r.next()
	if err != nil || kind != headRecord || json.Unmarshal(body, &f.Header) != nil || f.Kind != k {
		return nil, ErrChanged
	}
	for part, version := range store.Schema() {
		if f.Schema[part] > version {
			return nil, ErrNewer
		}
	}
	return f, nil
}

// Signed says whether the home whose secret it is wrote the file.
func (f *File) Signed(secret []byte) bool { return hmac.Equal(f.mac, sign(secret, f.sum)) }

// records reads one record after the other.
type records struct {
	from *bufio.Reader
	left int64
	buf  []byte
}

func (f *File) records() *records {
	n := int64(len(line(f.Kind)))
	if f.Kind == "" { // the header is not read yet
		n = int64(bytes.IndexByte(f.start(), '\n') + 1)
	}
	return &records{from: bufio.NewReaderSize(io.NewSectionReader(f.from, n, f.size-n), 1<<20), left: f.size - n}
}

func (f *File) start() []byte {
	b := make([]byte, min(64, f.size))
	_, _ = f.from.ReadAt(b, 0)
	return b
}

// next gives a record; its body is good until the next.
func (r *records) next() (kind byte, body []byte, err error) {
	size, err := binary.ReadUvarint(r.from)
	if err != nil || size < 1 || size > maxRecord || int64(size) > r.left {
		return 0, nil, ErrChanged
	}
	if uint64(cap(r.buf)) < size {
		r.buf = make([]byte, size)
	}
	r.buf = r.buf[:size]
	if _, err := io.ReadFull(r.from, r.buf); err != nil {
		return 0, nil, ErrChanged
	}
	return r.buf[0], r.buf[1:], nil
}

// Rows gives the rows one by one, and false after the last; then Counts is set and agrees with them. Errors: ErrChanged.
func (f *File) Rows() func() (store.CopyRow, bool, error) {
	r := f.records()
	_, _, err := r.next() // the header
	var now store.CopyRow
	seen := Counts{}
	return func() (store.CopyRow, bool, error) {
		if err != nil {
			return store.CopyRow{}, false, err
		}
		for {
			kind, body, fault := r.next()
			if fault != nil {
				err = fault
				return store.CopyRow{}, false, err
			}
			switch kind {
			case tableMark:
				var names []string
				if json.Unmarshal(body, &names) != nil || len(names) < 2 {
					err = ErrChanged
					return store.CopyRow{}, false, err
				}
				now = store.CopyRow{Table: names[0], Columns: names[1:]}
			case rowRecord:
				values, fault := parseValues(body)
				if fault != nil || len(values) != len(now.Columns) || now.Table == "" {
					err = ErrChanged
					return store.CopyRow{}, false, err
				}
				seen[now.Table]++
				return store.CopyRow{Table: now.Table, Columns: now.Columns, Values: values}, true, nil
			case endRecord:
				counts := Counts{}
				if json.Unmarshal(body, &counts) != nil || !same(counts, seen) {
					err = ErrChanged
					return store.CopyRow{}, false, err
				}
				f.Counts = counts
				return store.CopyRow{}, false, nil
			default:
				err = ErrChanged
				return store.CopyRow{}, false, err
			}
		}
	}
}

func same(a, b Counts) bool {
	if len(a) != len(b) {
		return false
	}
	for k, n := range a {
		if b[k] != n {
			return false
		}
	}
	return true
}

// Join gives the rows of data with the keys of people put back, and before them those that the keys file has of its own. The keys file may know more people than data: it may be the newer one. Then
// whoever has no key in it was forgotten since: their key is empty, and forgotten is told. Errors: those of Rows, and ErrOldKeys.
func Join(data, keys *File, forgotten func()) func() (store.CopyRow, bool, error) {
	rows, rings := data.Rows(), keys.Rows()
	var ring store.CopyRow
	begun, ended := false, false
	next := func() (err error) {
		var any bool
		if ring, any, err = rings(); err == nil && !any {
			ended = true
		}
		return err
	}
	newer := keys.At.After(data.At)
	return func() (store.CopyRow, bool, error) {
		if keys.At.Before(data.At) { // it knows neither who came nor who was forgotten since
			return store.CopyRow{}, false, ErrOldKeys
		}
		if !begun {
			if err := next(); err != nil {
				return store.CopyRow{}, false, err
			}
			if !ended && store.Current(ring.Table) {
				return ring, true, nil
			}
			begun = true
		}
		r, more, err := rows()
		if err != nil || !more || r.Table != "person" {
			return r, more, err
		}
		id, ok := r.Values[0].([]byte)
		if !ok || r.Columns[0] != "id" {
			return r, false, ErrChanged
		}
		for !ended && bytes.Compare(idOf(ring), id) < 0 { // both are in the order of ids
			if err := next(); err != nil {
				return r, false, err
			}
		}
		key := []byte{}
		switch {
		case !ended && bytes.Equal(idOf(ring), id):
			key, ok = ring.Values[1].([]byte)
			if !ok {
				return r, false, ErrChanged
			}
		case newer:
			forgotten()
		default:
			return r, false, ErrOldKeys
		}
		return store.CopyRow{Table: r.Table, Columns: append(append([]string(nil), r.Columns...), wrapped), Values: append(r.Values, key)}, true, nil
	}
}

func idOf(r store.CopyRow) []byte {
	if len(r.Values) != 2 {
		return nil
	}
	b, _ := r.Values[0].([]byte)
	return b
}
