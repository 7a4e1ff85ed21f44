package shop

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"slices"
	"sync"
	"time"
)

// visit is what the shop's own server remembers of one browser: who signed in, a device id, the basket, and what was said
// here. It lives in memory only and goes with the process, as the sessions of a small shop may.
type visit struct {
	mu       sync.Mutex
	userID   string
	deviceID string
	basket   []basketLine
	answer   string   // to "may we personalise?" in this visit: yes, no, or nothing yet
	unwanted []string // products that are not for them: not offered again in this visit, whether or not Rapport may remember it
	order    *order   // the last one, for the page that thanks
	gpc      bool
	last     time.Time

	pending chan struct{} // closed when the last message that went beside a page is at Rapport; nil: there was none

	looking bool     // the drawer stands open
	trace   happened // what happened last, for the drawer
}

type basketLine struct {
	ID       string
	Quantity int
}

type order struct {
	Lines []basketView
	Total float64
}

// person is the visit in the words of the API.
func (v *visit) person() who {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.userID != "" {
		return who{UserID: v.userID}
	}
	return who{AnonymousID: v.deviceID}
}

func (v *visit) signedIn() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.userID
}

// signIn makes the visit a known person's. What was said as a stranger was said for this device, and stays with it.
func (v *visit) signIn(userID string) (device string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.userID, v.answer, v.unwanted, v.trace = userID, "", nil, happened{}
	return v.deviceID
}

// signOut forgets the user and draws a new device id, so that the next person at this browser is nobody yet.
func (v *visit) signOut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.userID, v.deviceID, v.basket, v.answer, v.unwanted, v.order, v.trace = "", newID(), nil, "", nil, nil, happened{}
}

func (v *visit) lines() []basketLine {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.basket)
}

func (v *visit) put(id string, by int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.basket {
		if v.basket[i].ID == id {
			v.basket[i].Quantity = min(v.basket[i].Quantity+by, 99)
			if v.basket[i].Quantity <= 0 {
				v.basket = slices.Delete(v.basket, i, i+1)
			}
			return
		}
	}
	if by > 0 && len(v.basket) < 100 {
		v.basket = append(v.basket, basketLine{id, by})
	}
}

// ordered empties the basket and keeps the order for the page that thanks.
func (v *visit) ordered(o *order) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.basket, v.order = nil, o
}

// refuse remembers for this visit that a product is not for them.
func (v *visit) refuse(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.Contains(v.unwanted, id) && len(v.unwanted) < 100 {
		v.unwanted = append(v.unwanted, id)
	}
}

// said is what was said in this visit, to be told with the next question to Rapport.
func (v *visit) said() (answer string, unwanted []string, gpc bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.answer, slices.Clone(v.unwanted), v.gpc
}

func (v *visit) say(answer string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = answer
}

func (v *visit) lookingInside() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.looking
}

const (
	visitMax = 20_000
	visitAge = 12 * time.Hour
)

func visitCookie(secure bool) string {
	if secure {
		return "__Host-shop_visit"
	}
	return "shop_visit"
}

// visits are bounded: when full, those that were idle longest go.
type visits struct {
	mu    sync.Mutex
	byID  map[string]*visit
	clock func() time.Time
}

func (vs *visits) of(w http.ResponseWriter, r *http.Request, secure bool) *visit {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	now, gpc := vs.clock(), r.Header.Get("Sec-GPC") == "1"
	if c, err := r.Cookie(visitCookie(secure)); err == nil {
		if v := vs.byID[c.Value]; v != nil {
			v.mu.Lock()
			v.last, v.gpc = now, gpc
			v.mu.Unlock()
			return v
		}
	}
	if len(vs.byID) >= visitMax {
		for id, v := range vs.byID {
			v.mu.Lock()
			idle := now.Sub(v.last) > visitAge/12
			v.mu.Unlock()
			if idle {
				delete(vs.byID, id)
			}
		}
	}
	id := newID()
	v := &visit{deviceID: newID(), last: now, gpc: gpc}
	if len(vs.byID) < visitMax {
		vs.byID[id] = v
		http.SetCookie(w, &http.Cookie{Name: visitCookie(secure), Value: id, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode, MaxAge: int(visitAge / time.Second)})
	}
	return v
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
