package identity

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rapporthq/rapport/fault"
)

// Kind is what a column says about a person, and so how its values are compared.
type Kind string

// The kinds of columns, by the names that a mapping uses.
const (
	ID       Kind = "id"         // names the record, says nothing about the person
	Ignored  Kind = "ignore"     // not looked at: also columns that hold the answer, such as one called cluster
	Given    Kind = "given_name" // the name's parts and the whole are compared together
	Surname  Kind = "surname"
	FullName Kind = "full_name"
	Middle   Kind = "middle_name"
	Birth    Kind = "date" // of birth, or any date of the person's
	Email    Kind = "email"
	Phone    Kind = "phone"
	Postcode Kind = "postcode"
	Place    Kind = "place"    // suburb, city, birthplace
	Street   Kind = "street"   // a line of an address
	Number   Kind = "number"   // of a house; any small number
	Code     Kind = "code"     // a number or card that one person has
	Category Kind = "category" // few values: gender, state
	Text     Kind = "text"     // words: an occupation, an employer
)

var kinds = []Kind{ID, Ignored, Given, Surname, FullName, Middle, Birth, Email, Phone, Postcode, Place, Street, Number, Code, Category, Text}

// known are the names by which columns are known, without case and without what separates words.
var known = []struct {
	kind  Kind
	names string
}{
	{ID, "id recid recordid uniqueid rowid rownumber uid key index pk"},
	{Ignored, "cluster clusterid label truth trueid entity entityid matchid goldid goldcluster group groupid source sourcefile createdat updatedat modifiedat created updated modified lastseen"},
	{Given, "givenname firstname forename given first fname vorname rufname prenom prenoms nombre nombredepila nome voornaam christianname givennames forenames"},
	{Surname, "surname lastname familyname last lname sname nachname familienname zuname nom nomdefamille nomdusage apellido apellidos primerapellido cognome achternaam sobrenome family maidenname"},
	{FullName, "fullname name customername personname firstandsurname displayname contactname contact contactperson ansprechpartner interlocuteur contacto patientname nameandsurname"},
	{Middle, "middlename middlenames middle secondname initials middleinitial"},
	{Birth, "dateofbirth dob birthdate birthday geburtsdatum geburtstag gebdatum datedenaissance datenaissance neele nele neeele fechadenacimiento fechanacimiento fnacimiento datadinascita geboortedatum born dateofdeath dod"},
	{Email, "email mail emailaddress emailadresse adresseemail adressemail courriel correo correoelectronico ecorreo"},
	{Phone, "phone tel telephone mobile phonenumber mobilenumber telephonenumber cell cellphone landline telefon telefonnummer telefono telefoonnummer handy mobil mobilnummer mobiltelefon rufnummer portable telportable telephoneportable movil celular fax"},
	{Postcode, "postcode postalcode zip zipcode plz postleitzahl codepostal cp codigopostal cap pcode eircode"},
	{Place, "city town suburb locality municipality birthplace placeofbirth place county parish village district ort wohnort stadt gemeinde geburtsort ville commune localite lieudenaissance ciudad localidad poblacion municipio provincia lugardenacimiento citta comune woonplaats hometown"},
	{Street, "address address1 address2 address3 addressline1 addressline2 addressline3 addr1 addr2 addr street street1 street2 streetname streetaddress road strasse anschrift adresse rue voie calle direccion domicilio indirizzo via adres line1 line2"},
	{Number, "streetnumber housenumber houseno number hausnummer streetno hausnr numero age alter yearofbirth birthyear geburtsjahr anneedenaissance unit flat apartment"},
	{Code, "ssn socsecid socialsecurity socialsecuritynumber nationalid nationalinsurance nino taxid passport passportnumber nhsnumber medicare loyaltycard cardnumber memberid customerid customerno customernumber accountno accountref kundennummer kundennr refclient nocliente userid patientid dni nif nie licence license"},
	{Category, "gender sex geschlecht anrede sexe civilite sexo state bundesland country land pays pais title nationality province language maritalstatus"},
	{Text, "occupation job jobtitle profession beruf metier profesion employer company companyname firma societe entreprise empresa organisation organization"},
}

// inside are parts of names that tell a kind when no whole name did, the first that fits.
var inside = []struct {
	kind Kind
	part string
}{
	{Email, "email"}, {Phone, "phone"}, {Phone, "mobile"}, {Postcode, "postcode"}, {Postcode, "zipcode"}, {Place, "birthplace"}, {Birth, "birth"}, {Birth, "dob"},
	{Given, "firstname"}, {Given, "givenname"}, {Surname, "surname"}, {Surname, "lastname"}, {FullName, "fullname"}, {Street, "street"}, {Street, "address"},
	{Place, "city"}, {Place, "town"}, {Category, "gender"},
}

// plain is a column's name without case and without what separates words.
func plain(name string) string {
	return strings.ReplaceAll(fold(name), " ", "")
}

// Recognised is a column of the input and what it was taken for.
type Recognised struct {
	Column string `json:"column"`
	Kind   Kind   `json:"kind"`
	By     string `json:"by"` // name, content or map: how it was recognised; limit: one too many, not looked at
}

