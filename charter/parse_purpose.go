package charter

import (
	"regexp"
	"strings"
	"time"
)

var countryCode = regexp.MustCompile(`^[A-Z]{2}$`)

func (r *reader) brand(a at) {
	b := &r.c.Brand
	set := func(to *string) func(at) {
		return func(v at) { *to, _ = r.str(v) }
	}
	code := func(to *string, good func(string) bool, what, mend *sentence) func(at) {
		return func(v at) {
			s, ok := r.str(v)
			if ok && !good(s) {
				r.fail(v, say("%q is no %s", clip(s), what), mend)
				return
			}
			*to = s
		}
	}
	r.mapping(a,
		need("name", set(&b.Name)), allow("controller", set(&b.Controller)), allow("contact", set(&b.Contact)),
		allow("languages", func(v at) {
			r.strings(v, func(s string, v at) {
				if !languageName.MatchString(s) {
					r.fail(v, say("%q is no language", clip(s)), say("write a language code such as en or fr"))
					return
				}
				b.Languages = append(b.Languages, s)
			})
		}),
		allow("region", code(&b.Region, countryCode.MatchString, say("country code"), say("write two capital letters such as GB"))),
		allow("currency", code(&b.Currency, IsCurrency, say("currency"), say("write its code of ISO 4217, three capital letters such as GBP"))),
		allow("time-zone", func(v at) {
			s, ok := r.str(v)
			if !ok {
				return
			}
			if _, err := time.LoadLocation(s); err != nil || s == "Local" {
				r.fail(v, say("%q is no time zone", clip(s)), say("write a name such as Europe/London"))
				return
			}
			b.TimeZone = s
		}))
	if b.Controller == "" || b.Contact == "" {
		r.note(Warning, a, say("the brand does not say who answers for the data and how to reach them"), say("add controller: and contact:"))
	}
	if len(b.Languages) == 0 {
		b.Languages = []string{"en"}
	}
}

func (r *reader) purposes(a at) {
	r.c.Order.Purposes = r.named(a, say("purpose"), plainName, plainRule, func(name string, v at) {
		p := &Purpose{Name: name}
		r.c.Purposes[name] = p
		r.mapping(v,
			allow("label", func(v at) { p.Label = r.text(v) }),
			need("uses", func(v at) {
				r.strings(v, func(s string, v at) { p.Uses = append(p.Uses, r.use(s, v)) })
				if len(p.Uses) == 0 {
					r.fail(v, say("the purpose has no use"), say("name at least one Fideslang use, such as personalize.content"))
				}
			}),
			need("basis", func(v at) {
				s, _ := r.word(v, say("legal basis"), string(Consent), string(Contract), string(LegitimateInterest), string(LegalObligation), string(VitalInterest), string(PublicTask))
				p.Basis = Basis(s)
			}),
			need("why", func(v at) { p.Why = r.text(v) }),
			allow("benefit", func(v at) { p.Benefit = r.text(v) }),
			allow("ask-again", func(v at) { p.AskAgain = r.span(v) }),
			allow("learns", func(v at) { p.Learns = r.boolean(v) }),
			allow("explicit", func(v at) { p.Explicit = r.boolean(v) }))
	})
}

func (r *reader) use(s string, v at) string {
	r.taxonomy(s, v, say("use"), fidesUses)
	return s
}

func (r *reader) category(v at) string {
	s, ok := r.str(v)
	if ok {
		r.taxonomy(s, v, say("data category"), fidesCategories)
	}
	return s
}

// taxonomy warns of a word that Fideslang does not have: a brand may bring its own, but a slip is more likely.
func (r *reader) taxonomy(s string, v at, what *sentence, words []string) {
	if has(words, s) {
		return
	}
	mend := say("use one of Fideslang's words")
	if near := nearest(s, words); near != "" {
		mend = say("did you mean %q?", near)
	} else if i := strings.LastIndexByte(s, '.'); i > 0 && has(words, s[:i]) {
		mend = say("%q is the nearest", s[:i])
	}
	r.note(Warning, v, say("%q is no %s of Fideslang", clip(s), what), mend)
}

func (r *reader) signals(a at) {
	r.mapping(a, allow("gpc", func(v at) { r.c.Signals.GPC = r.purposeList(v) }))
}

// purposeList reads names of declared purposes.
func (r *reader) purposeList(a at) []string {
	return r.words(a, say("purpose of this charter"), r.c.Order.Purposes)
}

func (r *reader) purposeName(a at) string {
	s, _ := r.word(a, say("purpose of this charter"), r.c.Order.Purposes...)
	return s
}
