package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
	"golang.org/x/mod/sumdb/note"
)

// The files of keys/. wrapping.json is a tink keyset, in clear for its owner only, or sealed by the key service. Every other file is
// sealed by the wrapping keyset, so that who has those files without it has nothing.
const wrappingFile = "wrapping.json"

var secretNames = []string{"blind", "names", "events", "ledger", "doors", "tree"}

// keyFiles is what the keys folder holds, opened. "tree-public" is made from "tree".
type keyFiles struct {
	handle  *keyset.Handle
	kek     tink.AEAD
	secrets map[string][]byte
}

func secretFile(name string) string { return name + ".key" }
func secretAAD(name string) []byte  { return []byte("rapport key " + name) }

func createKeys(dir string, kms tink.AEAD) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("%w: %s is there already: open the home instead, or choose another folder", ErrKeys, dir)
		}
		return fmt.Errorf("%w: the folder %s cannot be made: %w", ErrKeys, dir, err)
	}
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("%w: no keyset could be made: %w", ErrKeys, err)
	}
	text, err := keysetText(handle, kms)
	if err != nil {
		return err
	}
	kek, err := aead.New(handle)
	if err != nil {
		return fmt.Errorf("%w: the keyset cannot seal: %w", ErrKeys, err)
	}
	for _, name := range secretNames {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		if name == "tree" {
			tag := make([]byte, 6) // a witness keeps heads of many homes
			_, _ = rand.Read(tag)
			signer, verifier, err := note.GenerateKey(rand.Reader, "rapport-ledger/"+hex.EncodeToString(tag))
			if err != nil {
				return fmt.Errorf("%w: no signing key could be made: %w", ErrKeys, err)
			}
			secret = []byte(signer + "\n" + verifier)
		}
		sealed, err := kek.Encrypt(secret, secretAAD(name))
		clear(secret)
		if err != nil {
			return fmt.Errorf("%w: %s could not be sealed: %w", ErrKeys, secretFile(name), err)
		}
		if err := writeKey(filepath.Join(dir, secretFile(name)), sealed); err != nil {
			return err
		}
	}
	// Last, so that a folder with a wrapping keyset is a whole one.
	if err := writeKey(filepath.Join(dir, wrappingFile), text); err != nil {
		return err
	}
	return syncDir(dir)
}

// keysetText is a keyset as its file has it.
func keysetText(handle *keyset.Handle, kms tink.AEAD) ([]byte, error) {
	var text bytes.Buffer
	var err error
	if kms != nil {
		asked := &noted{AEAD: kms}
		if err = handle.Write(keyset.NewJSONWriter(&text), asked); err != nil && asked.err != nil {
			err = asked.err
		}
	} else {
		err = insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the keyset could not be written: %w", ErrKeys, err)
	}
	return text.Bytes(), nil
}

// noted remembers what a key service said, for the library does not pass it on whole.
type noted struct {
	tink.AEAD
	err error
}

// Encrypt asks the service.
func (n *noted) Encrypt(plain, aad []byte) (sealed []byte, err error) {
	sealed, n.err = n.AEAD.Encrypt(plain, aad)
	return sealed, n.err
}

// Decrypt asks the service.
func (n *noted) Decrypt(sealed, aad []byte) (plain []byte, err error) {
	plain, n.err = n.AEAD.Decrypt(sealed, aad)
	return plain, n.err
}

