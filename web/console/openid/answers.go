package openid

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const mostAnswer = 1 << 20 // bytes of an answer: the libraries would read on without end

var errLong = errors.New("its answer is longer than a megabyte")

// status is an answer that is none.
type status int

func (s status) Error() string { return fmt.Sprintf("it answers with %d", int(s)) }

// bounded speaks to the provider. What is asked for by GET is its addresses and its keys: any answer but a good one is an error, without its body.
type bounded struct{ to http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.to.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if r.Method == http.MethodGet && res.StatusCode >= http.StatusBadRequest {
		_ = res.Body.Close()
		return nil, status(res.StatusCode)
	}
	res.Body = &body{res.Body, mostAnswer}
	return res, nil
}

// asked follows the provider where its addresses and keys are, and with nothing that is secret: what is posted is the code, its verifier and the home's own secret.
func asked(r *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet {
		return http.ErrUseLastResponse
	}
	if len(via) >= 5 {
		return errors.New("the provider leads in circles")
	}
	return nil
}

// body ends with an error where it grows too long.
type body struct {
	io.ReadCloser
	left int
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errLong
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return n, errLong
	}
	return n, err
}

// told says what went wrong in words of our own: the libraries repeat what the provider sent, and that may name people.
func told(err error) error {
	var refused *oauth2.RetrieveError
	var expired *oidc.TokenExpiredError
	var issuer *oidc.IssuerMismatchError
	var bad status
	var way *net.OpError
	var certificate *tls.CertificateVerificationError
	var slow net.Error
	switch {
	case errors.As(err, &bad):
		return fmt.Errorf("the provider cannot be asked: %w", bad)
	case errors.As(err, &refused) && refused.Response != nil:
		return fmt.Errorf("the provider gives no token: %w", status(refused.Response.StatusCode))
	case errors.As(err, &expired):
		return errors.New("the token has run out")
	case errors.As(err, &issuer):
		return errors.New("the provider names another issuer than the one that this home was given: write it letter by letter as the provider does")
	case errors.Is(err, errLong):
		return fmt.Errorf("the provider cannot be understood: %w", errLong)
	case errors.As(err, &certificate):
		return errors.New("the provider's certificate is not one that this machine trusts")
	case errors.As(err, &way):
		return fmt.Errorf("the provider cannot be reached: %w", way)
	case errors.As(err, &slow) && slow.Timeout():
		return errors.New("the provider does not answer in time")
	}
	return errors.New("the provider's answer cannot be used")
}
