package store

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapporthq/rapport/store/disktest"
	"github.com/rapporthq/rapport/store/pgtest"
)

// A commit is acknowledged only when it is synced: between the two lines that the child writes around each Commit the
// system must have been asked to sync the write-ahead log. With syncing turned off the same watch must fail.
func TestACommitIsSyncedBeforeItIsAcknowledged(t *testing.T) {
	if err := watch(t, "FULL"); err != nil {
		t.Fatal(err)
	}
	if err := watch(t, "OFF"); err == nil {
		t.Fatal("syncing is off, and the watch saw nothing wrong: it proves nothing")
	}
	if err := watch(t, "NORMAL"); err == nil {
		t.Fatal("the log is not synced at each commit, and the watch saw nothing wrong")
	}
}

func watch(t *testing.T, synchronous string) error {
	t.Helper()
	c := child("steps", "DIR="+t.TempDir(), "SYNCHRONOUS="+synchronous)
	command, calls := disktest.Watched(t, "fsync,fdatasync,write", c.Path)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = c.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("strace: %v: %s", err, out)
	}
	for late := time.After(time.Minute); !disktest.Over(calls(), cmd.Process.Pid); {
		select {
		case <-late:
			t.Fatal("the record of the calls has no end")
		case <-time.After(5 * time.Millisecond):
		}
	}
	return judge(calls())
}

// judge reads the calls: each step must have at least one finished sync of the log.
func judge(calls []disktest.Call) error {
	steps := 0
	var step disktest.Call
	for _, c := range calls {
		switch {
		case strings.Contains(c.Text, `"step\n"`):
			step = c
		case strings.Contains(c.Text, `"done\n"`):
			steps++
			if !slices.ContainsFunc(calls, func(s disktest.Call) bool {
				return s.Syncs(mainFile+"-wal") && s.Began > step.Ended && s.Ended < c.Began
			}) {
				return fmt.Errorf("commit %d was acknowledged and not synced", steps)
			}
		}
	}
	if steps != watchedSteps {
		return fmt.Errorf("%d of %d commits were seen", steps, watchedSteps)
	}
	return nil
}

func TestAPostgreSQLThatDoesNotSyncIsRefused(t *testing.T) {
	ctx := context.Background()
	own := pgtest.Own(t)
	admin, err := pgx.Connect(ctx, own.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(ctx) }()
	set := func(name, value string) {
		t.Helper()
		for _, statement := range []string{"ALTER SYSTEM SET " + name + " = " + value, "SELECT pg_reload_conf()"} {
			if _, err := admin.Exec(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
		late := time.After(30 * time.Second)
		for { // the server reads its files when it comes to it
			c, err := pgx.Connect(ctx, own.URL)
			if err != nil {
				t.Fatal(err)
			}
			var now string
			err = c.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&now)
			_ = c.Close(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if now == value {
				return
			}
			select {
			case <-late:
				t.Fatalf("%s stays %q", name, now)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	opens := func(url string) error {
		s, err := Open(ctx, Options{URL: url})
		if err == nil {
			_ = s.Close()
		}
		return err
	}
	if err := opens(own.URL); err != nil {
		t.Fatalf("as it comes it is good: %v", err)
	}
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		set(name, "off")
		if err := opens(own.URL); !errors.Is(err, errUnsafe) {
			t.Errorf("with %s off it opened: %v", name, err)
		}
		set(name, "on")
	}
	if err := opens(own.URL + "&synchronous_commit=off"); !errors.Is(err, errUnsafe) {
		t.Errorf("with synchronous_commit off in the address it opened: %v", err)
	}
}

func TestOptionsAreToldInASentence(t *testing.T) {
	for _, o := range []Options{{}, {URL: "mysql://x"}, {URL: "postgres://user:hunter2@host:port:9/%zz"}} {
		s, err := Open(context.Background(), o)
		if err == nil {
			_ = s.Close()
			t.Fatalf("%v opened", o)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Fatal("a password in an error")
		}
	}
}