// recognise says what each column is: as the mapping says, else by its name where the content does not belie it, else by its
// content. The tables have the same columns, in any order; the answer follows the first one.
func recognise(tables []*Table, mapping map[string]Kind) ([]Recognised, error) {
	out := make([]Recognised, len(tables[0].Columns))
	given := map[string]Kind{}
	for name, kind := range mapping {
		if !slices.Contains(kinds, kind) {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("There is no field %q: use one of %s.", kind, joined(kinds)))
		}
		given[plain(name)] = kind
	}
	hasID := false
	for i := range out {
		c := &tables[0].Columns[i]
		out[i] = Recognised{Column: c.Name}
		name := plain(c.Name)
		if kind, ok := given[name]; ok {
			out[i].Kind, out[i].By = kind, "map"
			delete(given, name)
		} else {
			out[i].Kind, out[i].By = guess(name, c, tables[0].Rows)
		}
		if out[i].Kind == ID && hasID {
			out[i].Kind = Ignored
		}
		hasID = hasID || out[i].Kind == ID
	}
	for i := range out {
		if out[i].Kind == Code && out[i].By != "map" && nobodyShares(tables, out[i].Column) { // it numbers the records, whatever it is called
			out[i].Kind, out[i].By = Ignored, "content"
			if c := &tables[0].Columns[i]; !hasID && len(c.Values)-1 == tables[0].Rows {
				out[i].Kind, hasID = ID, true
			}
		}
	}
	for i, fields := 0, 0; i < len(out); i++ {
		switch out[i].Kind {
		case ID, Ignored, Given, Surname, FullName, Middle:
		default:
			if fields++; fields > most-3 { // the name takes three
				out[i].Kind, out[i].By = Ignored, "limit"
			}
		}
	}
	for name := range given {
		return nil, fault.New(fault.NotFound, fmt.Sprintf("%s has no column %q: it has %s.", tables[0].Name, name, columnNames(tables[0])))
	}
	return out, nil
}

// nobodyShares says whether no value of a column occurs twice, in all tables together.
func nobodyShares(tables []*Table, column string) bool {
	seen := map[string]bool{}
	for _, t := range tables {
		at := t.place(column)
		if at < 0 {
			return false
		}
		c := &t.Columns[at]
		filled := 0
		for _, v := range c.Of {
			if v != 0 {
				filled++
			}
		}
		if filled > len(c.Values)-1 {
			return false
		}
		if len(tables) > 1 {
			for _, v := range c.Values[1:] {
				if seen[v] {
					return false
				}
				seen[v] = true
			}
		}
	}
	return true
}

func joined(k []Kind) string {
	s := make([]string, len(k))
	for i := range k {
		s[i] = string(k[i])
	}
	return strings.Join(s, ", ")
}

func columnNames(t *Table) string {
	s := make([]string, len(t.Columns))
	for i := range t.Columns {
		s[i] = t.Columns[i].Name
	}
	return strings.Join(s, ", ")
}

// traits are shares of a column's values that look like something.
type traits struct {
	filled, distinct          int
	date, email, phone, digit float64
	words, postal             float64
	distinctShare             float64
}

// look samples the column's distinct values.
func look(c *Column, rows int) traits {
	t := traits{distinct: len(c.Values) - 1}
	for _, v := range c.Of {
		if v != 0 {
			t.filled++
		}
	}
	if t.filled == 0 {
		return t
	}
	t.distinctShare = float64(t.distinct) / float64(t.filled)
	n := 0.0
	step := max(1, t.distinct/2000)
	for i := 1; i < len(c.Values); i += step {
		v := c.Values[i]
		d := digits(v)
		n++
		if _, ok := parseDate(v, dayFirst); ok {
			t.date++
		}
		if at := strings.IndexByte(v, '@'); at > 0 && strings.Contains(v[at:], ".") {
			t.email++
		}
		if len(d) >= 7 && len(d) <= 15 && len(d)*10 >= len(v)*7 && (strings.HasPrefix(v, "+") || strings.HasPrefix(v, "0") || strings.ContainsAny(v, "()- ")) {
			t.phone++
		}
		if d == v {
			t.digit++
		}
		if len(v) >= 3 && len(v) <= 10 && len(d) >= 2 && len(d) < len(v) {
			t.postal++
		}
		if len(d)*2 < len(v) {
			t.words++
		}
	}
	for _, share := range []*float64{&t.date, &t.email, &t.phone, &t.digit, &t.words, &t.postal} {
		*share /= n
	}
	return t
}

// guess says what a column is by its name, where the content agrees, and by its content otherwise.
func guess(name string, c *Column, rows int) (Kind, string) {
	t := look(c, rows)
	if t.filled == 0 {
		return Ignored, "content"
	}
	for _, k := range known {
		if slices.Contains(strings.Fields(k.names), name) && t.allows(k.kind, rows) {
			return k.kind, "name"
		}
	}
	for _, w := range inside {
		if strings.Contains(name, w.part) && t.allows(w.kind, rows) {
			return w.kind, "name"
		}
	}
	switch {
	case t.email > 0.8:
		return Email, "content"
	case t.date > 0.8:
		return Birth, "content"
	case t.phone > 0.8:
		return Phone, "content"
	case t.distinct <= 60 && t.distinctShare < 0.05:
		return Category, "content"
	case strings.HasSuffix(name, "id") && t.distinct == rows:
		return ID, "content"
	case t.digit > 0.8 && t.distinctShare > 0.1:
		return Code, "content"
	case t.digit > 0.8:
		return Number, "content"
	case t.postal > 0.8:
		return Postcode, "content"
	case t.words > 0.5:
		return Text, "content"
	}
	return Code, "content"
}

// allows says whether the content does not belie that the column is of the kind.
func (t traits) allows(k Kind, rows int) bool {
	switch k {
	case ID:
		return t.distinct == rows
	case Birth:
		return t.date > 0.3
	case Email:
		return t.email > 0.3
	case Phone:
		return t.digit+t.phone > 0.3
	case Given, Surname, FullName, Middle:
		return t.words > 0.3
	case Category:
		return t.distinct <= 1000 || t.distinctShare < 0.01
	}
	return true
}
