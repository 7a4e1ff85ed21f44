package anchor

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// Cosignatures as in c2sp.org/tlog-cosignature, version 1: a witness says that at a time the head with the largest size that it has seen of
// this tree has this root.

const cosignature = 0x04 // the kind of key

// verifier is a witness's public key as the note package takes it.
type verifier struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

var errKey = errors.New("this is no witness's public key")

// newVerifier reads a key: name+8 hexadecimal digits+base64 of its kind and its 32 bytes.
func newVerifier(text string) (*verifier, error) {
	name, rest, _ := strings.Cut(text, "+")
	digits, encoded, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != cosignature || !goodName(name) {
		return nil, errKey
	}
	v := &verifier{name: name, key: raw[1:]}
	v.id = keyID(name, raw)
	if digits != fmt.Sprintf("%08x", v.id) {
		return nil, errKey
	}
	return v, nil
}

func goodName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsAny(name, " +\n\t")
}

func keyID(name string, kindAndKey []byte) uint32 {
	h := sha256.New()
	_, _ = h.Write([]byte(name + "\n"))
	_, _ = h.Write(kindAndKey)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

func (v *verifier) Name() string    { return v.name }
func (v *verifier) KeyHash() uint32 { return v.id }

// Verify checks a cosignature of a head's text.
func (v *verifier) Verify(text, sig []byte) bool {
	return len(sig) == 8+ed25519.SignatureSize && ed25519.Verify(v.key, cosigned(text, binary.BigEndian.Uint64(sig)), sig[8:])
}

func (v *verifier) text() string {
	raw := append([]byte{cosignature}, v.key...)
	return fmt.Sprintf("%s+%08x+%s", v.name, v.id, base64.StdEncoding.EncodeToString(raw))
}

// cosigned is the message that a witness signs at a second since 1970.
func cosigned(text []byte, at uint64) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...)
}

// cosigner is a witness's private key.
type cosigner struct {
	*verifier
	private ed25519.PrivateKey
}

// newCosigner makes a key out of its 32 secret bytes.
func newCosigner(name string, seed []byte) (*cosigner, error) {
	if len(seed) != ed25519.SeedSize || !goodName(name) {
		return nil, errors.New("a witness needs a name without spaces and plus signs, such as witness.example/one, and its key file whole")
	}
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)
	return &cosigner{&verifier{name, keyID(name, append([]byte{cosignature}, public...)), public}, private}, nil
}

// sign makes the line of a cosignature.
func (c *cosigner) sign(text string, at uint64) string {
	sig := binary.BigEndian.AppendUint32(nil, c.id)
	sig = binary.BigEndian.AppendUint64(sig, at)
	sig = append(sig, ed25519.Sign(c.private, cosigned([]byte(text), at))...)
	return "— " + c.name + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
}

// opened finds the witness's cosignature among the lines of an answer to a signed head, and gives its time.
func opened(signed, lines []byte, v *verifier) (at uint64, ok bool) {
	n, err := note.Open(append(append([]byte(nil), signed...), lines...), note.VerifierList(v))
	if err != nil {
		return 0, false
	}
	for _, s := range n.Sigs {
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err == nil && len(raw) > 12 {
			at = max(at, binary.BigEndian.Uint64(raw[4:]))
		}
	}
	return at, at > 0
}

func seedText(seed []byte) string { return hex.EncodeToString(seed) + "\n" }
