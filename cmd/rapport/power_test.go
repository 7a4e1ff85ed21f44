package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rapporthq/rapport/person/seedtest"
	"github.com/rapporthq/rapport/store/disktest"
	"github.com/rapporthq/rapport/torture"
	"github.com/rapporthq/rapport/trust/vault"
)

// TestAPowerCutLosesNothingAcknowledged records what a serving process writes and syncs under load, while a file is imported and a charter
// changes, and then plays a power cut at many places of the record: what was synced is there, and of what was written since a part, down to
// single sectors. What had been acknowledged by then is there, the files are sound, the ledger is whole. A disk that only says that it
// synced must be found out by the same.
func TestAPowerCutLosesNothingAcknowledged(t *testing.T) {
	cuts := torture.Rounds(10, 300)
	recordingOf(t, nil).cuts(t, cuts)
	// Some syncs fail. The system may have dropped what was to be synced, and says of the next sync that all went well.
	failing := recordingOf(t, func(d *disktest.Disk, n int64) {
		if n%7 == 0 {
			d.Set(disktest.SyncErrno, int64(syscall.EIO))
			d.Set(disktest.SyncFails, 1+n%3)
		}
	})
	if failing.unable == 0 {
		t.Error("no failed sync was answered with 503")
	}
	failing.cuts(t, cuts)
	lying := recordingOf(t, func(d *disktest.Disk, _ int64) { d.Set(disktest.Lie, 1) })
	for n := range 20 {
		if lying.foundOut(t, lying.leave(t, lying.end, uint64(n))) {
			return
		}
	}
	t.Error("syncs that did nothing were not found out: the cuts prove nothing")
}

// cuts cuts the power all over the record, always at its end too, where every promise stands.
func (r *recording) cuts(t *testing.T, cuts int) {
	t.Helper()
	for n := range cuts {
		at := r.end * int64(n+1) / int64(cuts)
		if n%2 == 0 {
			at = rand.Int64N(r.end + 1)
		}
		seed := seedtest.Seed() + uint64(n)
		sub, c := r.cut(t, at, seed)
		if c.lost+c.twice+c.foreign > 0 || c.damage != "" {
			t.Errorf("a cut at %d of %d (seed %d): of %d orders and %d looks acknowledged by then %d are lost, %d are there twice, %d should not be there; %s",
				at, r.end, seed, len(sub.acked), len(sub.seen), c.lost, c.twice, c.foreign, c.damage)
		}
	}
}

// recording is a load's record.
type recording struct {
	*load
	home, base string
	disk       *disktest.Disk
	end        int64
}

// recordingOf records a load; faulty, when there is one, is told of each acknowledgement and may set the disk's faults.
func recordingOf(t *testing.T, faulty func(d *disktest.Disk, n int64)) *recording {
	t.Helper()
	home := exampleHome(t)
	r := &recording{load: newLoad(t, "--home", home), home: home, base: filepath.Join(shortDir(t), "base")}
	if err := os.CopyFS(r.base, os.DirFS(filepath.Join(home, databaseDir))); err != nil {
		t.Fatal(err)
	}
	r.disk = disktest.Under(t, filepath.Join(home, databaseDir), true)
	if faulty != nil {
		faulty(r.disk, 1)
	}
	var acknowledged atomic.Int64
	r.place = r.disk.Now
	s, ok := starts(t, r.disk.Env(), "serve", "--listen", "127.0.0.1:0", "--home", home)
	if !ok {
		t.Fatalf("it ended instead of serving: %s", s.log)
	}
	// Half of the batches, the commands beside others, the other half.
	half := int64(torture.Rounds(30, 120))
	var before, after atomic.Int64
	before.Store(half)
	after.Store(math.MaxInt64)
	var commands sync.WaitGroup
	r.sent["brought"] = true
	r.run(s.URL, func() {
		if n := acknowledged.Add(1); faulty != nil && n < half { // commands are not tried again
			faulty(r.disk, n)
		}
		if before.Add(-1) == 0 {
			commands.Go(func() { // an import folds the journal, a charter empties the logs
				file := writeFile(t, "orders.jsonl", `{"type":"track","messageId":"b","userId":"brought","event":"Order Completed","properties":{"order_id":"brought","products":[{"product_id":"sku-1","quantity":1}]}}`)
				must(t, "import", "--source", "signup", "--as", "events", file, "--home", home)
				must(t, "charter", "accept", writeFile(t, "charter.yaml", string(edited(t))+"\n# another\n"), "--home", home)
				after.Store(half)
			})
		}
		if after.Add(-1) == 0 {
			_ = s.cmd.Process.Kill()
		}
	})
	commands.Wait()
	s.kill()
	r.end = r.disk.Now()
	if len(r.acked) < int(2*half)*batchSize || len(r.seen) == 0 || len(r.odd) > 0 {
		t.Fatalf("%d orders and %d looks were acknowledged, besides: %v; %s", len(r.acked), len(r.seen), r.odd, s.log)
	}
	t.Logf("a record of %d KB, %d operations, %d orders, %d looks", r.end>>10, r.disk.Get(disktest.Ops), len(r.acked), len(r.seen))
	return r
}

// cut makes the home that a power cut leaves, and compares it with what was acknowledged by then.
func (r *recording) cut(t *testing.T, at int64, seed uint64) (sub *load, c compared) {
	t.Helper()
	home := r.leave(t, at, seed)
	sub = r.upTo(at)
	t.Run(fmt.Sprintf("%d-%d", at, seed), func(t *testing.T) { c = sub.compare(t, homeOptions{Home: home}) })
	_ = os.RemoveAll(home)
	return sub, c
}

// leave makes the home that a power cut leaves.
func (r *recording) leave(t *testing.T, at int64, seed uint64) (home string) {
	t.Helper()
	home = filepath.Join(shortDir(t), "home")
	keys, err := vault.KeyFiles(r.home)
	if err == nil {
		err = errors.Join(os.Mkdir(home, 0o700), vault.PlaceKeys(home, keys))
	}
	if err != nil {
		t.Fatal(err)
	}
	r.disk.Cut(r.base, filepath.Join(home, databaseDir), at, rand.New(rand.NewPCG(seed, 0)))
	return home
}

// foundOut says whether a home shows that something was lost: it does not open, cannot be read, or lacks an order.
func (r *recording) foundOut(t *testing.T, home string) bool {
	t.Helper()
	h, err := openHouse(t.Context(), homeOptions{Home: home})
	if err != nil {
		return true
	}
	defer h.Close()
	if h.live.House() == nil { // not even its charter is there
		return true
	}
	all, err := (&wholeHome{t, h}).read()
	if err != nil {
		return true
	}
	found := orders(all)
	for id := range r.acked {
		if found[id] == 0 {
			return true
		}
	}
	return false
}
