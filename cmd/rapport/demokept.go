package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func readDemo(dir string) (*demoReady, error) {
	raw, err := os.ReadFile(filepath.Join(dir, demoKept))
	if err != nil {
		return nil, err
	}
	kept := new(demoReady)
	if err := json.Unmarshal(raw, kept); err != nil || len(kept.UserIDs) == 0 || len(kept.UserLevels) != len(kept.UserIDs) || kept.ShopToken == "" {
		return nil, fmt.Errorf("%s in the demo's home cannot be read; remove the home and make it again", demoKept)
	}
	return kept, nil
}

func writeJSONLine(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(raw, '\n'))
	return err
}
