package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapporthq/rapport/store/disktest"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/torture"
)

// under runs a command with a layer under its database; killed says that it did not end by itself.
func under(t *testing.T, d *disktest.Disk, args ...string) (said string, killed bool) {
	t.Helper()
	cmd := rapport(t.Context(), args...)
	cmd.Env = append(cmd.Env, d.Env()...)
	raw, err := cmd.CombinedOutput()
	killed = err != nil && cmd.ProcessState.ExitCode() == -1
	if err != nil && !killed {
		t.Fatalf("rapport %s: %v: %s", args[0], err, raw)
	}
	return string(raw), killed
}

// operationsOf is how many operations a command does on its database when nobody stops it.
func operationsOf(t *testing.T, dir string, args ...string) int64 {
	t.Helper()
	d := disktest.Under(t, dir, false)
	if said, killed := under(t, d, args...); killed || d.Get(disktest.Ops) == 0 {
		t.Fatalf("the layer saw nothing: %s", said)
	}
	return d.Get(disktest.Ops)
}

// TestCommandsThatAreKilledLeaveTheHomeWhole ends an import, a new charter and a learning that nobody serves beside, and gives each again.
func TestCommandsThatAreKilledLeaveTheHomeWhole(t *testing.T) {
	home := exampleHome(t)
	l := newLoad(t, "--home", home)
	var also []string
	killed := map[string]int{}
	for n := range torture.Rounds(2, 60) {
		var b strings.Builder
		for i := range 400 {
			id := fmt.Sprintf("brought-%d-%d", n, i)
			also = append(also, id)
			fmt.Fprintf(&b, `{"type":"track","userId":"shopper-%d","event":"Order Completed","properties":{"order_id":"%s","secret":"refused","products":[{"product_id":"sku-1","quantity":1}]}}`+"\n", i%50, id)
		}
		for _, args := range [][]string{
			{"import", "--source", "signup", "--as", "events", writeFile(t, "orders.jsonl", b.String())},
			{"charter", "accept", writeFile(t, "charter.yaml", string(edited(t))+fmt.Sprintf("\n# %d\n", n))},
			{"learn"},
		} {
			args = append(args, "--home", home)
			for try := 0; ; try++ {
				d := disktest.Under(t, filepath.Join(home, databaseDir), false)
				if try < 2 {
					d.Set(disktest.KillAt, 1+rand.Int64N(25))
				}
				cmd := rapport(t.Context(), args...)
				cmd.Env = append(cmd.Env, d.Env()...)
				raw, err := cmd.CombinedOutput()
				if err == nil {
					break
				}
				if cmd.ProcessState.ExitCode() == -1 {
					killed[args[0]]++
					continue
				}
				// What was killed after it was done is done.
				if args[0] == "charter" && try > 0 && strings.Contains(string(raw), "in force already") {
					break
				}
				t.Fatalf("%s after a kill: %v: %s", args[0], err, raw)
			}
		}
	}
	if len(killed) < 3 {
		t.Errorf("killed were %v: that tries too little", killed)
	}
	l.kept(t, homeOptions{Home: home}, also...)
	t.Logf("killed: %v", killed)
}

// TestARestoreThatIsKilledLeavesNothingThatCouldBeServed ends a restore in the stead of a write, into SQLite, and while its server works, into
// PostgreSQL. No home appears; the same restore given again, into an empty database, makes it whole.
func TestARestoreThatIsKilledLeavesNothingThatCouldBeServed(t *testing.T) {
	home := exampleHome(t)
	stock(t, home)
	dir := shortDir(t)
	data, keys := filepath.Join(dir, "data"), filepath.Join(dir, "keys")
	must(t, "backup", "--home", home, data, "--keys", keys)
	rounds := torture.Rounds(3, 60)

	t.Run("SQLite", func(t *testing.T) {
		dir := shortDir(t)
		to := filepath.Join(dir, "home")
		command := []string{"restore", data, "--keys", keys, "--home", to}
		// The database is in a folder beside, whose name nobody knows before.
		most := operationsOf(t, dir, command...)
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
		for n := range rounds {
			d := disktest.Under(t, dir, false)
			d.Set(disktest.KillAt, 1+int64(n)*most/int64(rounds))
			if said, killed := under(t, d, command...); !killed {
				t.Errorf("operation %d of %d was never reached: %s", 1+int64(n)*most/int64(rounds), most, said)
			}
			if _, err := os.Stat(to); !os.IsNotExist(err) {
				t.Fatalf("a restore that was killed before its end left a home: %v", err)
			}
		}
		must(t, command...)
		whole(t, to)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		killed := 0
		for range rounds {
			db := pgtest.URL(t)
			to := filepath.Join(shortDir(t), "home")
			command := []string{"restore", data, "--keys", keys, "--home", to, "--database", db}
			if killedWhileBusy(t, db, 1+rand.IntN(6), command...) {
				killed++
				if _, err := os.Stat(to); !os.IsNotExist(err) {
					t.Fatalf("a restore that was killed before its end left a home: %v", err)
				}
				command[len(command)-1] = pgtest.URL(t)
				db = command[len(command)-1]
				must(t, command...)
			}
			if out := must(t, "ledger", "verify", "--home", to, "--database", db); !strings.Contains(out, "whole") {
				t.Error(out)
			}
		}
		if killed < rounds/2 {
			t.Errorf("%d of %d restores were killed: that tries too little", killed, rounds)
		}
	})
}

// killedWhileBusy kills a command once its server was seen at work for it that many times, and says whether it was still running.
func killedWhileBusy(t *testing.T, db string, times int, args ...string) bool {
	t.Helper()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	watch, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watch.Close(t.Context()) }()
	cmd := rapport(ctx, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for seen := 0; ; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%s: %v", args[0], err)
			}
			return false
		case <-tick.C:
		}
		var busy bool
		if err := watch.QueryRow(t.Context(), "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE application_name = 'rapport' AND xact_start IS NOT NULL)").Scan(&busy); err != nil {
			t.Fatal(err)
		}
		if busy {
			if seen++; seen == times {
				kill()
				<-ended
				return cmd.ProcessState.ExitCode() == -1
			}
		}
	}
}
