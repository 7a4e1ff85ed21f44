package anchor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
	"github.com/rapporthq/rapport/trust/ledger/ledgertest"
)

var noon = person.At(time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC))

// book is a ledger over memory, with its keys.
type book struct {
	t              *testing.T
	store          *ledgertest.Memory
	ledger         *ledger.Ledger
	signer, public string
}

func newBook(t *testing.T) *book {
	t.Helper()
	b := &book{t: t, store: &ledgertest.Memory{}}
	var err error
	if b.signer, b.public, err = note.GenerateKey(nil, "rapport-ledger/test"); err != nil {
		t.Fatal(err)
	}
	if b.ledger, err = ledger.New(b.store, b.signer, b.public); err != nil {
		t.Fatal(err)
	}
	return b
}

// grow adds n entries, of this actor.
func (b *book) grow(n int, actor string) *book {
	b.t.Helper()
	for i := range n {
		b.store.Add(ledger.Row{Kind: ledger.KindLook, Actor: actor, At: noon.Add(time.Duration(i) * time.Second), Count: 1})
	}
	if _, err := b.ledger.Sequence(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	return b
}

// again is another ledger under the same keys: what who holds them makes anew.
func (b *book) again() *book {
	b.t.Helper()
	other := &book{t: b.t, store: &ledgertest.Memory{}, signer: b.signer, public: b.public}
	var err error
	if other.ledger, err = ledger.New(other.store, b.signer, b.public); err != nil {
		b.t.Fatal(err)
	}
	return other
}

func (b *book) keep(p Place, old int64) (Receipt, error) {
	b.t.Helper()
	return p.Keep(context.Background(), NewClient(), b.ledger, old, noon)
}

func (b *book) kept(p Place, old, size int64) {
	b.t.Helper()
	r, err := b.keep(p, old)
	if err != nil || r.Size != size || r.At != noon {
		b.t.Fatalf("%+v %v, where %d entries should be kept at noon", r, err, size)
	}
}

// conflicts wants the place to find the ledger wrong.
func (b *book) conflicts(p Place, old int64, want ledger.Fault) {
	b.t.Helper()
	_, err := b.keep(p, old)
	var c *Conflict
	if !errors.As(err, &c) || c.Fault != want {
		b.t.Errorf("%v, where %s should be found", err, want)
	}
}

// fails wants the place not to be asked, in these words, and nothing to be said against the ledger.
func (b *book) fails(p Place, old int64, words string) {
	b.t.Helper()
	r, err := b.keep(p, old)
	code, says := fault.Of(err)
	var c *Conflict
	if err == nil || errors.As(err, &c) || code != fault.Unavailable || !strings.Contains(says, words) || r != (Receipt{}) {
		b.t.Errorf("%+v %v (%s), where it should fail with %q", r, err, code, words)
	}
}

func TestAFileKeepsEveryHeadOnce(t *testing.T) {
	p, err := Parse(filepath.Join(t.TempDir(), "heads.jsonl"), "")
	if err != nil {
		t.Fatal(err)
	}
	b := newBook(t)
	b.kept0(p)
	b.grow(3, "ann").kept(p, 0, 3)
	b.kept(p, 0, 3) // the same head again
	b.grow(4, "ann").kept(p, 0, 7)
	heads, err := p.Heads()
	if err != nil || len(heads) != 2 || heads[0].At != noon || heads[0].Where != p.Where {
		t.Fatalf("%d heads: %v", len(heads), err)
	}
	rep, err := b.ledger.Verify(context.Background(), func(context.Context, []person.ID) (map[person.ID][]byte, error) { return nil, nil }, heads...)
	if err != nil || rep.Heads != 2 {
		t.Fatalf("%+v %v", rep, err)
	}
	// A crash in the middle of a line: the half is no head, and the next stands on its own line.
	f, err := os.OpenFile(p.Where, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"at":"2026-03-30T12:00:00Z","head":"rapp`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	b.grow(1, "ann").kept(p, 0, 8)
	if heads, err = p.Heads(); err != nil || len(heads) != 3 {
		t.Fatalf("%d heads: %v", len(heads), err)
	}
	newBook(t).grow(8, "ann").conflicts(p, 0, ledger.BadSignature)
	b.again().grow(5, "ann").conflicts(p, 0, ledger.CutBack)
	b.again().grow(9, "bob").conflicts(p, 0, ledger.Forked)
	b.again().grow(8, "bob").conflicts(p, 0, ledger.Forked)
	if again, err := p.Heads(); err != nil || len(again) != 3 {
		t.Error("a head that conflicts was kept")
	}
}

// kept0 wants an empty ledger to leave nothing.
func (b *book) kept0(p Place) {
	b.t.Helper()
	if r, err := b.keep(p, 0); err != nil || r != (Receipt{}) {
		b.t.Errorf("an empty ledger: %+v %v", r, err)
	}
}

func TestALongFileIsReadFromItsEnd(t *testing.T) {
	p := Place{Where: filepath.Join(t.TempDir(), "heads.jsonl")}
	b := newBook(t)
	b.grow(1, "ann").kept(p, 0, 1)
	junk := bytes.Repeat([]byte(strings.Repeat("x", 1000)+"\n"), 300)
	f, err := os.OpenFile(p.Where, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append(junk, []byte(strings.Repeat("y", 200_000))...)); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	b.again().grow(1, "bob").conflicts(p, 0, ledger.Forked)
	b.grow(1, "ann").kept(p, 0, 2)
	if heads, err := p.Heads(); err != nil || len(heads) != 2 {
		t.Errorf("%d heads: %v", len(heads), err)
	}
}

func TestAFileThatCannotBeWrittenSaysSo(t *testing.T) {
	b := newBook(t).grow(2, "ann")
	dir := t.TempDir()
	b.fails(Place{Where: dir}, 0, "directory")
	b.fails(Place{Where: filepath.Join(dir, "gone", "heads")}, 0, "no such file")
}

// stand is a witness that is served.
type stand struct {
	*Witness
	place Place
	dir   string
}

func newStand(t *testing.T, dir string, public ...string) *stand {
	t.Helper()
	w, err := OpenWitness(dir, "witness.example/w", public, func() person.Instant { return noon })
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	p, err := Parse(srv.URL, w.Public())
	if err != nil {
		t.Fatal(err)
	}
	return &stand{w, p, dir}
}

func TestAWitnessCosignsWhatGrowsOnly(t *testing.T) {
	b := newBook(t)
	dir := t.TempDir()
	s := newStand(t, dir, b.public)
	b.kept0(s.place)
	b.grow(3, "ann").kept(s.place, 0, 3)
	b.kept(s.place, 3, 3) // the same again
	for i := range 20 {
		b.grow(i+1, "ann")
		b.kept(s.place, 0, b.size()) // told from the beginning, it says what it has
	}
	s = newStand(t, dir, b.public) // a restart
	b.grow(1, "ann").kept(s.place, b.size()-1, b.size())
	n := b.size()
	b.again().grow(5, "ann").conflicts(s.place, 0, ledger.CutBack)
	b.again().grow(5, "ann").conflicts(s.place, n, ledger.CutBack)
	b.again().grow(int(n), "bob").conflicts(s.place, n, ledger.Forked)
	b.again().grow(int(n)+3, "bob").conflicts(s.place, n, ledger.Forked)
	b.again().grow(int(n)+3, "bob").conflicts(s.place, 0, ledger.Forked)
	b.kept(s.place, n, n) // nothing of that moved it
	// What it keeps is a file of heads like any other, 22 of them.
	heads, err := Place{Where: s.File("rapport-ledger/test")}.Heads()
	if err != nil || len(heads) != 22 {
		t.Fatalf("%d heads: %v", len(heads), err)
	}
	rep, err := b.ledger.Verify(context.Background(), func(context.Context, []person.ID) (map[person.ID][]byte, error) { return nil, nil }, heads...)
	if err != nil || rep.Heads != 22 {
		t.Errorf("%+v %v", rep, err)
	}
}

func (b *book) size() int64 {
	n, _, err := b.ledger.Size(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestAWitnessKnowsWhoseHeadItIs(t *testing.T) {
	b, other := newBook(t).grow(3, "ann"), newBook(t).grow(3, "ann")
	s := newStand(t, t.TempDir(), b.public)
	other.fails(s.place, 0, "under another key")
	stranger := newBook(t)
	var err error
	if stranger.signer, stranger.public, err = note.GenerateKey(nil, "somebody/else"); err != nil {
		t.Fatal(err)
	}
	if stranger.ledger, err = ledger.New(stranger.store, stranger.signer, stranger.public); err != nil {
		t.Fatal(err)
	}
	stranger.grow(2, "ann").fails(s.place, 0, "does not know this ledger")
	if _, err := OpenWitness(t.TempDir(), "w", []string{b.public, other.public}, nil); err == nil {
		t.Error("two ledgers of one name are watched")
	}
	if _, err := OpenWitness(t.TempDir(), "w w", []string{b.public}, nil); err == nil {
		t.Error("a witness has a name with a space")
	}
}

// TestAWitnessThatFailsOrLiesIsNotBelieved plays what a witness, or somebody between, may answer.
func TestAWitnessThatFailsOrLiesIsNotBelieved(t *testing.T) {
	b := newBook(t).grow(3, "ann")
	honest := newStand(t, t.TempDir(), b.public)
	liar, err := newCosigner("witness.example/w", bytes.Repeat([]byte{7}, 32)) // the same name, another key
	if err != nil {
		t.Fatal(err)
	}
	text := func() string {
		signed, err := b.ledger.Signed(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(signed), "\n\n")
		return head + "\n"
	}()
	says := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if kind != "" {
				w.Header().Set("Content-Type", kind)
			}
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
		}
	}
	at := uint64(noon.Time().Unix())
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		words  string
	}{
		"a cosignature of another key":    {says(200, "", liar.sign(text, at)), "not of the key"},
		"a cosignature of another head":   {says(200, "", honest.key.sign(strings.Replace(text, "\n3\n", "\n4\n", 1), at)), "not of the key"},
		"a cosignature with another time": {says(200, "", retimed(honest.key.sign(text, at))), "not of the key"},
		"no cosignature":                  {says(200, "", ""), "not of the key"},
		"rubbish":                         {says(200, "", "— witness.example/w !!!\n"), "not of the key"},
		"a page":                          {says(200, "text/html", "<html>welcome</html>"), "not of the key"},
		"another size each time":          {sizes(), "another size each time"},
		"a conflict without a size":       {says(409, "text/plain", "no"), "does not say which"},
		"a conflict with no number":       {says(409, sizeType, "-1\n"), "does not say which"},
		"a failure":                       {says(500, "", "secret of somebody"), "answered with 500"},
		"a redirect to elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, honest.place.Where, http.StatusTemporaryRedirect)
		}, "answered with 307"},
		"half an answer":                    {half, "middle of its answer"},
		"nothing for a long time":           {silence, "did not answer in time"},
		"a cosignature behind 100 MB of it": {func(w http.ResponseWriter, _ *http.Request) { flood(w) }, "not of the key"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(tc.answer)
			defer srv.Close()
			client := NewClient()
			if strings.HasPrefix(name, "nothing") {
				client.Timeout = 100 * time.Millisecond
			}
			_, err := Place{Where: srv.URL, Key: honest.Public()}.Keep(context.Background(), client, b.ledger, 0, noon)
			_, says := fault.Of(err)
			var c *Conflict
			if errors.As(err, &c) || !strings.Contains(says, tc.words) || strings.Contains(says, "secret") {
				t.Errorf("%v", err)
			}
		})
	}
	srv := httptest.NewServer(honest)
	srv.Close()
	b.fails(Place{Where: srv.URL, Key: honest.Public()}, 0, "cannot be reached")
	// Others' cosignatures beside the right one do no harm.
	srv = httptest.NewServer(says(200, "", liar.sign(text, at)+honest.key.sign(text, at)))
	defer srv.Close()
	b.kept(Place{Where: srv.URL, Key: honest.Public()}, 0, 3)
}

