package shop

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

type homePage struct {
	Rows        []row
	Departments []Department
	SignedIn    bool
}

func (s *Shop) home(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	v.settled(r.Context())
	body := homePage{Departments: s.goods.departments, SignedIn: v.signedIn() != "", Rows: s.recommend(r, v, "home", "home.picked")}
	s.pages.Show(w, http.StatusOK, "home", s.frame(v, r, "nav.shop", body))
}

// listPage is a page of products: of a department, of one of its shelves, or found.
type listPage struct {
	Department *Department // nil for a search
	Shelf      *Shelf      // nil for the whole department
	Query      string
	Products   []*Product
	Total      int
	Next       string // where the rest is
}

// perPage is how many products a page lists: what one looks through without losing count, and within the weight of a page.
const perPage = 36

func list(all []*Product, path string, query url.Values) listPage {
	from, err := strconv.Atoi(query.Get("from"))
	if err != nil || from < 0 || from > len(all) {
		from = 0
	}
	to := min(from+perPage, len(all))
	l := listPage{Products: all[from:to], Total: len(all)}
	if to < len(all) {
		next := url.Values{"from": {strconv.Itoa(to)}}
		for _, keep := range []string{"shelf", "q"} {
			if text := query.Get(keep); text != "" {
				next.Set(keep, text)
			}
		}
		l.Next = path + "?" + next.Encode()
	}
	return l
}

func (s *Shop) department(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	d := s.goods.department(r.PathValue("slug"))
	if d == nil {
		s.fail(w, r, v, errDepartment)
		return
	}
	products := d.Products
	shelf := d.shelf(r.URL.Query().Get("shelf"))
	if shelf != nil {
		products = shelf.Products
	}
	body := list(products, r.URL.Path, r.URL.Query())
	body.Department, body.Shelf = d, shelf
	s.pages.Show(w, http.StatusOK, "list", s.frame(v, r, "department", body))
}

func (s *Shop) search(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	body := list(s.goods.search(q), r.URL.Path, r.URL.Query())
	body.Query = q
	s.pages.Show(w, http.StatusOK, "list", s.frame(v, r, "search", body))
}

type productPage struct {
	Product  *Product
	GoesWith []*Product
	Rows     []row
}

func (s *Shop) product(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	p := s.goods.byID[r.PathValue("id")]
	if p == nil {
		s.fail(w, r, v, errProduct)
		return
	}
	// What a shop's tracking usually sends. The charter decides what of it is kept, and whether anything is.
	seen := map[string]any{"product_id": p.ID, "name": p.Name, "price": p.Price, "currency": s.cfg.Currency}
	v.settled(r.Context())
	who := v.person()
	s.beside.send(v, func(ctx context.Context) {
		event, err := s.doors.track(ctx, who, "Product Viewed", seen)
		if err != nil {
			s.cfg.Log.Warn("a view was not told", "error", err)
			return
		}
		v.sent(event)
	})
	body := productPage{Product: p}
	var both sync.WaitGroup
	both.Go(func() { body.GoesWith = s.goesWith(r.Context(), p.ID) })
	body.Rows = s.recommend(r, v, "product", "product.yours", p.ID)
	both.Wait()
	s.pages.Show(w, http.StatusOK, "product", s.frame(v, r, "product", body))
}

// mostGoWith is how many products the page shows that others take with one.
const mostGoWith = 4

// goesWith are the products that others take with one, of those that the shop has.
func (s *Shop) goesWith(ctx context.Context, id string) []*Product {
	ids, err := s.doors.goesWith(ctx, id)
	if err != nil {
		s.cfg.Log.Warn("what goes with a product is not known", "error", err)
	}
	var with []*Product
	for _, id := range ids {
		if other := s.goods.byID[id]; other != nil && len(with) < mostGoWith {
			with = append(with, other)
		}
	}
	return with
}
