package store

import (
	"bytes"
	"database/sql/driver"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// PostgreSQL reads a list of parameters, IN ($1,$2,…), as one parameter that is an array: one statement for lists of every length,
// one value to bind instead of 256, and a plan that looks up each in the index, where a long list of a table that nobody has analysed
// yet is taken for most of its rows and all of them are read.

// arrayed is a statement with its lists as arrays, and which parameters each of its own stands for.
type arrayed struct {
	text  string
	spans []span
}

// span is parameters from one to before another, counted from 0.
type span struct {
	from, to int
	list     bool
}

var list = regexp.MustCompile(`IN \(\$[0-9]+(?:,\$[0-9]+)+\)`)

var arrays sync.Map // text → *arrayed; as many as there are statements and lengths of lists

// arrayOf gives the statement as PostgreSQL is to read it.
func arrayOf(text string) *arrayed {
	if a, ok := arrays.Load(text); ok {
		return a.(*arrayed)
	}
	a := &arrayed{text: text}
	if places := list.FindAllStringIndex(text, -1); places != nil {
		a.text, a.spans = listsToArrays(text, places)
	}
	arrays.Store(text, a)
	return a
}

func listsToArrays(text string, places [][]int) (string, []span) {
	ends := map[int]int{} // of lists, by their first parameter
	last := 0
	for _, at := range parameter.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(at[1])
		last = max(last, n)
	}
	for _, at := range places {
		within := parameter.FindAllStringSubmatch(text[at[0]:at[1]], -1)
		first, _ := strconv.Atoi(within[0][1])
		ends[first-1] = first - 1 + len(within)
	}
	var spans []span
	number := map[int]int{} // of a parameter, by what it was
	for from := 0; from < last; {
		to, isList := ends[from]
		if !isList {
			to = from + 1
		}
		spans = append(spans, span{from, to, isList})
		number[from+1] = len(spans)
		from = to
	}
	var b strings.Builder
	one := func(part string) string {
		return parameter.ReplaceAllStringFunc(part, func(p string) string {
			n, _ := strconv.Atoi(p[1:])
			return "$" + strconv.Itoa(number[n])
		})
	}
	from := 0
	for _, at := range places {
		b.WriteString(one(text[from:at[0]]))
		first := parameter.FindString(text[at[0]:at[1]])
		b.WriteString("= ANY (" + one(first) + ")")
		from = at[1]
	}
	b.WriteString(one(text[from:]))
	return b.String(), spans
}

// args are the statement's own parameters.
func (a *arrayed) args(values []driver.Value) []any {
	if a.spans == nil {
		out := make([]any, len(values))
		for i, v := range values {
			out[i] = v
		}
		return out
	}
	out := make([]any, len(a.spans))
	for i, s := range a.spans {
		if s.list {
			out[i] = array(values[s.from:s.to])
		} else {
			out[i] = values[s.from]
		}
	}
	return out
}

// array is values of one kind as the driver takes them, without the repetitions that made up a list's length.
func array(values []driver.Value) any {
	switch values[0].(type) {
	case []byte:
		n := len(values)
		for n > 1 && bytes.Equal(values[n-1].([]byte), values[n-2].([]byte)) {
			n--
		}
		out := make([][]byte, n)
		for i := range out {
			out[i] = values[i].([]byte)
		}
		return out
	case int64:
		out := make([]int64, len(values))
		for i := range out {
			out[i] = values[i].(int64)
		}
		return out
	}
	out := make([]string, len(values))
	for i := range out {
		out[i] = values[i].(string)
	}
	return out
}
