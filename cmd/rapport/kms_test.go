package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/store/pgtest"
	"github.com/rapporthq/rapport/trust/vault"
	"github.com/rapporthq/rapport/trust/vault/transit/transittest"
)

// TestEveryCommandWorksUnderAKeyService has a home's wrapping key in a key service from its first day on, on both engines: it is filled, served, rotated, looked over,
// backed up and restored; and a home that began without one is moved into it and out again.
func TestEveryCommandWorksUnderAKeyService(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"SQLite": func(testing.TB) string { return "" }, "PostgreSQL": func(t testing.TB) string { return pgtest.URL(t) }} {
		t.Run(name, func(t *testing.T) {
			service := transittest.New(t)
			token := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(token, []byte(service.Token+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			home := filepath.Join(dir, "home")
			if out, errs, code := try(t, "init", home, "--kms", service.Key("shop")); code == 0 || isHome(home) {
				t.Errorf("a home is made under a service that gives no token: %s %s", out, errs)
			}
			t.Setenv("RAPPORT_KMS_TOKEN_FILE", token)
			t.Setenv("RAPPORT_KMS", service.Key("shop"))
			t.Setenv("RAPPORT_DATABASE", database(t))
			must(t, "init", home)
			sealedKeyset(t, home, true)
			users := customersOf(t, "Zq7Kms", 30, "--home", home)
			s := serveHome(t, home)
			sends(t, s.URL, must(t, "token", "--home", home, "--role", "source", "--name", "tills"), orderOf(users[0], "later"))
			must(t, "keys", "rotate", "--home", home)
			must(t, "keys", "rotate", "--home", home)
			until(t, "what was sent is history", func() bool {
				return strings.Contains(must(t, "rights", "export", "--home", home, "--person", "userId="+users[0]), "later")
			})
			if out := must(t, "doctor", "--home", home); !strings.Contains(out, "Nothing must be mended.") {
				t.Error(out)
			}
			data, keys := filepath.Join(dir, "data"), filepath.Join(dir, "keys")
			must(t, "backup", "--home", home, data, "--keys", keys)
			s.stop()
			sealedKeyset(t, home, true)
			reads(t, home, users, "later")

			t.Setenv("RAPPORT_DATABASE", database(t))
			second := filepath.Join(dir, "second")
			must(t, "restore", data, "--keys", keys, "--home", second)
			reads(t, second, users, "later")
			whole(t, second)
			t.Setenv("RAPPORT_KMS", service.Key("another"))
			if out, errs, code := try(t, "restore", data, "--keys", keys, "--home", filepath.Join(dir, "third")); code != 1 || !strings.Contains(errs, "key service") {
				t.Errorf("a backup opens by another key: %d %s %s", code, out, errs)
			}
			if _, errs, code := try(t, "rights", "certificate", "--home", second); code != 1 || !strings.Contains(errs, "another key service") {
				t.Errorf("a home opens by another key: %d %s", code, errs)
			}
			t.Setenv("RAPPORT_KMS", "")
			if _, errs, code := try(t, "rights", "certificate", "--home", second); code != 1 || !strings.Contains(errs, "--kms") {
				t.Errorf("without the service it is not said what to do: %d %s", code, errs)
			}

			// Out of the service, and into another key of it: what lay in the clear is rotated away.
			must(t, "keys", "seal", "--home", second, "--kms", service.Key("shop"), "--by", "none")
			clear := sealedKeyset(t, second, false)
			reads(t, second, users, "later")
			must(t, "keys", "seal", "--home", second, "--by", service.Key("another"))
			sealedKeyset(t, second, true)
			t.Setenv("RAPPORT_KMS", service.Key("another"))
			reads(t, second, users, "later")
			t.Setenv("RAPPORT_KMS", "")
			if err := os.WriteFile(filepath.Join(second, "keys", vault.WrappingFile), clear, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, errs, code := try(t, "rights", "access", "--home", second, "--person", "userId="+users[0]); code == 0 {
				t.Errorf("the keyset that lay in the clear still opens the home: %s", errs)
			}
		})
	}
}

// sealedKeyset says whether the wrapping keyset lies sealed.
func sealedKeyset(t *testing.T, home string, want bool) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(home, "keys", vault.WrappingFile))
	if err != nil || strings.Contains(string(raw), "encryptedKeyset") != want || strings.Contains(string(raw), "keyData") == want {
		t.Fatalf("the keyset is not kept as it should be: %v", err)
	}
	return raw
}

