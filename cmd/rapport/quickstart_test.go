package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rapporthq/rapport/charter"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")

// TestTheQuickstartIsTrue runs every command of docs/quickstart.md as it stands, one after the other, in an empty folder.
func TestTheQuickstartIsTrue(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "quickstart.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := ""
	for _, m := range shellBlock.FindAllStringSubmatch(string(page), -1) {
		script += m[1]
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := ln.Addr().String()
	_ = ln.Close()
	dir := shortDir(t)
	out, err := inShell(t, dir)("trap 'kill ${SERVER:-} 2>/dev/null || true' EXIT\n" + strings.ReplaceAll(script, "127.0.0.1:8080", free))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"180 kept, 0 refused by the charter", "60 people, 10 items", `"rung": "individual"`, `"rung":"individual"`, "You bought", "Nothing must be mended"} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing says %q:\n%s", want, out)
		}
	}
}

// TestADraftOfWhatArrivesIsAcceptedAndThenKept watches a home while messages arrive that its charter does not name, and accepts the proposal.
func TestADraftOfWhatArrivesIsAcceptedAndThenKept(t *testing.T) {
	home := exampleHome(t)
	_, errs, code := try(t, "charter", "draft", "--home", home, "--observe", "1s")
	oneSentence(t, "watching a home that is not served", errs, code, 1)
	s := serveHome(t, home)
	key := must(t, "token", "--home", home, "--role", "source", "--name", "tills")
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			body := `{"userId":"u1","event":"Seat Booked","properties":{"offer_id":"s-secret","row":7,"jane@example.org":true}}`
			if _, _, err := collects(s.URL+"/v1/track", key, []byte(body), nil); err != nil {
				return
			}
		}
	}()
	proposal := filepath.Join(shortDir(t), "proposal.yaml")
	said := must(t, "charter", "draft", "--home", home, "--observe", "2s", "--out", proposal)
	close(stop)
	<-ended
	text, err := os.ReadFile(proposal)
	if err != nil {
		t.Fatal(err)
	}
	c, problems := charter.Parse(text)
	if c == nil || c.Events["Seat Booked"] == nil || c.Events["Seat Booked"].Properties["row"].Type.Name != charter.TInteger || !strings.Contains(said, "events.Seat Booked") {
		t.Fatalf("%v\n%s\n%s", problems, said, text)
	}
	if strings.Contains(string(text), "s-secret") || strings.Contains(string(text), "jane") {
		t.Error("the proposal holds content")
	}
	must(t, "charter", "accept", "--home", home, proposal)
	sends(t, s.URL, key, map[string]any{"type": "track", "messageId": "now", "userId": "u1", "event": "Seat Booked", "properties": map[string]any{"row": 7}})
	var recent struct {
		Events []struct {
			Event string
			Kept  bool
		}
	}
	if status := gets(t, s.URL+"/api/events/recent", key, &recent); status != 200 || len(recent.Events) == 0 {
		t.Fatalf("%d %+v", status, recent)
	}
	raw, _ := json.Marshal(recent)
	if !strings.Contains(string(raw), `"Event":"Seat Booked","Kept":true`) {
		t.Errorf("after the proposal was accepted it is not kept: %s", raw)
	}
}
