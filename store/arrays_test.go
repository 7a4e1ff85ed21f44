package store

import (
	"database/sql/driver"
	"reflect"
	"testing"
)

func TestAListIsOneArrayOnPostgreSQL(t *testing.T) {
	a, b, c := []byte("a"), []byte("b"), []byte("c")
	for _, x := range []struct {
		text, want string
		values     []driver.Value
		args       []any
	}{
		{"SELECT 1 WHERE id = $1", "SELECT 1 WHERE id = $1", []driver.Value{a}, []any{a}},
		{"SELECT 1 WHERE " + in("id", 1, 1), "SELECT 1 WHERE id IN ($1)", []driver.Value{a}, []any{a}},
		{"SELECT 1 WHERE " + in("id", 1, 3) + " AND k IN (2, 5)", "SELECT 1 WHERE id = ANY ($1) AND k IN (2, 5)", []driver.Value{a, b, c, c}, []any{[][]byte{a, b, c}}},
		{"UPDATE t SET x = $2, y = $1 WHERE " + in("id", 3, 2), "UPDATE t SET x = $2, y = $1 WHERE id = ANY ($3)", []driver.Value{a, int64(7), b, c, c, c}, []any{a, int64(7), [][]byte{b, c}}},
		{"SELECT 1 WHERE " + in("a", 1, 2) + " OR " + in("b", 1, 2), "SELECT 1 WHERE a = ANY ($1) OR b = ANY ($1)", []driver.Value{a, a, a, a}, []any{[][]byte{a}}},
		{"SELECT 1 WHERE " + in("a", 1, 4) + " AND x = $5 AND " + in("b", 6, 4) + " LIMIT $10", "SELECT 1 WHERE a = ANY ($1) AND x = $2 AND b = ANY ($3) LIMIT $4",
			[]driver.Value{a, b, b, b, "x", int64(1), int64(2), int64(2), int64(2), int64(9)}, []any{[][]byte{a, b}, "x", []int64{1, 2, 2, 2}, int64(9)}},
		{"SELECT 1 WHERE " + in("n", 1, 4), "SELECT 1 WHERE n = ANY ($1)", []driver.Value{"p", "q", "q", "q"}, []any{[]string{"p", "q", "q", "q"}}},
	} {
		for range 2 { // the second is remembered
			got := arrayOf(x.text)
			if args := got.args(x.values); got.text != x.want || !reflect.DeepEqual(args, x.args) {
				t.Errorf("%s\nbecame %s with %v\nwanted %s with %v", x.text, got.text, args, x.want, x.args)
			}
		}
	}
}
