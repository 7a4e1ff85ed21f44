// Package charter reads charter.yaml: law, notice and configuration in one file.
//
// A *Charter is valid and immutable once Parse has returned it: every name it refers to exists, every rule
// compiles, every text is there. It is safe for use by many goroutines. What the charter does not name does not
// exist: look-ups of unknown names return nil or false, and callers refuse.
package charter

import (
	"math"
	"strings"

	"github.com/rapporthq/rapport/person"
)

// Charter is one accepted or proposed charter.
type Charter struct {
	Hash     string         // content hash, "sha256:…" of the file's bytes
	Position int            // place in the series of accepted charters, from 1; 0 for a proposal
	Since    person.Instant // when it was accepted; 0 for a proposal
	Source   []byte         // the file as written

	Brand        Brand
	K            int // no cohort, trait, count or weight rests on fewer people
	Purposes     map[string]*Purpose
	Signals      Signals
	Data         map[string]*Datum
	Events       map[string]*Event
	Sensitive    []*SensitiveRule // items.sensitive
	Relationship Relationship
	Surprise     Surprise
	Placements   map[string]*Placement
	Terms        map[string]*Term
	Protect      []*ProtectRule
	Sources      map[string]*Source
	Identity     Identity
	Receipts     Retention
	Ledger       Retention
	Teams        map[string]*Team
	Committee    Committee
	Partners     Partners

	// The names of the maps above in the order in which the file has them: pages and diffs keep the author's order.
	Order Order
}

// Order keeps the file's order of names.
type Order struct {
	Purposes, Data, Events, Placements, Terms, Sources, Teams []string
}

// Text is what a person reads, by language. A plain string in the file is the text for every language.
type Text map[string]string

// In gives the text in lang, else in the brand's first language, else any.
func (t Text) In(lang string, brand *Brand) string {
	if s, ok := t[lang]; ok {
		return s
	}
	if base, _, cut := strings.Cut(lang, "-"); cut {
		if s, ok := t[base]; ok {
			return s
		}
	}
	if brand != nil {
		for _, l := range brand.Languages {
			if s, ok := t[l]; ok {
				return s
			}
		}
	}
	if s, ok := t[""]; ok {
		return s
	}
	for _, l := range names(t) {
		return t[l]
	}
	return ""
}

// Span is a calendar length of time such as 30d, 18mo or 5y. The zero Span is "not said".
type Span struct {
	Years, Months, Days, Hours int
}

// After is the instant one span later, by the calendar in UTC.
func (s Span) After(i person.Instant) person.Instant {
	return person.At(i.Time().AddDate(s.Years, s.Months, s.Days)).Add(hours(s.Hours))
}

// Before is the instant one span earlier, by the calendar in UTC.
func (s Span) Before(i person.Instant) person.Instant {
	return person.At(i.Time().AddDate(-s.Years, -s.Months, -s.Days)).Add(-hours(s.Hours))
}

// IsZero says that no span was given.
func (s Span) IsZero() bool { return s == Span{} }

// Brand is who speaks.
type Brand struct {
	Name, Controller, Contact string
	Languages                 []string // the first is the default
	Region                    string
	Currency                  string
	TimeZone                  string
}

// Basis is the legal basis of a purpose (GDPR Art. 6).
type Basis string

// The legal bases.
const (
	Consent            Basis = "consent"
	Contract           Basis = "contract"
	LegitimateInterest Basis = "legitimate-interest"
	LegalObligation    Basis = "legal-obligation"
	VitalInterest      Basis = "vital-interest"
	PublicTask         Basis = "public-task"
)

// Switchable says whether the person can say no to it: a contract or a law's duty is shown with its reason only.
func (b Basis) Switchable() bool { return b == Consent || b == LegitimateInterest }

// Purpose is what data may be used for.
type Purpose struct {
	Name     string
	Label    Text     // what people call it; its name when the charter says nothing
	Uses     []string // Fideslang data uses
	Basis    Basis
	Why      Text
	Benefit  Text
	AskAgain Span // a choice older than this no longer stands
	Learns   bool // models may be learnt from what this purpose may use
	Explicit bool // needs explicit consent (GDPR Art. 9): only an explicit yes counts
}

// Signals maps what a browser says to the purposes that it says no to.
type Signals struct {
	GPC []string
}

// Kind is what a datum is.
type Kind string

// The kinds of data.
const (
	Identifier Kind = "identifier"
	Attribute  Kind = "attribute"
	Trait      Kind = "trait"
)

// TypeName names the shape of a value.
type TypeName string

