package pgtest_test

import (
	"context"
	"testing"

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
