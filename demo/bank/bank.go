// Package bank makes the small made-up world of Halden Bank, of which charter/examples/bank.yaml is the charter: a
// catalogue of accounts, cards and cover, and a year of eighty customers who open, pay and travel.
//
// It promises: the same files from the same time; everything in them is made up, and nobody is real. It exists so that
// `rapport init --example bank` can be tried to its end, and so that a word of another trade that were wired into the
// code would be found.
package bank

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// People is how many customers there are; Customer names each of them, from 0.
const People = 80

// Customer is the userId of the n-th customer.
func Customer(n int) string { return fmt.Sprintf("c-%03d", n) }

// InDifficulty says whether the n-th customer is behind with payments: nobody offers them credit.
func InDifficulty(n int) bool { return n%20 == 7 }

// SaidNo says whether the n-th customer said no to suggestions.
func SaidNo(n int) bool { return n%10 == 3 }

// products are the catalogue: id, name, category, type, price a month, tags.
var products = [][6]string{
	{"current", "Halden current account", "accounts", "account", "0", "everyday"},
	{"saver", "Rainy day saver", "accounts", "savings", "0", "saving"},
	{"bond", "Two year bond", "accounts", "savings", "0", "saving"},
	{"young", "Young saver", "accounts", "savings", "0", "saving;family"},
	{"card", "Blue credit card", "cards", "credit card", "0", "credit;everyday"},
	{"travel-card", "Far and wide card", "cards", "credit card", "3", "credit;travel"},
	{"cash-card", "Journey cash card", "cards", "prepaid card", "1", "travel"},
	{"overdraft", "Arranged overdraft", "lending", "overdraft", "0", "credit"},
	{"loan", "Personal loan", "lending", "loan", "0", "credit"},
	{"home-cover", "Home cover", "cover", "insurance", "12", "home"},
	{"trip-cover", "Trip cover", "cover", "insurance", "5", "travel"},
	{"health-cover", "Health cover", "cover", "health cover", "30", ""},
}

// Write makes items.csv, choices.csv, people.csv and events.csv in dir, which must be there; what they tell ends the day
// before now. It replaces files of these names. People is the usual number of people.
func Write(dir string, now time.Time, people int) error {
	r := rand.New(rand.NewPCG(4, 1827))
	day := now.UTC().Truncate(24 * time.Hour)
	at := func(daysAgo int) string {
		return day.AddDate(0, 0, -daysAgo).Add(time.Duration(9*60+r.IntN(600)) * time.Minute).Add(-24 * time.Hour).Format(time.RFC3339)
	}
	items, choices, facts, events := csv("id,name,category,type,price,tags"), csv("userId,purpose,answer,at,channel,language,notice,words"),
		csv("userId,name,email,home_owner,age_group,difficulty"), csv("userId,event,timestamp,product_id,branch,amount,kind,abroad,country")
	for _, p := range products {
		items.row(p[:]...)
	}
	first := []string{"Ada", "Bruno", "Chloe", "Dev", "Elin", "Farid", "Greta", "Hugo"}
	last := []string{"Aldous", "Brink", "Carrow", "Dunmore", "Esk", "Farrow", "Garth", "Holm", "Ings", "Jarrow"}
	for n := range people {
		who := Customer(n)
		answer := map[bool]string{true: "no", false: "yes"}[SaidNo(n)]
		choices.row(who, "suggest", answer, at(400), "app", "en", "welcome-1", "May we suggest products that suit how you use your accounts?")
		traveller, family := n%2 == 0, n%5 < 2
		if traveller {
			choices.row(who, "travel", "yes", at(300), "app", "en", "journey-1", "May we write to you before a journey?")
		}
		difficulty := "none"
		if InDifficulty(n) {
			difficulty = "arrears"
		}
		facts.row(who, first[n%len(first)]+" "+last[n%len(last)], who+"@example.org", map[bool]string{true: "yes", false: "no"}[n%3 != 1],
			fmt.Sprint(20+r.IntN(50)), difficulty)
		opens := func(product string, daysAgo int) {
			events.row(who, "Account Opened", at(daysAgo), product, "", "", "", "", "")
		}
		opens("current", 380)
		opens("saver", 340-r.IntN(60))
		if traveller {
			opens("travel-card", 250-r.IntN(40))
			if n%8 != 0 {
				opens("trip-cover", 120-r.IntN(60))
			}
		} else {
			opens("card", 250-r.IntN(40))
			if n%16 != 1 {
				opens("home-cover", 130-r.IntN(60))
			}
		}
		if family {
			opens("young", 90-r.IntN(60))
		}
		if n%16 == 5 {
			opens("health-cover", 45)
		}
		for month := 11; month >= 0; month-- {
			kind := []string{"shop", "fuel", "dining", "bills"}[r.IntN(4)]
			events.row(who, "Card Paid", at(month*30+r.IntN(28)+1), "", "", fmt.Sprintf("%d.%02d", 5+r.IntN(90), r.IntN(100)), kind, "false", "")
			if traveller && month%4 == 1 {
				events.row(who, "Trip Announced", at(month*30+20), "", "", "", "", "", []string{"FR", "ES", "NO", "IT"}[r.IntN(4)])
				events.row(who, "Card Paid", at(month*30+10), "", "", fmt.Sprintf("%d.00", 20+r.IntN(200)), "travel", "true", "")
			}
		}
	}
	for _, f := range []struct {
		name string
		text *table
	}{{"items.csv", items}, {"choices.csv", choices}, {"people.csv", facts}, {"events.csv", events}} {
		if err := os.WriteFile(filepath.Join(dir, f.name), []byte(f.text.String()), 0o600); err != nil {
			return fmt.Errorf("the bank's made-up files cannot be written: %w", err)
		}
	}
	return nil
}

// table is a CSV file in the making. No cell holds a comma or a quote.
type table struct{ strings.Builder }

func csv(header string) *table {
	t := &table{}
	t.WriteString(header + "\n")
	return t
}

func (t *table) row(cells ...string) { t.WriteString(strings.Join(cells, ",") + "\n") }
