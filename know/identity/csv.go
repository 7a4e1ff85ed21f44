package identity

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// rowReader reads rows of text as people's programs write them (RFC 4180, with any separator), and loses none to a quote that is
// out of place: a quote opens a value only where one closes it before a separator or an end of line, at most so many lines on. Any
// other is a letter like others.
type rowReader struct {
	in        *bufio.Reader
	separator byte
	ahead     [][]byte // lines that were read for a value that did not close there
	row       []string
	value     []byte
	own       []byte
}

const (
	lineBytes  = 1 << 20 // of one line so many bytes are read, and the rest of it is passed over
	valueLines = 50      // lines that one value may have
)

func newRowReader(in io.Reader) *rowReader {
	return &rowReader{in: bufio.NewReaderSize(in, lineBytes), separator: ','}
}

// line gives the next line without its end; it is good until the next call.
func (r *rowReader) line() ([]byte, error) {
	if len(r.ahead) > 0 {
		l := r.ahead[0]
		r.ahead = r.ahead[1:]
		return l, nil
	}
	l, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l = bytes.Clone(l)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.in.ReadSlice('\n')
		}
	}
	if len(l) == 0 && err != nil || err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(l, []byte("\n")), []byte("\r")), nil
}

// read gives the next row that is not empty; the slice is good until the next call.
func (r *rowReader) read() ([]string, error) {
	l, err := r.line()
	for err == nil && len(l) == 0 {
		l, err = r.line()
	}
	if err != nil {
		return nil, err
	}
	r.row = r.row[:0]
	if bytes.IndexByte(l, '"') < 0 {
		for text := range strings.SplitSeq(string(l), string(r.separator)) {
			r.row = append(r.row, text)
		}
		return r.row, nil
	}
	r.own = append(r.own[:0], l...) // it must last while lines are read on
	l = r.own
	for {
		start := l
		for len(start) > 0 && (start[0] == ' ' || start[0] == '\t' && r.separator != '\t') {
			start = start[1:]
		}
		if len(start) > 0 && start[0] == '"' {
			if rest, more, ok := r.quoted(start[1:]); ok {
				r.row = append(r.row, string(r.value))
				if !more {
					return r.row, nil
				}
				l = rest
				continue
			}
		}
		at := bytes.IndexByte(l, r.separator)
		if at < 0 {
			r.row = append(r.row, string(l))
			return r.row, nil
		}
		r.row = append(r.row, string(l[:at]))
		l = l[at+1:]
	}
}

// quoted reads a value whose quote was opened, into r.value, and gives the rest of its last line after the separator, if there is
// one. Where no quote closes it, nothing has been read.
func (r *rowReader) quoted(l []byte) (rest []byte, more, ok bool) {
	r.value = r.value[:0]
	var lines [][]byte // read for this value
	for {
		at := bytes.IndexByte(l, '"')
		if at < 0 { // it goes on in the next line
			next, err := r.line()
			if err != nil {
				break
			}
			r.value = append(append(r.value, l...), '\n')
			l = bytes.Clone(next)
			if lines = append(lines, l); len(lines) > valueLines || len(r.value) > lineBytes {
				break
			}
			continue
		}
		r.value = append(r.value, l[:at]...)
		l = l[at+1:]
		if len(l) > 0 && l[0] == '"' {
			r.value = append(r.value, '"')
			l = l[1:]
			continue
		}
		after := bytes.TrimLeft(l, " ")
		if len(after) == 0 {
			return nil, false, true
		}
		if after[0] == r.separator {
			return after[1:], true, true
		}
		break
	}
	r.ahead = append(lines, r.ahead...)
	return nil, false, false
}
