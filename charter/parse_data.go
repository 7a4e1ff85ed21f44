package charter

import (
	"regexp"

	"gopkg.in/yaml.v3"

	"github.com/rapporthq/rapport/person"
)

func (r *reader) data(a at) {
	r.c.Order.Data = r.named(a, say("datum"), factName, factRule, func(name string, v at) {
		d := &Datum{Name: name, Quality: UsualQuality}
		r.c.Data[name] = d
		var longest *at
		r.mapping(v,
			allow("label", func(v at) { d.Label = r.text(v) }),
			need("kind", func(v at) {
				s, _ := r.word(v, say("kind of datum"), string(Identifier), string(Attribute), string(Trait))
				d.Kind = Kind(s)
			}),
			allow("type", func(v at) { d.Type = r.typ(v, false) }),
			allow("max", func(v at) { longest = &v }),
			need("category", func(v at) { d.Category = r.category(v) }),
			allow("sensitivity", func(v at) { d.Sensitivity, _ = r.word(v, say("sensitivity"), "low", "medium", "high", "special") }),
			allow("condition", func(v at) { d.Condition, _ = r.word(v, say("condition"), "explicit-consent") }),
			allow("protective", func(v at) { d.Protective = r.boolean(v) }),
			need("purposes", func(v at) { d.Purposes = r.purposesOf(v) }),
			allow("learnt", func(v at) {
				for _, w := range r.words(v, say("way of learning"), learntWords) {
					l, _ := person.ParseLearnt(w)
					d.Learnt = append(d.Learnt, l)
				}
			}),
			allow("level", func(v at) { d.Level = r.level(v) }),
			allow("quality", func(v at) { d.Quality = r.number(v, 0, 1) }),
			allow("fades", func(v at) { d.Fades = r.span(v) }),
			allow("joins", func(v at) { d.Joins = r.integer(v, 0, 100) }),
			allow("only-at", func(v at) { r.strings(v, func(s string, _ at) { d.OnlyAt = append(d.OnlyAt, s) }) }),
			allow("infer", func(v at) { d.Infer = r.infer(v) }),
			need("retain", func(v at) { d.Retain = r.span(v) }),
			allow("benefit", func(v at) { d.Benefit = r.text(v) }),
			allow("ask", func(v at) { d.Ask = r.ask(v) }),
			allow("rule", func(v at) { d.Rule = r.traitRule(v) }))
		switch {
		case d.Kind == Trait && d.Rule == nil && !says(v.node, "rule"):
			r.fail(v, say("a trait needs the rule by which it is derived"), say("add rule: {count: …, within: …, at-least: …}"))
		case d.Kind != Trait && d.Rule != nil:
			r.fail(r.under(v, "rule"), say("only a trait is derived by a rule"), say("say kind: trait, or remove the rule"))
		case d.Kind == Trait && d.Type.Name == "" && !says(v.node, "type"):
			d.Type = Type{Name: TBoolean}
		case !says(v.node, "type"):
			r.fail(v, say(`"type" is missing`), say("add type:"))
		}
		r.longest(longest, &d.Type)
	})
}

// purposesOf reads the purposes of a datum or an event: without one it could never be used.
func (r *reader) purposesOf(v at) []string {
	before := len(r.problems)
	out := r.purposeList(v)
	if len(out) == 0 && len(r.problems) == before {
		r.fail(v, say("it has no purpose, so it may never be used"), say("name a purpose or remove it"))
	}
	return out
}

var judgementWords = []string{"bounced", "returned", "confirmed"}

var learntWords = []string{"acquired", "inferred", "observed", "declared"}
var levelWords = []string{"stranger", "acquaintance", "regular", "confidant"}

func (r *reader) level(v at) person.Level {
	s, _ := r.word(v, say("relationship level"), levelWords...)
	l, _ := person.ParseLevel(s)
	return l
}

func (r *reader) ask(a at) *Ask {
	k := &Ask{}
	r.mapping(a,
		need("question", func(v at) { k.Question = r.text(v) }),
		allow("at", func(v at) { k.At = r.level(v) }),
		allow("reward", func(v at) { k.Reward, _ = r.str(v) }),
		allow("not-again-for", func(v at) { k.NotAgainFor = r.span(v) }))
	return k
}

func (r *reader) traitRule(a at) *TraitRule {
	t := &TraitRule{AtLeast: 1}
	r.mapping(a,
		need("count", func(v at) { t.Count, _ = r.word(v, say("event of this charter"), r.c.Order.Events...) }),
		need("within", func(v at) { t.Within = r.span(v) }),
		allow("where", func(v at) {
			if t.Counts = r.lineRule(v); t.Counts != nil {
				t.Where = t.Counts.Text
			}
		}),
		allow("at-least", func(v at) { t.AtLeast = r.integer(v, 1, 100_000) }))
	return t
}

