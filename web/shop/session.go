package shop

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

// visit is what the shop's own server remembers of one browser: who signed in, a device id, the basket. It lives in
// memory only and goes with the process, as the sessions of a small shop may.
type visit struct {
	mu       sync.Mutex
	userID   string
	deviceID string
	basket   []basketLine
	last     time.Time
	gpc      bool
}

type basketLine struct {
	ID       string
	Quantity int
}

// person is the visit in the words of the API. Both ids together are what a server source calls a sign-in.
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

func (v *visit) signIn(userID string) (device string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.userID = userID
	return v.deviceID
}

// signOut forgets the user and draws a new device id, so that the next person at this browser is nobody yet.
func (v *visit) signOut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.userID, v.deviceID, v.basket = "", newID(), nil
}

func (v *visit) lines() []basketLine {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]basketLine(nil), v.basket...)
}

func (v *visit) put(id string, by int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.basket {
		if v.basket[i].ID == id {
			v.basket[i].Quantity += by
			if v.basket[i].Quantity <= 0 {
				v.basket = append(v.basket[:i], v.basket[i+1:]...)
			}
			return
		}
	}
	if by > 0 && len(v.basket) < 100 {
		v.basket = append(v.basket, basketLine{id, by})
	}
}

func (v *visit) empty() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.basket = nil
}

const (
	visitCookie = "shop_visit"
	visitMax    = 20_000
	visitAge    = 12 * time.Hour
)

// visits are bounded: when full, those that were idle longest go.
type visits struct {
	mu    sync.Mutex
	byID  map[string]*visit
	clock func() time.Time
}

func (vs *visits) of(w http.ResponseWriter, r *http.Request, secure bool) *visit {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	now := vs.clock()
	if c, err := r.Cookie(visitCookie); err == nil {
		if v := vs.byID[c.Value]; v != nil {
			v.last = now
			v.gpc = r.Header.Get("Sec-GPC") == "1"
			return v
		}
	}
	if len(vs.byID) >= visitMax {
		for id, v := range vs.byID {
			if now.Sub(v.last) > visitAge/12 {
				delete(vs.byID, id)
			}
		}
	}
	id := newID()
	v := &visit{deviceID: newID(), last: now, gpc: r.Header.Get("Sec-GPC") == "1"}
	if len(vs.byID) < visitMax {
		vs.byID[id] = v
		http.SetCookie(w, &http.Cookie{Name: visitCookie, Value: id, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode, MaxAge: int(visitAge / time.Second)})
	}
	return v
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
