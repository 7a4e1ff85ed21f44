package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/know/quality"
	"github.com/rapporthq/rapport/person"
)

// TestAProtectiveFactTakesAwayAndNothingElse goes from what people say through the doors to what they are offered: the sweets, the alcohol,
// the baby things and the tobacco are gone for whom a rule protects, the rest stands in its order, and the home proves it of itself.
func TestAProtectiveFactTakesAwayAndNothingElse(t *testing.T) {
	home := shelvesHome(t)
	var choices []string
	for _, user := range []string{"dry", "loss", "child", "diabetic", "nobody", "both"} {
		choices = append(choices, fmt.Sprintf(`{"userId":%q,"purpose":"protect","answer":"yes","explicit":true,"at":"2026-01-02T10:00:00Z"}`, user))
	}
	must(t, "import", "--home", home, "--source", "signup", "--as", "choices", writeFile(t, "choices.jsonl", strings.Join(choices, "\n")+"\n"))
	key := must(t, "token", "--home", home, "--role", "source", "--name", "signup")
	s := serveHome(t, home)
	says := func(user string, traits map[string]any) {
		t.Helper()
		sends(t, s.URL, key, map[string]any{"type": "identify", "messageId": fmt.Sprint(user, traits), "userId": user, "traits": traits})
	}
	says("dry", map[string]any{"no_alcohol": true})
	says("loss", map[string]any{"no_baby": true})
	says("child", map[string]any{"age_band": "child"})
	says("diabetic", map[string]any{"diet": "diabetic"})
	says("nobody", map[string]any{"no_alcohol": false, "no_baby": false, "age_band": "adult", "diet": "none"})
	says("both", map[string]any{"no_alcohol": true, "diet": "diabetic"})
	says("unasked", map[string]any{"no_alcohol": true}) // never said yes: nothing is kept
	for user, want := range map[string]string{
		"nobody": "a-ale b-fudge c-nappies d-smokes e-bread f-wine g-tea", "unasked": "a-ale b-fudge c-nappies d-smokes e-bread f-wine g-tea",
		"dry": "b-fudge c-nappies d-smokes e-bread g-tea", "loss": "a-ale b-fudge d-smokes e-bread f-wine g-tea", "child": "b-fudge c-nappies e-bread g-tea",
		"diabetic": "a-ale c-nappies d-smokes e-bread f-wine g-tea", "both": "c-nappies d-smokes e-bread g-tea",
	} {
		if got := offered(t, home, user); got != want {
			t.Errorf("%s is offered %s, not %s", user, got, want)
		}
	}
	out, _, _ := try(t, "prove", "--home", home, "--json")
	proved := false
	for line := range strings.Lines(out) {
		var r struct {
			Check         string
			Cases, Failed int
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Check == "protective-only-removes" {
			proved = r.Cases > 0 && r.Failed == 0
		}
		if r.Check == "noninterference" && r.Cases > 0 && r.Failed > 0 { // a home as small as this one may have no case
			t.Error(line)
		}
	}
	if !proved {
		t.Errorf("the home does not prove that protective facts only remove:\n%s", out)
	}
}

// TestAWishToldInTheTrustCentreTakesAwayAtOnce goes to the trust centre as people of whom nothing of the kind was ever kept, and tells what to leave out: the next
// decision has it no more, all else stays in its order, and what is told needs the person's own yes, except where a law asks for it.
func TestAWishToldInTheTrustCentreTakesAwayAtOnce(t *testing.T) {
	home := shelvesHome(t)
	key := must(t, "token", "--home", home, "--role", "source", "--name", "signup")
	page := must(t, "token", "--home", home, "--role", "decide", "--name", "site", "--attest")
	s := serveHome(t, home)
	const everything = "a-ale b-fudge c-nappies d-smokes e-bread f-wine g-tea"
	for user, c := range map[string]struct {
		fact, value string
		needs       bool
		left        string
	}{
		"dry": {"no_alcohol", "true", true, "b-fudge c-nappies d-smokes e-bread g-tea"}, "loss": {"no_baby", "true", true, "a-ale b-fudge d-smokes e-bread f-wine g-tea"},
		"diabetic": {"diet", "diabetic", true, "a-ale c-nappies d-smokes e-bread f-wine g-tea"}, "child": {"age_band", "child", false, "b-fudge c-nappies e-bread g-tea"},
		"grown": {"age_band", "adult", false, everything}, "any": {"diet", "none", true, everything},
	} {
		sends(t, s.URL, key, map[string]any{"type": "identify", "messageId": "n" + user, "userId": user, "traits": map[string]any{"name": "Ann Example"}})
		client := newBrowser(t)
		var link struct{ URL string }
		if status := post(t, s.URL+"/api/sign-in-links", page, map[string]any{"person": map[string]string{"userId": user}, "attested": true}, &link); status != http.StatusOK {
			t.Fatal(status)
		}
		res, err := client.Get(s.URL + link.URL)
		if status, text := read(t, res, err); status != http.StatusOK {
			t.Fatal(status, text)
		}
		tells := func(more ...string) (int, string) {
			t.Helper()
			values := url.Values{"fact": {c.fact}, "value": {c.value}}
			for i := 0; i < len(more); i += 2 {
				values.Set(more[i], more[i+1])
			}
			return submits(t, client, s.URL+"/trust/correct", values)
		}
		offers := func(what, want string) {
			t.Helper()
			if got := offered(t, home, user); got != want {
				t.Errorf("%s %s is offered %s, not %s", user, what, got, want)
			}
		}
		offers("to begin with", everything)
		res, err = client.Get(s.URL + "/trust/facts")
		if _, text := read(t, res, err); !strings.Contains(text, `id="wish-`+c.fact+`"`) || strings.Contains(text, `id="fact-`+c.fact+`"`) {
			t.Errorf("%s is not asked", user)
		}
		if c.needs {
			for _, more := range [][]string{nil, {"purpose", "protect"}, {"purpose", "protect", "answer", "no", "charter", "1"}, {"purpose", "protect", "answer", "yes", "charter", "7"}, {"purpose", "personalise", "answer", "yes", "charter", "1"}} {
				if status, _ := tells(more...); status < 400 {
					t.Errorf("%s tells it with %v", user, more)
				}
			}
			offers("after a form without the yes", everything)
			if status, text := tells("purpose", "protect", "answer", "yes", "charter", "1"); status != http.StatusOK {
				t.Fatal(status, text)
			}
		} else if status, text := tells(); status != http.StatusOK {
			t.Fatal(status, text)
		}
		offers("after telling", c.left)
		res, err = client.Get(s.URL + "/trust/facts")
		if _, text := read(t, res, err); strings.Contains(text, `id="wish-`+c.fact+`"`) || !strings.Contains(text, `id="fact-`+c.fact+`"`) {
			t.Errorf("%s does not see it", user)
		}
		if status, _ := tells(); (status < 400) != c.needs {
			t.Errorf("%s says it again, and is answered with %d", user, status)
		}
	}
	// What somebody says of their age keeps nobody else from saying that they are a child.
	sends(t, s.URL, key, map[string]any{"type": "identify", "messageId": "later", "userId": "grown", "traits": map[string]any{"age_band": "child"}})
	if got := offered(t, home, "grown"); got != "b-fudge c-nappies e-bread g-tea" {
		t.Errorf("a child who says to be grown is offered %s", got)
	}
}

// shelvesHome is a home with something that each rule removes, and something that none does.
func shelvesHome(t *testing.T) string {
	t.Helper()
	home := homeOf(t, edited(t, "tolerates: 0.5, items: 5,", "tolerates: 0.5, items: 20,"))
	must(t, "import", "--home", home, "--source", "tills", "--as", "items", writeFile(t, "items.jsonl", `{"id":"a-ale","name":"Ale","category":"alcohol"}
{"id":"b-fudge","name":"Fudge","category":"sweets","tags":["sweets"]}
{"id":"c-nappies","name":"Nappies","category":"baby"}
{"id":"d-smokes","name":"Cigarettes","category":"tobacco"}
{"id":"e-bread","name":"Bread","category":"bakery"}
{"id":"f-wine","name":"Wine","category":"alcohol"}
{"id":"g-tea","name":"Tea","category":"drinks"}
`))
	return home
}

// offered is what somebody is offered on the front page, in its order.
func offered(t *testing.T, home, user string) string {
	t.Helper()
	var ids []string
	for _, it := range decides(t, home, user, "home").Items {
		ids = append(ids, it.ID)
	}
	return strings.Join(ids, " ")
}

// submits sends a form as a page of this site does.
func submits(t *testing.T, client *http.Client, address string, values url.Values) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := client.Do(r)
	return read(t, res, err)
}

