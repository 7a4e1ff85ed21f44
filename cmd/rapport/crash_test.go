package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person/seedtest"
	"github.com/rapporthq/rapport/store/disktest"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/torture"
)

// TestWhatWasAcknowledgedSurvivesKills kills a serving process in mid-load, again and again, on both engines, while it takes events, and
// while an import, a backup or a new charter is under way too. On SQLite the process ends in the stead of a write or a sync, whichever the
// dice say; on PostgreSQL after an acknowledgement.
func TestWhatWasAcknowledgedSurvivesKills(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { crashes(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) { crashes(t, pgtest.URL(t)) })
}

// crash is one home that is killed again and again.
type crash struct {
	*load
	t    *testing.T
	home string
	at   []string // how commands name the home
	dir  string   // for files

	imports  []string // orders of the files that were brought
	file     string   // the one that is being brought; "": none
	charters map[string]bool
	backups  []taken // that ended well
	halves   []string
	counted  map[string]int // commands that ended well, and that were cut short
}

// taken is a backup and what was acknowledged before it began.
type taken struct {
	file  string
	acked map[string]int64
}

func crashes(t *testing.T, database string) {
	kills := torture.Rounds(10, 500)
	home := exampleHome(t)
	o := homeOptions{Home: home, Database: database}
	c := &crash{t: t, home: home, at: []string{"--home", home}, dir: shortDir(t), charters: map[string]bool{}, counted: map[string]int{}}
	if database != "" {
		c.at = append(c.at, "--database", database)
	}
	c.load = newLoad(t, c.at...)
	seed := seedtest.Seed()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	disk := disktest.Under(t, filepath.Join(home, databaseDir), false)
	meanwhile := []func(context.Context, int, func()){nil, c.importing, c.backingUp, c.accepting}
	late := time.Now().Add(40 * time.Minute) // on a slow machine there are fewer
	for n := range kills {
		if time.Now().After(late) {
			kills = n
			break
		}
		if n%50 == 49 {
			t.Logf("%d kills, %d orders acknowledged", n, len(c.acked))
		}
		disk.Set(disktest.KillAt, 0)
		early := n%5 == 0 // killed while it starts, or soon after
		if database == "" && early {
			disk.Set(disktest.KillAt, disk.Get(disktest.Ops)+1+dice.Int64N(40))
		}
		s, ok := starts(t, disk.Env(), append([]string{"serve", "--listen", "127.0.0.1:0"}, c.at...)...)
		if !ok {
			continue
		}
		ctx, stop := context.WithCancel(t.Context())
		var command sync.WaitGroup
		left := &atomic.Int64{} // acknowledgements until it is killed
		left.Store(math.MaxInt64)
		shots := 1 + dice.Int64N(400)
		arm := func() {
			if database == "" {
				disk.Set(disktest.KillAt, disk.Get(disktest.Ops)+shots)
			} else {
				left.Store(1 + shots/10)
			}
		}
		switch do := meanwhile[n%len(meanwhile)]; {
		case early && database == "": // it is armed
		case early || do == nil:
			arm()
		default: // half of them are killed in their first command, half in a later one
			once := sync.OnceFunc(arm)
			if n/len(meanwhile)%2 == 1 {
				once()
			}
			command.Go(func() { do(ctx, n, once); once() })
		}
		c.run(s.URL, func() {
			if left.Add(-1) == 0 {
				_ = s.cmd.Process.Kill()
			}
		})
		stop() // a command that is a process of its own is killed too
		command.Wait()
		s.kill()
	}
	if len(c.odd) > 0 || c.unable > 0 {
		t.Errorf("answers besides 200: %v and %d times 503", c.odd, c.unable)
	}
	if len(c.acked) < kills*batchSize/2 || len(c.acked) == len(c.sent) || len(c.seen) < kills {
		t.Fatalf("%d of %d orders and %d looks were acknowledged: that tries too little", len(c.acked), len(c.sent), len(c.seen))
	}
	if c.file != "" { // what was interrupted is brought to its end
		must(t, append([]string{"import", "--source", "signup", "--as", "events", c.file}, c.at...)...)
	}
	c.kept(t, o, c.imports...)
	c.wantCharters(o)
	c.wantBackups()
	t.Logf("%d kills; commands: %v", kills, c.counted)
}

