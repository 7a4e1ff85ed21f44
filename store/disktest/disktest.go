// Package disktest puts a layer between a process under test and its disk: it fails, slows or lies to order, ends the process before a
// chosen write, and records what was written and synced, so that a power cut can be played at any moment of the record.
//
// It sees what SQLite does to its files and logs, through the C library (LD_PRELOAD); what Go itself writes it does not see. A machine
// without a C compiler fails the test; it never skips.
package disktest

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

//go:embed testdata/disk.c
var source []byte

var (
	once    sync.Once
	library string
	failed  error
)

func build() {
	dir, err := os.MkdirTemp("", "rapport-disk-")
	if err != nil {
		failed = err
		return
	}
	c := filepath.Join(dir, "disk.c")
	library = filepath.Join(dir, "disk.so")
	if failed = os.WriteFile(c, source, 0o600); failed != nil {
		return
	}
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, c, "-ldl", "-lpthread").CombinedOutput(); err != nil {
		failed = fmt.Errorf("%w: %s", err, out)
	}
}

// Field is one of the layer's switches and counters.
type Field int64

// The fields, in the order of struct control in disk.c.
const (
	Ops        Field = iota // counter: writes, truncations, syncs and removals
	KillAt                  // the process ends in the stead of the operation of this number; 0: never
	WriteErrno              // what writes fail with; 0: they do not
	SyncErrno               // what syncs fail with, as many as SyncFails says
	ReadErrno               // what reads fail with
	SyncFails               // how many syncs fail; -1: all
	SyncMicros              // how many microseconds each sync takes besides
	Lie                     // 1: syncs say that they are done, and are not
	Failed                  // counter: what was made to fail
	OpenErrno               // what opening for writing fails with
	WriteOps                // counter: writes and truncations, those that failed too
	ReadMicros              // how many microseconds each read takes besides
	fields
)

// Disk is the layer under one folder. Set and Get act on the running process.
type Disk struct {
	t       testing.TB
	dir     string
	control *os.File
	log     string
}

// Under makes a layer for the files in a database's folder. recorded says whether what happens is recorded: then nothing reaches the
// machine's own disk for certain, so that syncs cost nothing.
func Under(t testing.TB, dir string, recorded bool) *Disk {
	t.Helper()
	if once.Do(build); failed != nil {
		t.Fatalf("This test needs a C compiler (apt-get install gcc libc6-dev): %v", failed)
	}
	at := t.TempDir()
	f, err := os.Create(filepath.Join(at, "control"))
	if err == nil {
		err = f.Truncate(int64(fields) * 8)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	d := &Disk{t: t, dir: dir, control: f}
	if recorded {
		d.log = filepath.Join(at, "log")
	}
	return d
}

// Env is what a process needs in its environment to be under the layer.
func (d *Disk) Env() []string {
	return []string{"LD_PRELOAD=" + library, "RAPPORT_DISK_UNDER=" + d.dir, "RAPPORT_DISK_CONTROL=" + d.control.Name(), "RAPPORT_DISK_LOG=" + d.log}
}

// Set sets a switch.
func (d *Disk) Set(f Field, value int64) {
	d.t.Helper()
	if _, err := d.control.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(value)), int64(f)*8); err != nil {
		d.t.Fatal(err)
	}
}

// Get reads a switch or counter.
func (d *Disk) Get(f Field) int64 {
	d.t.Helper()
	b := make([]byte, 8)
	if _, err := d.control.ReadAt(b, int64(f)*8); err != nil {
		d.t.Fatal(err)
	}
	return int64(binary.NativeEndian.Uint64(b))
}

// Now is the end of the record: what is in it has been done.
func (d *Disk) Now() int64 {
	info, err := os.Stat(d.log)
	if err != nil {
		return 0
	}
	return info.Size()
}

// op is one entry of the record.
type op struct {
	kind   byte
	name   string
	offset uint64
	data   []byte
	gone   bool // a sync failed over it: the system may have forgotten it, and later syncs say nothing of it
}

// inode is a file with what was done to it; safe of them are certainly on disk.
type inode struct {
	base []byte
	ops  []op
	safe int
}

