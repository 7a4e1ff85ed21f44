package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/trust/vault"
)

// A small shop for commands: households who said yes, each with orders on three days, of products that k of them share.
const (
	households = 40
	products   = 10 // everybody buys nine of them
)

// stock brings the small shop into a home: items, choices, people and orders, each through the command.
func stock(t *testing.T, home string) (ordersFile string) {
	t.Helper()
	var i, c, p, o strings.Builder
	for n := range products {
		fmt.Fprintf(&i, `{"id":"sku-%d","name":"Product %d","category":"grocery","price":%d.5}`+"\n", n, n, n+1)
	}
	p.WriteString("userId,name,phone\n")
	now := time.Now().UTC()
	for n := range households {
		fmt.Fprintf(&c, `{"userId":"house-%d","purpose":"personalise","answer":"yes","at":%q,"channel":"web","language":"en","notice":"n1","words":"May we?"}`+"\n", n, now.AddDate(0, 0, -200).Format(time.RFC3339))
		fmt.Fprintf(&p, "house-%d,Wilhelmina Quartermaine %d,+4420794601%02d\n", n, n, n)
		for day := range 3 {
			var lines []string
			for l := range 4 {
				lines = append(lines, fmt.Sprintf(`{"product_id":"sku-%d","quantity":1,"price":2}`, (n+day+l*2)%products))
			}
			fmt.Fprintf(&o, `{"type":"track","messageId":"m-%d-%d","userId":"house-%d","event":"Order Completed","timestamp":%q,"properties":{"order_id":"o-%d-%d","total":41.25,"coupon":"SPRING","products":[%s]}}`+"\n",
				n, day, n, now.AddDate(0, 0, -10*day-1).Format(time.RFC3339), n, day, strings.Join(lines, ","))
		}
	}
	ordersFile = writeFile(t, "orders.jsonl", o.String())
	for _, in := range [][3]string{{"tills", "items", writeFile(t, "items.jsonl", i.String())}, {"signup", "choices", writeFile(t, "choices.jsonl", c.String())},
		{"signup", "people", writeFile(t, "people.csv", p.String())}, {"signup", "events", ordersFile}} {
		must(t, "import", "--home", home, "--source", in[0], "--as", in[1], in[2])
	}
	return ordersFile
}

// decided is what a decision at the command line says.
type decided struct {
	Rung         string
	Relationship struct{ Level, Because string }
	Items        []struct {
		ID      string
		Because []struct{ Text string }
	}
	Held    []struct{ Fact, Reason string }
	Charter int
}

func decides(t *testing.T, home, user, placement string) (d decided) {
	t.Helper()
	out := must(t, "decide", "--home", home, "--person", "userId="+user, "--placement", placement, "--explain")
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return d
}

