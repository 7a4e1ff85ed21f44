package identity

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Files of kinds that the engine was not made on: other columns, languages, habits and shares of duplicates. Each is drawn from a
// population of its own, and whose a record is stands beside it and never in it.

// maker makes one file.
type maker struct {
	draws
	table *Table
	truth []int
	syl   []string // syllables of its names
}

func newMaker(seed uint64, syllables string) *maker {
	return &maker{draws: draws{seed * 7919}, syl: strings.Fields(syllables)}
}

const (
	english = "har ley ton den bro mas wil son ker ner ash ford gra ham pel bur nor pen cot mel stan ros wick wood hill mar lin cas"
	german  = "schmi mül hof berg stein feld wal ter ber ger hart mann bach rei cher kel ler lan gen zim kra mer vo gel bau"
	french  = "du pont mar tin ber nard lau rent gi rard mo reau le fe vre rou sse lle bon net cha va lier per rin mo rel"
	spanish = "gar cia mar ti nez lo pez san chez ro drí guez fer nán ra mí rez her na gó mez val des cas ti llo so ria"
	russian = "ива нов пет ров ский куз не цов смир соко лов мор оз вол ков лебе дев коз лин нико лаев степ ан"
	greek   = "πα πα δο που λος γεωρ γί ου νι κο λα ΐδης κων στα ντί νου δη μη τρί ου αν το νί"
	chinese = "王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 高 林 罗"
	hanzi   = "伟 芳 娜 秀 英 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 兰 霞 平 刚 桂 华 建 国 文 志 海"
	arabic  = "محمد أحمد علي حسن حسين يوسف إبراهيم خالد سعيد عمر فاطمة عائشة مريم زينب ليلى سارة نور هدى سمير كريم"
)

// rank draws a number below n, the lower the oftener, as Zipf's law has it.
func (m *maker) rank(n int) int {
	u := float64(m.below(1_000_000)+1) / 1_000_001
	return min(n-1, int(math.Pow(float64(n)+1, u))-1)
}