// Cut makes the folder to as a power cut at that place of the record leaves it: what was synced by then is there, and of what was
// written since, a random part, in sectors of 512 bytes. base is the folder as it was when the record began. It gives the place of the
// last finished sync, 0 when there is none.
func (d *Disk) Cut(base, to string, at int64, r *rand.Rand) (synced int64) {
	d.t.Helper()
	record, err := os.ReadFile(d.log)
	if err != nil {
		d.t.Fatal(err)
	}
	folder := map[string]*inode{} // as the process sees it
	entries, err := os.ReadDir(base)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range entries {
		body, err := os.ReadFile(filepath.Join(base, e.Name()))
		if err != nil {
			d.t.Fatal(err)
		}
		folder[e.Name()] = &inode{base: body}
	}
	type change struct {
		name string
		to   *inode
	}
	sure := map[string]*inode{} // the folder as it is on disk
	for name, f := range folder {
		sure[name] = f
	}
	var changes []change // of the folder
	known := 0           // so many of them are synced
	began := map[uint64]func(){}
	var place int64
	for in := bytes.NewReader(record[:min(at, int64(len(record)))]); ; {
		o, ok := next(in)
		if !ok {
			break
		}
		place = int64(len(record[:min(at, int64(len(record)))])) - int64(in.Len())
		f := folder[o.name]
		switch o.kind {
		case 'c':
			folder[o.name] = &inode{}
			changes = append(changes, change{o.name, folder[o.name]})
		case 'u':
			delete(folder, o.name)
			changes = append(changes, change{o.name, nil})
		case 'w', 't':
			if f == nil {
				d.t.Fatalf("the record writes to %s, which is not there", o.name)
			}
			f.ops = append(f.ops, o)
		case 'f':
			if f != nil {
				for i := f.safe; i < len(f.ops); i++ {
					f.ops[i].gone = true
				}
			}
		case 'b':
			if o.name == "" {
				n := len(changes)
				began[o.offset] = func() { known = max(known, n) }
			} else if f != nil {
				n := len(f.ops)
				began[o.offset] = func() { f.safe = max(f.safe, n) }
			}
		case 'e':
			if done := began[o.offset]; done != nil {
				done()
				delete(began, o.offset)
				synced = place
			}
		}
	}
	for _, c := range changes[:known+r.IntN(len(changes)-known+1)] { // a folder's changes reach the disk in their order
		sure[c.name] = c.to
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		d.t.Fatal(err)
	}
	for name, f := range sure {
		if f == nil || filepath.Ext(name) == ".db-shm" { // memory only, lost with the power
			continue
		}
		if err := os.WriteFile(filepath.Join(to, name), f.after(r), 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	return synced
}

// next reads one entry; the last may be cut.
func next(in *bytes.Reader) (op, bool) {
	var head [14]byte
	if n, _ := in.Read(head[:]); n < len(head) {
		return op{}, false
	}
	o := op{kind: head[0], offset: binary.NativeEndian.Uint64(head[6:])}
	name, data := make([]byte, head[1]), make([]byte, binary.NativeEndian.Uint32(head[2:]))
	if in.Len() < len(name)+len(data) {
		return op{}, false
	}
	_, _ = in.Read(name)
	_, _ = in.Read(data)
	o.name, o.data = string(name), data
	return o, true
}

const sector = 512

// after is the file once the power is back: of what was not synced nothing, all, whole writes or sectors.
func (f *inode) after(r *rand.Rand) []byte {
	body := bytes.Clone(f.base)
	how := r.IntN(4) // 1: all of it
	for i, o := range f.ops {
		unsure := i >= f.safe || o.gone
		if unsure && (how == 0 || how == 2 && r.IntN(2) == 0) {
			continue
		}
		if o.kind == 't' {
			body = grown(body, int(o.offset))[:o.offset]
			continue
		}
		body = grown(body, int(o.offset)+len(o.data))
		for from := 0; from < len(o.data); from += sector {
			if unsure && how == 3 && r.IntN(2) == 0 {
				continue
			}
			copy(body[int(o.offset)+from:], o.data[from:min(from+sector, len(o.data))])
		}
	}
	return body
}

func grown(b []byte, size int) []byte {
	if n := size - len(b); n > 0 {
		return append(b, make([]byte, n)...)
	}
	return b
}