func readKeys(dir string, kms tink.AEAD) (keyFiles, error) {
	if err := ownerOnly(dir, true); err != nil {
		return keyFiles{}, err
	}
	text, err := readKey(filepath.Join(dir, wrappingFile))
	if err != nil {
		return keyFiles{}, err
	}
	defer clear(text)
	var handle *keyset.Handle
	switch {
	case kms != nil && !sealed(text):
		return keyFiles{}, fmt.Errorf("%w: %s is sealed by no key service: leave out --kms, or have it sealed with rapport keys seal", ErrKeys, wrappingFile)
	case kms != nil:
		asked := &noted{AEAD: kms}
		if handle, err = keyset.Read(keyset.NewJSONReader(bytes.NewReader(text)), asked); errors.Is(asked.err, ErrKeyService) {
			return keyFiles{}, fmt.Errorf("%w: %s cannot be opened now: %w", ErrKeys, wrappingFile, asked.err)
		}
	case sealed(text):
		return keyFiles{}, fmt.Errorf("%w: %s is sealed by a key service: name that service with --kms", ErrKeys, wrappingFile)
	default:
		handle, err = insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	}
	if err != nil {
		return keyFiles{}, fmt.Errorf("%w: %s is damaged or belongs to another key service: put it back from your backup of the keys", ErrKeys, wrappingFile)
	}
	kek, err := aead.New(handle)
	if err != nil {
		return keyFiles{}, fmt.Errorf("%w: %s is no keyset that can seal: put it back from your backup of the keys", ErrKeys, wrappingFile)
	}
	k := keyFiles{handle: handle, kek: kek, secrets: map[string][]byte{}}
	for _, name := range secretNames {
		sealed, err := readKey(filepath.Join(dir, secretFile(name)))
		if err != nil {
			return keyFiles{}, err
		}
		secret, err := kek.Decrypt(sealed, secretAAD(name))
		if err != nil || name == "blind" && (len(secret) == 0 || len(secret)%32 != 0) || name != "tree" && name != "blind" && len(secret) != 32 {
			return keyFiles{}, fmt.Errorf("%w: %s is damaged or belongs to another home: put it back from your backup of the keys", ErrKeys, secretFile(name))
		}
		k.secrets[name] = secret
	}
	signer, verifier, ok := bytes.Cut(k.secrets["tree"], []byte("\n"))
	if !ok {
		return keyFiles{}, fmt.Errorf("%w: %s is no signing key: put it back from your backup of the keys", ErrKeys, secretFile("tree"))
	}
	k.secrets["tree"], k.secrets["tree-public"] = signer, verifier
	return k, nil
}

// sealed says whether a keyset's text is sealed by a key service.
func sealed(text []byte) bool { return bytes.Contains(text, []byte(`"encryptedKeyset"`)) }

// ownerOnly refuses a key file or folder that is a link, is not ours, or that others could read.
func ownerOnly(path string, dir bool) error {
	info, err := os.Lstat(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%w: %s is missing: put it back from your backup of the keys, or make a home with rapport init", ErrKeys, path)
		}
		return fmt.Errorf("%w: %s cannot be looked at: %w", ErrKeys, path, err)
	}
	switch {
	case dir && !info.IsDir():
		return fmt.Errorf("%w: %s must be a folder, and no link to one", ErrKeys, path)
	case !dir && !info.Mode().IsRegular():
		return fmt.Errorf("%w: %s must be a file, and no link to one", ErrKeys, path)
	case info.Mode().Perm()&0o077 != 0:
		mode := "600"
		if dir {
			mode = "700"
		}
		return fmt.Errorf("%w: %s can be read by others than its owner: run chmod %s %s", ErrKeys, path, mode, path)
	case !ownedByUs(info):
		return fmt.Errorf("%w: %s belongs to another user: run as its owner, or chown it", ErrKeys, path)
	}
	return nil
}

func readKey(path string) ([]byte, error) {
	if err := ownerOnly(path, false); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s cannot be read: %w", ErrKeys, path, err)
	}
	return b, nil
}

func writeKey(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = f.Write(b)
		if err == nil {
			err = f.Sync()
		}
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %s could not be written: %w", ErrKeys, path, err)
	}
	return nil
}

// replaceKey puts other bytes in the place of a key file, whole or not at all, and overwrites the old ones: what a rotation retires must not
// lie about in the free blocks of a disk. (A file system that never writes in place, or a disk with a mind of its own, may keep them all the same.)
func replaceKey(path string, b []byte) error {
	old, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%w: %s cannot be opened: %w", ErrKeys, path, err)
	}
	defer func() { _ = old.Close() }()
	beside := path + ".new"
	_ = os.Remove(beside) // of a rotation that was killed
	if err := writeKey(beside, b); err != nil {
		return err
	}
	if err := os.Rename(beside, path); err != nil {
		return fmt.Errorf("%w: %s could not be replaced: %w", ErrKeys, path, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return err
	}
	info, err := old.Stat()
	if err == nil {
		_, err = old.WriteAt(make([]byte, info.Size()), 0)
	}
	if err == nil {
		err = old.Sync()
	}
	if err != nil {
		return fmt.Errorf("%w: the former %s could not be overwritten: %w", ErrKeys, path, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("%w: %s could not be synced: %w", ErrKeys, dir, err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("%w: %s could not be synced: %w", ErrKeys, dir, err)
	}
	return nil
}
