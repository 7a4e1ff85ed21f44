package draft

import (
	"regexp"
	"slices"
	"strings"
)

// role is what a column is to an import, besides facts and properties.
type role string

const (
	noRole    role = ""
	user      role = "userId"
	anonymous role = "anonymousId"
	message   role = "messageId"
	when      role = "timestamp"
	eventName role = "event"
	item      role = "product_id"
	quantity  role = "quantity"
	price     role = "price"
	order     role = "order_id"
	itemName  role = "name"
)

// roles are the names by which columns are known, in small letters and without what separates words.
var roles = []struct {
	role  role
	names string
}{
	{user, "userid customerid custid customernumber customerno customer clientid client memberid member householdid household shopperid visitorid accountid contactid subscriberid patientid guestid personid"},
	{anonymous, "anonymousid deviceid cookieid sessionid"},
	{message, "messageid eventid"},
	{when, "timestamp time date datetime at ts day invoicedate orderdate orderedat createdat eventtime eventdate purchasedate transactiondate saledate bookingdate visitdate"},
	{eventName, "event eventname eventtype action"},
	{item, "productid stockcode sku itemid item product productcode itemcode articleid article articleno offerid contentid asin ean gtin"},
	{quantity, "quantity qty units pieces"},
	{price, "price unitprice itemprice"},
	{order, "orderid orderno ordernumber invoiceno invoice invoiceid basketid transactionid receiptid receiptno bookingid"},
	{itemName, "description productname itemname title producttitle articlename"},
}

// plain is a name without case and without what separates words.
func plain(name string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune("_- .", c) {
			return -1
		}
		return c
	}, strings.ToLower(strings.TrimSpace(name)))
}

// recognise gives the columns of a file their roles, each role once, and the file its kind.
func (t *Table) recognise() {
	for _, r := range roles {
		names := strings.Fields(r.names)
		best, rank := (*Column)(nil), len(names)
		for _, c := range t.columns {
			at := slices.Index(names, plain(c.Name))
			if c.role != noRole || at < 0 || at >= rank || !fits(r.role, c) {
				continue
			}
			best, rank = c, at
		}
		if best != nil {
			best.role = r.role
		}
	}
	users := t.has(user)
	if users == nil {
		users = t.has(anonymous)
	}
	switch {
	case len(t.events) > 0 || users != nil && t.has(eventName) != nil:
		t.kind = named
	case users != nil && t.has(item) != nil:
		t.kind = orders
	case t.has(item) != nil && t.has(when) == nil:
		t.kind = things
	case users != nil && t.has(when) != nil && len(t.columns) <= fewColumns:
		t.kind = visits // of a wider file the time is more likely a fact about the person
	default:
		t.kind = people
	}
	t.unassign()
}

// fewColumns is how wide a file may be that tells only who was there when.
const fewColumns = 6

// unassign takes from columns the roles that the file's kind has no use for.
func (t *Table) unassign() {
	keep := map[kind][]role{
		people: {user, anonymous},
		orders: {user, anonymous, message, when, item, quantity, price, order, itemName},
		named:  {user, anonymous, message, when, eventName, item, quantity, price, order},
		visits: {user, anonymous, message, when, order},
		things: {item, price, itemName},
	}[t.kind]
	for _, c := range t.columns {
		if !slices.Contains(keep, c.role) {
			c.role = noRole
		}
	}
}

// fits says whether a column's contents can have a role; a column of which nothing was seen fits.
func fits(r role, c *Column) bool {
	switch r {
	case when:
		return c.Seen == 0 || c.mostly(Date, Time)
	case quantity, price:
		return c.Seen == 0 || c.mostly(Integer, Whole, Number)
	case user, item, order:
		return !c.mostly(Long, Object, List)
	}
	return true
}

// rule is what a name or a shape suggests.
type rule struct {
	names     *regexp.Regexp
	shape     Shape
	category  string
	typ       string // of the charter; empty: by contents
	kind      string // identifier; empty: attribute
	sensitive string // high or special
	level     string
	never     string // why it is not drafted at all
	note      string
}

