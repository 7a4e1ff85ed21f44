package anchor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// line is one line of a file of heads. A line that a crash cut short is none: the head after it stands on the next.
type line struct {
	At   time.Time `json:"at"`
	Head string    `json:"head"`
}

const mostLine = 16 << 10 // bytes

func parseLine(raw []byte) (ledger.Kept, bool) {
	var l line
	if len(raw) > mostLine || json.Unmarshal(raw, &l) != nil || l.Head == "" {
		return ledger.Kept{}, false
	}
	return ledger.Kept{Head: []byte(l.Head), At: person.At(l.At)}, true
}

func readLines(path string) ([]ledger.Kept, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var out []ledger.Kept
	for in := bufio.NewReaderSize(f, mostLine); ; {
		raw, err := in.ReadSlice('\n')
		if k, ok := parseLine(raw); ok && err == nil {
			k.Where = path
			out = append(out, k)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, err
		}
	}
}

// lastLine is the last head of a file, and whether the file ends as it should.
func lastLine(f *os.File) (last ledger.Kept, whole bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return last, false, err
	}
	if !info.Mode().IsRegular() {
		return last, false, errors.New("it is no file")
	}
	for tail := int64(4 * mostLine); ; tail *= 2 {
		from := max(0, info.Size()-tail)
		raw := make([]byte, info.Size()-from)
		if _, err := f.ReadAt(raw, from); err != nil && !errors.Is(err, io.EOF) {
			return last, false, err
		}
		whole = len(raw) == 0 || raw[len(raw)-1] == '\n'
		lines := bytes.Split(raw, []byte{'\n'})
		if from > 0 {
			lines = lines[1:]
		}
		for i := len(lines) - 2; i >= 0; i-- { // behind the last line end there is nothing, or half a line
			if k, ok := parseLine(lines[i]); ok {
				return k, whole, nil
			}
		}
		if from == 0 {
			return last, whole, nil
		}
	}
}

// keepLine adds the ledger's head to a file, synced, unless it is there already.
func (p Place) keepLine(ctx context.Context, l *ledger.Ledger, now person.Instant) (Receipt, error) {
	signed, size, _, err := l.Growth(ctx, 0)
	if err != nil || size == 0 {
		return Receipt{}, err
	}
	_, missing := os.Stat(p.Where)
	f, err := os.OpenFile(p.Where, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return Receipt{}, p.failed("cannot be written (%s)", cause(err))
	}
	defer func() { _ = f.Close() }()
	last, whole, err := lastLine(f)
	if err != nil {
		return Receipt{}, p.failed("cannot be read (%s)", cause(err))
	}
	if bytes.Equal(last.Head, signed) {
		return Receipt{size, now}, nil
	}
	if last.Head != nil {
		last.Where = p.Where
		if problem, err := l.Compare(ctx, last); problem != nil || err != nil {
			if err == nil {
				err = &Conflict{*problem}
			}
			return Receipt{}, err
		}
	}
	raw, err := json.Marshal(line{now.Time().UTC(), string(signed)})
	if err != nil {
		return Receipt{}, err
	}
	if raw = append(raw, '\n'); !whole {
		raw = append([]byte{'\n'}, raw...)
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync()); err == nil && missing != nil {
		err = syncFolder(filepath.Dir(p.Where))
	}
	if err != nil {
		return Receipt{}, p.failed("could not be written and synced (%s)", cause(err))
	}
	return Receipt{size, now}, nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// cause is what the system said of a file, without its path.
func cause(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return "of the disk"
}
