package stewardship

import (
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"

	"github.com/rapporthq/rapport/person"
)

// sealer makes the names by which pairs stand in URLs: the two pseudonyms, sealed so that a URL in a history or a proxy's log names nobody. The same
// pair has the same name.
type sealer struct{ siv *subtle.AESSIV }

// mark begins each name, so that none begins with a dash: a command would take it for a flag.
const mark = "pair_"

func (s *Steward) names() *sealer {
	s.once.Do(func() {
		key := sha512.Sum512(s.Vault.Secret("names of pairs"))
		siv, err := subtle.NewAESSIV(key[:])
		if err != nil {
			panic(fmt.Sprintf("a key of 64 bytes is none: %v", err)) // a programmer's mistake
		}
		s.ids = &sealer{siv}
	})
	return s.ids
}

func (n *sealer) seal(a, b person.ID) string {
	out, err := n.siv.EncryptDeterministically(append(a[:len(a):len(a)], b[:]...), nil)
	if err != nil {
		return "" // leads to no pair
	}
	return mark + base64.RawURLEncoding.EncodeToString(out)
}

// open reads what seal wrote; ok is false for everything else.
func (n *sealer) open(id string) (a, b person.ID, ok bool) {
	sealed, ok := strings.CutPrefix(id, mark)
	if !ok {
		return a, b, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != sealed { // one spelling for each name: the decoder passes over line ends
		return a, b, false
	}
	plain, err := n.siv.DecryptDeterministically(raw, nil)
	if err != nil || len(plain) != len(a)+len(b) {
		return a, b, false
	}
	return person.ID(plain[:len(a)]), person.ID(plain[len(a):]), true
}
