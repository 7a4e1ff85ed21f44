package store

// SQLite counts each piece of memory that it takes under one lock of the process, for figures that nobody asks it for. Readers and the writer meet there for
// every page, which was 7% of a decision. SQLite may be told not to (https://www.sqlite.org/c3ref/c_config_covering_index_scan.html, SQLITE_CONFIG_MEMSTATUS),
// before it is first used and by no statement. The symbol is weak, for this package is linked by itself before go-sqlite3 brings it.

/*
__attribute__((weak)) int sqlite3_config(int, ...);

static int leave_memory_uncounted(void) { return sqlite3_config ? sqlite3_config(9, 0) : -1; }
*/
import "C"

// uncounted is SQLite's answer: 0 when it does as it was told. Nothing depends on it but speed.
var uncounted = int(C.leave_memory_uncounted())
