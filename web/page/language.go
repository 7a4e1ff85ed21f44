package page

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Language is the language of the answer: the one that the reader chose at the foot of a page, else the first of the brand's
// that the browser asks for, else the brand's first.
func Language(r *http.Request, languages []string) string {
	for _, name := range []string{languageCookie(true), languageCookie(false)} {
		if c, err := r.Cookie(name); err == nil && slices.Contains(languages, c.Value) {
			return c.Value
		}
	}
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag := strings.ToLower(strings.TrimSpace(strings.SplitN(part, ";", 2)[0]))
		for _, l := range languages {
			if tag == l || strings.HasPrefix(tag, l+"-") {
				return l
			}
		}
	}
	if len(languages) > 0 {
		return languages[0]
	}
	return "en"
}

func languageCookie(secure bool) string {
	if secure {
		return "__Host-language"
	}
	return "language"
}

// aYear is how long a browser remembers the choice of a language, in seconds.
const aYear = 365 * 24 * 60 * 60

// ChooseLanguage stands behind POST /language, the form at the foot of every page. It remembers the choice in a cookie that
// says nothing else, and goes back to a page of this site only.
func ChooseLanguage(languages func() []string, secure bool) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		if lang := r.PostFormValue("language"); slices.Contains(languages(), lang) {
			http.SetCookie(w, &http.Cookie{Name: languageCookie(secure), Value: lang, Path: "/", MaxAge: aYear, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode})
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", Local(r.PostFormValue("back")))
		w.WriteHeader(http.StatusSeeOther)
	}))
}

// Local is a path of this site to go back to: what could lead elsewhere, in any browser's reading, becomes "/".
func Local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsFunc(path, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) {
		return "/"
	}
	return path
}