// TestThePageOfDataQualityIsCountedByLearning sends bad names through the door, learns, and reads the page as a member of the staff.
func TestThePageOfDataQualityIsCountedByLearning(t *testing.T) {
	home := exampleHome(t)
	key := must(t, "token", "--home", home, "--role", "source", "--name", "signup")
	token := must(t, "token", "--home", home, "--role", "marketer", "--name", "Mary")
	s := serveHome(t, home)
	var messages []map[string]any
	for i := range 60 {
		name := fmt.Sprintf("Ann %c%s", 'A'+i%26, strings.Repeat("a", 3+i%5))
		if i < 27 {
			name = "TEST"
		}
		messages = append(messages, map[string]any{"type": "identify", "messageId": fmt.Sprint("q", i), "userId": fmt.Sprint("q", i), "traits": map[string]any{"name": name, "email": fmt.Sprintf("q%d@letterbox.example", i)}})
	}
	sends(t, s.URL, key, messages...)
	must(t, "learn", "--home", home)
	client := newBrowser(t)
	if status, text := submits(t, client, s.URL+"/console/sign-in", url.Values{"token": {token}}); status != http.StatusOK {
		t.Fatal(status, text)
	}
	res, err := client.Get(s.URL + "/console/quality")
	status, text := read(t, res, err)
	if status != http.StatusOK {
		t.Fatal(status, text)
	}
	for _, want := range []string{"from signup", "50% held", "stands for nothing 25", `<td class="num">50</td>`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if slices.ContainsFunc([]string{"TEST", "q1@", "letterbox", ">27<", ">60<"}, func(s string) bool { return strings.Contains(text, s) }) {
		t.Error("the page shows a value or a count that was not rounded")
	}
}

// TestDataQualityIsCountedWhereNothingIsLearnt counts in a home whose charter lets nothing be learnt, once a day and as one look, beside a day's work that fails.
func TestDataQualityIsCountedWhereNothingIsLearnt(t *testing.T) {
	home := homeOf(t, edited(t, "    learns: true\n", ""))
	customersOf(t, "Zq7Counted", 60, "--home", home)
	now := person.SystemClock()
	h, err := openHouse(t.Context(), homeOptions{Home: home, clock: func() person.Instant { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	looks := func() (n int) {
		t.Helper()
		if _, err := h.ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := h.store.Ledger().Rows(t.Context(), 1, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if r.Actor == "quality" {
				n++
			}
		}
		return n
	}
	counted := func() int64 {
		t.Helper()
		c, err := watched{h}.Census(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range c.Counts {
			if n.Day == c.Today && n.Name == (quality.Line{Source: "signup", Fact: "name", What: quality.Kept}).String() {
				return n.N
			}
		}
		return 0
	}
	stop, err := h.startJobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the serving process counts", func() bool { return counted() == 60 })
	stop()
	for day, want := range []int{1, 2} {
		for range 3 {
			if err := h.learnAndCount(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if counted() != 60 || looks() != want {
			t.Errorf("on day %d %d are counted, with %d looks", day, counted(), looks())
		}
		now = now.Add(25 * time.Hour)
	}
}
