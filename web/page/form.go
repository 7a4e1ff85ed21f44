package page

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rapporthq/rapport/fault"
)

var errForm = fault.New(fault.Invalid, "Check what you entered and try again.")

// ReadForm reads the form that a page of ours sends; r.FormValue gives afterwards what its body holds, and nothing of the address. It is taken whole or not
// at all: what is longer than most bytes, malformed or no text, or gives a field twice that is not among many, is refused as invalid, for of a yes and a no neither was said.
func ReadForm(w http.ResponseWriter, r *http.Request, most int64, many ...string) error {
	r.Body = http.MaxBytesReader(w, r.Body, most)
	if r.ParseForm() != nil {
		return errForm
	}
	r.Form = r.PostForm
	for name, values := range r.PostForm {
		if len(values) > 1 && !slices.Contains(many, name) || slices.ContainsFunc(values, noText) {
			return errForm
		}
	}
	return nil
}

// noText says whether somebody cannot have typed a value: it is no UTF-8, or has characters that say nothing.
func noText(value string) bool {
	return !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' })
}
