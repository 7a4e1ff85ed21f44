package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// Policy is the content security policy of every page: nothing from elsewhere, no script or style in a page's own text.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secure are the headers of Secure, and secureData those of its answers to programs. Answers share the values, which nobody changes in place.
var (
	secure = []header{
		{"Content-Security-Policy", []string{Policy}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Referrer-Policy", []string{"no-referrer"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
		{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=()"}},
	}
	secureData = []header{
		{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Referrer-Policy", []string{"no-referrer"}},
	}
)

type header struct {
	name  string
	value []string
}

// Secure puts the security headers on every answer of next: no framing, no sniffing, no referrer, and Policy. What programs ask for under
// /api/ and /v1/ is data and no page: it may load nothing at all, and goes without what only pages heed, for an answer with its headers should fit
// into one piece of 4 KB.
func Secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := secure
		if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/v1/") {
			headers = secureData
		}
		h := w.Header()
		for _, s := range headers {
			h[s.name] = s.value
		}
		next.ServeHTTP(w, r)
	})
}

// file is one asset, as it is and packed.
type file struct {
	body, packed []byte
	kind, tag    string
}

var assets = func() map[string]file {
	all := map[string]file{}
	names, err := fs.Glob(files, "assets/*")
	if err != nil {
		panic(err)
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8"}
	for _, name := range names {
		body, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // errors only on a level that does not exist
		_, _ = z.Write(body)
		_ = z.Close()
		sum := sha256.Sum256(body)
		all[path.Base(name)] = file{body, packed.Bytes(), kinds[path.Ext(name)], hex.EncodeToString(sum[:6])}
	}
	return all
}()

// asset is the address of an asset. It changes with the content, so that browsers may keep it for ever.
func asset(name string) (string, error) {
	f, ok := assets[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return "/assets/" + name + "?v=" + f.tag, nil
}

// Assets serves the stylesheet, the icon and htmx under /assets/.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := assets[strings.TrimPrefix(r.URL.Path, "/assets/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("Vary", "Accept-Encoding")
		h.Set("Cache-Control", "public, max-age=300")
		if r.URL.Query().Get("v") == f.tag {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		body := f.body
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = f.packed
		}
		_, _ = w.Write(body)
	})
}

var icons = func() map[string]template.HTML {
	all := map[string]template.HTML{}
	names, err := fs.Glob(files, "icons/*.svg")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		body, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		//nolint:gosec // the file is part of this program
		all[strings.TrimSuffix(path.Base(name), ".svg")] = template.HTML(strings.TrimSpace(string(body)))
	}
	return all
}()

// icon is a drawing of icons/ by its name, in the colour of the text around it. It says nothing to a screen reader: the words
// stand beside it.
func icon(name string) (template.HTML, error) {
	svg, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("there is no icon %q", name)
	}
	return svg, nil
}
