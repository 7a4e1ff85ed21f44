package charter

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"gopkg.in/yaml.v3"
)

// The bounds of a rule: its text, how deep it nests, and what one evaluation may cost in CEL's units.
const (
	maxRuleText  = 2000
	maxRuleDepth = 50
	maxRuleCost  = 20000
)

// errRule says that a rule could not be decided. It says no more, because the reason may hold a value.
var errRule = errors.New("the rule could not be decided: a value that it reads is missing or cannot be read")

// Names of the variables are whole: "item.tags" and "facts.diet" are variables each, so that an unknown one is
// found when the charter is read and nothing is looked up in a map when a rule runs.
var itemVariables = []cel.EnvOption{
	cel.Variable("item.id", cel.StringType),
	cel.Variable("item.name", cel.StringType),
	cel.Variable("item.category", cel.StringType),
	cel.Variable("item.type", cel.StringType),
	cel.Variable("item.brand", cel.StringType),
	cel.Variable("item.department", cel.StringType),
	cel.Variable("item.size", cel.StringType),
	cel.Variable("item.tags", cel.ListType(cel.StringType)),
	cel.Variable("item.price", cel.DoubleType),
	cel.Variable("item.attributes", cel.MapType(cel.StringType, cel.StringType)),
}

var itemFields = []string{"id", "name", "category", "type", "brand", "department", "size", "tags", "price", "attributes"}

var baseEnv = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.CrossTypeNumericComparisons(true),
		cel.ParserRecursionLimit(maxRuleDepth),
		cel.ParserExpressionSizeLimit(maxRuleText),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(),
			cel.ValidateComprehensionNestingLimit(1)),
	)
})

var itemEnv = sync.OnceValues(func() (*cel.Env, error) {
	base, err := baseEnv()
	if err != nil {
		return nil, err
	}
	return base.Extend(itemVariables...)
})

var lineEnv = sync.OnceValues(func() (*cel.Env, error) {
	base, err := itemEnv()
	if err != nil {
		return nil, err
	}
	return base.Extend(
		cel.Variable("quantity", cel.DoubleType),
		cel.Variable("price", cel.DoubleType),
		cel.Variable("weekday", cel.StringType),
		cel.Variable("hour", cel.IntType),
		cel.Variable("day", cel.IntType),
		cel.Variable("month", cel.IntType),
	)
})

// compiled is a rule that has passed every check, ready to run on any goroutine.
type compiled struct {
	tree    *ast.AST
	program cel.Program
}

// compile checks a rule and plans it. Problems stand at their place in the rule.
func (r *reader) compile(a at, text string, env *cel.Env, known map[string][]string) (*compiled, bool) {
	if len(text) > maxRuleText {
		r.fail(a, say("the rule is too long"), say("keep it under %d characters", maxRuleText))
		return nil, false
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		r.issues(a, issues)
		return nil, false
	}
	if !r.namesInRule(a, parsed.NativeRep(), known) {
		return nil, false
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		r.issues(a, issues)
		return nil, false
	}
	if checked.OutputType() != cel.BoolType {
		r.fail(a, say("the rule does not say yes or no"), say("make it a comparison, such as item.category == 'baking'"))
		return nil, false
	}
	tree := checked.NativeRep()
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if loops(tree) {
		// A rule without a loop costs at most its own length; only one with a loop needs counting while it runs.
		options = append(options, cel.CostLimit(maxRuleCost))
	}
	program, err := env.Program(checked, options...)
	if err != nil {
		r.fail(a, say("the rule cannot be run"), say("write it more simply"))
		return nil, false
	}
	return &compiled{tree, program}, true
}

// namesInRule finds what a rule reads of item or facts that is not there, with a better word than CEL's own.
func (r *reader) namesInRule(a at, tree *ast.AST, known map[string][]string) bool {
	ok := true
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.SelectKind || e.AsSelect().Operand().Kind() != ast.IdentKind {
			return
		}
		root, name := e.AsSelect().Operand().AsIdent(), e.AsSelect().FieldName()
		fields, is := known[root]
		if !is || has(fields, name) {
			return
		}
		ok = false
		r.fail(r.within(a, tree, e.ID()), say("the rule reads %s.%s, which is not declared", root, clip(name)), suggest(name, fields))
	}))
	return ok
}

