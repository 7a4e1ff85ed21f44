//go:build !race

package torture

// Raced says whether Go's race detector is built in: it allocates, drops what is pooled and shadows all memory, so that allocations and what is resident tell nothing.
const Raced = false
