package access

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
)

// Door is one route and who may come in by it.
type Door struct {
	Method  string // GET, POST, …
	Pattern string // as http.ServeMux reads it, without the method: "/api/decide", "/api/decisions/{id}"
	Roles   []Role // who may; none means nobody
	Looks   bool   // reads a person's data: needs a purpose and a reason, and is a look
	Says    string // one line for the list of doors
}

// Key is how handlers name the door: "POST /api/decide".
func (d Door) Key() string { return d.Method + " " + d.Pattern }

// Allow says whether the door is open to the principal. A door open to Anyone is open to all.
func (d Door) Allow(p Principal) bool {
	for _, r := range d.Roles {
		if r == Anyone || (r == p.Role && p.Role != Anyone) {
			return true
		}
	}
	return false
}

// Table is all doors of a home. What is not in it does not exist.
type Table struct {
	doors map[string]Door
}

// NewTable reads the doors. An error names the row that has no method, no pattern, no role, an unknown one, or is there twice.
func NewTable(doors ...Door) (*Table, error) {
	known := make(map[Role]bool)
	for _, r := range Roles() {
		known[r] = true
	}
	t := &Table{doors: make(map[string]Door, len(doors))}
	for _, d := range doors {
		if d.Method == "" || strings.ToUpper(d.Method) != d.Method || !strings.HasPrefix(d.Pattern, "/") {
			return nil, fmt.Errorf("the door %q needs a method in capitals and a path", d.Key())
		}
		if len(d.Roles) == 0 {
			return nil, fmt.Errorf("the door %q is open to nobody: name its roles, or take it away", d.Key())
		}
		for _, r := range d.Roles {
			if !known[r] {
				return nil, fmt.Errorf("the door %q names the role %q, which does not exist", d.Key(), r)
			}
			if r == Anyone && d.Looks {
				return nil, fmt.Errorf("the door %q reads people's data and cannot be open to anyone", d.Key())
			}
		}
		if _, twice := t.doors[d.Key()]; twice {
			return nil, fmt.Errorf("the door %q is in the table twice", d.Key())
		}
		t.doors[d.Key()] = d
	}
	return t, nil
}

// Doors lists the rows by pattern and method.
func (t *Table) Doors() []Door {
	list := make([]Door, 0, len(t.doors))
	for _, d := range t.doors {
		list = append(list, d)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].Pattern != list[j].Pattern {
			return list[i].Pattern < list[j].Pattern
		}
		return list[i].Method < list[j].Method
	})
	return list
}

// Allow says whether the door of this key is open to the principal; a door that is not in the table is open to nobody.
func (t *Table) Allow(key string, p Principal) bool {
	d, ok := t.doors[key]
	return ok && d.Allow(p)
}

// Handler is what stands behind a door, with who came in.
type Handler func(w http.ResponseWriter, r *http.Request, p Principal)

// Guard is how a Table turns a request away and learns who came.
type Guard struct {
	// Who tells who came to this door; an error is answered by Refuse.
	Who func(r *http.Request, d Door) (Principal, error)
	// Refuse answers with ErrUnauthorised, ErrRefused, ErrCrossSite or Who's error.
	Refuse func(w http.ResponseWriter, r *http.Request, d Door, err error)
}

// Mux is the home's only way to register handlers, by the keys of their doors. A handler without a row and a row without a
// handler are errors. Each request is let in only when its door is open to who came; a change that came with a cookie also needs SameOrigin.
func (t *Table) Mux(g Guard, handlers map[string]Handler) (*http.ServeMux, error) {
	if g.Who == nil || g.Refuse == nil {
		return nil, errors.New("a guard needs to know who came and how to refuse")
	}
	for key := range handlers {
		if _, ok := t.doors[key]; !ok {
			return nil, fmt.Errorf("the handler %q has no row in the table of doors: add one that says who may come in", key)
		}
	}
	mux := http.NewServeMux()
	for _, d := range t.Doors() {
		h := handlers[d.Key()]
		if h == nil {
			return nil, fmt.Errorf("the door %q has no handler", d.Key())
		}
		mux.HandleFunc(d.Key(), func(w http.ResponseWriter, r *http.Request) {
			p, err := g.Who(r, d)
			switch {
			case err != nil:
			case !d.Allow(p) && p.Role == Anyone:
				err = ErrUnauthorised
			case !d.Allow(p):
				err = ErrRefused
			case p.Cookie && !safe(r.Method):
				err = SameOrigin(r)
			}
			if err != nil {
				g.Refuse(w, r, d, err)
				return
			}
			h(w, r, p)
		})
	}
	return mux, nil
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// SameOrigin refuses a request that a page of another site made a browser send: by Sec-Fetch-Site where the browser sends
// it, else by Origin, else by Referer. A request with none of them is refused. It is for requests that carry a cookie.
func SameOrigin(r *http.Request) error {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		if site == "same-origin" {
			return nil
		}
		return ErrCrossSite
	}
	from := r.Header.Get("Origin")
	if from == "" {
		from = r.Header.Get("Referer")
	}
	u, err := url.Parse(from)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || !strings.EqualFold(u.Host, r.Host) {
		return ErrCrossSite
	}
	return nil
}
