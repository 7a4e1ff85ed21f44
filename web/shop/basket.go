package shop

import (
	"math"
	"net/http"
	"slices"
)

type basketPage struct {
	Lines []basketView
	Total float64
	Rows  []row
}

type basketView struct {
	Product  *Product
	Quantity int
	Sum      float64
}

// filled is the basket with its products and its sum, in hundredths.
func (s *Shop) filled(v *visit) (lines []basketView, total float64) {
	for _, l := range v.lines() {
		p := s.goods.byID[l.ID]
		sum := cents(p.Price * float64(l.Quantity))
		lines = append(lines, basketView{p, l.Quantity, sum})
		total = cents(total + sum)
	}
	return lines, total
}

func cents(v float64) float64 { return math.Round(v*100) / 100 }

func (s *Shop) basket(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	v.settled(r.Context())
	body := basketPage{Rows: s.recommend(r, v, "basket", "basket.yours")}
	body.Lines, body.Total = s.filled(v)
	s.pages.Show(w, http.StatusOK, "basket", s.frame(v, r, "basket", body))
}

func (s *Shop) putInBasket(w http.ResponseWriter, r *http.Request, v *visit) {
	p := s.goods.byID[r.PostFormValue("id")]
	if p == nil {
		s.fail(w, r, v, errProduct)
		return
	}
	if r.PostFormValue("by") == "less" {
		v.put(p.ID, -1)
		back(w, r, "")
		return
	}
	v.put(p.ID, 1)
	back(w, r, "basket")
}

// ways to get the shopping home.
var deliveries = []string{"collect", "deliver"}

type checkoutPage struct {
	Lines      []basketView
	Total      float64
	Deliveries []string
}

func (s *Shop) checkout(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	body := checkoutPage{Deliveries: deliveries}
	if body.Lines, body.Total = s.filled(v); len(body.Lines) == 0 {
		http.Redirect(w, r, "/shop/basket", http.StatusSeeOther)
		return
	}
	s.pages.Show(w, http.StatusOK, "checkout", s.frame(v, r, "checkout", body))
}

// order sends a real Order Completed. Without an answer the basket stays as it is: nothing is ordered that is not on record.
func (s *Shop) order(w http.ResponseWriter, r *http.Request, v *visit) {
	lines, total := s.filled(v)
	if len(lines) == 0 {
		http.Redirect(w, r, "/shop/basket", http.StatusSeeOther)
		return
	}
	delivery := r.PostFormValue("delivery")
	if !slices.Contains(deliveries, delivery) {
		delivery = deliveries[0]
	}
	var products []map[string]any
	for _, l := range lines {
		products = append(products, map[string]any{"product_id": l.Product.ID, "quantity": l.Quantity, "price": l.Product.Price})
	}
	// As a shop's tracking usually sends it. The charter keeps what it names and drops the rest at the door.
	event, err := s.doors.track(r.Context(), v.person(), "Order Completed", map[string]any{"order_id": newID(), "total": total, "products": products, "currency": s.cfg.Currency, "delivery": delivery})
	if err != nil {
		s.cfg.Log.Warn("an order was not taken", "error", err)
		http.Redirect(w, r, "/shop/basket?said=sorry", http.StatusSeeOther)
		return
	}
	v.sent(event)
	v.ordered(&order{lines, total})
	http.Redirect(w, r, "/shop/thanks", http.StatusSeeOther)
}

func (s *Shop) thanks(w http.ResponseWriter, r *http.Request) {
	v := s.visits.of(w, r, s.cfg.Secure)
	v.mu.Lock()
	last := v.order
	v.mu.Unlock()
	if last == nil {
		http.Redirect(w, r, "/shop", http.StatusSeeOther)
		return
	}
	s.pages.Show(w, http.StatusOK, "thanks", s.frame(v, r, "thanks", last))
}
