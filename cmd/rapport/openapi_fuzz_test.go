package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/trust/access"
)

// inventor makes up values by the document's schemas. What only the home can say (its placements, its people, a decision's name)
// it is told by the names of members.
type inventor struct {
	*described
	r *rand.Rand
	n int
}

func (v *inventor) one(of ...any) any { return of[v.r.Intn(len(of))] }

// known gives values that mean something in this home.
func (v *inventor) known(member string) any {
	switch member {
	case "placement":
		return v.one("home", "basket", "counter", v.h.charter().Order.Placements[0])
	case "placements":
		return []any{"basket", "home"}[:1+v.r.Intn(2)]
	case "userId":
		return v.one(shopper, "nobody-known", "名前")
	case "event":
		return v.one("Order Completed", "Product Viewed", "Never Declared")
	case "decision":
		return v.one(v.kept, "dec_baaaaaaaaaaaaaaaaaaaaaaaaa")
	case "item":
		return v.one(v.items[0], "no-such-item")
	case "items", "already":
		if member == "already" || v.r.Intn(3) > 0 {
			return []any{v.items[v.r.Intn(len(v.items))]}
		}
	case "id":
		v.n++
		return fmt.Sprintf("made-up-%d", v.n)
	case "feedback":
		return v.one(v.stub, "none")
	case "complaint":
		return v.one("late", "lost", "")
	case "image", "url":
		return v.one("", "/p/1", "https://shop.example/p/1?x=%20", nil)
	case "email":
		return v.one("reader@post.example", "no address", "")
	case "writeKey":
		return nil
	}
	return absent
}

type nothing struct{}

// absent says that the inventor knows no value of this name.
var absent = nothing{}

// invent makes a value that the schema allows, as far as this short reading of it goes: the validator has the last word.
func (v *inventor) invent(schema any, member string, depth int) any {
	if schema == true || depth > 6 {
		return v.one("x", 1, true, map[string]any{})
	}
	m := schema.(map[string]any)
	if ref, ok := m["$ref"].(string); ok {
		s, _, found := v.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		if !found {
			v.t.Fatalf("%s leads nowhere", ref)
		}
		if k := v.known(member); k != absent && s.(map[string]any)["type"] != "object" {
			return k
		}
		return v.invent(s, member, depth)
	}
	kinds, _ := m["type"].([]any)
	if k, ok := m["type"].(string); ok {
		kinds = []any{k}
	}
	if !slices.Contains(kinds, any("object")) {
		if k := v.known(member); k != absent {
			if _, list := k.([]any); list == slices.Contains(kinds, any("array")) {
				return k
			}
		}
	}
	if c, ok := m["const"]; ok {
		return c
	}
	if e, ok := m["enum"].([]any); ok {
		return v.one(e...)
	}
	if len(kinds) == 0 {
		for _, word := range []string{"oneOf", "anyOf"} {
			if branches, ok := m[word].([]any); ok {
				return v.invent(v.one(branches...), member, depth+1)
			}
		}
		return v.one("2026-11-20T10:00:00Z", 7, nil)
	}
	switch v.one(kinds...) {
	case "object":
		return v.object(m, depth)
	case "array":
		out := []any{}
		low := int(number(m["minItems"], 0))
		for range low + v.r.Intn(3) {
			out = append(out, v.invent(m["items"], "", depth+1))
		}
		return out
	case "boolean":
		return v.r.Intn(2) == 0
	case "integer":
		low, high := number(m["minimum"], -5), number(m["maximum"], 1000)
		return v.one(low, high, low+float64(v.r.Intn(int(high-low)+1)))
	case "number":
		return v.one(number(m["minimum"], -1), 2.5, 1e6)
	case "string":
		switch {
		case m["format"] == "date-time":
			return time.Now().UTC().Format(time.RFC3339Nano)
		case m["format"] == "date":
			return "2026-11-20"
		case m["minLength"] == nil && v.r.Intn(6) == 0:
			return ""
		}
		longest := int(number(m["maxLength"], 40))
		return v.one("a", "word", "Größe 🫖"[:min(longest, 8)], strings.Repeat("z", longest))
	}
	return nil
}

func number(v any, otherwise float64) float64 {
	if n, ok := v.(json.Number); ok {
		if f, err := n.Float64(); err == nil {
			return f
		}
	}
	return otherwise
}

func (v *inventor) object(m map[string]any, depth int) any {
	out := map[string]any{}
	required, _ := m["required"].([]any)
	for _, word := range []string{"oneOf", "anyOf"} {
		if branches, ok := m[word].([]any); ok {
			more, _ := v.one(branches...).(map[string]any)["required"].([]any)
			required = append(slices.Clone(required), more...)
		}
	}
	properties, _ := m["properties"].(map[string]any)
	for _, name := range sortedNames(properties) {
		alternative := m["oneOf"] != nil && !slices.Contains(required, any(name)) && strings.Contains(fmt.Sprint(m["oneOf"]), "["+name+"]")
		if slices.Contains(required, any(name)) || !alternative && v.r.Intn(3) == 0 {
			out[name] = v.invent(properties[name], name, depth+1)
		}
	}
	return out
}

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// spoil changes one thing somewhere in a value.
func (v *inventor) spoil(value any) any {
	bad := func() any {
		return v.one(7, -1, v.r.Intn(300), 1e300, true, "", "x", []any{}, map[string]any{}, strings.Repeat("y", 600), "a\x01b", []any{1, nil}, map[string]any{"x": []any{}}, "2026-13-45T99:00:00Z", nil)
	}
	switch m := value.(type) {
	case map[string]any:
		names := sortedNames(m)
		if len(names) == 0 {
			return bad()
		}
		name := names[v.r.Intn(len(names))]
		switch v.r.Intn(4) {
		case 0:
			delete(m, name)
		case 1:
			m[name] = bad()
		default:
			m[name] = v.spoil(m[name])
		}
		return m
	case []any:
		if len(m) == 0 || v.r.Intn(3) == 0 {
			return bad()
		}
		m[v.r.Intn(len(m))] = v.spoil(m[0])
		return m
	}
	return bad()
}