func (r *reader) events(a at) {
	r.c.Order.Events = r.named(a, say("event"), anyName, anyRule, func(name string, v at) {
		e := &Event{Name: name, Properties: map[string]*Property{}}
		r.c.Events[name] = e
		r.mapping(v,
			allow("label", func(v at) { e.Label = r.text(v) }),
			need("category", func(v at) { e.Category = r.category(v) }),
			need("purposes", func(v at) { e.Purposes = r.purposesOf(v) }),
			allow("level", func(v at) { e.Level = r.level(v) }),
			need("retain", func(v at) { e.Retain = r.span(v) }),
			allow("benefit", func(v at) { e.Benefit = r.text(v) }),
			allow("takes-back", func(v at) { e.TakesBack = r.boolean(v) }),
			allow("judges", func(v at) {
				e.Judges = &Judgement{}
				r.mapping(v,
					need("fact", func(v at) { e.Judges.Fact, _ = r.str(v) }),
					need("as", func(v at) { e.Judges.As, _ = r.word(v, say("judgement"), judgementWords...) }))
			}),
			allow("properties", func(v at) {
				e.Order = r.named(v, say("property"), anyName, anyRule, func(name string, v at) { e.Properties[name] = r.property(name, v) })
			}))
		items := 0
		for _, p := range e.Properties {
			if p.Type.Name == TItems || p.Type.Name == TItem {
				items++
			}
		}
		if items > 1 {
			r.fail(v, say("the event has two properties that say which items it is about"), say("keep one property of type item or items"))
		}
	})
}

var messagePath = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+){0,7}$`)

func (r *reader) property(name string, a at) *Property {
	p := &Property{Name: name}
	var longest *at
	r.mapping(a,
		need("type", func(v at) { p.Type = r.typ(v, true) }),
		allow("max", func(v at) { longest = &v }),
		allow("required", func(v at) { p.Required = r.boolean(v) }),
		allow("from", func(v at) {
			s, ok := r.str(v)
			if ok && !messagePath.MatchString(s) {
				r.fail(v, say("%q is no path in a message", clip(s)), say("write words with dots between them, such as context.page.path"))
				return
			}
			p.From = s
		}))
	r.longest(longest, &p.Type)
	return p
}

func (r *reader) longest(v *at, t *Type) {
	if v == nil || t.Name == "" {
		return
	}
	switch t.Name {
	case TString, TText, TName:
		t.Max = r.integer(*v, 1, 20_000)
	case TList, TItems:
		t.Max = r.integer(*v, 1, 1000)
	default:
		r.fail(*v, say("a %s has no length", t.Name), say("remove max"))
	}
}

var typeWords = []string{"string", "text", "number", "integer", "boolean", "time", "date", "email", "phone", "name", "postcode", "country", "money", "item", "items"}

// typ reads a type: a word, {enum: […]}, {band: […]} or {list: TYPE, max: N}. Items belong to events.
func (r *reader) typ(a at, event bool) Type {
	if a.node.Kind != yaml.MappingNode {
		s, ok := r.word(a, say("type"), typeWords...)
		if !ok {
			return Type{}
		}
		t := Type{Name: TypeName(s)}
		switch {
		case t.Name == TItems && !event:
			r.fail(a, say("a list of items belongs to an event, not to a fact"), say("use {list: item, max: 20} for a fact"))
		case t.Name == TMoney, t.Name == TItems:
			t.Currency = r.c.Brand.Currency
			if t.Name == TMoney && t.Currency == "" {
				r.fail(a, say("money needs the brand's currency"), say("add currency: to brand, such as currency: GBP"))
			}
		}
		return t
	}
	var t Type
	var most *at
	r.mapping(a,
		allow("enum", func(v at) { t.Name = TEnum; t.Enum = r.enum(v) }),
		allow("band", func(v at) { t.Name = TBand; t.Band = r.band(v); t.Labels = bandLabels(t.Band) }),
		allow("list", func(v at) {
			of := r.typ(v, false)
			t.Name, t.Of = TList, &of
			if of.Name == TList {
				r.fail(v, say("a list of lists is more than a fact can be"), say("keep a simple list"))
			}
		}),
		allow("max", func(v at) { most = &v }))
	n := 0
	for _, k := range []string{"enum", "band", "list"} {
		if says(a.node, k) {
			n++
		}
	}
	if n != 1 {
		r.fail(a, say("the type is not clear"), say("write one of {enum: [a, b]}, {band: [0, 18, 65]} and {list: string, max: 10}"))
		return Type{}
	}
	r.longest(most, &t)
	return t
}

func (r *reader) enum(a at) []string {
	var out []string
	r.items(a, func(_ int, v at) {
		tag := v.node.ShortTag()
		if v.node.Kind != yaml.ScalarNode || (tag != "!!str" && tag != "!!int") || !plain(v.node.Value, 100, false) {
			r.fail(v, say("a word of an enum is text"), say(`write it in quotes: "…"`))
			return
		}
		if has(out, v.node.Value) {
			r.fail(v, say("%q is in the list twice", clip(v.node.Value)), say("keep one"))
			return
		}
		out = append(out, v.node.Value)
	})
	if len(out) == 0 || len(out) > 500 {
		r.fail(a, say("an enum has from 1 to 500 words"), say("list the words that the value may be"))
	}
	return out
}

func (r *reader) band(a at) []float64 {
	var out []float64
	r.items(a, func(_ int, v at) {
		f := r.number(v, -maxNumber, maxNumber)
		if len(out) > 0 && f <= out[len(out)-1] {
			r.fail(v, say("the bounds of a band must rise"), say("write them from the lowest to the highest, such as [0, 18, 65]"))
			return
		}
		out = append(out, f)
	})
	if len(out) == 0 || len(out) > 100 {
		r.fail(a, say("a band has from 1 to 100 bounds"), say("list the lower bounds, such as [0, 18, 65]"))
	}
	return out
}
