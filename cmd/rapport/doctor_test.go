package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/store/pgtest"
)

// wellHome is a home in which something has happened, closed.
func wellHome(t *testing.T) string {
	t.Helper()
	home := exampleHome(t)
	stock(t, home)
	must(t, "decide", "--home", home, "--person", "userId=house-1", "--placement", "home")
	must(t, "ledger", "verify", "--home", home)
	return home
}

// sqlite changes a home's file behind its back.
func sqlite(t *testing.T, home, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(home, databaseDir, file))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// certificateOf writes a certificate with its key, good between two times.
func certificateOf(t *testing.T, from, until time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: []string{"shop.example"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		writeFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})))
}

// TestEachFindingIsFoundWhereItIsPlanted plants every fault that the doctor knows, one at a time, in a copy of a home that is well.
func TestEachFindingIsFoundWhereItIsPlanted(t *testing.T) {
	well := wellHome(t)
	now := time.Now()
	chmod := func(name string, mode os.FileMode) func(t *testing.T, home string, x *examination) {
		return func(t *testing.T, home string, _ *examination) {
			if err := os.Chmod(filepath.Join(home, name), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	certs := func(from, until time.Duration) func(t *testing.T, home string, x *examination) {
		return func(t *testing.T, _ string, x *examination) {
			x.cert, x.key = certificateOf(t, now.Add(from), now.Add(until))
		}
	}
	const day = 24 * time.Hour
	for _, c := range []struct {
		what, check string
		state       state
		says        string
		plant       func(t *testing.T, home string, x *examination)
	}{
		{"nothing", "", good, "", func(*testing.T, string, *examination) {}},
		{"no home", "home", mend, "There is no home", func(t *testing.T, home string, _ *examination) {
			if err := os.RemoveAll(filepath.Join(home, "keys")); err != nil {
				t.Fatal(err)
			}
		}},
		{"an open home", "home", mend, "Others than its owner", chmod(".", 0o755)},
		{"open keys", "keys", mend, "Others than their owner", chmod("keys", 0o750)},
		{"an open key", "keys", mend, "keys/doors.key", chmod("keys/doors.key", 0o644)},
		{"a missing key", "keys", mend, "blind.key is missing", func(t *testing.T, home string, _ *examination) {
			if err := os.Remove(filepath.Join(home, "keys", "blind.key")); err != nil {
				t.Fatal(err)
			}
		}},
		{"a damaged key", "keys", mend, "names.key is damaged", func(t *testing.T, home string, _ *examination) {
			if err := os.WriteFile(filepath.Join(home, "keys", "names.key"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"a full disk", "disk", mend, "has 3 MB left", func(_ *testing.T, _ string, x *examination) {
			x.free = func(string) (uint64, bool) { return 3 << 20, true }
		}},
		{"a tight disk", "disk", note, "the database takes", func(t *testing.T, home string, x *examination) {
			x.free = func(string) (uint64, bool) { return leastDisk + 1, true }
			if err := os.Truncate(filepath.Join(home, databaseDir, "lock"), leastDisk+2); err != nil { // takes no room
				t.Fatal(err)
			}
		}},
		{"a disk of which nothing is known", "disk", note, "cannot be told", func(_ *testing.T, _ string, x *examination) { x.free = func(string) (uint64, bool) { return 0, false } }},
		{"a clock that is behind", "clock", mend, "behind what the home has written", func(_ *testing.T, _ string, x *examination) {
			x.now = func() time.Time { return now.Add(-2 * time.Hour) }
		}},
		{"an old certificate", "certificates", mend, "ran out", certs(-2*day, -day)},
		{"a certificate of tomorrow", "certificates", mend, "is good from", certs(day, 90*day)},
		{"a certificate that ends soon", "certificates", note, "runs out", certs(-day, 5*day)},
		{"somebody else's certificate", "certificates", mend, "cannot be used together", func(t *testing.T, _ string, x *examination) {
			x.cert, _ = certificateOf(t, now, now.Add(day))
			_, x.key = certificateOf(t, now, now.Add(day))
		}},
		{"an open certificate key", "certificates", mend, "can read the certificate's key", func(t *testing.T, home string, x *examination) {
			certs(-day, 90*day)(t, home, x)
			if err := os.Chmod(x.key, 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{"a newer database", "database", mend, "made by a newer rapport", func(t *testing.T, home string, _ *examination) {
			sqlite(t, home, "rapport.db", "INSERT INTO migration (part, version, name, at) VALUES ('main', 999, 'x', 1)")
		}},
		{"a database that waits", "database", mend, "waits to be brought up to date", func(t *testing.T, home string, _ *examination) {
			sqlite(t, home, "history.db", "DELETE FROM migration")
		}},
		{"a database that is none", "database", mend, "cannot be read", func(t *testing.T, home string, _ *examination) {
			if err := os.WriteFile(filepath.Join(home, databaseDir, "rapport.db"), bytes.Repeat([]byte("x"), 9000), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"damage", "database", mend, "finds damage", func(t *testing.T, home string, _ *examination) {
			sqlite(t, home, "rapport.db", "PRAGMA writable_schema=ON", "UPDATE sqlite_schema SET sql = 'CREATE INDEX look_part ON look (at, id)' WHERE name = 'look_part'")
		}},
		{"a charter that is gone", "charter", mend, "cannot be read", func(t *testing.T, home string, _ *examination) {
			if err := os.Remove(filepath.Join(home, charterFile)); err != nil {
				t.Fatal(err)
			}
		}},
		{"a broken charter", "charter", mend, "errors", func(t *testing.T, home string, _ *examination) {
			write(t, filepath.Join(home, charterFile), "charter: 1\nbrand: 7")
		}},
		{"a charter with warnings", "charter", note, "with 1 warning", func(t *testing.T, home string, _ *examination) {
			write(t, filepath.Join(home, charterFile), string(edited(t, "receipts: {retain: 13mo}\n", "")))
		}},
		{"a proposal", "charter", note, "a proposal", func(t *testing.T, home string, _ *examination) {
			source, _ := charter.Example("retail")
			write(t, filepath.Join(home, charterFile), string(source)+"# more")
		}},
		{"a changed ledger", "ledger", mend, "not whole", func(t *testing.T, home string, _ *examination) {
			sqlite(t, home, "rapport.db", "UPDATE look SET actor = 'nobody' WHERE number = 2")
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			home := filepath.Join(shortDir(t), "home")
			if err := os.CopyFS(home, os.DirFS(well)); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{".", "keys", databaseDir} { // CopyFS gives everybody their bits
				if err := os.Chmod(filepath.Join(home, name), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			entries, err := os.ReadDir(filepath.Join(home, "keys"))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if err := os.Chmod(filepath.Join(home, "keys", e.Name()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			x := examination{home: homeOptions{Home: home}, free: func(string) (uint64, bool) { return 1 << 40, true }, now: time.Now}
			c.plant(t, home, &x)
			found := 0
			for _, f := range x.look(t.Context()) {
				if f.State != good && (f.Check != c.check || !strings.Contains(f.Says, c.says)) && f.State == mend {
					t.Errorf("and it finds: %+v", f)
				}
				if f.State != good && f.Check == c.check && strings.Contains(f.Says, c.says) {
					found++
					if f.State != c.state || f.State == mend && f.Mend == "" {
						t.Errorf("it is found as %+v", f)
					}
				}
			}
			if want := map[bool]int{true: 1, false: 0}[c.state != good]; found != want {
				t.Errorf("found %d times: %+v", found, x.look(t.Context()))
			}
		})
	}
}

// TestTheDoctorLooksAHomeOverWhileItServes, in words and as JSON, and ends with 1 when something must be mended.
func TestTheDoctorLooksAHomeOverWhileItServes(t *testing.T) {
	home := wellHome(t)
	s := serveHome(t, home)
	if out := must(t, "doctor", "--home", home); !strings.Contains(out, "Nothing must be mended.") || !strings.Contains(out, "schema") {
		t.Error(out)
	}
	checks := map[string]bool{}
	for line := range strings.Lines(must(t, "doctor", "--home", home, "--json")) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil || f.State == mend {
			t.Errorf("%v: %s", err, line)
		}
		checks[f.Check] = true
	}
	for _, check := range []string{"keys", "disk", "clock", "database", "charter", "ledger", "versions"} {
		if !checks[check] {
			t.Errorf("%s was not looked at", check)
		}
	}
	if err := os.Chmod(filepath.Join(home, "keys"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, errs, code := try(t, "doctor", "--home", home)
	if code != 1 || errs != "" || !strings.Contains(out, "1 of ") || !strings.Contains(out, "chmod 700") {
		t.Errorf("exit %d, %q: %s", code, errs, out)
	}
	s.stop()
}

// TestTheDoctorLooksAtAHomeOnPostgreSQL, where there is no file and no socket to look at.
func TestTheDoctorLooksAtAHomeOnPostgreSQL(t *testing.T) {
	home, db := exampleHome(t), pgtest.URL(t)
	must(t, "token", "--home", home, "--database", db, "--role", "decide", "--name", "shop")
	if out := must(t, "doctor", "--home", home, "--database", db); !strings.Contains(out, "PostgreSQL, whole") {
		t.Error(out)
	}
	out, _, code := try(t, "doctor", "--home", home, "--database", "postgres://nobody@127.0.0.1:1/none?connect_timeout=1")
	if code != 1 || !strings.Contains(out, "mend  database") {
		t.Errorf("exit %d: %s", code, out)
	}
}
