//go:build race

package torture

// Raced says that Go's race detector is built in: it allocates, and drops what is pooled, so that allocations tell nothing.
const Raced = true
