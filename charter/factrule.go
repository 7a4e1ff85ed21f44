package charter

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/rapporthq/rapport/person"
)

const factPrefix = "facts."

// factEnv is the ground of the rules over facts: every declared fact by its type, the moment, today (midnight of
// the moment's day by the brand's clock) and the functions of days.
func (r *reader) factEnv() (*cel.Env, error) {
	base, err := baseEnv()
	if err != nil {
		return nil, err
	}
	days := func(name string, f func(date, today time.Time) int) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_timestamp", []*cel.Type{cel.TimestampType, cel.TimestampType}, cel.IntType,
			cel.BinaryBinding(func(date, today ref.Val) ref.Val {
				d, ok1 := date.(types.Timestamp)
				t, ok2 := today.(types.Timestamp)
				if !ok1 || !ok2 {
					return types.NewErr("a date is expected")
				}
				return types.Int(f(d.Time, t.Time))
			})))
	}
	options := []cel.EnvOption{
		cel.Variable("moment", cel.TimestampType),
		cel.Variable("today", cel.TimestampType),
		days("days_until", daysUntil), days("days_since", daysSince), days("age", age),
		cel.Macros(today("days_until"), today("days_since"), today("age")),
	}
	for _, name := range r.c.Order.Data {
		options = append(options, cel.Variable(factPrefix+name, celType(r.c.Data[name].Type)))
	}
	return base.Extend(options...)
}

// today writes f(date) as f(date, today).
func today(f string) cel.Macro {
	return cel.GlobalMacro(f, 1, func(h cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		return h.NewCall(f, args[0], h.NewIdent("today")), nil
	})
}

