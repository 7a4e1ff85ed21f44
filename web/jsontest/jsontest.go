// Package jsontest reads JSON for tests of strict doors in another way than the doors do: nothing that stands in a document twice is passed over.
package jsontest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Texts gives every text in a JSON document by its path, as in "/person/userId" ("-" for what stands in a list), as often as it stands there. Its error is about a body that is not one document.
func Texts(body []byte, found func(path, text string)) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var value func(path string) error
	value = func(path string) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		if text, ok := token.(string); ok {
			found(path, text)
		}
		for open := token; (open == json.Delim('{') || open == json.Delim('[')) && d.More(); {
			name := "-"
			if open == json.Delim('{') {
				key, err := d.Token()
				if err != nil {
					return err
				}
				name = key.(string)
			}
			if err := value(path + "/" + name); err != nil {
				return err
			}
		}
		if token == json.Delim('{') || token == json.Delim('[') {
			_, err = d.Token()
		}
		return err
	}
	if err := value(""); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one document")
	}
	return nil
}
