package catalogue

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rapporthq/rapport/charter"
)

func TestSearchFindsItemsThatHaveEveryWord(t *testing.T) {
	s := NewShelf([]Item{
		{Item: charter.Item{ID: "1", Name: "Rye Bread", Department: "Bakery", Tags: []string{"Organic"}}}, {Item: charter.Item{ID: "2", Name: "Milk\x00Bread", Category: "Dairy", Brand: "Fernhill"}},
		{Item: charter.Item{ID: "3", Name: "Crème brûlée", Type: "product"}}, {Item: charter.Item{ID: "31"}}, {Item: charter.Item{ID: "4", Name: "bread bread", Tags: []string{"last"}}},
	}, nil, 1)
	for _, c := range []struct {
		query string
		most  int
		want  string
		all   int
	}{
		{"", 9, "1 2 3 31 4", 5}, {"  ", 2, "1 2", 5}, {"bread", 9, "1 2 4", 3}, {"bread", 1, "1", 3}, {"BREAD rye", 9, "1", 1}, {"rye bread", 9, "1", 1}, {"organic bak", 9, "1", 1},
		{"dairy fern", 9, "2", 1}, {"BRÛLÉE", 9, "3", 1}, {"3", 9, "3 31", 2}, {"31", 9, "31", 1}, {"LAST", 9, "4", 1}, {"bread milk rye", 9, "", 0}, {"milk\x00bread", 9, "2", 1},
		{"bakery\norganic", 9, "1", 1}, {"\x00", 9, "1 2 3 31 4", 5}, {"none", 9, "", 0}, {"bread", 0, "", 3},
	} {
		found, all := s.Search(c.query, c.most)
		var ids []string
		for _, it := range found {
			ids = append(ids, it.ID)
		}
		if got := strings.Join(ids, " "); got != c.want || all != c.all {
			t.Errorf("%q finds %q of %d, want %q of %d", c.query, got, all, c.want, c.all)
		}
	}
	if found, all := NewShelf(nil, nil, 1).Search("bread", 9); len(found) != 0 || all != 0 {
		t.Error("an empty shelf has bread")
	}
}

// TestSearchFindsWhatALookAtEachItemFinds compares with the plain way, from many sides at once.
func TestSearchFindsWhatALookAtEachItemFinds(t *testing.T) {
	words := []string{"ab", "b", "abc", "ca", "a", "Bc", "c"}
	var items []Item
	for i := range 343 {
		items = append(items, Item{Item: charter.Item{ID: fmt.Sprintf("%03d", i), Name: words[i%7] + " " + words[i/7%7], Brand: words[i/49]}})
	}
	s := NewShelf(items, nil, 1)
	var all sync.WaitGroup
	for i := range 343 {
		all.Go(func() {
			asked := []string{words[i%7], words[i/7%7], words[i/49]}
			var want []string
			for j := range items {
				text := strings.ToLower(items[j].ID + "\n" + items[j].Name + "\n" + items[j].Brand)
				if !slices.ContainsFunc(asked, func(w string) bool { return !strings.Contains(text, strings.ToLower(w)) }) {
					want = append(want, items[j].ID)
				}
			}
			found, n := s.Search(strings.Join(asked, " "), len(items))
			var got []string
			for _, it := range found {
				got = append(got, it.ID)
			}
			if !slices.Equal(got, want) || n != len(want) {
				t.Errorf("%v finds %v, and each item looked at gives %v", asked, got, want)
			}
		})
	}
	all.Wait()
}

func BenchmarkSearch(b *testing.B) {
	var items []Item
	for i := range 52_437 {
		items = append(items, Item{Item: charter.Item{ID: fmt.Sprint(i), Name: fmt.Sprintf("Fernhill product %d, %d oz", i, i%40), Department: "Grocery", Category: "Shelf", Type: "product", Brand: "Fernhill", Tags: []string{"food"}}})
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			NewShelf(nil, nil, 1).Search("fernhill 999", 40)
			s := &Shelf{items: items}
			s.Search("fernhill 999", 40)
		}
	})
	s := NewShelf(items, nil, 1)
	b.Run("next", func(b *testing.B) {
		for b.Loop() {
			s.Search("fernhill 999", 40)
		}
	})
}