// daysUntil counts the days to the next anniversary, 0 on the day itself; to the date itself when it is still to
// come. Who is born on 29 February has the anniversary on 1 March in other years.
func daysUntil(date, today time.Time) int {
	date, today = midnight(date), midnight(today)
	if date.After(today) {
		return int(date.Sub(today).Hours() / 24)
	}
	next := time.Date(today.Year(), date.Month(), date.Day(), 0, 0, 0, 0, time.UTC)
	if next.Before(today) {
		next = time.Date(today.Year()+1, date.Month(), date.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(next.Sub(today).Hours() / 24)
}

func daysSince(date, today time.Time) int {
	return int(midnight(today).Sub(midnight(date)).Hours() / 24)
}

// age counts the whole years; 0 before the first birthday and before birth.
func age(date, today time.Time) int {
	date, today = midnight(date), midnight(today)
	n := today.Year() - date.Year()
	if time.Date(today.Year(), date.Month(), date.Day(), 0, 0, 0, 0, time.UTC).After(today) {
		n--
	}
	return max(n, 0)
}

func midnight(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func celType(t Type) *cel.Type {
	switch t.Name {
	case TNumber, TMoney:
		return cel.DoubleType
	case TInteger:
		return cel.IntType
	case TBoolean:
		return cel.BoolType
	case TDate, TTime:
		return cel.TimestampType
	case TList:
		if t.Of != nil {
			return cel.ListType(celType(*t.Of))
		}
	}
	return cel.StringType
}

// factRule compiles a condition over facts. protective says which side of the house it stands on: a protective
// rule reads protective data only, any other rule none.
func (r *reader) factRule(a at, protective bool) *FactRule {
	text, ok := r.str(a)
	if !ok {
		return nil
	}
	if r.facts == nil {
		env, err := r.factEnv()
		if err != nil {
			r.fail(a, say("rules cannot be compiled on this machine"), say("report this"))
			return nil
		}
		r.facts = env
	}
	c, ok := r.compile(a, text, r.facts, map[string][]string{"facts": r.c.Order.Data})
	if !ok {
		return nil
	}
	rule := &FactRule{Text: text}
	fields := map[string]factField{}
	for _, name := range c.reads() {
		fact, is := strings.CutPrefix(name, factPrefix)
		if !is {
			continue
		}
		d := r.c.Data[fact]
		if d == nil {
			continue // found by compile already
		}
		rule.Reads = append(rule.Reads, fact)
		fields[name] = factField{fact, d.Type}
		switch {
		case protective && !d.Protective:
			r.fail(a, say("a protective rule reads %s, which is not protective", fact), say("read protective data only, or say protective: true there"))
			ok = false
		case !protective && d.Protective:
			r.fail(a, say("the rule reads %s, which is protective: it may only remove offers", fact), say("read other data, or make it a rule under protect"))
			ok = false
		}
	}
	r.columnValues(a, c, protective)
	if len(rule.Reads) == 0 && ok {
		r.fail(a, say("the rule reads no fact"), say("read a declared fact, such as facts.birthday"))
		return nil
	}
	if !ok {
		return nil
	}
	place := r.c.Brand.Location()
	rule.matches = func(facts map[string]string, at person.Instant) (bool, error) {
		v := factView{fields: fields, facts: facts, at: at.Time(), place: place}
		yes, err := c.run(&v)
		switch {
		case err == nil:
			return yes, nil
		case v.missing && !v.unreadable:
			return false, nil
		}
		return false, err
	}
	return rule
}

// columnValues finds comparisons with a value that an enum or a band cannot have.
func (r *reader) columnValues(a at, c *compiled, protective bool) {
	c.valuesIn(func(variable, value string, id int64) {
		d := r.c.Data[strings.TrimPrefix(variable, factPrefix)]
		if d == nil || !d.Type.IsColumn() || has(d.Type.Columns(), value) {
			return
		}
		severity := Warning
		if protective {
			severity = Error // the person would be promised a protection that never comes
		}
		r.note(severity, r.within(a, c.tree, id), say("%s never has the value %q, so comparing with it says nothing", d.Name, clip(value)), suggest(value, d.Type.Columns()))
	})
}

type factField struct {
	name string
	typ  Type
}

// factView gives a rule the facts that it reads, and remembers why one could not be given.
type factView struct {
	fields              map[string]factField
	facts               map[string]string
	at                  time.Time
	place               *time.Location
	missing, unreadable bool
}

var (
	errMissing    = types.NewErr("the fact is not there")
	errUnreadable = types.NewErr("the fact cannot be read")
)

func (*factView) Parent() cel.Activation { return nil }

func (v *factView) ResolveName(name string) (any, bool) {
	f, ok := v.fields[name]
	if !ok {
		switch name {
		case "moment":
			return types.Timestamp{Time: v.at}, true
		case "today":
			t := v.at.In(v.place)
			return types.Timestamp{Time: time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)}, true
		}
		return nil, false
	}
	text, ok := v.facts[f.name]
	if !ok {
		v.missing = true
		return errMissing, true
	}
	val, ok := celValue(f.typ, text)
	if !ok {
		v.unreadable = true
		return errUnreadable, true
	}
	return val, true
}

// celValue reads canonical text (see person.Fact) as its type.
func celValue(t Type, s string) (any, bool) {
	switch t.Name {
	case TNumber, TMoney:
		f, err := strconv.ParseFloat(s, 64)
		return types.Double(f), err == nil
	case TInteger:
		n, err := strconv.ParseInt(s, 10, 64)
		return types.Int(n), err == nil
	case TBoolean:
		return types.Bool(s == "true"), s == "true" || s == "false"
	case TDate:
		d, err := time.Parse(time.DateOnly, s)
		return types.Timestamp{Time: d}, err == nil
	case TTime:
		d, err := time.Parse(time.RFC3339Nano, s)
		return types.Timestamp{Time: d}, err == nil
	case TEnum, TBand:
		// A word that the charter does not know may be an older charter's: it cannot be read under this one.
		return types.String(s), has(t.Columns(), s)
	case TList:
		var raw []any
		if t.Of == nil || json.Unmarshal([]byte(s), &raw) != nil {
			return nil, false
		}
		vals := make([]ref.Val, len(raw))
		for i, e := range raw {
			text, err := t.Of.Canonical(e)
			if err != nil {
				return nil, false
			}
			val, ok := celValue(*t.Of, text)
			if !ok {
				return nil, false
			}
			vals[i] = val.(ref.Val)
		}
		return types.NewRefValList(types.DefaultTypeAdapter, vals), true
	}
	return types.String(s), s != ""
}