// name is the nth name that the syllables make.
func (m *maker) name(n int) string {
	d := draws{uint64(n)*31 + 5}
	w := ""
	for range 2 + d.below(2) {
		w += m.syl[d.below(len(m.syl))]
	}
	r := []rune(w)
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

func (m *maker) surname() string { return m.name(m.rank(4000)) }

func (m *maker) oneOf(list string) string {
	words := strings.Fields(list)
	return words[m.rank(len(words))]
}

func (m *maker) chance(percent int) bool { return m.below(100) < percent }

// slip is the text with one letter changed, left out, doubled or exchanged with the next.
func (m *maker) slip(s string) string {
	r := []rune(s)
	if len(r) < 3 {
		return s
	}
	at := 1 + m.below(len(r)-2)
	switch m.below(4) {
	case 0:
		return string(r[:at]) + string(r[at+1:])
	case 1:
		return string(r[:at]) + string(r[at]) + string(r[at:])
	case 2:
		r[at], r[at+1] = r[at+1], r[at]
	default:
		with := r[m.below(len(r))]
		if r[at] >= '0' && r[at] <= '9' {
			with = rune('0' + m.below(10))
		}
		r[at] = with
	}
	return string(r)
}

// sometimes gives the text as another would have it in so many of a hundred.
func (m *maker) sometimes(percent int, s string, other func(string) string) string {
	if m.chance(percent) {
		return other(s)
	}
	return s
}

func none(string) string { return "" }

// birth is a day as year, month and day.
func (m *maker) birth() [3]int { return [3]int{1935 + m.below(70), 1 + m.below(12), 1 + m.below(28)} }

func iso(b [3]int) string { return fmt.Sprintf("%04d-%02d-%02d", b[0], b[1], b[2]) }

func (m *maker) phone() string { return "0" + strconv.Itoa(170_000_000+m.below(800_000_000)) }

// spaced writes a telephone number as another would.
func (m *maker) spaced(s string) string {
	if len(s) < 8 {
		return s
	}
	switch m.below(3) {
	case 0:
		return "+49 " + s[1:4] + " " + s[4:]
	case 1:
		return "(" + s[:4] + ") " + s[4:7] + "-" + s[7:]
	}
	return s[:4] + " " + s[4:]
}

func (m *maker) add(who int, values ...string) {
	m.table.Add(append([]string{strconv.Itoa(m.table.Rows + 1)}, values...))
	m.truth = append(m.truth, who)
}

// done puts the rows in no order.
func (m *maker) done() (*Table, []int) {
	columns := make([]string, len(m.table.Columns))
	for c := range columns {
		columns[c] = m.table.Columns[c].Name
	}
	out, truth := NewTable("made.csv", columns), make([]int, 0, len(m.truth))
	for _, at := range m.order(m.table.Rows) {
		row := make([]string, len(columns))
		for c := range columns {
			row[c] = m.table.Columns[c].Values[m.table.Columns[c].Of[at]]
		}
		row[0] = strconv.Itoa(out.Rows + 1)
		out.Add(row)
		truth = append(truth, m.truth[at])
	}
	return out, truth
}

const (
	englishGiven = "james mary robert patricia john jennifer michael linda david elizabeth william barbara richard susan joseph jessica thomas sarah charles karen nancy lisa matthew betty anthony sandra mark ashley donald kimberly steven emily andrew donna paul michelle joshua carol kenneth amanda kevin melissa brian deborah"
	germanGiven  = "peter michael thomas andreas wolfgang klaus jürgen günter stefan christian uwe bernd ursula monika petra sabine renate helga karin brigitte ingrid erika andrea gisela claudia susanne anna lukas leon jonas finn lena leonie mia emma hannah jörg björn käthe"
	frenchGiven  = "jean marie pierre michel andré philippe rené louis alain jacques bernard marcel daniel roger robert paul claude christian henri georges nathalie isabelle sylvie catherine françoise martine jacqueline anne hélène rené chloé manon inès léa zoé"
	spanishGiven = "maría carmen josé antonio manuel francisco david juan javier daniel jesús ana isabel laura cristina marta lucía pilar elena rosa ángel luis miguel pedro rafael pablo sergio jorge alberto álvaro óscar raúl begoña nuria"
	russianGiven = "александр дмитрий максим сергей андрей алексей артём илья кирилл михаил анна мария елена дарья алина ирина екатерина ольга наталья татьяна светлана людмила николай владимир"
	greekGiven   = "γεώργιος κωνσταντίνος δημήτριος ιωάννης νικόλαος παναγιώτης βασίλειος μαρία ελένη αικατερίνη βασιλική σοφία αγγελική γεωργία"
)

// business are contacts of companies: the company, its town, its domain and often its switchboard are shared by all who work there.
func business(seed uint64) (*Table, []int) {
	m := newMaker(seed, english)
	m.table = NewTable("crm.csv", []string{"Account Ref", "Company", "Contact", "Job Title", "Work E-Mail", "Direct Dial", "Town"})
	who := 0
	for range 350 {
		company, town, board := m.name(1000+m.below(5000)), m.name(m.below(200)), m.phone()
		if m.chance(50) {
			company += " " + m.name(1000+m.below(5000))
		}
		for range 1 + m.below(8) {
			given, last := m.oneOf(englishGiven), m.surname()
			title, mail, phone := m.oneOf("Director Buyer Manager Engineer Accountant Owner Assistant Controller"), given+"."+strings.ToLower(last)+"@"+strings.ToLower(strings.ReplaceAll(company, " ", ""))+".example", board
			if m.chance(60) {
				phone = m.phone()
			}
			m.add(who, company+" Ltd", given+" "+last, title, mail, phone, town)
			if m.chance(35) {
				firm := company + m.oneOf(" Limited GmbH Inc")
				m.add(who, m.sometimes(15, firm, m.slip), m.sometimes(20, m.sometimes(20, given, func(g string) string { return g[:1] })+" "+last, m.slip), m.sometimes(40, title, none),
					m.sometimes(30, m.sometimes(20, mail, func(s string) string { return s[:1] + s[strings.IndexByte(s, '.')+1:] }), none), m.sometimes(30, m.spaced(phone), none), m.sometimes(25, town, none))
			}
			who++
		}
	}
	return m.done()
}

// scripts are people of five alphabets; those whose alphabet has a usual transcription stand in it as well.
func scripts(seed uint64) (*Table, []int) {
	m := newMaker(seed, english)
	m.table = NewTable("people.csv", []string{"id", "full name", "date of birth", "city", "mobile"})
	kinds := []struct{ given, syllables string }{{russianGiven, russian}, {greekGiven, greek}, {hanzi, chinese}, {arabic, arabic}, {germanGiven, german}}
	for who := range 2000 {
		k := kinds[m.below(len(kinds))]
		m.syl = strings.Fields(k.syllables)
		given, last, birth, phone := m.oneOf(k.given), "", m.birth(), m.phone()
		for range 2 {
			last += m.syl[m.below(len(m.syl))]
		}
		if k.syllables == arabic {
			last = m.oneOf(arabic) + " " + m.oneOf(arabic)
		}
		m.syl = strings.Fields(english)
		city := m.name(m.below(100))
		m.add(who, given+" "+last, iso(birth), city, phone)
		for range m.below(3) {
			name := given + " " + last
			if (k.syllables == russian || k.syllables == greek) && m.chance(50) {
				name = fold(name)
			}
			m.add(who, m.sometimes(20, name, m.slip), m.sometimes(10, m.sometimes(15, iso(birth), m.slip), none), m.sometimes(20, city, none), m.sometimes(25, m.spaced(phone), none))
		}
	}
	return m.done()
}

// register has a name, the year of birth and a town, and no more.
func register(seed uint64) (*Table, []int) {
	m := newMaker(seed, english)
	m.table = NewTable("register.csv", []string{"no", "forename", "surname", "year of birth", "parish"})
	for who := range 2500 {
		given, last, year, town := m.oneOf(englishGiven), m.surname(), strconv.Itoa(1780+m.below(80)), m.name(m.rank(300))
		m.add(who, given, last, year, town)
		if m.chance(40) {
			m.add(who, m.sometimes(10, given, m.slip), m.sometimes(15, last, m.slip), m.sometimes(10, year, m.slip), m.sometimes(10, town, m.slip))
		}
	}
	return m.done()
}

// home is what a household shares.
type home struct{ last, street, code, town, phone, mail string }

func (m *maker) home() home {
	h := home{last: m.surname(), street: strconv.Itoa(1+m.below(120)) + " " + m.name(m.below(900)) + " " + m.oneOf("Street Road Lane Avenue Close"), town: m.name(m.rank(150)), phone: m.phone()}
	h.code = fmt.Sprintf("%05d", 10_000+m.below(80_000))
	h.mail = "family." + strings.ToLower(h.last) + strconv.Itoa(m.below(100)) + "@mail.example"
	return h
}

// families share surname, street, postcode, town, telephone and e-mail.
func families(seed uint64) (*Table, []int) {
	m := newMaker(seed, english)
	m.table = NewTable("customers.csv", []string{"customer_no", "first_name", "last_name", "birthday", "address", "zip", "city", "phone", "email"})
	who := 0
	for range 700 {
		h := m.home()
		called := map[string]bool{}
		for range 1 + m.below(5) {
			given, birth := m.oneOf(englishGiven), m.birth()
			for called[given] && !m.chance(3) { // a father and his son, now and then
				given = m.oneOf(englishGiven)
			}
			called[given] = true
			m.add(who, given, h.last, iso(birth), h.street, h.code, h.town, h.phone, h.mail)
			if m.chance(30) {
				m.add(who, m.sometimes(15, given, m.slip), m.sometimes(10, h.last, m.slip), m.sometimes(20, m.sometimes(10, iso(birth), m.slip), none), m.sometimes(15, h.street, m.slip), h.code, h.town,
					m.sometimes(30, m.spaced(h.phone), none), m.sometimes(30, h.mail, none))
			}
			who++
		}
	}
	return m.done()
}

// shop are customers by themselves: so many of them, each with further records as more says.
func shop(seed uint64, people int, more func(m *maker) int) (*Table, []int) {
	m := newMaker(seed, english)
	m.table = NewTable("shop.csv", []string{"customer id", "first name", "last name", "dob", "street", "postcode", "city", "phone", "email"})
	for who := range people {
		h, given, birth := m.home(), m.oneOf(englishGiven), m.birth()
		mail := given + "." + strings.ToLower(h.last) + strconv.Itoa(m.below(1000)) + "@" + m.oneOf("mail.example post.example web.example")
		m.add(who, given, h.last, iso(birth), h.street, h.code, h.town, h.phone, mail)
		for range more(m) {
			now := h
			if m.chance(10) { // moved
				now = m.home()
				now.last, now.phone = h.last, h.phone
			}
			m.add(who, m.sometimes(15, given, m.slip), m.sometimes(15, now.last, m.slip), m.sometimes(20, m.sometimes(10, iso(birth), m.slip), none), m.sometimes(20, now.street, m.slip), now.code, now.town,
				m.sometimes(30, m.spaced(now.phone), none), m.sometimes(40, mail, none))
		}
	}
	return m.done()
}

// mostlyTwice has six duplicates in ten records.
func mostlyTwice(seed uint64) (*Table, []int) {
	return shop(seed, 1200, func(m *maker) int { return m.below(4) })
}

func nobodyTwice(seed uint64) (*Table, []int) {
	return shop(seed, 3000, func(*maker) int { return 0 })
}

// fifties has people with up to fifty records.
func fifties(seed uint64) (*Table, []int) {
	return shop(seed, 250, func(m *maker) int { return m.below(50) * m.below(2) })
}

// foreign has columns, names and dates as they are in another country.
func foreign(seed uint64, columns []string, given, syllables string, date func(b [3]int) string) (*Table, []int) {
	m := newMaker(seed, syllables)
	m.table = NewTable("kunden.csv", columns)
	for who := range 1500 {
		h, first, birth := m.home(), m.oneOf(given), m.birth()
		m.add(who, first, h.last, date(birth), h.street, h.code, h.town, h.phone)
		if m.chance(40) {
			m.add(who, m.sometimes(15, m.sometimes(20, first, fold), m.slip), m.sometimes(15, h.last, m.slip), m.sometimes(20, m.sometimes(10, date(birth), m.slip), none), m.sometimes(20, h.street, m.slip), h.code, m.sometimes(10, h.town, m.slip),
				m.sometimes(30, m.spaced(h.phone), none))
		}
	}
	return m.done()
}

func inGerman(seed uint64) (*Table, []int) {
	months := strings.Fields("Januar Februar März April Mai Juni Juli August September Oktober November Dezember")
	return foreign(seed, []string{"Kundennummer", "Vorname", "Nachname", "Geburtsdatum", "Straße", "PLZ", "Ort", "Telefonnummer"}, germanGiven, german, func(b [3]int) string {
		if b[2]%2 == 0 {
			return fmt.Sprintf("%d. %s %d", b[2], months[b[1]-1], b[0])
		}
		return fmt.Sprintf("%02d.%02d.%04d", b[2], b[1], b[0])
	})
}

func inFrench(seed uint64) (*Table, []int) {
	months := strings.Fields("janvier février mars avril mai juin juillet août septembre octobre novembre décembre")
	return foreign(seed, []string{"Réf client", "Prénom", "Nom de famille", "Né(e) le", "Adresse", "Code postal", "Commune", "Tél. portable"}, frenchGiven, french, func(b [3]int) string {
		return fmt.Sprintf("%d %s %d", b[2], months[b[1]-1], b[0])
	})
}

func inSpanish(seed uint64) (*Table, []int) {
	months := strings.Fields("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre")
	return foreign(seed, []string{"Nº cliente", "Nombre", "Apellidos", "Fecha de nacimiento", "Dirección", "Código postal", "Localidad", "Móvil"}, spanishGiven, spanish, func(b [3]int) string {
		return fmt.Sprintf("%d de %s de %d", b[2], months[b[1]-1], b[0])
	})
}

// manyDates has dates as each of several sources writes them.
func manyDates(seed uint64) (*Table, []int) {
	m := newMaker(seed, english)
	m.table = NewTable("sources.csv", []string{"id", "name", "dob", "postcode", "email"})
	write := []func(b [3]int) string{iso,
		func(b [3]int) string { return fmt.Sprintf("%02d/%02d/%04d", b[2], b[1], b[0]) },
		func(b [3]int) string { return fmt.Sprintf("%d.%d.%02d", b[2], b[1], b[0]%100) },
		func(b [3]int) string {
			return fmt.Sprintf("%d %s %d", b[2], [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}[b[1]-1], b[0])
		},
		func(b [3]int) string { return fmt.Sprintf("%04d%02d%02d", b[0], b[1], b[2]) },
		func(b [3]int) string { return iso(b) + "T00:00:00Z" }}
	for who := range 1800 {
		h, given, birth := m.home(), m.oneOf(englishGiven), m.birth()
		mail := given + strconv.Itoa(m.below(10_000)) + "@mail.example"
		for range 1 + m.below(3) {
			m.add(who, m.sometimes(15, given+" "+h.last, m.slip), write[m.below(len(write))](birth), m.sometimes(20, h.code, m.slip), m.sometimes(50, mail, none))
		}
	}
	return m.done()
}

// gaps has nothing in four of ten fields.
func gaps(seed uint64) (*Table, []int) {
	m := newMaker(seed, english)
	m.table = NewTable("gaps.csv", []string{"id", "given name", "surname", "date of birth", "street", "postcode", "city", "phone", "email"})
	for who := range 1500 {
		h, given, birth := m.home(), m.oneOf(englishGiven), m.birth()
		whole := []string{given, h.last, iso(birth), h.street, h.code, h.town, h.phone, given + "." + h.last + strconv.Itoa(m.below(100)) + "@mail.example"}
		for range 1 + m.below(3) {
			row := make([]string, len(whole))
			for c, v := range whole {
				row[c] = m.sometimes(40, m.sometimes(8, v, m.slip), none)
			}
			m.add(who, row...)
		}
	}
	return m.done()
}
