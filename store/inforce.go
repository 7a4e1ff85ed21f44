package store

import (
	"context"
	"database/sql/driver"
	"strconv"
)

// InForce is what names everything that a decision depends on besides the person and the moment, and that another process may have
// changed. Two that are equal mean the same charter, catalogue and model.
type InForce struct {
	Charter int    // position in the series; 0 before the first
	Items   int64  // the catalogue's version
	Sighted int64  // bare items that the store wrote by itself, from what k people bought
	Model   string // the version of the model; empty before the first
	Index   int    // the generation of blinds by which people are found
}

// InForce reads it as it is now, by one statement. model is the model's name. ErrNewer when a newer binary has brought the database to
// a schema beside which this one may not go on.
func (s *Store) InForce(ctx context.Context, model string) (v InForce, err error) {
	err = s.engine.ask(ctx, query{
		text: `SELECT (SELECT COALESCE(MAX(position), 0) FROM charter), (SELECT COALESCE(MAX(n), 0) FROM counter WHERE name = $1),
			(SELECT COALESCE(MAX(n), 0) FROM counter WHERE name = $2), (SELECT COALESCE(MAX(version), '') FROM model WHERE name = $3),
			(SELECT COUNT(*) FROM compatible WHERE part = 'main' AND since > $4 OR part = 'history' AND since > $5), (SELECT value FROM setting WHERE name = $6)`,
		args: []driver.Value{catalogueCounter, sightedCounter, model, s.schema["main"], s.schema["history"], indexSetting},
		scan: func(r row) error {
			if r.int(4) > 0 {
				return ErrNewer
			}
			v = InForce{Charter: int(r.int(0)), Items: r.int(1), Sighted: r.int(2), Model: r.text(3), Index: 1}
			var err error
			if r[5] != nil {
				v.Index, err = strconv.Atoi(string(r.bytes(5)))
			}
			return err
		},
	})
	return v, err
}
