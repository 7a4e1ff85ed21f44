package openapi

import (
	"bytes"
	"os"
	"slices"
	"sort"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rapporthq/rapport/fault"
)

func document(t *testing.T) map[string]any {
	t.Helper()
	raw, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

// valid holds a document to the schema of OpenAPI 3.1 that the OpenAPI Initiative publishes (Apache 2.0), kept in testdata.
func valid(t *testing.T, doc any) error {
	t.Helper()
	raw, err := os.ReadFile("testdata/oas31-schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("oas31.json", schema); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("oas31.json")
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestTheDocumentIsOpenAPI(t *testing.T) {
	doc := document(t)
	if err := valid(t, doc); err != nil {
		t.Error(err)
	}
	doc["paths"].(map[string]any)["/api/decide"].(map[string]any)["post"].(map[string]any)["responses"] = "all is well"
	if valid(t, doc) == nil {
		t.Error("a document that is none was taken for one")
	}
}

// TestTheDocumentHasAllCodes compares the codes that it names with those of package fault.
func TestTheDocumentHasAllCodes(t *testing.T) {
	var named, want []string
	problem := document(t)["components"].(map[string]any)["schemas"].(map[string]any)["Problem"].(map[string]any)
	for _, code := range problem["properties"].(map[string]any)["code"].(map[string]any)["enum"].([]any) {
		named = append(named, code.(string))
	}
	for _, code := range fault.Codes() {
		want = append(want, string(code))
	}
	sort.Strings(named)
	sort.Strings(want)
	if !slices.Equal(named, want) {
		t.Errorf("the document names the codes %v, package fault %v", named, want)
	}
}

// TestOperationsAreNamedOnce: clients that are generated name their functions by it.
func TestOperationsAreNamedOnce(t *testing.T) {
	seen := map[string]string{}
	for path, item := range document(t)["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			o := op.(map[string]any)
			id, _ := o["operationId"].(string)
			if id == "" && method != "options" {
				t.Errorf("%s %s has no operationId", method, path)
			}
			if other := seen[id]; other != "" && id != "" {
				t.Errorf("%s is the name of %s %s and of %s", id, method, path, other)
			}
			seen[id] = method + " " + path
			if o["summary"] == nil || o["tags"] == nil {
				t.Errorf("%s %s has no summary or no tag", method, path)
			}
		}
	}
}
