package brandtoken

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rapporthq/rapport/person"
)

// How long a published set of keys is trusted without another look.
const (
	looksAgain = time.Minute      // how often at the most it is read
	looksEvery = 10 * time.Minute // how old it grows before it is read again
	forgotten  = time.Hour        // how old it may be when it cannot be read any more
)

const mostSet = 256 << 10 // bytes of a set of keys

var errNoKeys = errors.New("the brand's keys cannot be read, so nobody is signed in by token")

// Published is a set of public keys (RFC 7517) that the brand publishes, and changes when it likes.
type Published struct {
	read  func(ctx context.Context) ([]byte, error)
	clock person.Clock

	mu    sync.Mutex
	keys  []Key
	at    person.Instant // when they were read
	tried person.Instant // when that was tried last
}

// NewPublished reads the keys at an https address, or in a file. Plain http is for this machine's own addresses only.
func NewPublished(place string, clock person.Clock) (*Published, error) {
	p := &Published{clock: clock}
	if !strings.Contains(place, "://") {
		p.read = func(context.Context) ([]byte, error) { return os.ReadFile(place) }
		return p, nil
	}
	u, err := url.Parse(place)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !local(u.Hostname())) {
		return nil, errors.New("the brand's keys are read over https, or from a file: give such an address or a file's name")
	}
	client := &http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	p.read = func(ctx context.Context) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, err
		}
		res, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the address of the brand's keys answers with %d", res.StatusCode)
		}
		return io.ReadAll(io.LimitReader(res.Body, mostSet+1))
	}
	return p, nil
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Known gives the keys, read anew when they have grown old. See Keys.
func (p *Published) Known(ctx context.Context) ([]Key, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	if p.at == 0 || now >= p.at.Add(looksEvery) {
		p.look(ctx, now)
	}
	if p.at == 0 || now >= p.at.Add(forgotten) {
		return nil, errNoKeys
	}
	return p.keys, nil
}

// Again looks for newer keys. See Keys.
func (p *Published) Again(ctx context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.look(ctx, p.clock())
}

// look reads the set unless it was tried less than a minute ago, and says whether it did. What cannot be read changes nothing.
func (p *Published) look(ctx context.Context, now person.Instant) bool {
	if p.tried != 0 && now < p.tried.Add(looksAgain) {
		return false
	}
	p.tried = now
	// Whoever asks may go away: the others who wait want the keys all the same.
	raw, err := p.read(context.WithoutCancel(ctx))
	if err != nil || len(raw) > mostSet {
		return false
	}
	keys, err := readSet(raw)
	if err != nil {
		return false
	}
	p.keys, p.at = keys, now
	return true
}

// readSet reads a JSON Web Key Set. Keys that are not for signing, private or shared ones, and kinds that are not known are left out: what
// is published cannot be a secret.
func readSet(raw []byte) ([]Key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil || set.Keys == nil {
		return nil, errors.New("that is no set of keys")
	}
	var keys []Key
	for _, one := range set.Keys {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(one) != nil || !k.IsPublic() || !k.Valid() || k.Use != "" && k.Use != "sig" {
			continue
		}
		if len(algorithms(k.Key)) > 0 {
			keys = append(keys, Key{ID: k.KeyID, Material: k.Key, Algorithm: k.Algorithm})
		}
	}
	return keys, nil
}

// Shared is a key that the brand and this home both have.
type Shared []Key

// ReadShared reads a shared key from a file that only its owner may read: at least 32 bytes, spaces and line ends around them left out.
func ReadShared(file string) (Shared, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("the key that is shared with the brand cannot be read: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, errors.New("the key that is shared with the brand can be read by others: chmod 600 its file")
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the key that is shared with the brand cannot be read: %w", err)
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) < fewestBytes {
		return nil, errors.New("the key that is shared with the brand is too short: make one of 32 random bytes or more, such as openssl rand -hex 32 prints")
	}
	return Shared{{Material: raw}}, nil
}

// Known gives the key. See Keys.
func (s Shared) Known(context.Context) ([]Key, error) { return s, nil }

// Again finds no other. See Keys.
func (s Shared) Again(context.Context) bool { return false }
