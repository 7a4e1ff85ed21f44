// Package pagetest holds a door's pages to their words: what is said is said in every language, nothing is left over, and no
// template says anything by itself.
package pagetest

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/web/page"
)

// Words fails the test for every Fault of the pages. fromCode are the keys that the door's own code asks for; "said.*" are all
// that begin so.
func Words(t *testing.T, pages fs.FS, fromCode ...string) {
	t.Helper()
	faults, err := Faults(pages, fromCode...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
}

var (
	usedKey   = regexp.MustCompile(`\bt "([^"]+)"`)
	usedCount = regexp.MustCompile(`\btn "([^"]+)"`)
	usedBegun = regexp.MustCompile(`\bt \(print "([^"]+)"`)

	action    = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	comment   = regexp.MustCompile(`(?s)<!--.*?-->`)
	code      = regexp.MustCompile(`(?s)<(code|pre|svg)\b.*?</(code|pre|svg)>`)
	spoken    = regexp.MustCompile(`(?:aria-label|placeholder|title|alt)="([^"]*)"`)
	tag       = regexp.MustCompile(`(?s)<[^>]*>`)
	entity    = regexp.MustCompile(`&[a-z]+;`)
	prose     = regexp.MustCompile(`\pL{2,}`)
	named     = regexp.MustCompile(`\bRapport\b`)
	numbering = regexp.MustCompile(`\{\d\}`)
)

// Faults are what is wrong with the words of the pages: a key that is used and not there, there and not used, without a text in
// one of page.Languages, with other places in one language than in another; and prose that stands in a template.
func Faults(pages fs.FS, fromCode ...string) ([]string, error) {
	words := page.ReadWords(pages)
	used := map[string]string{} // key → where; "begun*" for the beginning of keys
	for _, key := range fromCode {
		used[key] = "the door's code"
	}
	var faults []string
	for _, pattern := range []string{"*.html", "parts/*.html"} {
		names, err := fs.Glob(pages, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			body, err := fs.ReadFile(pages, name)
			if err != nil {
				return nil, err
			}
			text := string(body)
			for _, m := range usedKey.FindAllStringSubmatch(text, -1) {
				used[m[1]] = name
			}
			for _, m := range usedCount.FindAllStringSubmatch(text, -1) {
				used[m[1]+".one"], used[m[1]+".many"] = name, name
			}
			for _, m := range usedBegun.FindAllStringSubmatch(text, -1) {
				used[m[1]+"*"] = name
			}
			for _, said := range bare(text) {
				faults = append(faults, fmt.Sprintf("%s says %q by itself: give it a key in words.yaml", name, said))
			}
		}
	}
	for key, where := range used {
		if strings.HasPrefix(key, "frame.") {
			continue
		}
		found := words[key] != nil
		if begun, many := strings.CutSuffix(key, "*"); many {
			for k := range words {
				found = found || strings.HasPrefix(k, begun)
			}
		}
		if !found {
			faults = append(faults, fmt.Sprintf("%s uses the key %q, which words.yaml does not have", where, key))
		}
	}
	for key, by := range words {
		if !isUsed(key, used) {
			faults = append(faults, fmt.Sprintf("the key %q is used nowhere: take it away", key))
		}
		for _, lang := range page.Languages {
			if strings.TrimSpace(by[lang]) == "" {
				faults = append(faults, fmt.Sprintf("the key %q has no text in %q", key, lang))
			} else if !slices.Equal(places(by[lang]), places(by["en"])) {
				faults = append(faults, fmt.Sprintf("the key %q has other places in %q than in English", key, lang))
			}
		}
	}
	sort.Strings(faults)
	return faults, nil
}

func isUsed(key string, used map[string]string) bool {
	if _, ok := used[key]; ok {
		return true
	}
	for u := range used {
		if begun, many := strings.CutSuffix(u, "*"); many && strings.HasPrefix(key, begun) {
			return true
		}
	}
	return false
}

func places(text string) []string {
	found := numbering.FindAllString(text, -1)
	sort.Strings(found)
	return slices.Compact(found)
}

// bare are the words that a template says by itself, outside actions, tags, code and drawings.
func bare(text string) []string {
	text = comment.ReplaceAllString(action.ReplaceAllString(text, " "), " ")
	var said []string
	for _, m := range spoken.FindAllStringSubmatch(text, -1) {
		if prose.MatchString(m[1]) {
			said = append(said, m[1])
		}
	}
	text = named.ReplaceAllString(entity.ReplaceAllString(tag.ReplaceAllString(code.ReplaceAllString(text, " "), "\n"), " "), " ")
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); prose.MatchString(line) {
			said = append(said, line)
		}
	}
	return said
}
