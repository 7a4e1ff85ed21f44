package prove

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/trust/vault"
)

const (
	// mostNeedles bounds how many identifying values are searched for in the files: enough that a store that keeps any in clear is found.
	mostNeedles = 4000
	// leastNeedle is how long a value must be to be searched for: a shorter one is found by chance.
	leastNeedle = 6
	// mostNeedle is how much of a value is searched for.
	mostNeedle = 200
)

// thief is somebody who has the files of the home, or the rows of its database, but not the keys.
type thief struct {
	needles needles
	rows    int   // sealed pieces looked at
	clear   tally // values found in them, by the name of their fact
}

func newThief() *thief { return &thief{needles: newNeedles(), clear: tally{}} }

// person looks for each of the person's own values in the sealed rows that hold them, on any engine, and keeps those that would name them
// for the search through the files.
func (t *thief) person(c *charter.Charter, l *vault.Loaded, o *vault.Opened) {
	for i := range o.Facts {
		f := &o.Facts[i]
		if len(f.Value) < leastNeedle {
			continue
		}
		name := nameless
		if d := c.Data[f.Name]; d != nil {
			name = d.Name
			if identifying(d) && t.needles.len() < mostNeedles {
				t.needles.add(f.Value, d.Name)
			}
		}
		value := []byte(f.Value)
		for j := range l.Rows {
			if bytes.Contains(l.Rows[j].Head, value) || bytes.Contains(l.Rows[j].Body, value) {
				t.clear[name]++
			}
		}
		for j := range l.Frames {
			if bytes.Contains(l.Frames[j].Body, value) {
				t.clear[name]++
			}
		}
	}
	t.rows += len(l.Rows) + len(l.Frames)
}

// identifying says whether a value of the datum, found in a file, would name its person.
func identifying(d *charter.Datum) bool {
	return d.Kind == charter.Identifier || d.Type.Name == charter.TName || d.Type.Name == charter.TEmail || d.Type.Name == charter.TPhone
}

// sees reads every file of the home but the keys, as somebody who stole it would, and looks for what names a person.
func (t *thief) sees(dir string) Result {
	r := Result{Check: ThiefSees, Cases: t.rows, Failed: t.clear.sum()}
	var names []string
	found := tally{}
	var failed error
	if dir != "" {
		failed = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a live home: a log that was just emptied
			}
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			if d.IsDir() {
				if rel == "keys" {
					return filepath.SkipDir
				}
				return nil
			}
			if !d.Type().IsRegular() {
				return nil
			}
			err = t.needles.search(path, func(fact string) { found[fact+" in "+rel]++ })
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			names = append(names, rel)
			return err
		})
	}
	r.Cases += t.needles.len() * len(names)
	r.Failed += found.sum()
	sort.Strings(names)
	r.Detail = fmt.Sprintf("sealed rows and events searched for their people's own values: %d; identifying values searched for in files: %d, in: %s; "+
		"in clear are: pseudonyms, times, numbers for kinds of rows and of events, who looked for what purpose, charter, catalogue, models",
		t.rows, t.needles.len(), strings.Join(names, ", "))
	if failed != nil {
		r.Failed++
		r.Detail = "a file of the home could not be read to its end; " + r.Detail
	}
	if len(found) > 0 {
		r.Detail = fmt.Sprintf("found in clear: %s; ", found) + r.Detail
	}
	if len(t.clear) > 0 {
		r.Detail = fmt.Sprintf("found in clear in rows: %s; ", t.clear) + r.Detail
	}
	return r.needsCases()
}

// needles finds many texts in a file in one pass: by their first two bytes, then their first six, then whole.
type needles struct {
	first [1 << 16]bool
	by    map[[leastNeedle]byte][]string
	is    map[string]string
}

func newNeedles() needles {
	return needles{by: map[[leastNeedle]byte][]string{}, is: map[string]string{}}
}

func (n *needles) len() int { return len(n.is) }

// add takes a text of at least leastNeedle bytes.
func (n *needles) add(text, name string) {
	if len(text) > mostNeedle {
		text = text[:mostNeedle]
	}
	if _, ok := n.is[text]; ok {
		return
	}
	n.is[text] = name
	n.first[uint16(text[0])<<8|uint16(text[1])] = true
	head := [leastNeedle]byte([]byte(text))
	n.by[head] = append(n.by[head], text)
}

func (n *needles) search(path string, found func(name string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return n.read(f, 1<<20, found)
}

// read looks through what r gives, a window at a time, the last mostNeedle bytes of each again at the beginning of the next.
func (n *needles) read(r io.Reader, window int, found func(name string)) error {
	buf := make([]byte, 0, window+mostNeedle)
	for {
		before := len(buf)
		m, err := io.ReadFull(r, buf[before:before+window])
		buf = buf[:before+m]
		for i := 0; i+leastNeedle <= len(buf); i++ {
			if !n.first[uint16(buf[i])<<8|uint16(buf[i+1])] {
				continue
			}
			for _, text := range n.by[[leastNeedle]byte(buf[i:])] {
				if end := i + len(text); end > before && bytes.HasPrefix(buf[i:], []byte(text)) {
					found(n.is[text])
				}
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
		tail := min(mostNeedle, len(buf))
		copy(buf, buf[len(buf)-tail:])
		buf = buf[:tail]
	}
}
