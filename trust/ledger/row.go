package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
)

// The kinds of rows. Their words are in the tree: never change them.
const (
	KindLook      = "look"      // a read by staff, a job or a partner
	KindReceipts  = "receipts"  // a batch of receipts of automated decisions
	KindErasure   = "erasure"   // empties earlier rows: their link to a person and their reason are gone
	KindRetention = "retention" // earlier rows ran out of their time and are gone altogether
	KindCharter   = "charter"   // a charter was accepted
)

// Forgotten stands in the place of the person in rows that an erasure has emptied. It is nobody's pseudonym.
var Forgotten = person.ID{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}

// Key seals rows about one person, or about no single one. vault.KeyRing is one; Vault.Home is the one for populations.
type Key interface {
	ID() person.ID            // whose key it is; zero for the home's
	LeafKey() ([]byte, error) // 32 bytes; an error when the person was forgotten
	SealReason(at person.Instant, reason string) []byte
}

// Seal makes the row of a look. The key must be that of look.Of, the home's for a population. ErrLook when the look
// does not say who, in which role, for what purpose, when and what.
func Seal(l Look, key Key) (Row, error) {
	if l.Actor == "" || l.Role == "" || l.Purpose == "" || l.At == 0 || len(l.Fields) == 0 || l.Count < 0 || key == nil || key.ID() != l.Of {
		return Row{}, ErrLook
	}
	if !l.Of.IsZero() {
		l.Count = 1
	}
	r := Row{
		Of: l.Of, At: l.At, Kind: KindLook, Actor: l.Actor, Role: l.Role, Team: l.Team, Purpose: l.Purpose,
		Fields: strings.Join(l.Fields, ","), Count: l.Count, Filter: l.Filter,
	}
	if l.Reason != "" {
		r.Reason = key.SealReason(l.At, l.Reason)
	}
	return leafed(r, key)
}

// CharterRow makes the row that says which charter was accepted, by whom.
func CharterRow(at person.Instant, by, hash string, position int, home Key) (Row, error) {
	return leafed(Row{At: at, Kind: KindCharter, Actor: by, Purpose: "charter", Count: position, Filter: hash}, home)
}

// ErasureRow makes the row of an erasure: it commits to the numbers of the rows that lose their link and their reason, and of the
// receipts that are emptied. Every row must be numbered before the erasure is.
func ErasureRow(at person.Instant, actor, role string, numbers, receipts []int64, home Key) (Row, error) {
	r := Row{At: at, Kind: KindErasure, Actor: actor, Role: role, Purpose: "erasure", Count: len(numbers), Filter: formatNumbers(numbers)}
	if len(receipts) > 0 {
		r.Fields = ofReceipts + formatNumbers(receipts)
	}
	return leafed(r, home)
}

// RetentionRow makes the row of a sweep: it commits to the numbers of the rows that are dropped because their time is over.
func RetentionRow(at person.Instant, numbers []int64, home Key) (Row, error) {
	return leafed(Row{At: at, Kind: KindRetention, Actor: "retention", Purpose: "retention", Count: len(numbers), Filter: formatNumbers(numbers)}, home)
}

// ReceiptsRetentionRow makes the row of a sweep of receipts: it commits to their numbers.
func ReceiptsRetentionRow(at person.Instant, receipts []int64, home Key) (Row, error) {
	return leafed(Row{At: at, Kind: KindRetention, Actor: "retention", Purpose: "retention", Count: len(receipts), Fields: ofReceipts + formatNumbers(receipts)}, home)
}

func leafed(r Row, key Key) (Row, error) {
	if key == nil || key.ID() != r.Of {
		return Row{}, ErrLook
	}
	k, err := key.LeafKey()
	if err != nil {
		return Row{}, fmt.Errorf("this look cannot be recorded, so nothing may be read: %w", err)
	}
	r.Leaf = leaf(r, k)
	return r, nil
}

// leaf is the keyed hash over everything in the row but its number.
func leaf(r Row, key []byte) (out [32]byte) {
	m := hmac.New(sha256.New, key)
	_, _ = m.Write(open(r))
	_, _ = m.Write(r.Of[:])
	_, _ = m.Write(r.Reason)
	m.Sum(out[:0])
	return out
}

// open is the part of a row that stays readable for ever, in one form.
func open(r Row) []byte {
	return appendOpen(nil, &r)
}

func appendOpen(b []byte, r *Row) []byte {
	b = append(b, "rapport ledger row 1\n"...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.At))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Count))
	for _, s := range [...]string{r.Kind, r.Actor, r.Role, r.Team, r.Purpose, r.Fields, r.Filter} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	return b
}

// record is the row's hash in the tree: over the open part and the leaf, so that the open part is bound for ever and the
// rest is bound for as long as the person's key lives.
func record(r Row) tlog.Hash { return tlog.RecordHash(append(open(r), r.Leaf[:]...)) }

// record and leaf of a worker are those above, without garbage; node is tlog's NodeHash.

func (w *worker) record(r *Row) tlog.Hash {
	w.bytes = append(appendOpen(append(w.bytes[:0], 0), r), r.Leaf[:]...)
	return sha256.Sum256(w.bytes)
}

func (w *worker) leaf(r *Row, key []byte) [32]byte {
	const block = sha256.BlockSize
	if len(key) > block {
		return leaf(*r, key)
	}
	var pad [block]byte
	copy(pad[:], key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	b := append(w.bytes[:0], pad[:]...)
	b = append(append(appendOpen(b, r), r.Of[:]...), r.Reason...)
	w.bytes = b
	inner := sha256.Sum256(b)
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	var outer [block + sha256.Size]byte
	copy(outer[:], pad[:])
	copy(outer[block:], inner[:])
	return sha256.Sum256(outer[:])
}

func node(left, right tlog.Hash) tlog.Hash {
	var b [1 + 2*tlog.HashSize]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+tlog.HashSize:], right[:])
	return sha256.Sum256(b[:])
}

// formatNumbers writes numbers as "3,7-9".
func formatNumbers(numbers []int64) string {
	n := append([]int64(nil), numbers...)
	sort.Slice(n, func(i, j int) bool { return n[i] < n[j] })
	var b strings.Builder
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] <= n[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(n[i], 10))
		if n[j] != n[i] {
			b.WriteString("-" + strconv.FormatInt(n[j], 10))
		}
		i = j + 1
	}
	return b.String()
}

// span is a run of numbers, both ends included.
type span struct{ from, to int64 }

// parseNumbers reads what formatNumbers wrote.
func parseNumbers(s string) ([]span, error) {
	var spans []span
	if s == "" {
		return nil, nil
	}
	for _, part := range strings.Split(s, ",") {
		a, b, ranged := strings.Cut(part, "-")
		from, err := strconv.ParseInt(a, 10, 64)
		if err != nil || from < 1 {
			return nil, fmt.Errorf("ledger: %q is no list of entries", s)
		}
		to := from
		if ranged {
			if to, err = strconv.ParseInt(b, 10, 64); err != nil || to < from {
				return nil, fmt.Errorf("ledger: %q is no list of entries", s)
			}
		}
		spans = append(spans, span{from, to})
	}
	return spans, nil
}
