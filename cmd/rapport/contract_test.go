package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rapporthq/rapport/trust/access"
)

// contract reads the OpenAPI document and says of a call whether the document describes it.
type contract struct {
	t        *testing.T
	doc      map[string]any
	compiler *jsonschema.Compiler
	routes   *http.ServeMux  // the document's own paths, to find the one of a request
	answered map[string]bool // "POST /api/decide 200", of those that were checked
}

func readContract(t *testing.T, raw []byte) *contract {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{t: t, doc: doc.(map[string]any), compiler: jsonschema.NewCompiler(), routes: http.NewServeMux(), answered: map[string]bool{}}
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	for _, key := range c.operations() {
		c.routes.HandleFunc(key, func(http.ResponseWriter, *http.Request) {})
	}
	return c
}

// operations are all, as "POST /api/decide".
func (c *contract) operations() (keys []string) {
	for path, item := range c.doc["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			keys = append(keys, strings.ToUpper(method)+" "+path)
		}
	}
	return keys
}

// at follows a pointer, and references on the way; it gives where it ended, so that a schema can be compiled there.
func (c *contract) at(pointer ...string) (any, string, bool) {
	var v any = c.doc
	place := "#"
	for _, name := range pointer {
		m, ok := v.(map[string]any)
		if !ok || m[name] == nil {
			return nil, "", false
		}
		v, place = m[name], place+"/"+strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
		if ref, ok := v.(map[string]any)["$ref"].(string); ok && !strings.HasPrefix(ref, "#/components/schemas/") {
			if v, place, ok = c.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...); !ok {
				c.t.Fatalf("%s leads nowhere", ref)
			}
		}
	}
	return v, place, true
}

func (c *contract) schema(place string) *jsonschema.Schema {
	c.t.Helper()
	s, err := c.compiler.Compile("openapi.json" + place)
	if err != nil {
		c.t.Fatalf("%s is no schema: %v", place, err)
	}
	return s
}

// key is the operation of a request.
func (c *contract) key(r *http.Request) (method, path string, ok bool) {
	_, pattern := c.routes.Handler(r)
	method, path, ok = strings.Cut(pattern, " ")
	return strings.ToLower(method), path, ok
}

// takes says whether the document allows a body in a request; a body that is no JSON is never allowed.
func (c *contract) takes(method, path string, body []byte) error {
	_, place, ok := c.at("paths", path, method, "requestBody", "content", "application/json", "schema")
	if !ok {
		return nil
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return c.schema(place).Validate(v)
}

// answer is what a door said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// describes says what about an answer is not in the document, or nothing.
func (c *contract) describes(method, path string, a answer) error {
	status := fmt.Sprint(a.status)
	if _, _, ok := c.at("paths", path, method, "responses", status); !ok {
		return fmt.Errorf("the status %s is not described", status)
	}
	if headers, _, ok := c.at("paths", path, method, "responses", status, "headers"); ok {
		for name := range headers.(map[string]any) {
			h, place, _ := c.at("paths", path, method, "responses", status, "headers", name)
			value := a.header.Get(name)
			if value == "" && h.(map[string]any)["required"] != true {
				continue
			}
			if err := c.schema(place + "/schema").Validate(value); err != nil {
				return fmt.Errorf("the header %s: %w", name, err)
			}
		}
	}
	content, place, ok := c.at("paths", path, method, "responses", status, "content")
	if !ok {
		if len(a.body) > 0 {
			return fmt.Errorf("a body with %s, and none is described", status)
		}
		c.answered[strings.ToUpper(method)+" "+path+" "+status] = true
		return nil
	}
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		return err
	}
	if content.(map[string]any)[kind] == nil {
		return fmt.Errorf("the content type %s is not described for %s", kind, status)
	}
	var v any = string(a.body)
	if strings.HasSuffix(kind, "json") {
		if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(a.body)); err != nil {
			return fmt.Errorf("a body that is no JSON: %w", err)
		}
	}
	if err := c.schema(place + "/" + strings.ReplaceAll(kind, "/", "~1") + "/schema").Validate(v); err != nil {
		return fmt.Errorf("the body with %s: %w", status, err)
	}
	if p, ok := v.(map[string]any); ok && a.status >= 400 && fmt.Sprint(p["status"]) != status {
		return fmt.Errorf("a problem says %v and is sent with %s", p["status"], status)
	}
	c.answered[strings.ToUpper(method)+" "+path+" "+status] = true
	return nil
}

// caller calls the doors of a served home and holds each answer to the document.
type caller struct {
	*contract
	base string
}

// contracted serves a home in this process and reads the document that it serves.
func contracted(t *testing.T, h *house) *caller {
	t.Helper()
	handler, err := h.doors(serveOptions{}, false, "http://rapport.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	res, err := http.Get(server.URL + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &caller{readContract(t, raw), server.URL}
}

// call is one request.
type call struct {
	method, path string // with the query
	role         access.Role
	credential   string
	header       map[string]string
	body         any    // sent as JSON
	raw          []byte // instead
}

// do sends it and fails when the answer is not described, or is our mistake.
func (c *caller) do(q call) (answer, bool) {
	c.t.Helper()
	raw := q.raw
	if raw == nil && q.body != nil {
		var err error
		if raw, err = json.Marshal(q.body); err != nil {
			c.t.Fatal(err)
		}
	}
	r, err := http.NewRequest(q.method, c.base+q.path, bytes.NewReader(raw))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	switch q.role {
	case access.Anyone:
	case access.Customer:
		r.AddCookie(&http.Cookie{Name: access.CookieName(true, false), Value: q.credential})
	default:
		r.Header.Set("Authorization", "Bearer "+q.credential)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		c.t.Fatal(err)
	}
	method, path, ok := c.key(r)
	if !ok {
		c.t.Errorf("%s %s is not described", q.method, q.path)
		return a, false
	}
	if err := c.describes(method, path, a); err != nil {
		c.t.Errorf("%s %s as %q with %.300s gave %d %.300s: %v", q.method, q.path, q.role, raw, a.status, a.body, err)
		return a, false
	}
	if a.status >= 500 {
		c.t.Errorf("%s %s as %q with %.300s gave %d", q.method, q.path, q.role, raw, a.status)
		return a, false
	}
	return a, true
}

// wants is do with the status that is expected, and reads the answer.
func (c *caller) wants(status int, q call, into any) {
	c.t.Helper()
	a, _ := c.do(q)
	if a.status != status {
		c.t.Errorf("%s %s as %q gave %d %.300s, want %d", q.method, q.path, q.role, a.status, a.body, status)
		return
	}
	if status < 300 && q.body != nil {
		// What is taken is what the document lets be sent: an example that it forbids would be a hole in it.
		raw, err := json.Marshal(q.body)
		if err != nil {
			c.t.Fatal(err)
		}
		r, err := http.NewRequest(q.method, c.base+q.path, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		if method, path, ok := c.key(r); ok {
			if err := c.takes(method, path, raw); err != nil {
				c.t.Errorf("%s %s takes what the document forbids: %v", q.method, q.path, err)
			}
		}
	}
	if into != nil {
		if err := json.Unmarshal(a.body, into); err != nil {
			c.t.Fatal(err)
		}
	}
}
