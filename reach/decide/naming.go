package decide

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/vault"
)

// naming makes names of decisions, and finds where the receipt of each lies.
//
// Receipts lie in the order of their times, for keys in no order would have each write an index page of its own, twice. A name must not say
// when, nor let anybody guess another: it is its receipt's key, enciphered as one block by a key that only this home has. Where others decide for the
// same home, binaries from before that may be among them: there names are drawn, and the key is the name. Both are found everywhere.
//
// A decision of which no receipt is kept has a mark in its name that only this home can make, so that whoever answers it is told that nothing
// is remembered, and who makes up names is refused.
type naming struct {
	drawn bool
	order cipher.Block
	marks sync.Pool // of hash.Hash
}

func newNaming(v *vault.Vault, drawn bool) *naming {
	n := &naming{drawn: drawn}
	n.order, _ = aes.NewCipher(v.Secret("decision order")[:32]) // fails for no key of this length
	unkept := v.Secret("decision names")
	n.marks.New = func() any { return hmac.New(sha256.New, unkept) }
	return n
}

func (n *naming) mark(id ID) []byte {
	m := n.marks.Get().(hash.Hash)
	defer n.marks.Put(m)
	m.Reset()
	_, _ = m.Write(id[:10])
	return m.Sum(nil)[:6]
}

func (n *naming) isUnkept(id ID) bool { return hmac.Equal(id[10:], n.mark(id)) }

func (n *naming) unkept() (id ID) {
	_, _ = rand.Read(id[:10])
	copy(id[10:], n.mark(id))
	return id
}

// kept gives a name and the key of its receipt.
func (n *naming) kept(at person.Instant) (id ID, key vault.Key) {
	for {
		_, _ = rand.Read(key[8:])
		if n.drawn {
			_, _ = rand.Read(key[:8])
			id = ID(key)
		} else {
			binary.BigEndian.PutUint64(key[:8], uint64(at))
			n.order.Encrypt(id[:], key[:])
		}
		if !n.isUnkept(id) {
			return id, key
		}
	}
}

// latest is a time that no receipt has: the year 2255. One name in two thousand that was drawn looks as if its receipt had an earlier one.
const latest = 1 << 53

// keys are where the receipt of a name may lie.
func (n *naming) keys(id ID) []vault.Key {
	var ordered vault.Key
	n.order.Decrypt(ordered[:], id[:])
	if binary.BigEndian.Uint64(ordered[:8]) < latest {
		return []vault.Key{ordered, vault.Key(id)}
	}
	return []vault.Key{vault.Key(id)}
}

// of is the name of a receipt's decision.
func (n *naming) of(row *vault.Row) (id ID) {
	if binary.BigEndian.Uint64(row.Key[:8]) != uint64(row.At) {
		return ID(row.Key)
	}
	n.order.Encrypt(id[:], row.Key[:])
	return id
}