func (r *reader) issues(a at, issues *cel.Issues) {
	for i, e := range issues.Errors() {
		if i == 3 {
			return // what follows is mostly the echo of the first ones
		}
		r.fail(r.inside(a, e.Location.Line(), e.Location.Column()), say("the rule is not valid: %s", ruleFault(e.Message)), ruleMend(e.Message))
	}
}

// ruleFault is CEL's message without the words that help nobody.
func ruleFault(message string) *sentence {
	s, _, _ := strings.Cut(message, "\n")
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "Syntax error: "), " expecting ")
	if strings.Contains(s, "'<EOF>'") {
		return say("it ends too early")
	}
	return foreign(clipTo(s, 160))
}

func ruleMend(message string) *sentence {
	switch {
	case strings.Contains(message, "undeclared reference"):
		return say("rules read item.…, facts.… and the functions days_until, days_since and age")
	case strings.Contains(message, "no matching overload"):
		return say("compare like with like: text in 'quotes', numbers such as 3.0 where a price is compared, dates by days_since")
	}
	return say("rules are written in CEL, such as item.category == 'baking' && 'vegan' in item.tags")
}

// within is the place of an expression of a rule.
func (r *reader) within(a at, tree *ast.AST, id int64) at {
	l := tree.SourceInfo().GetStartLocation(id)
	return r.inside(a, l.Line(), l.Column())
}

// inside is a place within a scalar: line from 1, column from 0, as CEL counts.
func (r *reader) inside(a at, line, column int) at {
	n := *a.node
	switch {
	case line < 1:
	case n.Style&yaml.FoldedStyle != 0: // its lines are one: only where it begins is known
	case n.Style&yaml.LiteralStyle != 0:
		n.Line += line // the text begins on the line after the sign
		n.Column = 1 + column + r.indent(n.Line)
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		n.Line, n.Column = n.Line+line-1, n.Column+1+column
	default:
		n.Line, n.Column = n.Line+line-1, n.Column+column
	}
	a.node = &n
	return a
}

// indent counts the spaces at the beginning of a line of the file, from 1.
func (r *reader) indent(line int) int {
	lines := bytes.SplitN(r.c.Source, []byte("\n"), line+1)
	if line < 1 || len(lines) < line {
		return 0
	}
	return len(lines[line-1]) - len(bytes.TrimLeft(lines[line-1], " "))
}

func loops(tree *ast.AST) bool {
	found := false
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		found = found || e.Kind() == ast.ComprehensionKind
	}))
	return found
}

// reads lists the variables that a checked rule reads, by whole name, in the order of the rule.
func (c *compiled) reads() []string {
	var out []string
	refs := c.tree.ReferenceMap()
	ast.PreOrderVisit(c.tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if ref, ok := refs[e.ID()]; ok && ref.Name != "" && ref.Value == nil && !has(out, ref.Name) {
			out = append(out, ref.Name)
		}
	}))
	return out
}

func (c *compiled) run(vars cel.Activation) (bool, error) {
	out, _, err := c.program.Eval(vars)
	if err != nil {
		return false, errRule
	}
	yes, ok := out.(types.Bool)
	if !ok {
		return false, errRule
	}
	return bool(yes), nil
}

// itemRule compiles a condition over item.
func (r *reader) itemRule(a at) *ItemRule {
	text, ok := r.str(a)
	if !ok {
		return nil
	}
	env, err := itemEnv()
	if err != nil {
		r.fail(a, say("rules cannot be compiled on this machine"), say("report this"))
		return nil
	}
	c, ok := r.compile(a, text, env, map[string][]string{"item": itemFields})
	if !ok {
		return nil
	}
	r.constant(a, c)
	return &ItemRule{Text: text, matches: func(it *Item) (bool, error) {
		if it == nil {
			return false, errRule
		}
		return c.run(itemView{it})
	}}
}

