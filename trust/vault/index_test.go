package vault

import "testing"

// TestAnIndexIsLiftedWithoutTheIdentifiers makes blinds of the next key from those of the one before, and the same from the identifiers.
func TestAnIndexIsLiftedWithoutTheIdentifiers(t *testing.T) {
	home := t.TempDir()
	v, err := Create(home)
	must(t, err)
	old := v.Index()
	first := blindOf(t, v, Email, "jane@post.example")
	stone := v.Tombstone(first)
	other, err := Open(home) // another process, which is told the number alone
	must(t, err)
	for generation := 1; generation < 4; generation++ {
		before := blindOf(t, v, Email, "jane@post.example")
		must(t, v.PrepareIndex())
		must(t, v.PrepareIndex()) // cut off and run again: no further key
		if blindOf(t, v, Email, "jane@post.example") != before || v.Index().Generation() != generation {
			t.Fatal("a key is used that is not served yet")
		}
		lift, err := v.Lifter(generation)
		must(t, err)
		lifted := lift(before)
		again, err := Open(home)
		must(t, err)
		must(t, again.ServeIndex(generation)) // as the home says
		if blindOf(t, again, Email, "jane@post.example") != before {
			t.Fatal("opened again in between it finds by another key")
		}
		must(t, v.ServeIndex(generation+1))
		if theirs, err := other.Lifter(generation); err != nil || theirs(before) != lifted {
			t.Fatalf("another process lifts otherwise: %v", err)
		}
		must(t, other.ServeIndex(generation+1))
		if blindOf(t, other, Email, "jane@post.example") != lifted {
			t.Fatal("another process finds by another key")
		}
		if now := blindOf(t, v, Email, "Jane@Post.example"); now != lifted || now == before {
			t.Fatal("the lifted blind is not the one of the identifier")
		}
		if !v.SameBlind(before, lifted) || !v.SameBlind(lifted, first) || !v.SameBlind(first, lifted) || v.SameBlind(lifted, blindOf(t, v, Email, "joan@post.example")) || v.SameBlind(lifted, blindOf(t, v, UserID, "jane@post.example")) {
			t.Fatal("blinds of one identifier are not told from others")
		}
		if x, err := old.Blind(Email, "jane@post.example"); err != nil || x != first {
			t.Fatal("who began by the old index goes on by another")
		}
		marks, err := v.Tombstones(Email, "jane@post.example")
		if err != nil || len(marks) != generation+1 || marks[0] != stone {
			t.Fatal("who was forgotten before is not recognised any more")
		}
		labels, err := v.RetainedLabels(Email, "jane@post.example")
		if err != nil || len(labels) != generation+1 {
			t.Fatal(err)
		}
	}
	must(t, v.Rotate())
	must(t, v.Retire())
	last, err := Open(home)
	must(t, err)
	if blindOf(t, last, Email, "jane@post.example") != blindOf(t, v, Email, "jane@post.example") {
		t.Error("another wrapping key changes the index")
	}
	if last.ServeIndex(5) == nil || last.ServeIndex(0) == nil {
		t.Error("a generation without a key is served")
	}
}
