package charter

// Infer says from what a fact is inferred when that arrives.
type Infer struct {
	From string // a datum of the charter, or a path of the message such as context.userAgent
	By   string // one of Inferences, or a name that begins with "own."
}

// The inferences that every home can do.
const (
	RegionOfPostcode  = "region-of-postcode"
	DeviceOfUserAgent = "device-of-user-agent"
	KindOfMailDomain  = "kind-of-mail-domain"
	GenderOfName      = "gender-of-name"
)

// Inferences are the names of the inferences that every home can do.
var Inferences = []string{RegionOfPostcode, DeviceOfUserAgent, KindOfMailDomain, GenderOfName}