// lineRule compiles the condition of a trait.
func (r *reader) lineRule(a at) *LineRule {
	text, ok := r.str(a)
	if !ok {
		return nil
	}
	env, err := lineEnv()
	if err != nil {
		r.fail(a, say("rules cannot be compiled on this machine"), say("report this"))
		return nil
	}
	c, ok := r.compile(a, text, env, map[string][]string{"item": itemFields})
	if !ok {
		return nil
	}
	r.constant(a, c)
	place := r.c.Brand.Location()
	return &LineRule{Text: text, matches: func(l *Line) (bool, error) {
		if l == nil || l.Item == nil {
			return false, errRule
		}
		return c.run(lineView{itemView{l.Item}, l, l.At.Time().In(place)})
	}}
}

// constant warns of a rule that reads nothing: it says the same of everything.
func (r *reader) constant(a at, c *compiled) {
	if len(c.reads()) > 0 {
		return
	}
	what := say("the rule can never fire")
	if yes, err := c.run(cel.Activation(nothing{})); err == nil && yes {
		what = say("the rule always fires: it reads nothing")
	}
	r.note(Warning, a, what, say("make it read item or facts"))
}

type nothing struct{}

func (nothing) ResolveName(string) (any, bool) { return nil, false }
func (nothing) Parent() cel.Activation         { return nil }

type itemView struct{ it *Item }

func (itemView) Parent() cel.Activation { return nil }

func (v itemView) ResolveName(name string) (any, bool) {
	switch name {
	case "item.id":
		return types.String(v.it.ID), true
	case "item.name":
		return types.String(v.it.Name), true
	case "item.category":
		return types.String(v.it.Category), true
	case "item.type":
		return types.String(v.it.Type), true
	case "item.brand":
		return types.String(v.it.Brand), true
	case "item.department":
		return types.String(v.it.Department), true
	case "item.size":
		return types.String(v.it.Size), true
	case "item.tags":
		return types.NewStringList(types.DefaultTypeAdapter, v.it.Tags), true
	case "item.price":
		return types.Double(v.it.Price), true
	case "item.attributes":
		return types.NewStringStringMap(types.DefaultTypeAdapter, v.it.Attributes), true
	}
	return nil, false
}

type lineView struct {
	itemView
	line *Line
	at   time.Time
}

func (v lineView) ResolveName(name string) (any, bool) {
	switch name {
	case "quantity":
		return types.Double(v.line.Quantity), true
	case "price":
		return types.Double(v.line.Price), true
	case "weekday":
		return types.String(v.at.Weekday().String()[:3]), true
	case "hour":
		return types.Int(v.at.Hour()), true
	case "day":
		return types.Int(v.at.Day()), true
	case "month":
		return types.Int(v.at.Month()), true
	}
	return v.itemView.ResolveName(name)
}

// valuesIn calls each for every comparison of a variable with literal texts: ==, != and in.
func (c *compiled) valuesIn(each func(variable, value string, id int64)) {
	refs := c.tree.ReferenceMap()
	text := func(e ast.Expr) (string, bool) {
		if e.Kind() != ast.LiteralKind {
			return "", false
		}
		s, ok := e.AsLiteral().(types.String)
		return string(s), ok
	}
	pair := func(a, b ast.Expr) {
		if ref, ok := refs[a.ID()]; ok && ref.Name != "" {
			if s, ok := text(b); ok {
				each(ref.Name, s, b.ID())
			}
		}
	}
	ast.PreOrderVisit(c.tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			pair(args[0], args[1])
			pair(args[1], args[0])
		case operators.In:
			if args[1].Kind() == ast.ListKind {
				for _, v := range args[1].AsList().Elements() {
					pair(args[0], v)
				}
			}
		}
	}))
}
