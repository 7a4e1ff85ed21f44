package recommend

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapporthq/rapport/person"
)

// ErrEvents says that a file of events cannot be read.
var ErrEvents = errors.New("events cannot be read")

// Table names the columns of a CSV file of events, one line for each thing taken.
type Table struct {
	User, Item string
	Time       string // empty: there are no times
	Order      string // what makes lines one event; empty: recognised by name (InvoiceNo, order_id, basket_id), else the time
	Quantity   string // lines with 0 or less are left out; empty: recognised by name (quantity)
}

// events is a file read: lines in order of time, users and items numbered in order of their names.
type events struct {
	users, items []string
	lines        []line
	timed        bool
}

type line struct {
	user, item, order int32
	at                person.Instant
}

// readEvents reads CSV with a header, plain or gzipped. Lines without user or item, and with a quantity of 0 or less, are left out.
func readEvents(r io.Reader, t Table) (*events, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := br.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("%w: the gzip header is damaged", ErrEvents)
		}
		br = bufio.NewReaderSize(z, 1<<16)
	}
	cr := csv.NewReader(br)
	cr.ReuseRecord, cr.FieldsPerRecord, cr.LazyQuotes = true, -1, true
	header, err := cr.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: give a CSV file with a header line", ErrEvents)
	}
	header = slices.Clone(header)
	if len(header) > 0 {
		header[0] = strings.TrimPrefix(header[0], "\ufeff")
	}
	find := func(name string, known ...string) (int, error) {
		if name == "" {
			for i, h := range header {
				for _, k := range known {
					if strings.EqualFold(strings.TrimSpace(h), k) {
						return i, nil
					}
				}
			}
			return -1, nil
		}
		for i, h := range header {
			if strings.EqualFold(strings.TrimSpace(h), name) {
				return i, nil
			}
		}
		return -1, fmt.Errorf("%w: there is no column %q; the columns are %s", ErrEvents, name, strings.Join(header, ", "))
	}
	if t.User == "" || t.Item == "" {
		return nil, fmt.Errorf("%w: say which columns hold the user and the item", ErrEvents)
	}
	var at [5]int
	var errs [5]error
	at[0], errs[0] = find(t.User)
	at[1], errs[1] = find(t.Item)
	at[2], errs[2] = find(t.Time)
	at[3], errs[3] = find(t.Order, "invoiceno", "invoice", "order_id", "orderid", "basket_id", "basketid", "transaction_id")
	at[4], errs[4] = find(t.Quantity, "quantity", "qty")
	if err := cmp.Or(errs[:]...); err != nil {
		return nil, err
	}
	ev := &events{timed: at[2] >= 0}
	users, items, orders := map[string]int32{}, map[string]int32{}, map[string]int32{}
	number := func(m map[string]int32, s string) int32 {
		n, ok := m[s]
		if !ok {
			n = int32(len(m))
			m[strings.Clone(s)] = n
		}
		return n
	}
	for n := 2; ; n++ {
		rec, err := cr.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line %d is not CSV", ErrEvents, n)
		}
		field := func(i int) string {
			if i < 0 || i >= len(rec) {
				return ""
			}
			return strings.TrimSpace(rec[i])
		}
		user, item := field(at[0]), field(at[1])
		if user == "" || item == "" {
			continue
		}
		if at[4] >= 0 {
			if q, err := strconv.ParseFloat(field(at[4]), 64); err != nil || !(q > 0) {
				continue
			}
		}
		l := line{user: number(users, user), item: number(items, item)}
		if ev.timed {
			if l.at, err = parseTime(field(at[2])); err != nil {
				return nil, fmt.Errorf("%w: line %d has no time that can be read; use 2006-01-02 15:04:05, RFC 3339 or seconds since 1970", ErrEvents, n)
			}
		}
		switch {
		case at[3] >= 0:
			l.order = number(orders, field(at[3]))
		case ev.timed:
			l.order = number(orders, user+"\x00"+strconv.FormatInt(int64(l.at), 36))
		default:
			l.order = int32(len(ev.lines))
		}
		ev.lines = append(ev.lines, l)
	}
	ev.users, ev.items = sortedNames(users), sortedNames(items)
	toUser, toItem := places(users, ev.users), places(items, ev.items)
	for i := range ev.lines {
		l := &ev.lines[i]
		l.user, l.item = toUser[l.user], toItem[l.item]
	}
	slices.SortStableFunc(ev.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order), cmp.Compare(a.item, b.item))
	})
	return ev, nil
}

func sortedNames(m map[string]int32) []string {
	names := make([]string, 0, len(m))
	for s := range m {
		names = append(names, s)
	}
	slices.Sort(names)
	return names
}

func places(m map[string]int32, names []string) []int32 {
	to := make([]int32, len(names))
	for i, s := range names {
		to[m[s]] = int32(i)
	}
	return to
}

var timeForms = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02", "1/2/2006 15:04"}

// parseTime reads a time, UTC unless it says otherwise.
func parseTime(s string) (person.Instant, error) {
	for _, f := range timeForms {
		if t, err := time.Parse(f, s); err == nil {
			return person.At(t), nil
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n > 0 && n < 1e14) {
		return 0, ErrEvents
	}
	if n > 1e11 { // milliseconds
		n /= 1000
	}
	return person.Instant(n * 1e6), nil
}

// histories folds the lines before a time to what each user took; order counts an item once. keep may leave items out.
func (ev *events) histories(before person.Instant, keep func(item int32) bool) [][]Taken {
	out := make([][]Taken, len(ev.users))
	type seen struct {
		order int32
		at    int
	}
	for lo := 0; lo < len(ev.lines); {
		hi := lo
		last := map[int32]seen{}
		var taken []Taken
		for ; hi < len(ev.lines) && ev.lines[hi].user == ev.lines[lo].user; hi++ {
			l := ev.lines[hi]
			if (ev.timed && l.at >= before) || (keep != nil && !keep(l.item)) {
				continue
			}
			s, ok := last[l.item]
			if ok && s.order == l.order {
				continue
			}
			if !ok {
				s.at = len(taken)
				taken = append(taken, Taken{Item: ev.items[l.item]})
			}
			s.order = l.order
			last[l.item] = s
			taken[s.at].When = append(taken[s.at].When, l.at)
		}
		slices.SortFunc(taken, func(a, b Taken) int { return strings.Compare(a.Item, b.Item) })
		out[ev.lines[lo].user] = taken
		lo = hi
	}
	return out
}