func byName(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|_)(?:` + pattern + `)(?:_|$)`)
}

// rules are asked in their order; a name is asked in small letters with _ between its words.
var rules = []rule{
	{names: byName(`password|passwd|pwd|secret|token|pin|cvc|cvv`), never: "a secret is nobody's to collect"},
	{names: byName(`card_?(no|number|num)|credit_?card|pan`), shape: Card, never: "a card's number belongs with your payment provider (Fideslang user.financial.credit_card)"},
	{names: byName(`iban|bank_account|account_(no|number)|sort_code|bic`), shape: Account, never: "a bank account's number belongs where payments are made (Fideslang user.financial.bank_account)"},
	{names: byName(`ssn|social_security|passport|national_id|nino|nhs_?(no|number)?|tax_?id|drivers?_licen[cs]e|id_card`), never: "an official number opens doors elsewhere (Fideslang user.government_id)"},
	{names: byName(`health|diagnos[a-z]*|disease|illness|allerg[a-z]*|diet|pregnan[a-z]*|medic[a-z]*|disab[a-z]*|blood|bmi|smoker?|therapy`), category: "user.health_and_medical", sensitive: "special"},
	{names: byName(`relig[a-z]*|faith|church|kosher|halal`), category: "user.demographic.religious_belief", sensitive: "special"},
	{names: byName(`race|ethnic[a-z]*`), category: "user.demographic.race_ethnicity", sensitive: "special"},
	{names: byName(`politic[a-z]*|vote|voter`), category: "user.demographic.political_opinion", sensitive: "special"},
	{names: byName(`sexual[a-z]*|orientation`), category: "user.demographic.sexual_orientation", sensitive: "special"},
	{names: byName(`biometric|fingerprint|face_?id|voice_?print`), category: "user.biometric", sensitive: "special"},
	{names: byName(`e_?mail|mail`), shape: Email, category: "user.contact.email", typ: "email", kind: "identifier"},
	{names: byName(`phone|mobile|tel|telephone|cell`), shape: Phone, category: "user.contact.phone_number", typ: "phone", kind: "identifier"},
	{names: byName(`first_?name|given_?name|forename`), category: "user.name.first", typ: "name"},
	{names: byName(`last_?name|surname|family_?name`), category: "user.name.last", typ: "name"},
	{names: byName(`name|full_?name|customer_?name`), category: "user.name", typ: "name"},
	{names: byName(`birth_?(day|date)?|dob|date_of_birth`), category: "user.demographic.date_of_birth", level: "regular"},
	{names: byName(`age|age_?(group|band|range)`), category: "user.demographic.age_range", level: "regular"},
	{names: byName(`gender|sex`), category: "user.demographic.gender", level: "regular"},
	{names: byName(`marital|married|marital_status`), category: "user.demographic.marital_status", level: "regular"},
	{names: byName(`language|locale|lang`), category: "user.demographic.language"},
	{names: byName(`zip|zip_?code|post_?code|postal_?code|plz`), category: "user.contact.address.postal_code"},
	{names: byName(`street|address|addr|address_?[12]`), category: "user.contact.address.street"},
	{names: byName(`city|town`), category: "user.contact.address.city"},
	{names: byName(`state|province|county|region`), category: "user.contact.address.state"},
	{names: byName(`country|nation`), category: "user.contact.address.country"},
	{names: byName(`lat|lon|lng|latitude|longitude|gps|geo`), category: "user.location.precise", sensitive: "high", level: "confidant"},
	{names: byName(`ip|ip_?addr(ess)?`), shape: Address, category: "user.device.ip_address", sensitive: "high", level: "confidant"},
	{names: byName(`device|browser|user_?agent|os|platform`), category: "user.device"},
	{names: byName(`child(ren)?|kids?|baby`), category: "user.childrens", sensitive: "high", level: "confidant", note: "what is about children needs a good reason"},
	{names: byName(`income|salary|wage|wealth|debt|credit|balance|loan|arrears`), category: "user.financial", sensitive: "high", level: "confidant"},
	{names: byName(`job|occupation|profession|employer`), category: "user.job_title", level: "regular"},
	{names: byName(`spend|spent|revenue|total|amount|purchases?|orders?|history`), category: "user.behavior.purchase_history"},
	{names: byName(`score|segment|cluster|propensity|churn|ltv|persona`), category: "user.behavior", level: "regular", note: "somebody worked this out about them, so its use surprises: say learnt: inferred at the source"},
	{names: byName(`search|query`), category: "user.behavior.search_history"},
	{names: byName(`page|url|path|referrer|click|view|visits?|recency`), category: "user.behavior.browsing_history"},
	{names: byName(`notes?|comments?|remarks?|memo|free_?text`), category: "user.content.private", sensitive: "high", note: "free text holds what nobody declared: leave it out if you can"},
	{names: byName(`[a-z_]*_?id|uuid|guid`), category: "user.unique_id"},
}

var anything = rule{category: "user"}

// ruleOf finds what a column's name or contents suggest.
func ruleOf(c *Column) *rule {
	name := spaced(c.Name)
	for i := range rules {
		if r := &rules[i]; r.shape != "" && c.Seen > 0 && c.mostly(r.shape) && (r.shape != Card || c.Seen >= fewOfWord) {
			return r
		}
	}
	for i := range rules {
		r := &rules[i]
		if !r.names.MatchString(name) {
			continue
		}
		if r.kind == "identifier" && c.Seen > 0 && !c.mostly(r.shape, Integer) {
			continue // email_opened is no address
		}
		return r
	}
	return &anything
}

var bump = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// spaced writes firstName and "First Name" as first_name.
func spaced(name string) string {
	name = bump.ReplaceAllString(name, "${1}_${2}")
	return strings.Trim(strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '_'
	}, name), "_")
}