// retimed is a cosignature's line with the time changed and the signature kept.
func retimed(line string) string { return strings.Replace(line, "AAAA", "AAAB", 1) }

func silence(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // until then the server does not see that the caller is gone
	<-r.Context().Done()
}

func sizes() http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("Content-Type", sizeType)
		w.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintf(w, "%d\n", n%3+1)
	}
}

func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = fmt.Fprint(w, "— ")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func flood(w http.ResponseWriter) {
	line := []byte("— other.example/w " + strings.Repeat("A", 1000) + "\n")
	for range 100_000 {
		if _, err := w.Write(line); err != nil {
			return
		}
	}
}

func TestAWitnessRefusesWhatIsNoRequest(t *testing.T) {
	b := newBook(t).grow(3, "ann")
	s := newStand(t, t.TempDir(), b.public)
	signed, _, _, err := b.ledger.Growth(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	post := func(body string) int {
		res, err := http.Post(s.place.Where+"/add-checkpoint", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	good := string(request(0, nil, signed))
	hash := strings.Repeat("A", 43) + "=\n"
	for name, tc := range map[string]struct {
		body string
		want int
	}{
		"nothing":                   {"", 400},
		"no old size":               {strings.TrimPrefix(good, "old 0\n"), 400},
		"an old size with a zero":   {strings.Replace(good, "old 0", "old 00", 1), 400},
		"an old size below zero":    {strings.Replace(good, "old 0", "old -1", 1), 400},
		"an old size over the head": {strings.Replace(good, "old 0", "old 9", 1), 400},
		"a proof that is no hash":   {strings.Replace(good, "old 0\n", "old 0\nAAAA\n", 1), 400},
		"too long a proof":          {strings.Replace(good, "old 0\n", "old 0\n"+strings.Repeat(hash, 64), 1), 400},
		"a proof from nothing":      {strings.Replace(good, "old 0\n", "old 0\n"+hash, 1), 422},
		"another old size":          {strings.Replace(good, "old 0", "old 2", 1), 409},
		"a changed head":            {strings.Replace(good, "\n3\n", "\n4\n", 1), 403},
		"another name":              {strings.Replace(good, "rapport-ledger/test\n", "rapport-ledger/west\n", 1), 404},
		"100 KB":                    {good + strings.Repeat("x", 100<<10), 413},
		"what is right":             {good, 200},
	} {
		if name == "what is right" {
			continue // at the end: it moves the witness
		}
		if got := post(tc.body); got != tc.want {
			t.Errorf("%s: %d, not %d", name, got, tc.want)
		}
	}
	if got := post(good); got != 200 {
		t.Errorf("what is right: %d", got)
	}
	if res, err := http.Get(s.place.Where + "/add-checkpoint"); err != nil || res.StatusCode != 404 {
		t.Error("it answers a GET")
	}
}

func TestAPlaceIsAFileOrAnHTTPSAddress(t *testing.T) {
	w, err := newCosigner("witness.example/w", bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	key := w.text()
	for _, tc := range []struct {
		where, key string
		good       bool
	}{
		{"heads.jsonl", "", true}, {"heads.jsonl", key, false}, {"", "", false},
		{"https://witness.example", key, true}, {"https://witness.example/some/path/", key, true}, {"http://127.0.0.1:80/", key, true}, {"http://localhost:80/", key, true},
		{"https://witness.example", "", false}, {"https://witness.example", strings.Replace(key, "+", "+0", 1), false}, {"https://witness.example", "other" + key, false},
		{"http://witness.example", key, false}, {"https://user:pass@witness.example", key, false}, {"https://witness.example/?a=b", key, false}, {"https:///x", key, false},
	} {
		if p, err := Parse(tc.where, tc.key); (err == nil) != tc.good || err == nil && p.IsWitness() != (tc.key != "") {
			t.Errorf("%q %q: %+v %v", tc.where, tc.key, p, err)
		}
	}
}

func FuzzSubmission(f *testing.F) {
	f.Add([]byte("old 2\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\nname\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— name AAAA\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := parseSubmission(body)
		if err != nil {
			return
		}
		if s.size < 0 || s.old < 0 || len(s.proof) > 63 || s.origin == "" || !bytes.HasPrefix(s.signed, []byte(s.origin+"\n")) {
			t.Fatalf("%+v", s)
		}
		if again := request(s.old, s.proof, s.signed); !bytes.Equal(again, body) {
			t.Fatalf("%q is read as %q", body, again)
		}
	})
}

func FuzzAnswersAndFiles(f *testing.F) {
	w, err := newCosigner("witness.example/w", bytes.Repeat([]byte{1}, 32))
	if err != nil {
		f.Fatal(err)
	}
	text := "name\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	f.Add([]byte(w.sign(text, 7)), w.text())
	f.Add([]byte(`{"at":"2026-03-30T12:00:00Z","head":"x"}`), "a+b+c")
	f.Fuzz(func(t *testing.T, raw []byte, key string) {
		if v, err := newVerifier(key); err == nil && v.text() != key {
			t.Fatalf("%q is read as %q", key, v.text())
		}
		if k, ok := parseLine(raw); ok && len(k.Head) == 0 {
			t.Fatal("a line without a head is one")
		}
		if at, ok := opened([]byte(text+"\n"), raw, w.verifier); ok && !bytes.Contains(raw, []byte(w.sign(text, at)[len("— witness.example/w "):len("— witness.example/w ")+20])) {
			t.Fatal("a cosignature is believed that is none")
		}
		_, _ = parseSize(sizeType, raw)
	})
}