func orderOf(user, id string) map[string]any {
	return map[string]any{"type": "track", "messageId": "m-" + user + id, "userId": user, "event": "Order Completed", "properties": map[string]any{"order_id": id, "products": []any{map[string]any{"product_id": "sku-1"}}}}
}

// reads looks up two of the people: their facts, their order of before, and the one that came while it was served.
func reads(t *testing.T, home string, users []string, order string) {
	t.Helper()
	for n, user := range []string{users[0], users[len(users)-1]} {
		said := must(t, "rights", "export", "--home", home, "--person", "userId="+user)
		if !strings.Contains(said, user) || strings.Contains(said, order) != (n == 0) {
			t.Fatalf("somebody has %s", said)
		}
	}
}

// TestAHomeWhoseKeyServiceIsAway takes the service away while the home is served: who is known is decided for and added to as before, nothing that is acknowledged is
// lost, what needs the service says so and changes nothing, and a process that starts then does not come up.
func TestAHomeWhoseKeyServiceIsAway(t *testing.T) {
	service := transittest.New(t)
	t.Setenv("VAULT_TOKEN", service.Token)
	t.Setenv("RAPPORT_KMS", service.Key("shop"))
	home := filepath.Join(t.TempDir(), "home")
	must(t, "init", home)
	users := customersOf(t, "Zq7Away", 30, "--home", home)
	key := must(t, "token", "--home", home, "--role", "source", "--name", "tills")
	s := serveHome(t, home)
	before := decides(t, home, users[1], "basket")
	service.Away.Store(true)
	sends(t, s.URL, key, orderOf(users[0], "away"), orderOf("newcomer", "away"))
	if after := decides(t, home, users[1], "basket"); fmt.Sprint(after.Items) != fmt.Sprint(before.Items) || after.Rung != before.Rung {
		t.Errorf("another decision while the service is away: %v, %v", before, after)
	}
	if _, errs, code := try(t, "keys", "rotate", "--home", home); code != 1 || !strings.Contains(errs, "key service") {
		t.Errorf("a rotation without the service: %d %s", code, errs)
	}
	out, _, code := try(t, "doctor", "--home", home)
	if code != 1 || !strings.Contains(out, "key service did not answer") || !strings.Contains(out, "whole") && !strings.Contains(out, "ledger") {
		t.Errorf("the doctor: %d %s", code, out)
	}
	if status := gets(t, s.URL+"/readyz", "", nil); status != http.StatusOK {
		t.Errorf("a process that needs no key service now answers %d", status)
	}
	s.stop()
	if _, ok := starts(t, nil, "serve", "--home", home, "--listen", "127.0.0.1:0"); ok {
		t.Error("a home comes up without its key service")
	}
	if _, errs, code := try(t, "rights", "certificate", "--home", home); code != 1 || !strings.Contains(errs, "cannot be opened now") {
		t.Errorf("a command without the service: %d %s", code, errs)
	}
	service.Away.Store(false)
	reads(t, home, append([]string{users[0]}, users[1:]...), "away")
	if said := must(t, "rights", "export", "--home", home, "--person", "userId=newcomer"); !strings.Contains(said, "away") {
		t.Errorf("who came meanwhile has %s", said)
	}
	must(t, "keys", "rotate", "--home", home)
	whole(t, home)
}
