package shop

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/rapporthq/rapport/fault"
)

const perPage = 48

type homePage struct {
	Shelves     []shelf
	Departments []department
	SignedIn    bool
}

func (s *Shop) home(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	body := homePage{Departments: s.departments, SignedIn: v.signedIn() != ""}
	body.Shelves = s.recommend(r, v, map[string]string{"home": "Picked for this visit"}, "home")
	s.pages.Show(w, http.StatusOK, "home", s.frame(v, r, "Shop", body))
}

type listPage struct {
	Heading  string
	Query    string
	Products []*Product
	Total    int
	Next     string
}

func (s *Shop) list(heading, query, path string, all []*Product, r *http.Request) listPage {
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 0 || from > len(all) {
		from = 0
	}
	to := min(from+perPage, len(all))
	l := listPage{Heading: heading, Query: query, Products: all[from:to], Total: len(all)}
	if to < len(all) {
		l.Next = path + "from=" + strconv.Itoa(to)
	}
	return l
}

func (s *Shop) department(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	for i := range s.departments {
		if d := &s.departments[i]; d.Slug == r.PathValue("slug") {
			s.pages.Show(w, http.StatusOK, "list", s.frame(v, r, d.Name, s.list(d.Name, "", "/shop/department/"+d.Slug+"?", d.Products, r)))
			return
		}
	}
	s.pages.Fail(w, r, s.frame(v, r, "", nil), fault.New(fault.NotFound, "There is no such department; the shop's first page lists them all."))
}

func (s *Shop) search(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	q := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("q")))
	var found []*Product
	if len(q) >= 2 && len(q) <= 80 {
		for i := range s.cfg.Products {
			p := &s.cfg.Products[i]
			if s.byID[p.ID] == p && strings.Contains(strings.ToLower(p.Name), q) {
				found = append(found, p)
			}
			if len(found) == 10*perPage {
				break
			}
		}
	}
	s.pages.Show(w, http.StatusOK, "list", s.frame(v, r, "Search", s.list("Search", q, "/shop/search?q="+q+"&", found, r)))
}

type productPage struct {
	Product *Product
	Shelves []shelf
}

func (s *Shop) product(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	p := s.byID[r.PathValue("id")]
	if p == nil {
		s.pages.Fail(w, r, s.frame(v, r, "", nil), fault.New(fault.NotFound, "We do not have that product; the shop's first page lists what we have."))
		return
	}
	if err := s.doors.track(r.Context(), v.person(), "Product Viewed", map[string]any{"product_id": p.ID}); err != nil {
		s.cfg.Log.Warn("a view was not told", "error", err)
	}
	s.pages.Show(w, http.StatusOK, "product", s.frame(v, r, p.Name, productPage{Product: p}))
}
