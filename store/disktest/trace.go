package disktest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Call is one system call of a watched process. Began and Ended are lines of the record; a call that caused another, or waited for it, stands
// in its right place, for a watched thread stands still until its line is written.
type Call struct {
	Thread, Name string
	On           string // its first argument, with the file's name: 7</home/x/rapport.db-wal>
	Text         string // its arguments; of long ones the beginning
	Gave         string // what it gave back; "" when the process ended before
	Began, Ended int
}

// Syncs says that it is a sync, done, of a file whose name ends so.
func (c Call) Syncs(name string) bool {
	return (c.Name == "fsync" || c.Name == "fdatasync") && strings.HasSuffix(c.On, name+">") && c.Gave == "0"
}

// Watched gives the command line that has a program's calls of these names recorded, and what reads the record. The program has the process of
// the command itself, so that it can be told to end.
func Watched(t testing.TB, names string, args ...string) (command []string, calls func() []Call) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("this test watches system calls: install strace (apt-get install strace)")
	}
	record := filepath.Join(t.TempDir(), "calls")
	command = append([]string{strace, "-D", "-f", "-y", "-s", "64", "-e", "trace=" + names, "-e", "signal=none", "-o", record}, args...)
	return command, func() []Call {
		t.Helper()
		raw, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		return parse(raw)
	}
}

// Over says whether the record of a process is whole: its own end stands in it.
func Over(calls []Call, pid int) bool {
	n := len(calls)
	return n > 0 && calls[n-1].Name == "exited" && calls[n-1].Thread == fmt.Sprint(pid)
}

// parse reads a record in the order in which the calls began. A thread's end is a call too, by the name of exited.
func parse(record []byte) []Call {
	var calls []Call
	open := map[string]int{} // a thread's call that is not over
	n := 0
	for raw := range bytes.Lines(record) {
		n++
		thread, line, _ := strings.Cut(strings.TrimSuffix(string(raw), "\n"), " ")
		line = strings.TrimLeft(line, " ")
		at := len(calls)
		if strings.HasPrefix(line, "<... ") {
			_, line, _ = strings.Cut(line, " resumed>")
			at = open[thread]
			delete(open, thread)
		} else if strings.HasPrefix(line, "+++ exited") {
			calls = append(calls, Call{Thread: thread, Name: "exited", Began: n, Ended: n})
			continue
		} else if name, arguments, ok := strings.Cut(line, "("); ok {
			on, _, _ := strings.Cut(arguments, ",")
			on, _, _ = strings.Cut(on, ")")
			calls = append(calls, Call{Thread: thread, Name: name, On: strings.TrimSuffix(on, " <unfinished ...>"), Began: n})
			line = arguments
		} else {
			continue
		}
		if begun, cut := strings.CutSuffix(line, "<unfinished ...>"); cut {
			calls[at].Text, open[thread] = strings.TrimRight(begun, " ")+" ", at
			continue
		}
		end := strings.LastIndex(line, " = ")
		if end < 0 {
			continue
		}
		c := &calls[at]
		c.Text += strings.TrimRight(line[:end], " ")
		c.Gave, _, _ = strings.Cut(line[end+3:], " ")
		c.Ended = n
	}
	return calls
}
