package main

import (
	"encoding/json"
	"math/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// breach is a value that goes beyond one bound of the document, at its path in a body.
type breach struct {
	path  []string
	what  string
	value any
}

// breaches are one for each bound that a schema sets, as deep as it goes.
func (v *inventor) breaches(schema any, path []string) (all []breach) {
	m, _ := schema.(map[string]any)
	if ref, ok := m["$ref"].(string); ok {
		s, _, _ := v.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		return v.breaches(s, path)
	}
	if len(path) > 5 {
		return nil
	}
	add := func(what string, value any) {
		if len(path) > 0 {
			all = append(all, breach{slices.Clone(path), what, value})
		}
	}
	wrong := map[string]any{"minLength": "", "enum": "no-such-word", "const": "no-such-word", "pattern": "a\x01b"}
	for _, what := range sortedNames(wrong) {
		if m[what] != nil {
			add(what, wrong[what])
		}
	}
	if m["maximum"] != nil {
		add("maximum", number(m["maximum"], 0)+1)
	}
	if m["minimum"] != nil {
		add("minimum", number(m["minimum"], 0)-1)
	}
	if m["maxLength"] != nil {
		add("maxLength", strings.Repeat("z", int(number(m["maxLength"], 0))+1))
	}
	if number(m["minItems"], 0) > 0 {
		add("minItems", []any{})
	}
	if m["maxItems"] != nil {
		most := int(number(m["maxItems"], 0))
		list := make([]any, most+1)
		for i := range list {
			if list[i] = v.invent(m["items"], "", 2); m["uniqueItems"] == true {
				list[i] = "word" + strconv.Itoa(i)
			}
		}
		add("maxItems", list)
	}
	for _, name := range sortedNames(properties(m)) {
		all = append(all, v.breaches(properties(m)[name], append(slices.Clone(path), name))...)
	}
	if items, ok := m["items"].(map[string]any); ok {
		all = append(all, v.breaches(items, append(slices.Clone(path), "0"))...)
	}
	return all
}

func properties(m map[string]any) map[string]any {
	p, _ := m["properties"].(map[string]any)
	return p
}

// put replaces the value at a path; false when the body has none there.
func put(body any, path []string, value any) bool {
	switch in := body.(type) {
	case map[string]any:
		if _, there := in[path[0]]; !there {
			return false
		}
		if len(path) == 1 {
			in[path[0]] = value
			return true
		}
		return put(in[path[0]], path[1:], value)
	case []any:
		if len(in) == 0 {
			return false
		}
		if len(path) == 1 {
			in[0] = value
			return true
		}
		return put(in[0], path[1:], value)
	}
	return false
}

// TestEachBoundOfTheDocumentHolds goes beyond every bound of every body, one at a time, in a request that is good but for it: the
// door refuses what the document forbids. What chance finds is TestNothingAnswersOutsideTheDocument's.
func TestEachBoundOfTheDocumentHolds(t *testing.T) {
	d := describedHome(t)
	tried, missed := 0, []string{}
	for i, key := range d.operations() {
		method, path, _ := strings.Cut(key, " ")
		schema, _, hasBody := d.at("paths", path, strings.ToLower(method), "requestBody", "content", "application/json", "schema")
		if !hasBody {
			continue
		}
		v := &inventor{described: d, r: rand.New(rand.NewSource(int64(7001 + i)))}
		for _, b := range v.breaches(schema, nil) {
			where := key + " " + strings.Join(b.path, ".") + " " + b.what
			raw := v.around(method, path, schema, b)
			if raw == nil {
				missed = append(missed, where)
				continue
			}
			tried++
			q := v.request(method, path, 0)
			q.raw = raw
			if a, ok := d.do(q); ok && a.status < http.StatusBadRequest {
				t.Errorf("%s: the document forbids %.300s and the answer is %d", where, raw, a.status)
			}
		}
	}
	t.Logf("%d bounds; %d in no good request: %v", tried, len(missed), missed)
	if tried < 60 {
		t.Errorf("only %d bounds were tried", tried)
	}
}

// around makes a body that a door takes, and puts the breach into it; nil when it finds none, or when the document allows it there.
func (v *inventor) around(method, path string, schema any, b breach) []byte {
	sent := 0
	for range 400 {
		body := v.invent(schema, "", 0)
		good, err := json.Marshal(body)
		if err != nil || !put(body, b.path, b.value) || v.takes(strings.ToLower(method), path, good) != nil {
			continue
		}
		bad, err := json.Marshal(body)
		if err != nil || v.takes(strings.ToLower(method), path, bad) == nil {
			return nil
		}
		if sent++; sent > 8 {
			return nil
		}
		q := v.request(method, path, 0)
		q.raw = good
		if a, ok := v.do(q); ok && a.status < 300 {
			return bad
		}
	}
	return nil
}