// The types of values.
const (
	TString   TypeName = "string"
	TText     TypeName = "text"
	TNumber   TypeName = "number"
	TInteger  TypeName = "integer"
	TBoolean  TypeName = "boolean"
	TTime     TypeName = "time"
	TDate     TypeName = "date"
	TEmail    TypeName = "email"
	TPhone    TypeName = "phone"
	TName     TypeName = "name"
	TPostcode TypeName = "postcode"
	TCountry  TypeName = "country"
	TMoney    TypeName = "money"
	TItem     TypeName = "item"
	TItems    TypeName = "items"
	TEnum     TypeName = "enum"
	TBand     TypeName = "band"
	TList     TypeName = "list"
)

// Type is the declared shape of a value.
type Type struct {
	Name TypeName
	Enum []string  // of an enum
	Band []float64 // lower bounds of a band, rising
	Of   *Type     // element of a list
	Max  int       // longest string in runes, or most elements of a list

	Labels   []string // of a band, one for each bound: "0-18", "18-65", "65+"; set by Parse
	Currency string   // of money: the brand's; set by Parse
}

// IsColumn says whether a fact of this type is a column of the item-item model by itself.
func (t Type) IsColumn() bool { return t.Name == TEnum || t.Name == TBand }

// Datum is a fact that the brand may keep about a person.
type Datum struct {
	Name        string
	Label       Text // what people call it; its name when the charter says nothing
	Kind        Kind
	Type        Type
	Category    string // Fideslang data category
	Sensitivity string // "", low, medium, high or special
	Condition   string // "explicit-consent" for special categories
	Protective  bool   // may only remove offers
	Purposes    []string
	Learnt      []person.Learnt // ways in which it may be learnt; empty: any
	Level       person.Level    // relationship level from which its use is welcome
	Quality     float64         // floor in [0,1]; facts below it are doubtful. UsualQuality when the charter says nothing
	Fades       Span            // half-life of a value's quality, by when it was so; zero: it stays as sure as it came
	OnlyAt      []string        // the placements where it may be used; empty: wherever its purposes reach
	Joins       int             // an identifier's: how many people one value may join; 0: it joins nobody
	Infer       *Infer          // from what it is inferred when that arrives; nil: nothing
	Retain      Span
	Benefit     Text
	Ask         *Ask
	Rule        *TraitRule // of a trait
}

// HasPurpose says whether the charter gives the datum that purpose.
func (d *Datum) HasPurpose(p string) bool { return has(d.Purposes, p) }

// UsualQuality is the floor of a datum of which the charter says nothing: what is more likely wrong than right is not used.
const UsualQuality = 0.5

// UsedAt says whether the datum may be used at that placement, as far as OnlyAt goes. What is only for some placements is never learnt from,
// which is for all of them: its placement is "".
func (d *Datum) UsedAt(placement string) bool { return len(d.OnlyAt) == 0 || has(d.OnlyAt, placement) }

// Sure is the quality of a fact at a time: half for each half-life since the value was so, or since somebody said that it is right.
func (d *Datum) Sure(h *person.Head, at person.Instant) float64 {
	since := max(h.At, h.Confirmed)
	if d.Fades.IsZero() || at <= since {
		return h.Quality
	}
	return h.Quality * math.Exp2(-float64(at-since)/float64(d.Fades.After(since)-since))
}

// Ask is a question that the brand may put to the person (served by a later issue).
type Ask struct {
	Question    Text
	At          person.Level
	Reward      string
	NotAgainFor Span
}

// TraitRule derives a trait from events (served by a later issue).
type TraitRule struct {
	Count   string // event
	Within  Span
	Where   string    // CEL over item and time; empty: every one counts
	Counts  *LineRule // Where, compiled; nil when it is empty
	AtLeast int
}

// Event is something the person may do that the brand may keep.
type Event struct {
	Name       string
	Label      Text // what people call it; its name when the charter says nothing
	Category   string
	Purposes   []string
	Level      person.Level
	Retain     Span
	Properties map[string]*Property
	TakesBack  bool       // its items go back (a refund, a cancelled order): they are no purchase
	Judges     *Judgement // what it says of a fact's value; nil: nothing
	Benefit    Text
	Order      []string // names of the properties as the file has them
}

// Judgement is what an event of a server source says of the value in its property of the fact's name.
type Judgement struct {
	Fact string
	As   string // bounced, returned or confirmed
}

// HasPurpose says whether the charter gives the event that purpose.
func (e *Event) HasPurpose(p string) bool { return has(e.Purposes, p) }

// Property is one declared field of an event.
type Property struct {
	Name     string
	Type     Type
	Required bool
	From     string // path in the message when not under properties, such as context.page.path
}

// SensitiveRule marks items whose purchase reveals something: history about them needs Purpose besides.
type SensitiveRule struct {
	ID      string
	Label   Text      // what people call it; its id when the charter says nothing
	Where   *ItemRule // CEL over item
	Purpose string
}

// Relationship holds the rules for levels above stranger, and what strains a relationship.
type Relationship struct {
	Acquaintance, Regular, Confidant *LevelRule // nil: nobody gets there
	Strain                           []Strain
}

