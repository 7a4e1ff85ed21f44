package collect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/consent"
	"github.com/rapporthq/rapport/trust/vault"
)

// crowd holds a home's gate at its commits until all who shall go together are in the line.
type crowd struct {
	*home
	hold    chan struct{} // closed when the first groups may end
	holding atomic.Int64
	first   []*sent
	all     []*sent
	ticks   atomic.Int64
}

// sent is a request that is under way.
type sent struct {
	out    Outcome
	err    error
	panics any
	done   chan struct{}
}

// newCrowd is a home whose gate is taken up by requests about nobody else.
func newCrowd(t *testing.T) *crowd {
	h := newHome(t)
	c := &crowd{home: h, hold: make(chan struct{})}
	h.gate.parts.Clock = func() person.Instant { return h.now + person.Instant(c.ticks.Add(1)) }
	h.store.before = func() {
		c.holding.Add(1)
		<-c.hold
	}
	for i := range mostGroups {
		c.first = append(c.first, c.begin(context.Background(), "tills", fmt.Sprintf(`{"messageId":"hold%d","userId":"hold%d"}`, i, i), Page))
		c.until(func() bool { return c.holding.Load() == int64(i+1) })
	}
	return c
}

// until waits for a condition that others bring about.
func (c *crowd) until(holds func() bool) {
	for !holds() {
		runtime.Gosched()
	}
}

func (c *crowd) begin(ctx context.Context, source, body string, as Type) *sent {
	c.t.Helper()
	var b Batch
	if err := b.Parse([]byte(body), as); err != nil {
		c.t.Fatal(err)
	}
	s := &sent{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		defer func() { s.panics = recover() }()
		s.out, s.err = c.gate.Accept(ctx, Arrival{Source: source, Batch: &b})
		clear(b.Messages) // as a door does that uses the room again
	}()
	return s
}

func (c *crowd) waiting() int {
	c.gate.line.mu.Lock()
	defer c.gate.line.mu.Unlock()
	return len(c.gate.line.waiting)
}

// wait puts a request in the line.
func (c *crowd) wait(ctx context.Context, source, body string, as Type) *sent {
	c.t.Helper()
	before := c.waiting()
	s := c.begin(ctx, source, body, as)
	c.until(func() bool { return c.waiting() > before })
	c.all = append(c.all, s)
	return s
}

// let lets everybody go on, and gives in how many changes those of the line were kept.
func (c *crowd) let(before func()) (commits int) {
	c.t.Helper()
	held := c.store.commits
	c.store.before = before
	close(c.hold)
	for _, s := range append(c.first, c.all...) {
		<-s.done
	}
	l := &c.gate.line
	c.until(func() bool { // who leads gives the word before it has its own answer
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.under == 0
	})
	if n := c.waiting(); n != 0 {
		c.t.Errorf("%d still wait", n)
	}
	return c.store.commits - held - mostGroups
}

