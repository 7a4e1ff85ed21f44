package storetest_test

import (
	"testing"

	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Options { return store.Options{Dir: t.TempDir()} })
}

func TestPostgreSQL(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Options { return store.Options{URL: pgtest.URL(t)} })
}