// LevelRule lists the conditions that must all hold for a level.
type LevelRule struct {
	DaysOfContact int
	Tenure        Span // since the first contact
	Within        Span // last contact not longer ago than this
	ToldUs        int  // facts that the person chose to tell
}

// Strain is something that lowers the level by one: "complaint-open", "too-personal in 90d", "opt-out in 90d".
type Strain struct {
	What   string // complaint-open, too-personal, opt-out
	Within Span   // zero for complaint-open
}

// Surprise is the friend test made computable: by how a fact was learnt, plus where, less when told.
type Surprise struct {
	Declared, Observed, Inferred, Acquired float64
	OtherChannel                           float64
	ToldFactor                             float64
}

// Placement is a place where something is shown, said or sent.
type Placement struct {
	Name        string
	Label       Text // what people call it; its name when the charter says nothing
	Purpose     string
	Channel     string
	Tolerates   float64
	Items       int
	Rungs       map[person.Rung]person.Level // the level from which a rung may be used; absent: never. Context and generic always may
	Holdout     float64                      // share of people who get the context rung, to measure by
	Caps        Caps
	NotAgainFor Span   // an item shown is not shown again for this long
	Quiet       string // "21:00-08:00" in the person's or the brand's time zone; empty: none
}

// Caps limit how often a placement speaks to one person. 0: no limit.
type Caps struct {
	PerDay, PerWeek, PerMonth int
}

// Term is a declared additive term beside what the model learnt.
type Term struct {
	Name       string
	Fact       string
	When       *FactRule // CEL over facts
	Items      *ItemRule // CEL over item
	Weight     float64
	Placements []string
	Says       Text
}

// ProtectRule may remove offers, never choose one.
type ProtectRule struct {
	ID     string
	Label  Text      // what people call it; its id when the charter says nothing
	Remove *ItemRule // CEL over item
	When   *FactRule // CEL over facts; reads protective data only
	Facts  []string  // names of the facts that When reads
}

// Source is where messages come from.
type Source struct {
	Name              string
	Kind              string // client or server
	Purposes          []string
	Channel           string
	LearntDefault     person.Learnt            // of its facts; acquired when the charter says nothing
	LearntFacts       map[string]person.Learnt // by fact, where it differs
	ConsentCategories map[string]string        // a consent tool's category → purpose
	Dates             DateOrder                // how it writes days, where that is not as 2006-01-02; empty: it is not said
	Decimals          Decimals                 // how it writes numbers in texts; empty: it is not said
}

// DateOrder is how a source writes days such as 1/2/1980.
type DateOrder string

// The orders.
const (
	DayFirst   DateOrder = "day-first"
	MonthFirst DateOrder = "month-first"
)

// Decimals is what stands before the fraction of the numbers that a source writes in texts.
type Decimals string

// What may stand there.
const (
	Point Decimals = "point" // 1,234.56
	Comma Decimals = "comma" // 1.234,56
)

// LearntOf says how a fact from this source was come by.
func (s *Source) LearntOf(fact string) person.Learnt {
	if l, ok := s.LearntFacts[fact]; ok {
		return l
	}
	return s.LearntDefault
}

// Identity says whether the people of the home may be compared with one another, so that who is there twice is found. The zero
// Identity says no.
type Identity struct {
	Purpose string // what identifies people is compared for it; empty: nobody is compared
	Join    string // JoinSure or JoinNobody
}

// Who is joined without a steward's word.
const (
	JoinSure   = "sure"   // pairs that are sure
	JoinNobody = "nobody" // nobody: a steward decides about each pair
)

// Identifies says whether the datum says who somebody is: a name, an e-mail address, a telephone number, a postcode, a date of birth or a line of
// an address, by its type or its Fideslang category. Special and protective data never does.
func (d *Datum) Identifies() bool {
	if d.Protective || d.Sensitivity == "special" || d.Condition != "" || d.Kind == Trait {
		return false
	}
	switch d.Type.Name {
	case TName, TEmail, TPhone, TPostcode:
		return true
	case TDate:
		return d.Category == "user.demographic.date_of_birth"
	case TString, TText:
		return covers(d.Category, "user.name") || covers(d.Category, "user.contact.address")
	}
	return false
}

// Retention says how long something is kept.
type Retention struct{ Retain Span }

// Team is a group of staff and what it may see.
type Team struct {
	Name       string
	Sees       string // cohorts or person
	Purposes   []string
	Categories []string // Fideslang categories; a prefix covers what is under it
}

// Committee is who votes on the charter (served by a later issue).
type Committee struct {
	Functions []string
	Quorum    struct{ Members, Functions int }
}

// Partners holds the rules for all partners (served by a later issue).
type Partners struct {
	PrivacyAYear struct {
		Epsilon, Delta float64
	}
	MinimumTermNotice Span
	OnwardSharing     string
}

func has(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
