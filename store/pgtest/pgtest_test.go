package pgtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapporthq/rapport/store/pgtest"
)

func TestEachSchemaIsEmptyAndItsOwn(t *testing.T) {
	ctx := context.Background()
	for range 2 {
		conn, err := pgx.Connect(ctx, pgtest.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(ctx, "CREATE TABLE only_here (n integer)"); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close(ctx)
	}
}

func TestAServerOfOnesOwnStopsAndStarts(t *testing.T) {
	ctx := context.Background()
	s := pgtest.Own(t)
	answers := func() error {
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		conn, err := pgx.Connect(soon, s.URL)
		if err == nil {
			err = conn.Ping(soon)
			_ = conn.Close(soon)
		}
		return err
	}
	conn, err := pgx.Connect(ctx, s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Cut(); n != 1 || conn.Ping(ctx) == nil {
		t.Errorf("%d connections were cut", n)
	}
	s.Pause()
	if answers() == nil {
		t.Error("it answers while it is paused")
	}
	s.Resume()
	if err := answers(); err != nil {
		t.Errorf("after the pause: %v", err)
	}
	s.Stop()
	if answers() == nil {
		t.Error("it answers while it is stopped")
	}
	s.Start()
	if err := answers(); err != nil {
		t.Errorf("after the start: %v", err)
	}
}