// proves runs the self-checks and gives what each failed; a home as small as a test's has no cases for all of them.
func proves(t *testing.T, home string) map[string]int {
	t.Helper()
	out, errs, code := try(t, "prove", "--home", home, "--json")
	if code == 2 || errs != "" {
		t.Fatalf("prove: exit %d: %s", code, errs)
	}
	failed := map[string]int{}
	for line := range strings.Lines(out) {
		var r struct {
			Check, Detail string
			Cases, Failed int
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		failed[r.Check] = r.Failed
		if r.Failed > 0 {
			t.Logf("%s: %s", r.Check, r.Detail)
		}
	}
	return failed
}

func whole(t *testing.T, home string) {
	t.Helper()
	if out := must(t, "ledger", "verify", "--home", home); !strings.Contains(out, "The ledger is whole.") {
		t.Error(out)
	}
}

// TestCommandsWhileItServes gives every command to a home that another process owns, and to the home alone after that process
// died without tidying up.
func TestCommandsWhileItServes(t *testing.T) {
	const id = "      order_id: {type: string, required: true}\n"
	home := homeOf(t, edited(t, id, id+"      coupon: {type: string}\n"))
	s := serveHome(t, home)

	info, err := os.Stat(filepath.Join(home, socketName))
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode()&os.ModeSocket == 0 {
		t.Fatalf("the socket: %v %v; only its owner may use it", info, err)
	}
	_, errs, code := try(t, "serve", "--home", home, "--listen", "127.0.0.1:0")
	oneSentence(t, "a second serve", errs, code, 1)

	file := stock(t, home)
	if out := must(t, "import", "--home", home, "--source", "signup", "--as", "events", file); !strings.Contains(out, "was brought before") {
		t.Errorf("the same file again: %s", out)
	}
	signup, shop := must(t, "token", "--home", home, "--role", "source", "--name", "signup"), must(t, "token", "--home", home, "--role", "decide", "--name", "shop")
	if d := decides(t, home, "house-7", "basket"); d.Relationship.Level != "acquaintance" || d.Rung == "individual" || d.Charter != 1 {
		t.Errorf("before learning: %+v", d)
	}
	must(t, "learn", "--home", home)
	if d := decides(t, home, "house-7", "basket"); d.Rung != "individual" || len(d.Items) == 0 || !strings.Contains(d.Items[0].Because[0].Text, "You bought") {
		t.Errorf("after learning: %+v", d)
	}
	// What a command made is in force in the serving process.
	var told struct{ Rung string }
	if status := post(t, s.URL+"/api/decide", shop, map[string]any{"person": map[string]string{"userId": "house-7"}, "placement": "basket"}, &told); status != 200 || told.Rung != "individual" {
		t.Errorf("the door decides %d %+v", status, told)
	}

	// Wider: gift is kept from now on.
	wider := edited(t, id, id+"      coupon: {type: string}\n      gift: {type: boolean}\n")
	if out := must(t, "charter", "accept", "--home", home, writeFile(t, "wider.yaml", string(wider))); !strings.Contains(out, "Charter 2 is in force") || strings.Contains(out, "removed") {
		t.Errorf("accepting a wider charter says: %s", out)
	}
	sends(t, s.URL, signup, map[string]any{"type": "track", "messageId": "gift", "userId": "house-7", "event": "Order Completed",
		"properties": map[string]any{"order_id": "gift", "gift": true, "coupon": "SPRING", "products": []any{map[string]any{"product_id": "sku-1"}}}})

	// Narrower: coupon and the phone number go.
	phone := "  phone:\n    label: {en: Phone number, fr: Numéro de téléphone}\n    kind: identifier\n    type: phone\n    category: user.contact.phone_number\n    purposes: [service]\n    retain: 5y\n"
	narrower := edited(t, id, id+"      gift: {type: boolean}\n", phone, "")
	said := must(t, "charter", "accept", "--home", home, writeFile(t, "narrower.yaml", string(narrower)))
	for _, want := range []string{"Charter 3 is in force", fmt.Sprintf("%d facts and 0 events have no place", households), fmt.Sprintf("%d events were cut down", households*3+1)} {
		if !strings.Contains(said, want) {
			t.Errorf("accepting a narrower charter does not say %q: %s", want, said)
		}
	}
	_, errs, code = try(t, "charter", "accept", "--home", home, writeFile(t, "broken.yaml", "charter: 1\nbrand: 7\n"))
	oneSentence(t, "accepting a broken charter", errs, code, 1)
	if d := decides(t, home, "house-7", "basket"); d.Charter != 3 {
		t.Errorf("charter %d is in force after a broken proposal", d.Charter)
	}
	checks := proves(t, home)
	for _, check := range []string{"ledger", "nothing-undeclared-at-rest", "retention", "thief-sees", "reasons-add-up"} {
		if n, ran := checks[check]; !ran || n != 0 {
			t.Errorf("%s: ran %v, %d failed", check, ran, n)
		}
	}
	whole(t, home)

	s.kill() // it dies without a word: the socket stays behind and leads nowhere
	if _, err := os.Stat(filepath.Join(home, socketName)); err != nil {
		t.Fatalf("no stale socket was left, so nothing is tried: %v", err)
	}
	if d := decides(t, home, "house-7", "basket"); d.Rung != "individual" || d.Charter != 3 {
		t.Errorf("on the home alone: %+v", d)
	}
	must(t, "learn", "--home", home)
	must(t, "token", "--home", home, "--role", "privacy", "--name", "Priya")
	whole(t, home)
	if proves(t, home)["nothing-undeclared-at-rest"] != 0 {
		t.Error("undeclared things are at rest")
	}
	wantNarrow(t, home)

	again := serveHome(t, home) // and over the stale socket it can be served again
	if c, err := net.Dial("unix", filepath.Join(home, socketName)); err != nil {
		t.Errorf("the new socket does not answer: %v", err)
	} else {
		_ = c.Close()
	}
	again.stop()
	if _, err := os.Stat(filepath.Join(home, socketName)); !os.IsNotExist(err) {
		t.Errorf("an orderly end leaves the socket behind: %v", err)
	}
}

// wantNarrow reads the whole home after the charter was narrowed.
func wantNarrow(t *testing.T, home string) {
	t.Helper()
	w := opened(t, homeOptions{Home: home})
	defer w.h.Close()
	n := 0
	for _, k := range w.everybody() {
		if k.fact("phone") != "" || k.fact("name") == "" {
			t.Error("a phone number is still there, or a name is not")
		}
		for _, e := range k.Events {
			n++
			if _, there := e.Properties["coupon"]; there {
				t.Error("a coupon can still be read")
			}
		}
	}
	if n != households*3+1 {
		t.Errorf("%d events, want %d", n, households*3+1)
	}
	if k := w.person(vault.UserID, "house-7"); k == nil || len(k.Events) != 4 {
		t.Error("the last order of house-7 is lost")
	}
}

var program = regexp.MustCompile(`^rapport: \S.*\n$`)

// oneSentence checks what a command that did not do its work says, and how it ends.
func oneSentence(t *testing.T, what, errs string, code, want int) {
	t.Helper()
	if code != want {
		t.Errorf("%s: exit %d, want %d (%s)", what, code, want, errs)
	}
	if !program.MatchString(errs) {
		t.Errorf("%s: not one sentence that says what to do: %q", what, errs)
	}
}

func TestWrongUseEndsInOneSentence(t *testing.T) {
	home := exampleHome(t)
	t.Setenv("RAPPORT_HOME", "")
	t.Setenv("RAPPORT_DATABASE", "")
	empty := t.TempDir()
	poems := writeFile(t, "x.jsonl", "{}\n")
	for _, c := range []struct {
		what string
		code int
		args []string
	}{
		{"an unknown command", 2, []string{"frobnicate"}},
		{"an unknown flag", 2, []string{"serve", "--frobnicate"}},
		{"an unknown command of the ledger", 2, []string{"ledger", "frobnicate"}},
		{"no home", 2, []string{"token", "--role", "decide", "--name", "shop"}},
		{"no home to serve", 2, []string{"serve"}},
		{"no file to import", 2, []string{"import", "--home", home, "--source", "tills"}},
		{"an example that there is not", 2, []string{"init", filepath.Join(empty, "x"), "--example", "none"}},
		{"an entry that is no number", 2, []string{"ledger", "prove", "one", "--home", home}},
		{"not a home", 1, []string{"token", "--home", empty, "--role", "decide", "--name", "shop"}},
		{"not a home to serve", 1, []string{"serve", "--home", empty}},
		{"a home in a full folder", 1, []string{"init", home}},
		{"a bad role", 1, []string{"token", "--home", home, "--role", "king", "--name", "shop"}},
		{"no name", 1, []string{"token", "--home", home, "--role", "decide"}},
		{"a source that the charter does not name", 1, []string{"token", "--home", home, "--role", "source", "--name", "nobody"}},
		{"a bad file", 1, []string{"import", "--home", home, "--source", "tills", filepath.Join(empty, "none.jsonl")}},
		{"a folder for a file", 1, []string{"import", "--home", home, "--source", "tills", empty}},
		{"a bad kind of file", 1, []string{"import", "--home", home, "--source", "tills", "--as", "poems", poems}},
		{"a charter that is not there", 1, []string{"charter", "accept", "--home", home, filepath.Join(empty, "none.yaml")}},
		{"a charter that is none", 1, []string{"charter", "accept", "--home", home, poems}},
		{"nobody to decide about", 1, []string{"decide", "--home", home, "--person", "somebody", "--placement", "home"}},
		{"a placement that there is not", 1, []string{"decide", "--home", home, "--person", "userId=1", "--placement", "moon"}},
		{"a bad moment", 1, []string{"decide", "--home", home, "--person", "userId=1", "--placement", "home", "--at", "yesterday"}},
		{"an entry that there is not", 1, []string{"ledger", "prove", "4711", "--home", home}},
		{"an address that cannot be", 1, []string{"serve", "--home", home, "--listen", "127.0.0.1:99999"}},
	} {
		out, errs, code := try(t, c.args...)
		oneSentence(t, c.what, errs, code, c.code)
		if out != "" {
			t.Errorf("%s: %q on standard output", c.what, out)
		}
	}
	if _, errs, code := try(t, "token", "--help"); code != 0 || errs != "" {
		t.Errorf("--help: exit %d, %q", code, errs)
	}
}
