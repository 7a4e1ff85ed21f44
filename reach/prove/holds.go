package prove

import (
	"fmt"
	"strings"

	"github.com/rapporthq/rapport/trust/tact"
)

// reasons are all the reasons for a hold, in tact's order.
var reasons = []tact.Reason{tact.Restricted, tact.NotChartered, tact.Purpose, tact.Permission, tact.Expired, tact.Doubtful, tact.Sensitive, tact.TooSoon, tact.Surprising, tact.NoBenefit}

// HoldsExercised says of every reason for a hold how often it was put to the proof: in how many cases of noninterference something was
// held for it that would have altered the decision were it permitted. Reasons that nobody in the home meets are planted in the
// snapshot. A reason never exercised fails: tact does not know it any more, or nothing that it holds could be seen to matter.
func (p *Prover) HoldsExercised() Result {
	f := p.find()
	r := Result{Check: HoldsExercised}
	var missing []string
	for _, reason := range reasons {
		n := f.reasons[string(reason)] + f.planted[string(reason)]
		r.Cases += n
		if n == 0 {
			missing = append(missing, string(reason))
			r.Failed++
		}
	}
	r.Detail = fmt.Sprintf("held in this home: %s; cases on it: %s; cases planted: %s", f.met, f.reasons, f.planted)
	if len(missing) > 0 {
		r.Detail = "never exercised: " + strings.Join(missing, ", ") + "; " + r.Detail
	}
	return r
}
