package shop

import (
	"math"
	"net/http"

	"github.com/rapporthq/rapport/fault"
)

type basketPage struct {
	Lines   []basketView
	Total   float64
	Shelves []shelf
}

type basketView struct {
	Product  *Product
	Quantity int
	Sum      float64
}

func (s *Shop) basket(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	var body basketPage
	for _, l := range v.lines() {
		p := s.byID[l.ID]
		body.Lines = append(body.Lines, basketView{p, l.Quantity, p.Price * float64(l.Quantity)})
		body.Total += p.Price * float64(l.Quantity)
	}
	body.Shelves = s.recommend(r, v, map[string]string{"basket": "Before you go"}, "basket")
	s.pages.Show(w, http.StatusOK, "basket", s.frame(v, r, "Basket", body))
}

func (s *Shop) putInBasket(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	p := s.byID[r.FormValue("id")]
	if p == nil {
		s.pages.Fail(w, r, s.frame(v, r, "", nil), fault.New(fault.NotFound, "We do not have that product; the shop's first page lists what we have."))
		return
	}
	by := 1
	if r.FormValue("by") == "less" {
		by = -1
	}
	v.put(p.ID, by)
	http.Redirect(w, r, "/shop/basket?said=basket", http.StatusSeeOther)
}

// checkout sends a real Order Completed. Without an answer the basket stays as it is: nothing is ordered that is not on record.
func (s *Shop) checkout(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	lines := v.lines()
	if len(lines) == 0 {
		http.Redirect(w, r, "/shop/basket", http.StatusSeeOther)
		return
	}
	var products []map[string]any
	total := 0.0
	for _, l := range lines {
		p := s.byID[l.ID]
		products = append(products, map[string]any{"product_id": p.ID, "quantity": l.Quantity, "price": p.Price})
		total += p.Price * float64(l.Quantity)
	}
	order := map[string]any{"order_id": newID(), "total": math.Round(total*100) / 100, "products": products}
	if err := s.doors.track(r.Context(), v.person(), "Order Completed", order); err != nil {
		s.cfg.Log.Warn("an order was not taken", "error", err)
		http.Redirect(w, r, "/shop/basket?said=sorry", http.StatusSeeOther)
		return
	}
	v.empty()
	http.Redirect(w, r, "/shop?said=ordered", http.StatusSeeOther)
}
