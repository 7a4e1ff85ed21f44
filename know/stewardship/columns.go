package stewardship

import (
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/identity"
	"github.com/rapporthq/rapport/trust/tact"
)

// kindOf is how the values of a datum are compared: by its type, and of texts by its Fideslang category.
func kindOf(d *charter.Datum) identity.Kind {
	switch d.Type.Name {
	case charter.TEmail:
		return identity.Email
	case charter.TPhone:
		return identity.Phone
	case charter.TPostcode:
		return identity.Postcode
	case charter.TDate:
		return identity.Birth
	}
	switch {
	case d.Category == "user.name.first":
		return identity.Given
	case d.Category == "user.name.last":
		return identity.Surname
	case strings.HasPrefix(d.Category, "user.name"), d.Type.Name == charter.TName:
		return identity.FullName
	case d.Category == "user.contact.address.postal_code":
		return identity.Postcode
	case d.Category == "user.contact.address.city":
		return identity.Place
	case d.Category == "user.contact.address.state", d.Category == "user.contact.address.country":
		return identity.Category
	}
	return identity.Street
}

// columnsOf are the columns of the table that is matched: a datum each, and how it is compared.
func columnsOf(c *charter.Charter) (names []string, as map[string]identity.Kind) {
	names, as = tact.Matching(c), map[string]identity.Kind{}
	for _, n := range names {
		as[n] = kindOf(c.Data[n])
	}
	return names, as
}
