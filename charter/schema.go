package charter

import (
	"bytes"
	_ "embed" // for the schema
)

//go:embed schema.json
var schemaJSON []byte

// Schema is the JSON Schema (2020-12) of the file, for editors. It knows the same keys as Parse; what crosses
// sections (references, rules, lint) only Parse can check.
func Schema() []byte { return bytes.Clone(schemaJSON) }
