package charter

import (
	"regexp"
	"strings"
	"sync"
)

// libraries are what yaml and cel say, as often as not, of a file or a rule that they cannot read.
var libraries = []*sentence{
	// yaml
	say("did not find expected key"),
	say("did not find expected node content"),
	say("did not find expected '-' indicator"),
	say("did not find expected ',' or '}'"),
	say("did not find expected ',' or ']'"),
	say("could not find expected ':'"),
	say("mapping values are not allowed in this context"),
	say("block sequence entries are not allowed in this context"),
	say("found character that cannot start any token"),
	say("found unexpected end of stream"),
	say("found unknown escape character"),
	say("found a tab character that violates indentation"),
	say("found a tab character where an indentation space is expected"),
	say("control characters are not allowed"),
	// cel
	say("undeclared reference to '%s' (did you mean '%s' or '%s'?)"),
	say("undeclared reference to '%s' (did you mean '%s'?)"),
	say("undeclared reference to '%s'"),
	say("found no matching overload for '%s' applied to '%s'"),
	say("expected type '%s' but found '%s'"),
	say("type '%s' does not support field selection"),
	say("expression of type '%s' cannot be range of a comprehension (must be list, map, or dynamic)"),
	say("comprehension exceeds nesting limit"),
	say("expression recursion limit exceeded: %s"),
	say("argument is not an identifier"),
	say("argument must be a simple name"),
	say("invalid %s argument"),
	say("reserved identifier: %s"),
	say("unterminated string literal"),
	say("unexpected single '&', expected '&&'"),
	say("unexpected single '|', expected '||'"),
	say("unexpected character"),
	say("unexpected token after expression"),
	say("unexpected token"),
	say("mismatched input %s"),
	say("extraneous input %s"),
	say("no viable alternative at input %s"),
	say("token recognition error at: %s"),
}

// heard are the patterns by which the sentences are known again.
var heard = sync.OnceValue(func() []*regexp.Regexp {
	out := make([]*regexp.Regexp, len(libraries))
	for i, s := range libraries {
		out[i] = regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(s.english), "%s", "(.*)") + "$")
	}
	return out
})

// foreign is the message of a library as a sentence, in the library's own words where it is none of those above.
func foreign(message string) *sentence {
	for i, s := range libraries {
		if m := heard()[i].FindStringSubmatch(message); m != nil {
			args := make([]any, len(m)-1)
			for j := range args {
				args[j] = m[j+1]
			}
			return &sentence{s.english, args}
		}
	}
	return say("%s", message)
}
