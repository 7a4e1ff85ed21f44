package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/rapporthq/rapport/person"
)

// Stub signs feedback tokens: a browser that was shown a decision may answer that one, for a while, and no other.
// Nothing of it is stored.
type Stub struct{ key []byte }

// NewStub makes a Stub with a secret key of at least 32 bytes (vault.Secret gives one).
func NewStub(key []byte) *Stub { return &Stub{key: append([]byte(nil), key...)} }

// Sign makes the token for a decision, good until expires.
func (s *Stub) Sign(decision string, expires person.Instant) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 24), uint64(expires))
	return base64.RawURLEncoding.EncodeToString(append(b, s.mac(decision, b)...))
}

// Check refuses a token that was not signed here for this decision, or has run out.
func (s *Stub) Check(decision, token string, now person.Instant) error {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 24 || len(token) != base64.RawURLEncoding.EncodedLen(len(b)) || // the decoder passes over line ends
		decision == "" || !hmac.Equal(b[8:], s.mac(decision, b[:8])) {
		return ErrUnauthorised
	}
	if now >= person.Instant(binary.BigEndian.Uint64(b)) {
		return ErrUnauthorised
	}
	return nil
}

func (s *Stub) mac(decision string, expires []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	_, _ = m.Write([]byte("rapport feedback\x00"))
	_, _ = m.Write(expires)
	_, _ = m.Write([]byte(decision))
	return m.Sum(nil)[:16]
}