// does runs a command that may be cut short, and says whether it ended well.
func (c *crash) does(ctx context.Context, args ...string) (string, bool) {
	cmd := rapport(ctx, append(args, c.at...)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	ok := cmd.Run() == nil
	if !ok {
		c.counted[args[0]+" cut short"]++
	} else {
		c.counted[args[0]]++
	}
	return out.String(), ok
}

// importing brings a file of orders, or goes on with the one that was interrupted.
func (c *crash) importing(ctx context.Context, n int, once func()) {
	for {
		if c.file == "" {
			var b strings.Builder
			for i := range 1500 {
				id := fmt.Sprintf("brought-%d-%d-%d", n, len(c.imports), i)
				c.imports = append(c.imports, id)
				fmt.Fprintf(&b, `{"type":"track","userId":"shopper-%d","event":"Order Completed","properties":{"order_id":"%s","secret":"refused","products":[{"product_id":"sku-1","quantity":1}]}}`+"\n", i%50, id)
			}
			c.file = writeFile(c.t, "orders.jsonl", b.String())
		}
		if _, ok := c.does(ctx, "import", "--source", "signup", "--as", "events", c.file); !ok {
			return
		}
		once()
		c.file = ""
	}
}

// accepting puts one charter after the other in force, each with the text of the first and a remark.
func (c *crash) accepting(ctx context.Context, n int, once func()) {
	for i := 0; ; i++ {
		file := writeFile(c.t, "charter.yaml", string(edited(c.t))+fmt.Sprintf("\n# %d %d\n", n, i))
		said, ok := c.does(ctx, "charter", "accept", file)
		if !ok {
			return
		}
		once()
		c.charters[said] = true
	}
}

func (c *crash) backingUp(ctx context.Context, n int, once func()) {
	for i := 0; ; i++ {
		file := filepath.Join(c.dir, fmt.Sprintf("%d-%d", n, i))
		c.mu.Lock()
		acked := maps.Clone(c.acked)
		c.mu.Unlock()
		if _, ok := c.does(ctx, "backup", file, "--keys", filepath.Join(c.dir, "keys")); !ok {
			c.halves = append(c.halves, file)
			return
		}
		once()
		if c.backups = append(c.backups, taken{file, acked}); len(c.backups) > 2 { // the first and the last are looked at
			_ = os.Remove(c.backups[1].file)
			c.backups = append(c.backups[:1], c.backups[2:]...)
		}
	}
}

var inForce = regexp.MustCompile(`Charter (\d+) is in force \(([a-z0-9:]+)\)`)

// wantCharters finds each charter that was said to be in force, in one unbroken series.
func (c *crash) wantCharters(o homeOptions) {
	c.t.Helper()
	w := opened(c.t, o)
	defer w.h.Close()
	all, err := w.h.store.Charters(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	has := map[string]bool{}
	for i, a := range all {
		if a.Position != i+1 {
			c.t.Errorf("charter %d of the series says that it is the %d.", i+1, a.Position)
		}
		if read, problems := charter.Parse(a.Source); read == nil || read.Hash != a.Hash {
			c.t.Errorf("charter %d is not what was accepted: %v", a.Position, problems)
		}
		has[fmt.Sprintf("%d %s", a.Position, a.Hash)] = true
	}
	for said := range c.charters {
		m := inForce.FindStringSubmatch(said)
		if m == nil || !has[m[1]+" "+m[2]] {
			c.t.Errorf("this was said of a charter, and it is not in the series: %s", said)
		}
	}
	if len(c.charters) == 0 {
		c.t.Error("no charter was accepted: that tries too little")
	}
}

// wantBackups restores the first and the last backup that were said to be made, and those whose making was cut short: a file that is there
// is whole.
func (c *crash) wantBackups() {
	c.t.Helper()
	if len(c.backups) == 0 {
		c.t.Error("no backup was made: that tries too little")
	}
	for i, b := range c.backups {
		to := filepath.Join(c.dir, fmt.Sprintf("restored-%d", i))
		must(c.t, "restore", b.file, "--keys", filepath.Join(c.dir, "keys"), "--home", to)
		w := opened(c.t, homeOptions{Home: to})
		found := orders(w.everybody())
		w.h.Close()
		for id := range b.acked {
			if found[id] != 1 {
				c.t.Errorf("backup %d of %d has an order %d times that was acknowledged before it began", i+1, len(c.backups), found[id])
				break
			}
		}
	}
	halves := slices.DeleteFunc(c.halves, func(file string) bool { _, err := os.Stat(file); return err != nil })
	for i, file := range halves[:min(len(halves), 5)] {
		must(c.t, "restore", file, "--keys", filepath.Join(c.dir, "keys"), "--home", filepath.Join(c.dir, fmt.Sprintf("half-%d", i)))
	}
}
