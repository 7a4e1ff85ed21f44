package store

import (
	"context"
	"errors"

	"github.com/rapporthq/rapport/person"
)

func openPostgres(ctx context.Context, url string, now person.Instant) (engine, error) {
	return nil, errors.New("PostgreSQL is not served yet")
}
