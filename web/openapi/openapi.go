// Package openapi describes the home's doors for programs: GET /openapi.json, an OpenAPI 3.1 document. It promises that the
// document is complete and true, which tests hold: each JSON door has its operation and the reverse, and every answer of each is
// one that the document describes. It holds the document and serves it; it knows nothing of what the doors do.
package openapi

import (
	_ "embed"
	"encoding/json"
	"net/http"

	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/trust/access"
)

// The document is written as YAML, which people can read and in which what repeats is written once.
//
//go:embed openapi.yaml
var source []byte

// Door is its row in the table of doors.
var Door = access.Door{Method: "GET", Pattern: "/openapi.json", Roles: []access.Role{access.Anyone}, Says: "the doors, described for programs"}

// Document is the OpenAPI document as JSON.
func Document() ([]byte, error) {
	var doc any
	if err := yaml.Unmarshal(source, &doc); err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

// Handler serves the document, to pages of other sites too. It panics when the document cannot be read, which a test finds.
func Handler() access.Handler {
	document, err := Document()
	if err != nil {
		panic(err)
	}
	return func(w http.ResponseWriter, _ *http.Request, _ access.Principal) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(document)
	}
}