func pages(id, user string, n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"type":"page","messageId":"%s-%d","userId":"%s"}`, id, i, user))
	}
	return `{"batch":[` + strings.Join(list, ",") + `]}`
}

func TestRequestsThatComeTogetherAreOneChangeAndEachHasItsOwnAnswer(t *testing.T) {
	c := newCrowd(t)
	bg := context.Background()
	var all []*sent
	for i := range 9 {
		user := fmt.Sprintf("u%d", i%4)
		switch i {
		case 4:
			all = append(all, c.wait(bg, "tills", `{"messageId":"x","userId":"u0","event":"Unknown","properties":{}}`, Track))
		case 7:
			all = append(all, c.wait(bg, "nobody", `{"messageId":"y","userId":"u0"}`, Page))
		default:
			all = append(all, c.wait(bg, "tills", pages(fmt.Sprint(i), user, i+1), BatchOf))
		}
	}
	reads := 0
	c.store.read = func() { reads++ }
	if n := c.let(nil); n != 1 || reads != 1 {
		t.Errorf("%d changes and %d readings for nine requests", n, reads)
	}
	for i, s := range all {
		kept, refused, want := i+1, 0, error(nil)
		switch i {
		case 4:
			kept, refused = 0, 1
		case 7:
			kept, want = 0, ErrSource
		}
		if s.out.Kept != kept || s.out.Refused != refused || !errors.Is(s.err, want) || s.panics != nil {
			t.Errorf("request %d was answered %+v, %v", i, s.out, s.err)
		}
	}
	for user, n := range map[string]int{"u0": 1 + 9, "u1": 2 + 6, "u2": 3 + 7, "u3": 4} {
		if got := len(c.person(vault.UserID, user, c.now+100).events()); got != n {
			t.Errorf("%s has %d events, not %d", user, got, n)
		}
	}
	if c.gate.line.under != 0 {
		t.Error("a group goes on for ever")
	}
	c.want("whoever comes to an idle gate waits for nobody", c.send("tills", `{"messageId":"z","userId":"u0"}`, Page), 1)
}

// A store that fails is the answer of each: nobody was answered before the change was handed in.
func TestNobodyIsAnsweredBeforeTheGroupIsKept(t *testing.T) {
	c := newCrowd(t)
	var all []*sent
	for i := range 20 {
		all = append(all, c.wait(context.Background(), "tills", pages(fmt.Sprint(i), fmt.Sprint("u", i), 2), BatchOf))
	}
	c.store.mu.Lock()
	c.store.fail = vault.ErrUnavailable
	c.store.mu.Unlock()
	c.let(nil)
	for i, s := range all {
		if code, _ := fault.Of(s.err); s.err == nil || code != fault.Unavailable {
			t.Errorf("request %d was answered %+v, %v, and nothing was kept", i, s.out, s.err)
		}
	}
}

// explosive panics at one product, and knows the others.
type explosive struct{}

func (explosive) Knows(id string) bool {
	if id == "boom" {
		panic("boom")
	}
	return true
}

func bought(id, user, item string) string {
	return fmt.Sprintf(`{"messageId":"%s","userId":"%s","event":"Order Completed","properties":{"order_id":"o","products":[{"product_id":"%s"}]}}`, id, user, item)
}

func TestAPanicIsThatOfOneRequest(t *testing.T) {
	c := newCrowd(t)
	c.gate.parts.Catalogue = explosive{}
	var all []*sent
	for i := range 12 {
		item := "p"
		if i == 5 {
			item = "boom"
		}
		all = append(all, c.wait(context.Background(), "tills", bought(fmt.Sprint(i), fmt.Sprint("u", i%3), item), Track))
	}
	c.let(nil)
	for i, s := range all {
		if i == 5 {
			if s.panics != "boom" {
				t.Errorf("the panic did not come back to whom it is: %v, %+v", s.panics, s.err)
			}
		} else if s.out.Kept != 1 || s.err != nil || s.panics != nil {
			t.Errorf("request %d was answered %+v, %v, %v", i, s.out, s.err, s.panics)
		}
	}
	if n := len(c.person(vault.UserID, "u2", c.now+100).events()); n != 3 {
		t.Errorf("%d events of four, one of which panicked", n)
	}
}

func TestWhoChangesTheirMindMeanwhileHoldsUpNobody(t *testing.T) {
	c := newCrowd(t)
	var all []*sent
	for i := range 6 {
		all = append(all, c.wait(context.Background(), "tills", pages(fmt.Sprint(i), fmt.Sprint("u", i%2), 1), BatchOf))
	}
	var once atomic.Bool
	before := func() {
		if once.CompareAndSwap(false, true) {
			// u0 is brought in by another door just as the group hands in that they are new.
			c.store.mu.Lock()
			b, _ := c.vault.Blind(vault.UserID, "u0")
			e, _, _ := c.vault.Enrol(c.now)
			f := c.store
			f.root[e.ID], f.wrapped[e.ID], f.version[e.ID] = e.ID, e.Wrapped, 1
			f.idents[b] = []vault.Identifier{{Blind: b, Of: e.ID, Verified: true}}
			f.mu.Unlock()
		}
	}
	c.let(before)
	for i, s := range all {
		if s.out.Kept != 1 || s.err != nil {
			t.Errorf("request %d was answered %+v, %v", i, s.out, s.err)
		}
	}
	for _, user := range []string{"u0", "u1"} {
		if n := len(c.person(vault.UserID, user, c.now+100).events()); n != 3 {
			t.Errorf("%s has %d events", user, n)
		}
	}
}

func TestAnAnswerOfOneRequestIsHeededByThoseBehindIt(t *testing.T) {
	c := newCrowd(t)
	say := func(id, answer string) string {
		return `{"messageId":"` + id + `","anonymousId":"d","event":"Product Viewed","properties":{"product_id":"p"},"context":{"consent":{"categoryPreferences":{"personalization":` + answer + `}}}}`
	}
	const plain = `{"messageId":"%s","anonymousId":"d","event":"Product Viewed","properties":{"product_id":"p"}}`
	bg := context.Background()
	var kept []int
	all := []*sent{c.wait(bg, "web", fmt.Sprintf(plain, "1"), Track), c.wait(bg, "web", say("2", "true"), Track), c.wait(bg, "web", fmt.Sprintf(plain, "3"), Track),
		c.wait(bg, "web", say("4", "false"), Track), c.wait(bg, "web", fmt.Sprintf(plain, "5"), Track)}
	c.let(nil)
	for _, s := range all {
		kept = append(kept, s.out.Kept)
	}
	if !slices.Equal(kept, []int{0, 1, 1, 0, 0}) {
		t.Errorf("kept %v", kept)
	}
}

func TestWhoGoesAwayTakesNothingFromTheOthers(t *testing.T) {
	c := newCrowd(t)
	bg := context.Background()
	one := c.wait(bg, "tills", pages("one", "u1", 1), BatchOf)
	early, leave := context.WithCancel(bg)
	gone := c.wait(early, "tills", pages("gone", "u2", 2), BatchOf)
	leave()
	<-gone.done // while the others still wait
	if code, _ := fault.Of(gone.err); code != fault.Unavailable {
		t.Errorf("%+v, %v", gone.out, gone.err)
	}
	late, leaveLater := context.WithCancel(bg)
	stays := c.wait(late, "tills", pages("late", "u3", 3), BatchOf)
	c.let(leaveLater) // once the group hands its change in: its batch is being read
	if one.out.Kept != 1 || one.err != nil || stays.out.Kept != 3 || stays.err != nil {
		t.Errorf("%+v, %v and %+v, %v", one.out, one.err, stays.out, stays.err)
	}
	if c.person(vault.UserID, "u2", c.now+100) != nil || len(c.person(vault.UserID, "u3", c.now+100).events()) != 3 {
		t.Error("what was kept is not what was answered")
	}
	c.want("the line goes on", c.send("tills", `{"messageId":"z","userId":"u1"}`, Page), 1)
}

// Whatever requests say, together they leave what they leave one by one.
func TestTogetherIsAsOneByOne(t *testing.T) {
	for seed := range uint64(16) {
		r := rand.New(rand.NewPCG(seed, 6))
		type request struct {
			source, body string
			as           Type
		}
		var list []request
		for i := range 2 + r.IntN(14) {
			user, device := fmt.Sprintf(`"userId":"u%d"`, r.IntN(3)), fmt.Sprintf(`"anonymousId":"d%d"`, r.IntN(3))
			source := []string{"tills", "signup", "web", "bureau"}[r.IntN(4)]
			who := []string{user, device, user + "," + device}[r.IntN(3)]
			says := ""
			if r.IntN(3) == 0 {
				says = fmt.Sprintf(`,"context":{"consent":{"categoryPreferences":{"personalization":%t}}}`, r.IntN(2) == 0)
			}
			head := fmt.Sprintf(`{"messageId":"m%d",%s,%s%s`, i, who, at(r.IntN(20)), says)
			switch r.IntN(5) {
			case 0:
				list = append(list, request{source, head + fmt.Sprintf(`,"traits":{"email":"e%d@x.example","household":"2","nonsense":1}}`, r.IntN(2)), Identify})
			case 1:
				list = append(list, request{source, head + `}`, Page})
			case 2:
				list = append(list, request{source, head + fmt.Sprintf(`,"previousId":"d%d"}`, r.IntN(3)), Alias})
			case 3:
				list = append(list, request{source, head + `,"event":"Product Viewed","properties":{"product_id":"p","more":1}}`, Track})
			default:
				list = append(list, request{source, head + `,"event":"Order Completed","properties":{"order_id":"o","products":[{"product_id":"p"}]}}`, Track})
			}
		}
		run := func(together bool) (out []string) {
			c := newCrowd(t)
			var all []*sent
			if !together {
				c.let(nil)
			}
			for _, q := range list {
				if together {
					all = append(all, c.wait(context.Background(), q.source, q.body, q.as))
				} else {
					s := c.begin(context.Background(), q.source, q.body, q.as)
					<-s.done
					all = append(all, s)
				}
			}
			if together {
				if n := c.let(nil); n > 1 {
					t.Errorf("seed %d: %d changes", seed, n)
				}
			}
			for i, s := range all {
				if s.err != nil && !strings.Contains(s.err.Error(), "previousId") {
					t.Errorf("seed %d, request %d: %v", seed, i, s.err)
				}
				counts := s.out.Counts
				slices.SortFunc(counts, func(a, b Refusal) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
				out = append(out, fmt.Sprintf("answer %d: %d, %d, %v", i, s.out.Kept, s.out.Refused, counts))
			}
			for _, kind := range []vault.IdentifierKind{vault.UserID, vault.AnonymousID, vault.Email} {
				for n := range 3 {
					value := map[vault.IdentifierKind]string{vault.UserID: fmt.Sprint("u", n), vault.AnonymousID: fmt.Sprint("d", n), vault.Email: fmt.Sprintf("e%d@x.example", n)}[kind]
					o := c.person(kind, value, c.now+100)
					if o == nil {
						out = append(out, value+": nobody")
						continue
					}
					var choices []string
					for _, ch := range o.record.Choices {
						choices = append(choices, fmt.Sprint(ch.Purpose, ch.Answer == consent.Yes, ch.At, ch.Verified, ch.Source))
					}
					slices.Sort(choices)
					out = append(out, fmt.Sprint(value, ": ", o.events(), o.facts(), choices, len(o.record.Who.Also), len(o.record.Claims)))
				}
			}
			return out
		}
		one, all := run(false), run(true)
		for i := range one {
			if one[i] != all[i] {
				t.Errorf("seed %d:\none by one %s\ntogether   %s", seed, one[i], all[i])
			}
		}
	}
}
