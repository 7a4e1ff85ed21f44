package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rapporthq/rapport/person"
	"github.com/rapporthq/rapport/trust/access"
	"github.com/rapporthq/rapport/web/trustcentre"
	"github.com/rapporthq/rapport/web/trustcentre/brandtoken"
)

// customerOptions say whose signed tokens let customers into the trust centre. Links need none of them.
type customerOptions struct {
	JWKS     string // address or file of the brand's public keys
	KeyFile  string // or a key shared with it
	Issuer   string
	Audience string
}

func customerFlags(cmd *cobra.Command, o *customerOptions) {
	cmd.Flags().StringVar(&o.JWKS, "customer-jwks", "", "https address or file of the public keys (JWKS) by which the brand signs customers in")
	cmd.Flags().StringVar(&o.KeyFile, "customer-key-file", "", "file of a key that is shared with the brand, instead of --customer-jwks")
	cmd.Flags().StringVar(&o.Issuer, "customer-issuer", "", "issuer (iss) that the brand's tokens must name")
	cmd.Flags().StringVar(&o.Audience, "customer-audience", "", "audience (aud) that the brand's tokens must name")
}

// checker is what checks the brand's tokens, nil when the home takes none.
func (o customerOptions) checker(spent access.Spent, clock person.Clock) (*brandtoken.Checker, error) {
	switch {
	case o == customerOptions{}:
		return nil, nil
	case (o.JWKS == "") == (o.KeyFile == ""):
		return nil, usage{errors.New("give either --customer-jwks or --customer-key-file, to let customers in by the brand's tokens")}
	case o.Issuer == "" || o.Audience == "":
		return nil, usage{errors.New("give --customer-issuer and --customer-audience too: a token for another place must not open this one")}
	}
	c := &brandtoken.Checker{Issuer: o.Issuer, Audience: o.Audience, Spent: spent, Clock: clock}
	if o.KeyFile != "" {
		key, err := brandtoken.ReadShared(o.KeyFile)
		c.Keys = key
		return c, err
	}
	keys, err := brandtoken.NewPublished(o.JWKS, clock)
	c.Keys = keys
	return c, err
}

// vouched is trustcentre.Config's Token: who the brand's token vouches for. Nil when the home takes none.
func (h *house) vouched(o customerOptions, links *trustcentre.Links) (func(context.Context, string) (person.ID, error), error) {
	checker, err := o.checker(h.store, h.clock)
	if checker == nil || err != nil {
		return nil, err
	}
	return func(ctx context.Context, token string) (person.ID, error) {
		user, err := checker.Check(ctx, token)
		if err != nil {
			why := brandtoken.Refusal("unavailable")
			refused := errors.As(err, &why)
			h.log.Info("a customer's token was not taken", "why", string(why))
			if refused {
				return person.ID{}, trustcentre.ErrEntry
			}
			return person.ID{}, errNoSignIn
		}
		return links.User(ctx, user)
	}, nil
}

// crowded slows down who tries many ways in from one address: links and tokens cannot be guessed, but trying costs us.
func crowded(limiter *access.Limiter, address func(*http.Request) string, clock person.Clock) func(*http.Request) bool {
	return func(r *http.Request) bool {
		ok, _ := limiter.Take("enter "+address(r), 5, 50, clock())
		return !ok
	}
}
