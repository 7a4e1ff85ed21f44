package disktest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestARecordOfCallsIsReadInTheOrderInWhichTheyBegan(t *testing.T) {
	got := parse([]byte(`11 read(7<socket:[5]>,  <unfinished ...>
12    fdatasync(9</x/rapport.db-wal> <unfinished ...>
11 <... read resumed>"GET / = \"", 4096) = 12
13 read(7<socket:[5]>, 0x1f, 1) = -1 EAGAIN (Resource temporarily unavailable)
11 write(7<socket:[5]>, "HTTP/1.1 200 OK"..., 420 <unfinished ...>
12 <... fdatasync resumed>)        = 0
11 <... write resumed>)  = 420
13 fsync(8</x/history.db-wal>)     = 0
12 read(3</x/none>, <unfinished ...>) = ?
12 +++ exited with 0 +++
11 +++ exited with 0 +++
`))
	want := []Call{
		{"11", "read", "7<socket:[5]>", `7<socket:[5]>, "GET / = \"", 4096)`, "12", 1, 3},
		{"12", "fdatasync", "9</x/rapport.db-wal>", "9</x/rapport.db-wal> )", "0", 2, 6},
		{"13", "read", "7<socket:[5]>", "7<socket:[5]>, 0x1f, 1)", "-1", 4, 4},
		{"11", "write", "7<socket:[5]>", `7<socket:[5]>, "HTTP/1.1 200 OK"..., 420 )`, "420", 5, 7},
		{"13", "fsync", "8</x/history.db-wal>", "8</x/history.db-wal>)", "0", 8, 8},
		{"12", "read", "3</x/none>", "3</x/none>, <unfinished ...>)", "?", 9, 9},
		{"12", "exited", "", "", "", 10, 10},
		{"11", "exited", "", "", "", 11, 11},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !Over(got, 11) || Over(got, 12) {
		t.Error("the record ends with the process's own end")
	}
	if !got[1].Syncs("rapport.db-wal") || got[4].Syncs("rapport.db-wal") || got[3].Syncs("rapport.db-wal") {
		t.Error("the sync of the log is the second call")
	}
}
