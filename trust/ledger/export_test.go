package ledger

// LeafOf is leaf, for tests that make rows as an older version did.
var LeafOf = leaf
