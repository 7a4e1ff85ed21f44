package anchor

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/ledger"
)

// The protocol is c2sp.org/tlog-witness, its call add-checkpoint.

const (
	mostAnswer = 64 << 10 // bytes
	sizeType   = "text/x.tlog.size"
)

// NewClient asks witnesses. It waits ten seconds for an answer, and follows nobody elsewhere.
func NewClient() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// request is the body of the call.
func request(old int64, proof tlog.TreeProof, signed []byte) []byte {
	b := fmt.Appendf(nil, "old %d\n", old)
	for _, h := range proof {
		b = append(base64.StdEncoding.AppendEncode(b, h[:]), '\n')
	}
	return append(append(b, '\n'), signed...)
}

// cosign asks the witness to cosign the ledger's head. A witness that has another size than old says so, and is asked again from there.
func (p Place) cosign(ctx context.Context, client *http.Client, l *ledger.Ledger, old int64) (Receipt, error) {
	v, err := newVerifier(p.Key)
	if err != nil {
		return Receipt{}, p.failed("has no key that can be read")
	}
	for range 3 {
		signed, size, proof, err := l.Growth(ctx, old)
		if err != nil || size == 0 {
			return Receipt{}, err
		}
		if old > size {
			return Receipt{}, &Conflict{ledger.Problem{Number: size + 1, Fault: ledger.CutBack, Says: fmt.Sprintf("The witness %s has cosigned a head over %d entries; the ledger has %d.", v.name, old, size)}}
		}
		status, kind, body, err := p.post(ctx, client, request(old, proof, signed))
		if err != nil {
			return Receipt{}, err
		}
		switch status {
		case http.StatusOK:
			at, ok := opened(signed, body, v)
			if !ok {
				return Receipt{}, p.failed("answered with a cosignature that is not of the key that you gave: it is another witness, or somebody between")
			}
			return Receipt{size, person.At(time.Unix(int64(at), 0))}, nil
		case http.StatusConflict:
			has, ok := parseSize(kind, body)
			switch {
			case ok && has == old, !ok && old == size: // the same size, and another root
				return Receipt{}, forked(v, old)
			case !ok:
				return Receipt{}, p.failed("has cosigned another head and does not say which")
			}
			old = has
		case http.StatusUnprocessableEntity:
			return Receipt{}, forked(v, old)
		case http.StatusNotFound:
			return Receipt{}, p.failed("does not know this ledger: its operator adds the ledger's public key, which rapport ledger anchor prints")
		case http.StatusForbidden:
			return Receipt{}, p.failed("knows a ledger of this name under another key")
		default:
			return Receipt{}, p.failed("answered with %d", status)
		}
	}
	return Receipt{}, p.failed("says another size each time")
}

func forked(v *verifier, old int64) error {
	return &Conflict{ledger.Problem{Fault: ledger.Forked, Says: fmt.Sprintf("The first %d entries are not those over which the witness %s has cosigned a head.", old, v.name)}}
}

// parseSize reads the size that a witness says it has.
func parseSize(kind string, body []byte) (int64, bool) {
	media, _, _ := mime.ParseMediaType(kind)
	digits, ended := strings.CutSuffix(string(body), "\n")
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, media == sizeType && ended && err == nil && n >= 0 && strconv.FormatInt(n, 10) == digits
}

// post gives the witness's answer. What a failing transport says may hold anything, so only its kind is told.
func (p Place) post(ctx context.Context, client *http.Client, body []byte) (status int, kind string, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(p.Where, "/")+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return 0, "", nil, p.failed("is no address")
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	res, err := client.Do(req)
	if err != nil {
		return 0, "", nil, p.failed("did not answer in time, or cannot be reached")
	}
	defer func() { _ = res.Body.Close() }()
	if answer, err = io.ReadAll(io.LimitReader(res.Body, mostAnswer)); err != nil {
		return 0, "", nil, p.failed("stopped in the middle of its answer")
	}
	return res.StatusCode, res.Header.Get("Content-Type"), answer, nil
}
