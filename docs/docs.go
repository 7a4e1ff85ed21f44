// Package docs carries the pages of the documentation that a running home shows itself: what each error code means. It
// holds text and nothing else.
package docs

import "embed"

// Problems are the pages problems/CODE.md, one for each code of package fault.
//
//go:embed problems/*.md
var Problems embed.FS
