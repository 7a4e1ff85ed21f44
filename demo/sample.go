package demo

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

//go:embed sample/baskets.bin.gz sample/catalogue.tsv.gz sample/households.csv
var sampleFiles embed.FS

// sample is the data as the source has it, read once for the life of the process: about 15 MB.
type sample struct {
	homes    []household
	products []product
	baskets  []basket // by household, then by time
	index    []uint16 // by line: the product, an index of products
	quantity []uint8  // by line
	cents    []int32  // by line: what the whole line cost
}

// household is a household with demographics, in the source's words; "" where the source says nothing.
type household struct {
	number                                       int
	age, income, home, marital, size, comp, kids string
	first, last                                  int // its baskets are baskets[first:last]
}

// product is one product in the source's words.
type product struct {
	id, department, category, kind, brand, size string
}

// basket is one visit: its lines are [first:last], sorted by product.
type basket struct {
	home        int   // index of homes
	at          int64 // seconds since 2017-01-01 00:00 on the shops' clock
	first, last int
}

var readSample = sync.OnceValues(func() (*sample, error) {
	s := new(sample)
	for _, step := range []func() error{s.readHomes, s.readProducts, s.readBaskets} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("the demo's sample cannot be read (%w): make it anew with demo/sample/make.py", err)
		}
	}
	return s, nil
})

// unpacked gives the content of one file of the sample.
func unpacked(name string) ([]byte, error) {
	packed, err := sampleFiles.ReadFile("sample/" + name)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(name, ".gz") {
		return packed, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func (s *sample) readHomes() error {
	raw, err := unpacked("households.csv")
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return err
	}
	for _, r := range rows[1:] {
		n, err := strconv.Atoi(r[0])
		if err != nil {
			return err
		}
		s.homes = append(s.homes, household{number: n, age: r[1], income: r[2], home: r[3], marital: r[4], size: r[5], comp: r[6], kids: r[7]})
	}
	return nil
}

func (s *sample) readProducts() error {
	raw, err := unpacked("catalogue.tsv.gz")
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")[1:]
	s.products = make([]product, 0, len(lines))
	for _, l := range lines {
		f := strings.Split(l, "\t")
		if len(f) != 6 {
			return errors.New("a line of the catalogue has not six columns")
		}
		s.products = append(s.products, product{id: f[0], department: f[1], category: f[2], kind: f[3], brand: f[4], size: f[5]})
	}
	return nil
}

// readBaskets reads the format that sample/make.py describes.
func (s *sample) readBaskets() error {
	raw, err := unpacked("baskets.bin.gz")
	if err != nil {
		return err
	}
	const magic = "FERNHILL1\n"
	if !bytes.HasPrefix(raw, []byte(magic)) {
		return errors.New("baskets.bin is of another format")
	}
	in := column{rest: raw[len(magic):]}
	homes, baskets, lines, products := in.next(), in.next(), in.next(), in.next()
	if homes != len(s.homes) || products != len(s.products) || baskets > len(raw) || lines > len(raw) {
		return errors.New("baskets.bin is of another sample")
	}
	s.baskets = make([]basket, baskets)
	b := 0
	for h := range s.homes {
		n := in.next()
		if n > baskets-b {
			return errShort
		}
		s.homes[h].first, s.homes[h].last = b, b+n
		for ; n > 0; n-- {
			s.baskets[b].home = h
			b++
		}
	}
	for b := range s.baskets {
		at := int64(in.next())
		if b > s.homes[s.baskets[b].home].first {
			at += s.baskets[b-1].at
		}
		s.baskets[b].at = at
	}
	line := 0
	for b := range s.baskets {
		s.baskets[b].first = line
		line += in.next()
		s.baskets[b].last = line
	}
	low, high := in.bytes(lines), in.bytes(lines)
	if in.short || line != lines || b != baskets {
		return errShort
	}
	s.index, s.quantity, s.cents = make([]uint16, lines), make([]uint8, lines), make([]int32, lines)
	for _, b := range s.baskets {
		at := 0
		for l := b.first; l < b.last; l++ {
			at += int(low[l]) | int(high[l])<<8
			if at >= products {
				return errShort
			}
			s.index[l] = uint16(at)
		}
	}
	for l := range s.quantity {
		s.quantity[l] = uint8(in.next())
	}
	for l := range s.cents {
		s.cents[l] = int32(in.next())
	}
	if in.short || len(in.rest) != 0 {
		return errShort
	}
	return nil
}

var errShort = errors.New("baskets.bin does not hold what it says it holds")

// column reads numbers off the front of a byte slice; short says that there were too few.
type column struct {
	rest  []byte
	short bool
}

func (c *column) next() int {
	n := 0
	for i, b := range c.rest {
		n |= int(b&127) << (7 * i)
		if b < 128 {
			c.rest = c.rest[i+1:]
			return n
		}
		if i == 5 {
			break
		}
	}
	c.short = true
	return 0
}

func (c *column) bytes(n int) []byte {
	if n > len(c.rest) {
		c.short = true
		return make([]byte, n)
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}
