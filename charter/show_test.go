package charter

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapporthq/rapport/person"
)

func retail(t testing.TB) *Charter {
	t.Helper()
	src, ok := Example("retail")
	if !ok {
		t.Fatal("there is no retail example")
	}
	c, problems := Parse(src)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

func TestShow(t *testing.T) {
	c := retail(t)
	golden(t, "testdata/retail.en.md", c.Show("en"))
	golden(t, "testdata/retail.fr.md", c.Show("fr"))
	if c.Show("fr-CA") != c.Show("fr") || c.Show("xx") != c.Show("en") {
		t.Error("an unknown language gets English, and a country's French is French")
	}
}

var verb = regexp.MustCompile(`%[a-z%]`)

// TestHouseSpeaksEveryLanguageAlike compares the keys and the places to fill in, language by language.
func TestHouseSpeaksEveryLanguageAlike(t *testing.T) {
	en := speeches["en"]
	for lang, words := range speeches {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(words))); diff != "" {
			t.Errorf("%s: other keys than English (-en +%s):\n%s", lang, lang, diff)
		}
		for k, s := range words {
			if fmt.Sprint(verb.FindAllString(s, -1)) != fmt.Sprint(verb.FindAllString(en[k], -1)) {
				t.Errorf("%s: %q has other places to fill in than English", lang, k)
			}
		}
	}
	for _, c := range Channels() {
		if en["at "+c] == "" {
			t.Errorf("the channel %s has no words", c)
		}
	}
}

func TestShowOfLittle(t *testing.T) {
	c, problems := Parse([]byte("charter: 1\nbrand: {name: X}\nk: 25\n"))
	if c == nil {
		t.Fatal(problems)
	}
	if s := c.Show("en"); strings.Contains(s, "%!") || !strings.Contains(s, "X may know") {
		t.Errorf("a charter of nothing reads\n%s", s)
	}
}

func TestTextIn(t *testing.T) {
	brand := &Brand{Languages: []string{"fr", "en"}}
	for _, c := range []struct {
		text Text
		lang string
		want string
	}{
		{Text{"": "all"}, "de", "all"},
		{Text{"en": "e", "fr": "f"}, "en", "e"},
		{Text{"en": "e", "fr": "f"}, "en-GB", "e"},
		{Text{"en": "e", "fr": "f"}, "de", "f"},
		{Text{"de": "d"}, "en", "d"},
		{nil, "en", ""},
	} {
		if got := c.text.In(c.lang, brand); got != c.want {
			t.Errorf("%v in %s is %q, want %q", c.text, c.lang, got, c.want)
		}
	}
}

func TestRetailIsTheGrocers(t *testing.T) {
	c := retail(t)
	if c.Hash[:7] != "sha256:" || len(c.Hash) != 71 || c.Position != 0 {
		t.Errorf("the charter is named %q at %d", c.Hash, c.Position)
	}
	if got := c.Data["birthday"]; got.Level != person.Regular || got.Retain != (Span{Years: 5}) || len(got.Learnt) != 1 || got.Ask.Reward != "cake" {
		t.Errorf("the birthday is %+v", got)
	}
	if got := c.Placements["letter"]; got.Rungs[person.Individual] != person.Regular || got.Caps.PerWeek != 1 || got.Quiet != "21:00-08:00" || got.NotAgainFor.Days != 28 {
		t.Errorf("the letter is %+v", got)
	}
	if _, ok := c.Placements["basket"].Rungs[person.CohortRung]; ok {
		t.Error("a rung that the charter does not name is never used")
	}
	if got := c.Surprise; got != (Surprise{0, 0.2, 0.6, 0.9, 0.2, 0.5}) {
		t.Errorf("surprise is %+v", got)
	}
	if got := c.Sources["signup"].LearntOf("income_band"); got != person.Declared {
		t.Errorf("the sign-up form's facts are %s", got)
	}
	for _, s := range []string{"tills", "bureau", "web"} {
		if got := c.Sources[s].LearntOf("income_band"); got != person.Acquired {
			t.Errorf("the facts of %s are %s", s, got)
		}
	}
	if got := c.Protect[0].Facts; !slices.Equal(got, []string{"diet"}) {
		t.Errorf("the first protective rule reads %v", got)
	}
	if got := c.Relationship.Strain; len(got) != 3 || got[0] != (Strain{What: "complaint-open"}) || got[1] != (Strain{"too-personal", Span{Days: 90}}) {
		t.Errorf("strain is %v", got)
	}
	if got := c.Order.Purposes; !slices.Equal(got, []string{"service", "protect", "young", "personalise", "sensitive", "email", "measure", "share"}) {
		t.Errorf("the purposes come in the order %v", got)
	}
}
