package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/collect"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/store"
	"github.com/rapporthq/rapport/trust/vault"
)

// liveHome is a gate over a database of its own, in this process, so that nothing else is in its processor time.
type liveHome struct {
	gate    *collect.Gate
	store   *store.Store
	vault   *vault.Vault
	shared  bool // the second user of each pair comes with the first one's address
	serial  int
	cpu     []float64 // microseconds of a message, of each round
	seconds []float64
}

func openLive(ctx context.Context, o Options, name string, joins, shared bool) (*liveHome, error) {
	text := string(benchCharter)
	if joins {
		text = strings.Replace(text, "type: email,", "type: email, joins: 2,", 1)
	}
	c, problems := charter.Parse([]byte(text))
	if c == nil {
		return nil, fmt.Errorf("the charter of the benches: %v", problems)
	}
	dir := filepath.Join(o.Dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	v, err := vault.Create(dir)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, store.Options{Dir: dir, URL: o.Database})
	if err != nil {
		return nil, err
	}
	series := charter.NewSeries(c.Placed(1, 1))
	g := collect.New(collect.Parts{Vault: v, Store: s, Charters: func() charter.Series { return series }, Tombs: s, Pairings: s})
	return &liveHome{gate: g, store: s, vault: v, shared: shared}, nil
}

// batch is identify messages of that many users who come for the first time: the first or the second of each pair.
func (h *liveHome) batch(second bool, size int) (*collect.Batch, error) {
	var b strings.Builder
	b.WriteString(`{"batch":[`)
	for i := range size {
		n := h.serial + i
		user, address := fmt.Sprint("first", n), fmt.Sprint("person", n)
		if second {
			user = fmt.Sprint("second", n)
			if !h.shared {
				address = fmt.Sprint("another", n)
			}
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"identify","messageId":"%s","userId":%q,"timestamp":%q,"traits":{"email":"%s@post.example"}}`, user, user, time.Now().UTC().Format(time.RFC3339Nano), address)
	}
	b.WriteString("]}")
	out := &collect.Batch{}
	return out, out.Parse([]byte(b.String()), collect.BatchOf)
}

// round sends the first of each pair, and then, measured, the second.
func (h *liveHome) round(ctx context.Context, size int) error {
	for _, second := range []bool{false, true} {
		b, err := h.batch(second, size)
		if err != nil {
			return err
		}
		began, before := time.Now(), processor("self")
		out, err := h.gate.Accept(ctx, collect.Arrival{Source: "tills", Batch: b})
		if err != nil {
			return err
		}
		if out.Kept != size {
			return fmt.Errorf("%d of %d messages were kept", out.Kept, size)
		}
		if second {
			h.cpu = append(h.cpu, (processor("self")-before)*1e6/float64(size))
			h.seconds = append(h.seconds, time.Since(began).Seconds()*1e6/float64(size))
		}
	}
	h.serial += size
	return nil
}

// joined says whether the two of the first pair are one person.
func (h *liveHome) joined(ctx context.Context) (bool, error) {
	var roots []person.ID
	for _, user := range []string{"first0", "second0"} {
		b, err := h.vault.Blind(vault.UserID, user)
		if err != nil {
			return false, err
		}
		found, err := h.store.Find(ctx, []vault.Blind{b})
		if err != nil || len(found) == 0 {
			return false, err
		}
		l, err := h.store.Rows(ctx, found[0].Of)
		if err != nil {
			return false, err
		}
		roots = append(roots, l.Who.Root)
	}
	return roots[0] == roots[1], nil
}

// live is what a join by value costs on the live path: users who come for the first time, with an address that another has, where the charter lets it
// join them and where it does not. The rounds take turns, so that whatever else the machine does falls on all.
func live(ctx context.Context, o Options) (out []Figure, err error) {
	rounds, size, set := 12, 2000, "live"
	if o.Quick {
		rounds, size, set = 3, 500, "live quick"
	}
	o.Log("joins on the live path: %d messages of each kind", rounds*size)
	kinds := []string{"alone", "shared", "joined"}
	homes := map[string]*liveHome{}
	for _, k := range kinds {
		if homes[k], err = openLive(ctx, o, "live-"+k, k != "shared", k != "alone"); err != nil {
			return nil, err
		}
		defer func() { _ = homes[k].store.Close() }()
	}
	for r := range rounds + 1 {
		for _, k := range kinds {
			if err := homes[k].round(ctx, size); err != nil {
				return nil, err
			}
			if r == 0 { // it finds files and memory as they are at a start
				homes[k].cpu, homes[k].seconds = nil, nil
			}
		}
	}
	for _, k := range kinds {
		if one, err := homes[k].joined(ctx); err != nil || one != (k == "joined") {
			return nil, fmt.Errorf("%s: joined: %v, %v", k, one, err)
		}
	}
	median := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
	var f = figures{bench: "identity"}
	cpu, wall := map[string]float64{}, map[string]float64{}
	for _, k := range kinds {
		cpu[k], wall[k] = median(homes[k].cpu), median(homes[k].seconds)
		f.add(set, "live_"+k+"_cpu_us", cpu[k], "us", 0)
		f.add(set, "live_"+k+"_us", wall[k], "us", 0)
	}
	f.add(set, "live_join_cpu_us", cpu["joined"]-cpu["shared"], "us", 0)
	f.add(set, "live_join_us", wall["joined"]-wall["shared"], "us", 0)
	return f.all, nil
}
