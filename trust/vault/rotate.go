package vault

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// wrapping is the keyset that wraps data keys and seals the other key files, while it may change.
type wrapping struct {
	dir string
	kms tink.AEAD
	now atomic.Pointer[generation]

	changing sync.Mutex
	seen     os.FileInfo // the keyset's file as it was read
	failed   time.Time   // when a changed keyset could last not be read
}

// retryAfter is how long nobody asks again for a keyset that could not be read: a key service that hangs must not hold up every decision.
const retryAfter = 10 * time.Second

type generation struct {
	handle  *keyset.Handle
	aead    tink.AEAD
	current Generation
	old     []Generation
}

func newGeneration(handle *keyset.Handle, a tink.AEAD) *generation {
	g := &generation{handle: handle, aead: a}
	p, err := handle.Primary()
	for _, k := range handle.KeysetInfo().GetKeyInfo() {
		name := Generation{1, byte(k.KeyId >> 24), byte(k.KeyId >> 16), byte(k.KeyId >> 8), byte(k.KeyId)} // what tink writes before what the key seals
		if err == nil && p.KeyID() == k.KeyId {
			g.current = name
		} else {
			g.old = append(g.old, name)
		}
	}
	return g
}

func (w *wrapping) begin(home string, kms tink.AEAD, k keyFiles) {
	w.dir, w.kms = filepath.Join(home, "keys"), kms
	w.now.Store(newGeneration(k.handle, k.kek))
	w.seen, _ = os.Stat(filepath.Join(w.dir, wrappingFile))
}

func (w *wrapping) wrap(plain, aad []byte) ([]byte, error) {
	return w.now.Load().aead.Encrypt(plain, aad)
}

func (w *wrapping) unwrapNow(sealed, aad []byte) ([]byte, error) {
	return w.now.Load().aead.Decrypt(sealed, aad)
}

// unwrap opens what wrap made; when the keys that are known cannot, and another process has changed the keyset meanwhile, with the changed one.
// ErrUnavailable when there is a changed one and it cannot be read now.
func (w *wrapping) unwrap(sealed, aad []byte) ([]byte, error) {
	raw, err := w.now.Load().aead.Decrypt(sealed, aad)
	if err == nil {
		return raw, nil
	}
	changed, failed := w.refresh()
	switch {
	case failed != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, failed)
	case changed:
		return w.now.Load().aead.Decrypt(sealed, aad)
	}
	return nil, err
}

// refresh reads the keyset anew when its file is another one, and says whether it was.
func (w *wrapping) refresh() (changed bool, err error) {
	info, err := os.Stat(filepath.Join(w.dir, wrappingFile))
	if err != nil {
		return false, fmt.Errorf("%w: %s cannot be looked at: %w", ErrKeys, wrappingFile, err)
	}
	w.changing.Lock()
	defer w.changing.Unlock()
	return w.takeUp(info)
}

// takeUp is refresh for who holds changing.
func (w *wrapping) takeUp(info os.FileInfo) (changed bool, err error) {
	if w.seen != nil && os.SameFile(info, w.seen) && info.ModTime().Equal(w.seen.ModTime()) {
		return false, nil
	}
	if time.Since(w.failed) < retryAfter {
		return false, fmt.Errorf("%w: %s was changed and cannot be read just now", ErrKeys, wrappingFile)
	}
	k, err := readKeys(w.dir, w.kms)
	if err != nil {
		w.failed = time.Now()
		return false, err
	}
	w.seen, w.failed = info, time.Time{}
	w.now.Store(newGeneration(k.handle, k.kek))
	return true, nil
}

// Follow takes up a keyset that another process of the same home has rotated. It costs a look at one file's date.
func (v *Vault) Follow() error {
	_, err := v.wrapping.refresh()
	return err
}

// ErrRotating says that another process is changing the keys of this home.
var ErrRotating = errors.New("another process is changing the keys of this home: wait until it is done")

