package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newCertificate writes a certificate of its own with a name, and its key.
func newCertificate(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		// In one act, as those who renew certificates do.
		if err := os.WriteFile(file+".new", pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
}

// shows is the name in the certificate that a server shows.
func shows(t *testing.T, address string) string {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// TestACertificateIsReplacedWithoutARestart puts new files in place, then broken ones, then good ones again.
func TestACertificateIsReplacedWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	newCertificate(t, cert, key, "first")
	s := serveHome(t, exampleHome(t), "--tls-cert", cert, "--tls-key", key)
	address, ok := strings.CutPrefix(s.URL, "https://")
	if !ok {
		t.Fatalf("it serves %s", s.URL)
	}
	if name := shows(t, address); name != "first" {
		t.Errorf("it shows %q", name)
	}
	newCertificate(t, cert, key, "second")
	if name := shows(t, address); name != "second" {
		t.Errorf("after the files were replaced it shows %q", name)
	}
	if err := os.WriteFile(cert, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if name := shows(t, address); name != "second" {
			t.Errorf("with a broken file it shows %q", name)
		}
	}
	until(t, "the log says so", func() bool { return strings.Contains(s.log.String(), "the new certificate cannot be used") })
	if n := strings.Count(s.log.String(), "the new certificate cannot be used"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
	newCertificate(t, cert, key, "third")
	if name := shows(t, address); name != "third" {
		t.Errorf("after they were mended it shows %q", name)
	}
	s.stop()
	if _, errs, code := try(t, "serve", "--home", s.Home, "--listen", "127.0.0.1:0", "--tls-cert", cert); code != 2 || !strings.Contains(errs, "together") {
		t.Errorf("one file only: exit %d, %s", code, errs)
	}
	if err := os.WriteFile(key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := try(t, "serve", "--home", s.Home, "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key); code != 1 || !strings.Contains(errs, "--tls-cert") {
		t.Errorf("a start with a broken file: exit %d, %s", code, errs)
	}
}

// TestAStopAnswersWhatIsUnderWay stops a home in the middle of a request: it is answered, nothing new is let in, and what was sent is there.
func TestAStopAnswersWhatIsUnderWay(t *testing.T) {
	home := exampleHome(t)
	key := must(t, "token", "--home", home, "--role", "source", "--name", "tills")
	s := serveHome(t, home)
	address := strings.TrimPrefix(s.URL, "http://")
	body := `{"writeKey":"` + key + `","userId":"late","event":"Order Completed","messageId":"late-1","properties":{"order_id":"late","products":[{"product_id":"1","quantity":1}]}}`
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	// Whoever is told to go on has begun to be read.
	if _, err := fmt.Fprintf(c, "POST /v1/track HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", address, len(body)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q %v", line, err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, "nothing new is let in", func() bool {
		other, err := net.Dial("tcp", address)
		if err == nil {
			_ = other.Close()
		}
		return err != nil
	})
	if _, err := io.WriteString(c, body); err != nil {
		t.Fatal(err)
	}
	if _, err := in.ReadString('\n'); err != nil { // the empty line after 100
		t.Fatal(err)
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("what was under way was not answered: %v", err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("it was answered with %d", res.StatusCode)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	<-s.done
	if n := orders(opened(t, homeOptions{Home: home}).everybody())["late"]; n != 1 {
		t.Errorf("the order is there %d times", n)
	}
}

// TestRequestsHaveIDs follows an id from the answer to the log, and sees that nothing else of the caller's gets there.
func TestRequestsHaveIDs(t *testing.T) {
	h := newHouse(t)
	var log bytes.Buffer
	logger, err := newLog(&log, "json")
	if err != nil {
		t.Fatal(err)
	}
	h.log = logger
	panics := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("somebody's name") })
	ask := func(all bool, next http.Handler, id string) (*httptest.ResponseRecorder, []map[string]any) {
		log.Reset()
		r := httptest.NewRequest("GET", "/trust/enter/secret-link?q=somebody", nil)
		r.Header.Set(requestIDHeader, id)
		w := httptest.NewRecorder()
		h.observed(next, all).ServeHTTP(w, r)
		var lines []map[string]any
		for line := range strings.Lines(log.String()) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, m)
		}
		for _, word := range []string{"secret-link", "somebody", "192.0.2.1"} {
			if strings.Contains(log.String(), word) {
				t.Errorf("the log says %q: %s", word, &log)
			}
		}
		return w, lines
	}
	const own = "6f9619ff-8b86-4011-b42d-00cf4fc964ff"
	w, lines := ask(false, panics, own)
	if w.Code != http.StatusInternalServerError || w.Header().Get(requestIDHeader) != own || len(lines) != 2 || lines[0]["request"] != own || lines[1]["request"] != own || lines[1]["status"] != 500.0 {
		t.Errorf("a request that fails: %d %v %v", w.Code, w.Header(), lines)
	}
	fine := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, bad := range []string{"", "somebody@post.example", "447700900123456", strings.Repeat("a", 33), strings.ToUpper(own), own + "\r\nx", "somebody-whose-name-is-well-formed"} {
		w, lines := ask(true, fine, bad)
		id := w.Header().Get(requestIDHeader)
		if id == bad || !wellFormedID.MatchString(id) || len(lines) != 1 || lines[0]["request"] != id {
			t.Errorf("a caller's id %q becomes %q; the log: %v", bad, id, lines)
		}
	}
	if _, lines := ask(false, fine, own); len(lines) != 0 {
		t.Errorf("without --log-requests the log has %v", lines)
	}
	// What is written in the name of a request has its id, from derived loggers too.
	again := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { h.log.With("part", "x").InfoContext(r.Context(), "said") })
	if _, lines := ask(false, again, own); len(lines) != 1 || lines[0]["request"] != own {
		t.Errorf("a line from inside: %v", lines)
	}
	if _, err := newLog(&log, "xml"); err == nil {
		t.Error("a log of another form is promised")
	}
}

// TestWhoCalledBehindAProxy reads the header that proxies write, which callers can write too.
func TestWhoCalledBehindAProxy(t *testing.T) {
	for _, c := range []struct {
		proxied bool
		header  []string
		remote  string
		want    string
	}{
		{false, []string{"203.0.113.7"}, "192.0.2.1:1234", "192.0.2.1"},
		{true, []string{"203.0.113.7"}, "192.0.2.1:1234", "203.0.113.7"},
		{true, []string{"198.51.100.9, 203.0.113.7"}, "192.0.2.1:1234", "203.0.113.7"},
		{true, []string{"198.51.100.9", "203.0.113.7"}, "192.0.2.1:1234", "203.0.113.7"}, // the proxy added a line of its own
		{true, []string{"203.0.113.7:5555"}, "192.0.2.1:1234", "203.0.113.7"},
		{true, []string{"nonsense"}, "192.0.2.1:1234", "192.0.2.1"},
		{true, nil, "192.0.2.1:1234", "192.0.2.1"},
		{true, []string{"2001:db8:1:2:3:4:5:6"}, "192.0.2.1:1234", "2001:db8:1:2::/64"},
		{false, nil, "[2001:db8:1:2::9]:80", "2001:db8:1:2::/64"},
		{false, nil, "[::ffff:192.0.2.1]:80", "192.0.2.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		for _, line := range c.header {
			r.Header.Add("X-Forwarded-For", line)
		}
		if got := callerAddress(c.proxied)(r); got != c.want {
			t.Errorf("proxied %v, %v from %s is %s, want %s", c.proxied, c.header, c.remote, got, c.want)
		}
	}
}
