package charter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/person"
)

// Infer says from what a fact is inferred when that arrives.
type Infer struct {
	From string // a datum of the charter, or a path of the message such as context.userAgent
	By   string // one of Inferences, or a name that begins with Own
}

// The inferences that every home can do.
const (
	RegionOfPostcode  = "region-of-postcode"
	DeviceOfUserAgent = "device-of-user-agent"
	KindOfMailDomain  = "kind-of-mail-domain"
	GenderOfName      = "gender-of-name"
)

// Inferences are the names of the inferences that every home can do.
var Inferences = []string{RegionOfPostcode, DeviceOfUserAgent, KindOfMailDomain, GenderOfName}

// Own begins the names of a brand's own inferences. A home that has none of that name infers nothing.
const Own = "own."

// Of says whether it is inferred from another datum, and not from a part of the message that is not kept.
func (i *Infer) Of() bool { return !strings.Contains(i.From, ".") }

// reads is the type of datum that each inference is from; a part of the message where none is named.
var reads = map[string]TypeName{RegionOfPostcode: TPostcode, KindOfMailDomain: TEmail, GenderOfName: TName}

func (r *reader) infer(a at) *Infer {
	i := &Infer{}
	r.mapping(a,
		need("from", func(v at) {
			s, ok := r.str(v)
			if ok && !factName.MatchString(s) && !messagePath.MatchString(s) {
				r.fail(v, say("%q is neither a datum nor a path in a message", clip(s)), say("name a datum of this charter, or write a path such as context.userAgent"))
				return
			}
			i.From = s
		}),
		need("by", func(v at) {
			s, ok := r.str(v)
			if ok && !has(Inferences, s) && !(strings.HasPrefix(s, Own) && len(s) > len(Own)) {
				r.fail(v, say("%q is no inference", clip(s)), say("%s; names of your own begin with own.", suggest(s, Inferences)))
				return
			}
			i.By = s
		}))
	return i
}

// lintInferences looks at what is inferred, and at what may be used at some placements only, once all of the charter is read.
func (r *reader) lintInferences() {
	for _, name := range r.c.Order.Data {
		d, path := r.c.Data[name], "data."+name
		for k, p := range d.OnlyAt {
			if r.c.Placements[p] == nil {
				r.fail(r.place(fmt.Sprintf("%s.only-at[%d]", path, k)), say("%q is no placement of this charter", clip(p)), suggest(p, r.c.Order.Placements))
			}
		}
		if n := r.places[path+".only-at"]; n != nil && len(d.OnlyAt) == 0 {
			r.fail(r.place(path+".only-at"), say("no placement is named, so it may never be used"), say("name a placement, or remove the datum"))
		}
		if d.Protective && len(d.OnlyAt) > 0 {
			r.fail(r.place(path+".only-at"), say("a protective datum protects at every placement"), say("remove only-at"))
		}
		if d.Infer != nil && d.Infer.From != "" && d.Infer.By != "" {
			r.lintInfer(d, path)
		}
	}
}

func (r *reader) lintInfer(d *Datum, path string) {
	here, from := r.place(path+".infer"), r.c.Data[d.Infer.From]
	switch {
	case d.Kind != Attribute:
		r.fail(here, say("%s is no attribute: only an attribute is inferred so", d.Name), say("say kind: attribute, or remove infer"))
	case len(d.Learnt) > 0 && !hasLearnt(d.Learnt, person.Inferred):
		r.fail(here, say("%s is inferred, and learnt does not say so", d.Name), say("add inferred to learnt, or remove infer"))
	case d.Infer.Of() && from == nil:
		r.fail(here, say("there is no datum %q to infer it from", clip(d.Infer.From)), suggest(d.Infer.From, r.c.Order.Data))
	case from != nil && (from.Infer != nil || from.Kind == Trait):
		r.fail(here, say("%s is inferred or derived itself: a guess upon a guess is not kept", from.Name), say("infer it from what somebody said"))
	case from != nil && from.Protective:
		r.fail(here, say("%s is protective: it may only remove offers, never be the ground of anything", from.Name), say("infer it from something else"))
	case reads[d.Infer.By] != "" && (from == nil || from.Type.Name != reads[d.Infer.By]):
		r.fail(here, say("%s reads a datum of type %s", d.Infer.By, reads[d.Infer.By]), say("name one of type %s as from", reads[d.Infer.By]))
	case d.Infer.By == DeviceOfUserAgent && d.Infer.Of():
		r.fail(here, say("what a browser says of itself is in the message, not in a datum"), say("write from: context.userAgent"))
	case d.Infer.By == GenderOfName && len(d.OnlyAt) == 0:
		r.fail(here, say("likely gender may be used only for the decisions that the charter names"), say("add only-at: with the placements where it may be used, such as only-at: [letter]"))
	}
	if from == nil {
		return
	}
	for _, p := range d.Purposes {
		if !from.HasPurpose(p) {
			r.note(Warning, r.place(path+".purposes"), say("%s may not be used for %s, so what is inferred from it is held there too", from.Name, p), say("give %s that purpose, or take it from %s", from.Name, d.Name))
		}
	}
}

// lintJudgement looks at an event that says something of a fact's value.
func (r *reader) lintJudgement(e *Event, path string) {
	j := e.Judges
	if j == nil || j.Fact == "" {
		return
	}
	d, p := r.c.Data[j.Fact], e.Properties[j.Fact]
	switch {
	case d == nil:
		r.fail(r.place(path+".judges.fact"), say("there is no datum %q", clip(j.Fact)), suggest(j.Fact, r.c.Order.Data))
	case d.Kind == Trait:
		r.fail(r.place(path+".judges.fact"), say("%s is derived by a rule: nobody can say of its value that it is wrong", j.Fact), say("name a fact that somebody said"))
	case p == nil || p.Type.Name != d.Type.Name:
		r.fail(r.place(path+".judges"), say("the event does not say which %s it is about", j.Fact), say("give it a property %s of type %s", j.Fact, d.Type.Name))
	}
}

// inferWords are the ways in which a datum is inferred, for the diff.
func inferWords(i *Infer) string {
	if i == nil {
		return ""
	}
	return i.By + " ← " + i.From
}

func sameWords(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
