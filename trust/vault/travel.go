package vault

import (
	"fmt"
	"os"
	"path/filepath"
)

// WrappingFile is the file of the keys folder that must not travel with the others.
const WrappingFile = wrappingFile

// KeyFiles gives the files of a home's keys folder as they are on disk: wrapping.json in clear unless a key service seals it, the others sealed by it.
// Who has them and a copy of the database can read everything: they must travel apart.
func KeyFiles(home string) (map[string][]byte, error) {
	dir := filepath.Join(home, "keys")
	if err := ownerOnly(dir, true); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range keyFileNames() {
		b, err := readKey(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		files[name] = b
	}
	return files, nil
}

// PlaceKeys makes the folder keys/ in home of what KeyFiles gave. It refuses when the folder is there already, and files that are not exactly those of a
// home.
func PlaceKeys(home string, files map[string][]byte) error {
	names := keyFileNames()
	if len(files) != len(names) {
		return fmt.Errorf("%w: these are not the files of a keys folder", ErrKeys)
	}
	dir := filepath.Join(home, "keys")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("%w: the folder %s cannot be made: %w", ErrKeys, dir, err)
	}
	for _, name := range names {
		b, ok := files[name]
		if !ok {
			return fmt.Errorf("%w: %s is missing among them", ErrKeys, name)
		}
		if err := writeKey(filepath.Join(dir, name), b); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// keyFileNames are the files of the keys folder; the wrapping keyset comes last, so that a folder that has it is whole.
func keyFileNames() []string {
	var names []string
	for _, name := range secretNames {
		names = append(names, secretFile(name))
	}
	return append(names, wrappingFile)
}