// Alone takes the folder of keys for whoever is about to change it, until release is called or the process ends, and takes up what others changed
// before: two that rotate from the same keyset would each write one that lacks the other's key, and what that has wrapped would be lost.
// ErrRotating when another has it.
func (v *Vault) Alone() (release func(), err error) {
	lock, err := lockFolder(v.wrapping.dir)
	if err != nil {
		return nil, err
	}
	v.wrapping.changing.Lock()
	v.wrapping.failed = time.Time{} // whoever asks for this waits for an answer
	v.wrapping.changing.Unlock()
	if err := v.Follow(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return func() { _ = lock.Close() }, nil
}

// Generation names the wrapping key by which a data key is wrapped: the same for all that one key has wrapped.
type Generation [5]byte

// GenerationOf is the generation of a wrapped data key; false for what is none.
func GenerationOf(wrapped []byte) (g Generation, ok bool) {
	if len(wrapped) < 28 {
		return g, false
	}
	copy(g[:], wrapped)
	return g, true
}

// Wrapping gives the generation by which data keys are wrapped now, and those that only open.
func (v *Vault) Wrapping() (now Generation, old []Generation) {
	g := v.wrapping.now.Load()
	return g.current, g.old
}

// Rotate makes a new wrapping key. From its return on data keys are wrapped by it; those that were wrapped before still open. The other key
// files are sealed by it anew. A rotation that was begun and not retired is gone on with: no further key is made. Values are not touched. Call it, and
// Retire, between Alone and its release.
func (v *Vault) Rotate() error {
	w := &v.wrapping
	w.changing.Lock()
	defer w.changing.Unlock()
	g := w.now.Load()
	if g.handle.Len() == 1 {
		m := keyset.NewManagerFromHandle(g.handle)
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err == nil {
			err = m.SetPrimary(id)
		}
		if err != nil {
			return fmt.Errorf("%w: no new wrapping key could be made: %w", ErrKeys, err)
		}
		if err := w.change(m); err != nil {
			return err
		}
	}
	for _, name := range secretNames {
		path := filepath.Join(w.dir, secretFile(name))
		sealed, err := readKey(path)
		if err != nil {
			return err
		}
		secret, err := w.now.Load().aead.Decrypt(sealed, secretAAD(name))
		if err != nil {
			return fmt.Errorf("%w: %s is damaged: put it back from your backup of the keys", ErrKeys, secretFile(name))
		}
		anew, err := w.wrap(secret, secretAAD(name))
		clear(secret)
		if err != nil {
			return fmt.Errorf("%w: %s could not be sealed: %w", ErrKeys, secretFile(name), err)
		}
		if err := replaceKey(path, anew); err != nil {
			return err
		}
	}
	return nil
}

// Rewrap gives a data key wrapped by the current wrapping key; the same bytes when it is already. ErrUnreadable when it cannot be unwrapped,
// ErrUnavailable when that cannot be told now.
func (v *Vault) Rewrap(id [16]byte, wrapped []byte) ([]byte, error) {
	g, ok := GenerationOf(wrapped)
	if !ok {
		return nil, ErrUnreadable
	}
	if now, _ := v.Wrapping(); g == now {
		return wrapped, nil
	}
	raw, err := v.wrapping.unwrap(wrapped, id[:])
	if errors.Is(err, ErrUnavailable) {
		return nil, err
	}
	if err != nil {
		return nil, ErrUnreadable
	}
	defer clear(raw)
	return v.wrapping.wrap(raw, id[:])
}

// Retire destroys every wrapping key but the current one. Call it when nothing that is wrapped by another is left: what is, is lost.
func (v *Vault) Retire() error {
	w := &v.wrapping
	w.changing.Lock()
	defer w.changing.Unlock()
	g := w.now.Load()
	primary, err := g.handle.Primary()
	if err != nil {
		return fmt.Errorf("%w: the keyset has no current key: %w", ErrKeys, err)
	}
	m := keyset.NewManagerFromHandle(g.handle)
	for _, k := range g.handle.KeysetInfo().GetKeyInfo() {
		if k.KeyId != primary.KeyID() {
			if err := m.Delete(k.KeyId); err != nil {
				return fmt.Errorf("%w: an old wrapping key could not be taken out: %w", ErrKeys, err)
			}
		}
	}
	return w.change(m)
}

// SealKeyset has the wrapping keyset sealed by another key service, or by none when kms is nil, from now on. What it holds stays as it is: who could
// read it before still has it, until a rotation. Call it between Alone and its release.
func (v *Vault) SealKeyset(kms tink.AEAD) error {
	w := &v.wrapping
	w.changing.Lock()
	defer w.changing.Unlock()
	before := w.kms
	w.kms = kms
	err := w.change(keyset.NewManagerFromHandle(w.now.Load().handle))
	if err != nil {
		w.kms = before
	}
	return err
}

// change writes the keyset of m and takes it up. The caller holds changing.
func (w *wrapping) change(m *keyset.Manager) error {
	handle, err := m.Handle()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeys, err)
	}
	a, err := aead.New(handle)
	if err != nil {
		return fmt.Errorf("%w: the keyset cannot seal: %w", ErrKeys, err)
	}
	text, err := keysetText(handle, w.kms)
	if err != nil {
		return err
	}
	defer clear(text)
	path := filepath.Join(w.dir, wrappingFile)
	if err := replaceKey(path, text); err != nil {
		return err
	}
	w.seen, _ = os.Stat(path)
	w.now.Store(newGeneration(handle, a))
	return nil
}

// randomID is 16 random bytes.
func randomID() (id [16]byte) {
	_, _ = rand.Read(id[:])
	return id
}
