package page

import (
	"fmt"
	"io/fs"
	"strings"

	"gopkg.in/yaml.v3"
)

// Languages are those in which the pages themselves are written. A brand may speak more in its charter: the frame around its
// words is then English.
var Languages = []string{"en", "fr"}

// names of the languages as their speakers write them.
var names = map[string]string{"en": "English", "fr": "Français", "de": "Deutsch", "es": "Español", "it": "Italiano", "nl": "Nederlands", "pt": "Português"}

// Words are the texts of one door's pages: key → language → text. A text may hold places, {0} {1}, for what differs.
// A counted text has two keys, "basket.one" and "basket.many", and is asked for by "basket".
type Words map[string]map[string]string

// ReadWords reads words.yaml of a folder of pages. It panics on a file that cannot be read, which a test of the door finds.
func ReadWords(pages fs.FS) Words {
	raw, err := fs.ReadFile(pages, "words.yaml")
	if err != nil {
		panic(fmt.Sprintf("the words of these pages cannot be read: %v", err))
	}
	w := Words{}
	if err := yaml.Unmarshal(raw, &w); err != nil {
		panic(fmt.Sprintf("words.yaml is not key: {en: …, fr: …}: %v", err))
	}
	return w
}

// Say is the text of a key in a language, English where that language has none, the key where there is no text at all.
// Arguments that are numbers are written as the language writes them.
func (w Words) Say(lang, key string, args ...any) string {
	text, ok := w[key][lang]
	if !ok {
		if text, ok = w[key]["en"]; !ok {
			return key
		}
	}
	for i, a := range args {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", i), written(lang, a))
	}
	return text
}

// Count is the text of key.one or key.many for n, which fills {0}; further arguments follow. French counts nought as one.
func (w Words) Count(lang, key string, n int, args ...any) string {
	form := ".many"
	if n == 1 || n == 0 && lang == "fr" {
		form = ".one"
	}
	return w.Say(lang, key+form, append([]any{n}, args...)...)
}

// written is an argument as the language writes it.
func written(lang string, a any) string {
	switch a.(type) {
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return number(lang, a)
	}
	return fmt.Sprint(a)
}

// sentence is a fault's sentence in a language: as it is in English, else the text of the same meaning where the words have
// it. A sentence that nobody has translated is "", and the general one of its code stands for it.
func (w Words) sentence(lang, text string) string {
	if lang == "en" {
		return text
	}
	for _, by := range w {
		if by["en"] == text || by[lang] == text {
			return by[lang]
		}
	}
	return ""
}

// with are both: a key that is in both is a mistake of the door.
func (w Words) with(more Words) Words {
	both := Words{}
	for _, from := range []Words{w, more} {
		for key, by := range from {
			if both[key] != nil {
				panic(fmt.Sprintf("the key %q is one of the frame's own: name it otherwise", key))
			}
			both[key] = by
		}
	}
	return both
}
