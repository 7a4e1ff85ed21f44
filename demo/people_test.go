package demo

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/person"
)

func theCharter(t *testing.T) *charter.Charter {
	t.Helper()
	c, problems := charter.Parse(Charter())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

func TestNobodyIsReal(t *testing.T) {
	drama := regexp.MustCompile(`^\+442079460\d{3}$`)
	seen := map[string]bool{}
	phones := 0
	for _, r := range table(t, "crm.csv")[1:] {
		given, family, ok := strings.Cut(r[1], " ")
		if !ok || !slices.Contains(givenNames, given) || !slices.Contains(familyNames, family) {
			t.Errorf("a name is not made of the lists (household %s)", r[0])
		}
		a, err := mail.ParseAddress(r[2])
		if err != nil || a.Address != r[2] || !strings.HasSuffix(r[2], ".example") {
			t.Errorf("an address is not of an example domain (household %s): %v", r[0], err)
		}
		if r[3] != "" {
			phones++
			if !drama.MatchString(r[3]) {
				t.Errorf("a number is not one kept free for drama (household %s)", r[0])
			}
		}
		for _, v := range r[2:] {
			if v != "" && seen[v] {
				t.Errorf("two people share an address or a number (household %s)", r[0])
			}
			seen[v] = true
		}
	}
	if phones < 500 || phones > 620 {
		t.Errorf("%d numbers, seven in ten of 801 were expected", phones)
	}
}

func TestNamesAreEnoughAndEachOnce(t *testing.T) {
	for _, list := range [][]string{givenNames, familyNames} {
		once := map[string]bool{}
		for _, n := range list {
			if once[n] {
				t.Errorf("%s is there twice", n)
			}
			once[n] = true
		}
		if len(list) < 85 {
			t.Errorf("%d names only", len(list))
		}
	}
}

func TestEveryValueIsAsTheCharterHasIt(t *testing.T) {
	c := theCharter(t)
	undeclared := map[string]bool{"home_ownership": true, "marital_status": true} // for the door to refuse
	homes := map[string]string{}
	for file, source := range map[string]string{"crm.csv": "crm", "signup.csv": "signup", "bureau.csv": "bureau"} {
		rows := table(t, file)
		if rows[0][0] != "userId" {
			t.Fatalf("%s begins with %q", file, rows[0][0])
		}
		for i, name := range rows[0][1:] {
			d := c.Data[name]
			if undeclared[name] && source == "bureau" {
				if d != nil {
					t.Errorf("the charter names %s", name)
				}
				continue
			}
			if d == nil {
				t.Errorf("%s: the charter does not name %s", file, name)
				continue
			}
			if l := c.Sources[source].LearntOf(name); len(d.Learnt) > 0 && !slices.Contains(d.Learnt, l) {
				t.Errorf("%s may not be learnt as %s", name, l)
			}
			if !shared(d.Purposes, c.Sources[source].Purposes) {
				t.Errorf("%s from %s has no purpose in common with it", name, source)
			}
			filled := 0
			for _, r := range rows[1:] {
				v := r[i+1]
				if v == "" {
					continue
				}
				filled++
				if text, err := d.Type.Canonical(v); err != nil || text != v {
					t.Fatalf("%s: a %s is not as the charter has it: %v", file, name, err)
				}
			}
			if filled == 0 {
				t.Errorf("%s: nobody has a %s", file, name)
			}
		}
		for _, r := range rows[1:] {
			if source != "crm" {
				if homes[r[0]] != "" {
					t.Errorf("household %s has demographics from both", r[0])
				}
				homes[r[0]] = source
			}
		}
	}
	if len(homes) != 801 {
		t.Errorf("%d households have demographics", len(homes))
	}
	_, sum := wholeDemo(t)
	if sum.Declared < 240 || sum.Declared > 300 || sum.Declared+sum.Acquired != 801 {
		t.Errorf("a third should be declared: %d and %d", sum.Declared, sum.Acquired)
	}
	if c.Sources["signup"].LearntOf("household") != person.Declared || c.Sources["bureau"].LearntOf("household") != person.Acquired {
		t.Error("the charter has the sources the wrong way round")
	}
}

func shared(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

func TestBirthdays(t *testing.T) {
	_, sum := wholeDemo(t)
	rows := table(t, "signup.csv")
	born, group := slices.Index(rows[0], "birthday"), slices.Index(rows[0], "age_group")
	soon := 0
	for _, r := range rows[1:] {
		if r[born] == "" {
			continue
		}
		d, err := time.Parse(time.DateOnly, r[born])
		if err != nil {
			t.Fatal(err)
		}
		age := now.Year() - d.Year()
		if now.YearDay() < d.YearDay() {
			age--
		}
		low, high := 65, 85
		if a, b, ok := strings.Cut(r[group], "-"); ok {
			low, high = number2(a), number2(b)
		}
		if age < low || age > high {
			t.Errorf("household %s: %d years in the group %s", r[0], age, r[group])
		}
		for ahead := 0; ahead <= 7; ahead++ {
			if at := now.AddDate(0, 0, ahead); at.Month() == d.Month() && at.Day() == d.Day() {
				soon++
			}
		}
	}
	if soon != sum.BirthdaysInAWeek || soon < 4 || soon > 40 {
		t.Errorf("%d birthdays in the next week, the summary says %d", soon, sum.BirthdaysInAWeek)
	}
}

func number2(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

type said struct {
	UserID   string    `json:"userId"`
	Purpose  string    `json:"purpose"`
	Answer   string    `json:"answer"`
	At       time.Time `json:"at"`
	Channel  string    `json:"channel"`
	Language string    `json:"language"`
	Notice   string    `json:"notice"`
	Words    string    `json:"words"`
	Explicit bool      `json:"explicit"`
}

func TestChoicesHaveTheirEvidence(t *testing.T) {
	c := theCharter(t)
	_, sum := wholeDemo(t)
	answers := map[string]map[string]said{}
	months := map[time.Month]int{}
	french, withdrawn := 0, map[string]int{}
	var before time.Time
	eachLine(t, "choices.jsonl", func(s said) {
		p := c.Purposes[s.Purpose]
		if p == nil || !p.Basis.Switchable() {
			t.Fatalf("%s is not for people to choose", s.Purpose)
		}
		if s.Explicit != p.Explicit || s.Notice != c.Hash || s.Answer != "yes" && s.Answer != "no" {
			t.Fatalf("evidence is wrong: %+v", s)
		}
		if want := p.Why[s.Language] + " " + p.Benefit[s.Language]; s.Words != want || p.Why[s.Language] == "" {
			t.Fatalf("the words are not the charter's: %q", s.Words)
		}
		if s.Language == "fr" {
			french++
		}
		if s.At.After(now) || s.At.Before(sum.First) || s.At.Before(before) {
			t.Fatalf("said at %v", s.At)
		}
		before = s.At
		months[s.At.Month()]++
		if answers[s.Purpose] == nil {
			answers[s.Purpose] = map[string]said{}
		}
		if old, again := answers[s.Purpose][s.UserID]; again {
			if old.Answer != "yes" || s.Answer != "no" || !s.At.After(old.At) {
				t.Errorf("%s of household %s: %s after %s", s.Purpose, s.UserID, s.Answer, old.Answer)
			}
			withdrawn[s.Purpose]++
		}
		answers[s.Purpose][s.UserID] = s
	})
	if len(months) != 12 || french == 0 {
		t.Errorf("choices of %d months, %d in French", len(months), french)
	}
	for purpose, n := range sum.Choices {
		yes, no := 0, 0
		for _, s := range answers[purpose] {
			if s.Answer == "yes" {
				yes++
			} else {
				no++
			}
		}
		if yes != n.Yes || no != n.No || withdrawn[purpose] != n.Withdrawn || yes+no+n.Unanswered != 801 {
			t.Errorf("%s: %d yes, %d no, %d withdrawn; the summary says %+v", purpose, yes, no, withdrawn[purpose], n)
		}
	}
	p := sum.Choices["personalise"]
	if share := float64(p.Yes) / 801; share < 0.67 || share > 0.73 || p.Withdrawn < 10 || p.Unanswered < 50 {
		t.Errorf("about seven in ten should say yes to personalise: %+v", p)
	}
	if s := sum.Choices["sensitive"]; s.Yes < 10 || s.Yes > 80 {
		t.Errorf("a few should say yes to sensitive: %+v", s)
	}
}

func TestComplaints(t *testing.T) {
	_, sum := wholeDemo(t)
	open, closed := 0, 0
	eachLine(t, "complaints.jsonl", func(c struct {
		UserID string     `json:"userId"`
		Opened time.Time  `json:"opened"`
		Closed *time.Time `json:"closed"`
	}) {
		if c.Opened.After(now) || c.Closed != nil && (c.Closed.Before(c.Opened) || c.Closed.After(now)) {
			t.Errorf("%+v", c)
		}
		if c.Closed == nil {
			open++
		} else {
			closed++
		}
	})
	if open == 0 || closed == 0 || open+closed > 40 || open != sum.ComplaintsOpen || closed != sum.ComplaintsClosed {
		t.Errorf("%d open, %d closed; the summary says %d, %d", open, closed, sum.ComplaintsOpen, sum.ComplaintsClosed)
	}
}

func TestPeopleOfAllLevels(t *testing.T) {
	c := theCharter(t)
	_, sum := wholeDemo(t)
	total := 0
	for l := person.Stranger; l <= person.Confidant; l++ {
		n := sum.Levels[l.String()]
		total += n
		if n < 60 {
			t.Errorf("%d people only are %ss", n, l)
		}
	}
	if total != 801 {
		t.Errorf("%d people have a level", total)
	}
	s, err := readSample()
	if err != nil {
		t.Fatal(err)
	}
	latest := int64(0)
	for _, b := range s.baskets {
		latest = max(latest, b.at)
	}
	g := &generator{sample: s, seed: DefaultSeed, calendar: newCalendar(latest, now)}
	levels, yes, known := map[person.Level]int{}, 0, map[string]bool{}
	for i, h := range s.homes {
		id := itoa(h.number)
		if !slices.Contains(sum.UserIDs, id) {
			continue
		}
		known[id] = true
		m := g.makePerson(i)
		levels[g.levelOf(c, &m)]++
		if y, _ := m.answer("personalise"); y {
			yes++
		}
	}
	if len(sum.UserIDs) != 20 || len(known) != 20 || len(levels) != 4 || yes < 15 {
		t.Errorf("twenty different people of four levels, most with a yes: %d, %d, %v, %d", len(sum.UserIDs), len(known), levels, yes)
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
