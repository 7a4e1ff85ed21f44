package ledger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Ledger folds rows into the tree, and checks and proves what is in it.
type Ledger struct {
	store    Store
	signer   note.Signer // nil: can check, not fold
	verifier note.Verifier
	public   string // the verifier's text form
	counted  counted
}

// New makes a Ledger over a store, with a key pair in the note package's text form. Without a signer it only checks.
func New(store Store, signer, verifier string) (*Ledger, error) {
	l := &Ledger{store: store, public: verifier}
	var err error
	if l.verifier, err = note.NewVerifier(verifier); err != nil {
		return nil, errors.New("the ledger's public key cannot be read: put the keys folder back from your backup")
	}
	if signer != "" {
		if l.signer, err = note.NewSigner(signer); err != nil {
			return nil, errors.New("the ledger's signing key cannot be read: put the keys folder back from your backup")
		}
	}
	return l, nil
}

// head is a signed head, checked: how many entries the tree has, and its root.
type head struct {
	size int64
	root tlog.Hash
}

// origin names the tree in its heads: as its key is named. Each home has a name of its own, so that a witness can tell them apart.
func (l *Ledger) origin() string { return l.verifier.Name() }

// sign writes a head as a C2SP checkpoint: origin, size, root, signature.
func (l *Ledger) sign(h head) ([]byte, error) {
	if l.signer == nil {
		return nil, errors.New("this ledger was opened without a signing key: it cannot fold rows")
	}
	text := l.origin() + "\n" + strconv.FormatInt(h.size, 10) + "\n" + base64.StdEncoding.EncodeToString(h.root[:]) + "\n"
	return note.Sign(&note.Note{Text: text}, l.signer)
}

var errHead = errors.New("the signed head is not signed by this home's ledger key, or is damaged")

// readHead checks a signed head. No bytes are the head of the empty tree.
func (l *Ledger) readHead(signed []byte) (head, error) {
	if len(signed) == 0 {
		root, err := tlog.TreeHash(0, nil)
		return head{root: root}, err
	}
	n, err := note.Open(signed, note.VerifierList(l.verifier))
	if err != nil || !written(signed, n) {
		return head{}, errHead
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != l.origin() || lines[3] != "" {
		return head{}, errHead
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, err2 := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || err2 != nil || size < 0 || len(root) != tlog.HashSize {
		return head{}, errHead
	}
	h := head{size: size}
	copy(h.root[:], root)
	return h, nil
}

// written says whether signed is byte for byte what sign wrote: a signature can be spelt in several ways in base64, and a head whose
// bytes were changed is not the one that was signed.
func written(signed []byte, n *note.Note) bool {
	if len(n.Sigs) != 1 {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	return err == nil && string(signed) == n.Text+"\n— "+n.Sigs[0].Name+" "+base64.StdEncoding.EncodeToString(raw)+"\n"
}

// edge is the right edge of a growing tree: for each level the latest complete subtree. It is all that is needed to
// add records and to tell the root, however many entries there are.
type edge struct {
	level [64]tlog.Hash
	have  [64]bool
	size  int64
}

// ReadHashes is tlog's HashReader, over the edge.
func (e *edge) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		level, _ := tlog.SplitStoredHashIndex(x)
		if !e.have[level] {
			return nil, fmt.Errorf("ledger: the edge of the tree has no hash at level %d", level)
		}
		out[i] = e.level[level]
	}
	return out, nil
}

// add puts a record at the end and gives the hashes to store, by index.
func (e *edge) add(h tlog.Hash) ([]HashAt, error) {
	hashes, err := tlog.StoredHashesForRecordHash(e.size, h, e)
	if err != nil {
		return nil, err
	}
	out := make([]HashAt, len(hashes))
	for level, h := range hashes {
		out[level] = HashAt{Index: tlog.StoredHashIndex(level, e.size>>level), Hash: h}
		e.level[level], e.have[level] = h, true
	}
	e.size++
	return out, nil
}

func (e *edge) root() (tlog.Hash, error) { return tlog.TreeHash(e.size, e) }

// loadEdge reads the edge of a tree of this size from the store.
func (l *Ledger) loadEdge(ctx context.Context, size int64) (*edge, error) {
	e := &edge{size: size}
	var levels []int
	var indexes []int64
	for rest := size; rest > 0; rest &= rest - 1 { // each set bit is one complete subtree
		level := bits.TrailingZeros64(uint64(rest))
		levels = append(levels, level)
		indexes = append(indexes, tlog.StoredHashIndex(level, size>>level-1))
	}
	if len(indexes) == 0 {
		return e, nil
	}
	hashes, err := l.store.Hashes(ctx, indexes)
	if err != nil {
		return nil, err
	}
	if len(hashes) != len(indexes) {
		return nil, ErrTree
	}
	for i, level := range levels {
		e.level[level], e.have[level] = hashes[i], true
	}
	return e, nil
}

const (
	atOnce    = 2048 // rows in one transaction of the sequencer
	mostMoved = 16   // times that others may come first: each of them folded something
)

// Sequence folds all rows that wait into the tree and signs the new head; it says how many there were. It never signs
// over a tree that does not agree with its last head: ErrTree. Where others fold at the same time it begins again behind them; ErrMoved
// when they did so again and again.
func (l *Ledger) Sequence(ctx context.Context) (int, error) {
	total, moved := 0, 0
	for {
		n, err := l.foldOnce(ctx)
		total += n
		if errors.Is(err, ErrMoved) && moved < mostMoved && ctx.Err() == nil {
			moved++
			continue
		}
		if err != nil || n < atOnce {
			return total, err
		}
	}
}

func (l *Ledger) foldOnce(ctx context.Context) (int, error) {
	rows, err := l.store.Pending(ctx, atOnce)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	signed, err := l.store.Head(ctx)
	if err != nil {
		return 0, err
	}
	h, err := l.readHead(signed)
	if err != nil {
		return 0, fmt.Errorf("%w (%w)", ErrTree, err)
	}
	e, err := l.loadEdge(ctx, h.size)
	if err != nil {
		return 0, err
	}
	if root, err := e.root(); err != nil || root != h.root {
		return 0, ErrTree
	}
	f := Folding{First: h.size + 1, Rows: rows}
	for i := range f.Rows {
		f.Rows[i].Row.Number = f.First + int64(i)
		hashes, err := e.add(record(f.Rows[i].Row))
		if err != nil {
			return 0, err
		}
		f.Hashes = append(f.Hashes, hashes...)
	}
	root, err := e.root()
	if err != nil {
		return 0, err
	}
	if f.Head, err = l.sign(head{size: e.size, root: root}); err != nil {
		return 0, err
	}
	if err := l.store.Fold(ctx, f); err != nil {
		return 0, err
	}
	return len(rows), nil
}
