package anchor

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
)

// Witness cosigns heads of the ledgers that it is told of, and of each only heads that contain the one before: c2sp.org/tlog-witness. Of
// each it keeps every head that it cosigned in a file, a line each, which rapport ledger verify --anchor reads.
type Witness struct {
	dir   string
	key   *cosigner
	logs  map[string]note.Verifier // by origin
	clock person.Clock

	mu sync.Mutex // one head at a time: what is compared is what is replaced
}

const keyFile = "witness.key"

// OpenWitness opens a witness's folder, and makes it and its key at the first time. name is part of its public key; logs are the public keys of
// the ledgers that it watches, each of another name.
func OpenWitness(dir, name string, logs []string, clock person.Clock) (*Witness, error) {
	w := &Witness{dir: dir, logs: map[string]note.Verifier{}, clock: clock}
	for _, text := range logs {
		v, err := note.NewVerifier(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no ledger's public key: rapport ledger anchor prints it", text)
		}
		if w.logs[v.Name()] != nil {
			return nil, fmt.Errorf("two ledgers are named %s: a witness tells them apart by name, so give each home a witness of its own", v.Name())
		}
		w.logs[v.Name()] = v
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, keyFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		seed := make([]byte, 32)
		_, _ = rand.Read(seed)
		raw = []byte(seedText(seed))
		err = replace(path, raw)
	}
	if err != nil {
		return nil, err
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: put it back from your copy", path)
	}
	w.key, err = newCosigner(name, seed)
	return w, err
}

// Public is the witness's public key.
func (w *Witness) Public() string { return w.key.text() }

// replace writes a file whole and synced, or not at all.
func replace(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// submission is a request, read.
type submission struct {
	old    int64
	proof  tlog.TreeProof
	signed []byte
	origin string
	text   string
	size   int64
	root   tlog.Hash
}

var errSubmission = errors.New("the request is not as c2sp.org/tlog-witness has it")

// parseSubmission reads the body of the call; the head's signature is not checked yet.
func parseSubmission(body []byte) (s submission, err error) {
	top, signed, found := bytes.Cut(body, []byte("\n\n"))
	if !found {
		return s, errSubmission
	}
	s.signed = signed
	lines := strings.Split(string(top), "\n")
	digits, isOld := strings.CutPrefix(lines[0], "old ")
	if s.old, err = parseCount(digits); err != nil || !isOld || len(lines) > 64 {
		return s, errSubmission
	}
	for _, text := range lines[1:] {
		h, err := parseHash(text)
		if err != nil {
			return s, errSubmission
		}
		s.proof = append(s.proof, h)
	}
	text, _, found := bytes.Cut(signed, []byte("\n\n"))
	head := strings.Split(string(text), "\n")
	if !found || len(head) < 3 || head[0] == "" {
		return s, errSubmission
	}
	s.origin, s.text = head[0], string(text)+"\n"
	if s.size, err = parseCount(head[1]); err != nil {
		return s, errSubmission
	}
	if s.root, err = parseHash(head[2]); err != nil {
		return s, errSubmission
	}
	return s, nil
}

func parseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, errSubmission
	}
	return n, nil
}

func parseHash(text string) (h tlog.Hash, err error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != len(h) || base64.StdEncoding.EncodeToString(raw) != text {
		return h, errSubmission
	}
	copy(h[:], raw)
	return h, nil
}

// ServeHTTP answers POST …/add-checkpoint.
func (w *Witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/add-checkpoint") {
		http.Error(out, "There is POST add-checkpoint here, and nothing else.", http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, mostAnswer))
	if err != nil {
		http.Error(out, "The request is too large.", http.StatusRequestEntityTooLarge)
		return
	}
	s, err := parseSubmission(body)
	if err != nil || s.old > s.size {
		http.Error(out, "The request is not as c2sp.org/tlog-witness has it.", http.StatusBadRequest)
		return
	}
	log := w.logs[s.origin]
	if log == nil {
		http.Error(out, "This witness does not know that ledger.", http.StatusNotFound)
		return
	}
	n, err := note.Open(s.signed, note.VerifierList(log))
	if err != nil || n.Text != s.text {
		http.Error(out, "The head is not signed by that ledger's key.", http.StatusForbidden)
		return
	}
	status, answer, err := w.judge(s)
	switch {
	case err != nil:
		http.Error(out, "The head could not be kept; try again later.", http.StatusInternalServerError)
		return
	case status == http.StatusConflict && answer != "":
		out.Header().Set("Content-Type", sizeType)
	default:
		out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	out.WriteHeader(status)
	_, _ = io.WriteString(out, answer)
}

// judge compares a head with the one before, and keeps it before it is cosigned.
func (w *Witness) judge(s submission) (status int, answer string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	path := w.File(s.origin)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = f.Close() }()
	last, whole, err := lastLine(f)
	if err != nil {
		return 0, "", err
	}
	before := submission{}
	if last.Head != nil {
		if before, err = parseSubmission(append([]byte("old 0\n\n"), last.Head...)); err != nil {
			return 0, "", err
		}
	}
	switch {
	case s.old != before.size:
		return http.StatusConflict, strconv.FormatInt(before.size, 10) + "\n", nil
	case s.old == s.size && s.size > 0 && s.root != before.root:
		return http.StatusConflict, "", nil
	case s.old == s.size || s.old == 0:
		if len(s.proof) > 0 {
			return http.StatusUnprocessableEntity, "", nil
		}
	case tlog.CheckTree(s.proof, s.size, s.root, s.old, before.root) != nil:
		return http.StatusUnprocessableEntity, "", nil
	}
	now := w.clock()
	if s.size > s.old {
		raw, err := json.Marshal(line{now.Time().UTC(), string(s.signed)})
		if err != nil {
			return 0, "", err
		}
		if raw = append(raw, '\n'); !whole {
			raw = append([]byte{'\n'}, raw...)
		}
		_, err = f.Write(raw)
		if err = errors.Join(err, f.Sync()); err == nil && before.size == 0 {
			err = syncFolder(w.dir)
		}
		if err != nil {
			return 0, "", err
		}
	}
	return http.StatusOK, w.key.sign(s.text, uint64(now.Time().Unix())), nil
}

// File is where the heads of the ledger of that name are kept.
func (w *Witness) File(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return filepath.Join(w.dir, hex.EncodeToString(sum[:8])+".jsonl")
}