// holdsNull finds null in a value: it counts as if the member were not there, which no schema of ours says each time.
func holdsNull(value any) bool {
	switch m := value.(type) {
	case nil:
		return true
	case map[string]any:
		for _, x := range m {
			if holdsNull(x) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(m, holdsNull)
	}
	return false
}

// beyondSchema is what a door refuses with 400 though the schema allows it, as the document says in words.
func beyondSchema(key string, body any) bool {
	m, _ := body.(map[string]any)
	switch key {
	case "PUT /api/items":
		raw, _ := json.Marshal(body)
		return bytes.Contains(raw, []byte(`"until"`)) || bytes.Contains(raw, []byte(`"from"`)) // an order of two members, and the year
	case "POST /api/sign-in-links":
		return m["attested"] != true
	case "POST /api/complaints":
		return false
	}
	return false
}

// TestNothingAnswersOutsideTheDocument makes requests from the document, good ones and spoilt ones, as everybody. No answer is one
// that the document does not describe, none is our mistake; what it allows is never called malformed, and what it forbids never passes.
func TestNothingAnswersOutsideTheDocument(t *testing.T) {
	d := describedHome(t)
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	good, spoilt := map[string]int{}, map[string]int{}
	operations := d.operations()
	slices.Sort(operations)
	for i, key := range operations {
		method, path, _ := strings.Cut(key, " ")
		v := &inventor{described: d, r: rand.New(rand.NewSource(int64(4001 + i)))}
		schema, _, hasBody := d.at("paths", path, strings.ToLower(method), "requestBody", "content", "application/json", "schema")
		for round := range rounds {
			q := v.request(method, path, round)
			if hasBody {
				q.body = v.invent(schema, "", 0)
				if round%2 == 1 {
					q.body = v.spoil(q.body)
				}
				raw, err := json.Marshal(q.body)
				if err != nil {
					t.Fatal(err)
				}
				if q.raw = raw; round%16 == 15 {
					q.raw = append(raw[:v.r.Intn(len(raw))], []byte(v.one("", "\x00", "{", "]", `"`, "\xff\xfe", `{"a":1,"a":2}`).(string))...)
				}
			}
			a, ok := d.do(q)
			if !ok {
				return
			}
			if !hasBody {
				good[key]++
				continue
			}
			allowed := d.takes(strings.ToLower(method), path, q.raw)
			switch {
			case allowed == nil:
				good[key]++
				if a.status == http.StatusBadRequest && !beyondSchema(key, q.body) {
					t.Errorf("%s: the document allows %.400s and the answer is %s", key, q.raw, a.body)
				}
			default:
				spoilt[key]++
				if a.status < 300 && !holdsNull(q.body) {
					t.Errorf("%s: the document forbids %.400s (%v) and the answer is %d %.200s", key, q.raw, allowed, a.status, a.body)
				}
			}
		}
		if good[key] < rounds/5 || hasBody && spoilt[key] < rounds/8 {
			t.Errorf("%s: of %d requests only %d were good and %d spoilt", key, rounds, good[key], spoilt[key])
		}
	}
}

// request is a request to an operation, mostly by somebody who may.
func (v *inventor) request(method, path string, round int) call {
	q := call{method: method, header: map[string]string{}}
	in := strings.NewReplacer("{writeKey}", v.one(v.client, "nobodys").(string), "{id}", v.one(v.kept, "item-1", "%20", "dec_0").(string))
	q.path = in.Replace(path)
	switch {
	case strings.HasPrefix(path, "/v1/"):
		q.header = basic(v.tokens[access.Source])
	case path == "/api/decide" || path == "/api/sign-in-links" || path == "/api/shown" || path == "/api/feedback" || strings.HasPrefix(path, "/api/decisions"):
		q.role, q.credential = access.Decide, v.pages
	case path == "/api/items" || path == "/api/refusals" || path == "/api/events/recent" || path == "/api/complaints":
		q.role, q.credential = access.Admin, v.tokens[access.Admin]
	}
	switch path {
	case "/api/refusals":
		q.path += v.one("", "?days=3", "?days=0", "?days=x", "?source=%00", "?source="+v.source()).(string)
	case "/api/events/recent":
		q.path += v.one("", "?source=x", "?source="+v.source()).(string)
	case "/api/decisions/{id}":
		q.path += v.one("", "?lang=fr", "?lang="+strings.Repeat("x", 100), "?lang=%01").(string)
	}
	if round%5 == 4 { // somebody else, or a strange header
		role := access.Roles()[v.r.Intn(len(access.Roles()))]
		q.role, q.credential = role, v.tokens[role]
		if role == access.Privacy {
			q.header["Rapport-Purpose"], q.header["Rapport-Reason"] = "service", "a test of the document"
			return q
		}
		name := v.one("Sec-GPC", "Content-Type", "Rapport-Purpose", "Rapport-Reason", "Accept-Language", "X-Request-Id", "Content-Encoding", "Sec-Fetch-Site").(string)
		q.header[name] = v.one("1", "service", "same-origin", "gzip", "text/plain", strings.Repeat("q", 700), "fr;q=0.1,*", "é").(string)
	}
	return q
}
