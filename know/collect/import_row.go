package collect

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/know/quality"
	"github.com/rapporthq/rapport/trust/consent"
)

// Why nothing becomes of a line. The sentences never hold what it says.
const (
	badJSON    = "it is not a JSON object"
	badQuotes  = "its quotes do not match"
	badColumns = "it has more columns than the header"
	badLength  = "it is too long"
	badWho     = "it names nobody: userId or anonymousId is missing"
	badPurpose = "it names no purpose"
	badAnswer  = "its answer is neither yes nor no"
	badAt      = "its time is missing or cannot be read: write it as 2006-01-02T15:04:05Z"
)

// parse reads the rows of a block into messages, beside other blocks: nothing of the run is changed here.
func (r *run) parse(b *block) {
	if b.tooLong {
		b.lines, b.bad = 1, append(b.bad, Problem{b.firstLine, badLength})
		return
	}
	p := rowParser{run: r, block: b}
	if c := r.Gate.parts.Charters().Current(); c != nil && c.Sources[r.Source] != nil {
		p.comma = c.Sources[r.Source].Decimals == charter.Comma
	}
	b.batch.file, b.batch.fallback = true, Track
	if r.As == People {
		b.batch.fallback = Identify
	}
	if r.layout.csv {
		p.columns = r.columns()
	}
	number := b.firstLine
	for data := b.data; len(data) > 0; {
		n, lines, _ := r.layout.rowEnd(data, true)
		row := bytes.TrimSuffix(bytes.TrimSuffix(data[:n], []byte{'\n'}), []byte{'\r'})
		if len(bytes.TrimSpace(row)) > 0 {
			b.lines++
			if !utf8.Valid(row) {
				text, _ := readable(row)
				row = []byte(text)
				b.latin++
			}
			if why := p.row(row, number); why != "" {
				b.bad = append(b.bad, Problem{number, why})
			}
		}
		data = data[n:]
		number += lines
	}
	p.flush()
}

// column is what a column of a CSV file means.
type column struct {
	name string        // of a property or fact: the charter's spelling where it has one
	role string        // userId, anonymousId, messageId, timestamp, event, type, or empty
	fact *charter.Type // of a fact
}

// columns gives the columns their meaning, spelling aside: user_id and "User ID" are userId.
func (r *run) columns() []column {
	c := r.Gate.parts.Charters().Current()
	out := make([]column, len(r.layout.columns))
	for i, name := range r.layout.columns {
		out[i].name = strings.TrimPrefix(strings.TrimPrefix(name, "properties."), "traits.")
		out[i].role = columnRole(name)
		if r.As == People && c != nil {
			if d := c.Data[out[i].name]; d != nil {
				out[i].fact, out[i].role = &d.Type, ""
			}
		}
	}
	return out
}

// columnRole is what a column is in the envelope of a message, empty when it is none of that.
func columnRole(name string) string {
	switch plain(name) {
	case "userid":
		return "userId"
	case "anonymousid":
		return "anonymousId"
	case "messageid":
		return "messageId"
	case "timestamp", "at", "time":
		return "timestamp"
	case "event":
		return "event"
	case "type":
		return "type"
	}
	return ""
}

func plain(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || c == '-' || c == ' ' || c == '.' {
			return -1
		}
		return c
	}, strings.ToLower(name))
}

// rowParser reads the rows of one block.
type rowParser struct {
	*run
	block   *block
	columns []column
	comma   bool   // the source writes a comma before a fraction
	order   *order // lines of one order that are being gathered
}

// row reads one row; it says why it cannot.
func (p *rowParser) row(row []byte, number int64) string {
	if !p.layout.csv {
		return p.object(row, number)
	}
	fields, ok := splitRow(row, p.layout.comma)
	switch {
	case !ok:
		return badQuotes
	case len(fields) > len(p.columns), p.layout.number && len(fields) == len(p.columns):
		return badColumns
	}
	fields = p.layout.renamed(fields, number)
	switch p.As {
	case Items:
		m := make(map[string]string, len(fields))
		for i, f := range fields {
			if v := strings.TrimSpace(string(f)); v != "" && (p.layout.taken == nil || p.layout.taken[i]) {
				m[p.layout.columns[i]] = v
			}
		}
		p.block.items = append(p.block.items, Line{Number: number, Fields: m})
		return ""
	case Events:
		if p.cell(fields, "userId") == "" && p.cell(fields, "anonymousId") == "" {
			p.flush()
			return badWho
		}
		if p.layout.ordered {
			return p.gather(fields, number)
		}
		return p.object(p.eventJSON(fields, nil), number)
	case People:
		return p.object(p.factsJSON(fields), number)
	}
	return p.object(p.plainJSON(fields), number)
}

// object reads one JSON object as what the file holds. line must stay as it is.
func (p *rowParser) object(line []byte, number int64) string {
	switch p.As {
	case Items:
		if !json.Valid(line) {
			return badJSON
		}
		p.block.items = append(p.block.items, Line{Number: number, JSON: line})
		return ""
	case Choices:
		return p.choice(line)
	case Complaints:
		return p.complaint(line)
	}
	b := &p.block.batch
	m, why := b.line(line)
	if why != "" {
		return why
	}
	if p.As == People && m.Type == Identify && m.traits == nil {
		m.traits, m.flat = m.raw, true
	}
	if m.ID == "" {
		m.ID = "file " + p.hash + " " + strconv.FormatInt(number, 10)
	}
	return ""
}

// line reads one line of a file as a message.
func (b *Batch) line(line []byte) (*Message, string) {
	s := &b.scan
	s.data, s.pos, s.defect, s.names = line, 0, sound, s.names[:0]
	if s.peek() != '{' {
		return nil, badJSON
	}
	b.Messages = append(b.Messages, Message{})
	m := &b.Messages[len(b.Messages)-1]
	err := b.message(m, Unknown)
	if err == nil {
		if s.space(); s.pos != len(line) {
			err = errSyntax
		}
	}
	why := ""
	switch {
	case err != nil:
		why = badJSON
	case m.defect == missing && m.UserID == "" && m.Anonymous == "":
		why = badWho
	case m.defect != sound:
		why = m.Defect()
	}
	if why != "" {
		b.Messages[len(b.Messages)-1] = Message{}
		b.Messages = b.Messages[:len(b.Messages)-1]
	}
	return m, why
}

// choice reads {"userId","purpose","answer","at","channel","language","notice","words","explicit"}.
func (p *rowParser) choice(line []byte) string {
	m := Message{Type: choiceOf}
	var c Spoken
	var answer, explicit string
	why := p.members(line, &m, func(s *scanner, name string) (bool, error) {
		switch name {
		case "purpose":
			return true, s.id(&c.Purpose, maxName)
		case "answer":
			return true, s.word(&answer)
		case "explicit":
			return true, s.word(&explicit)
		case "channel":
			return true, s.id(&c.Evidence.Channel, maxName)
		case "language":
			return true, s.id(&c.Evidence.Language, maxName)
		case "notice":
			return true, s.id(&c.Evidence.Notice, maxName)
		case "words":
			return true, s.id(&c.Evidence.Words, MaxMessage)
		case "at":
			return true, s.instant(&m.timestamp)
		}
		return false, nil
	})
	switch strings.ToLower(answer) {
	case "yes", "true":
		c.Answer = consent.Yes
	case "no", "false":
		c.Answer = consent.No
	}
	c.Explicit = explicit == "true" || explicit == "yes" || explicit == "1"
	switch {
	case why != "":
		return why
	case m.UserID == "" && m.Anonymous == "":
		return badWho
	case c.Purpose == "":
		return badPurpose
	case c.Answer == consent.Unanswered:
		return badAnswer
	case m.timestamp == 0:
		return badAt
	}
	m.choice = &c
	if m.ID == "" {
		if c.Explicit {
			answer += ", explicitly"
		}
		m.ID = p.contentID("choice", m.UserID, m.Anonymous, c.Purpose, answer, strconv.FormatInt(int64(m.timestamp), 10))
	}
	p.block.batch.Messages = append(p.block.batch.Messages, m)
	return ""
}

// complaint reads {"userId","id","opened","closed"}.
func (p *rowParser) complaint(line []byte) string {
	m := Message{Type: complaintOf}
	var c Complained
	closedSaid := false
	why := p.members(line, &m, func(s *scanner, name string) (bool, error) {
		switch name {
		case "id":
			return true, s.id(&c.ID, maxID)
		case "opened":
			return true, s.instant(&m.timestamp)
		case "closed":
			closedSaid = s.peek() == '"'
			return true, s.instant(&c.Closed)
		}
		return false, nil
	})
	switch {
	case why != "":
		return why
	case m.UserID == "" && m.Anonymous == "":
		return badWho
	case m.timestamp == 0 || (closedSaid && c.Closed == 0):
		return badAt
	}
	if c.ID == "" {
		c.ID = p.contentID("complaint", m.UserID, m.Anonymous, strconv.FormatInt(int64(m.timestamp), 10))
	}
	m.complaint = &c
	if m.ID == "" {
		m.ID = c.ID
	}
	p.block.batch.Messages = append(p.block.batch.Messages, m)
	return ""
}

// contentID names a line by what it says, under the home's key: the same line in another file is the same act.
func (p *rowParser) contentID(parts ...string) string {
	id := p.Gate.parts.Vault.EventID("line\x00" + strings.Join(parts, "\x00"))
	return hex.EncodeToString(id[:])
}

// members walks over the members of one line; what f does not take is an identifier or passed over.
func (p *rowParser) members(line []byte, m *Message, f func(s *scanner, name string) (bool, error)) string {
	s := &p.block.batch.scan
	s.data, s.pos, s.defect, s.names = line, 0, sound, s.names[:0]
	if s.peek() != '{' {
		return badJSON
	}
	err := s.object(0, func(name []byte, depth int) error {
		if took, err := f(s, string(name)); took {
			return err
		}
		switch string(name) {
		case "userId":
			return s.id(&m.UserID, maxID)
		case "anonymousId":
			return s.id(&m.Anonymous, maxID)
		case "messageId":
			return s.id(&m.ID, maxID)
		}
		_, err := s.value(depth)
		return err
	})
	if err == nil {
		if s.space(); s.pos != len(line) {
			err = errSyntax
		}
	}
	switch {
	case err != nil:
		return badJSON
	case s.defect != sound:
		return defectWords[s.defect]
	}
	m.raw = line
	return ""
}

// word reads a text, or true, false or a number as its text.
func (s *scanner) word(to *string) error {
	switch c := s.peek(); c {
	case 't', 'f':
		v, err := s.value(1)
		*to = string(v)
		return err
	}
	return s.id(to, maxName)
}

// plainJSON writes a row as an object of texts; true, false and numbers are read from texts later.
func (p *rowParser) plainJSON(fields [][]byte) []byte {
	b := []byte{'{'}
	for i, f := range fields {
		v := bytes.TrimSpace(f)
		if len(v) == 0 {
			continue
		}
		name := p.columns[i].name
		switch p.columns[i].role {
		case "userId", "anonymousId", "messageId":
			name = p.columns[i].role
		case "timestamp":
			name = "at"
		}
		b = appendMember(b, name)
		b = appendText(b, v)
	}
	return append(b, '}')
}

// factsJSON writes a row of people as an identify message.
func (p *rowParser) factsJSON(fields [][]byte) []byte {
	b := append(p.envelope(nil, fields), `,"traits":{`...)
	n := len(b)
	for i, f := range fields {
		c := &p.columns[i]
		if v := bytes.TrimSpace(f); len(v) > 0 && c.role == "" {
			if len(b) > n {
				b = append(b, ',')
			}
			b = appendText(b, []byte(c.name))
			b = append(b, ':')
			if c.fact == nil {
				b = append(b, '0') // it falls at the gate: there is no need to copy it
			} else {
				b = p.appendCell(b, c.fact, v)
			}
		}
	}
	return append(b, '}', '}')
}

// envelope begins a message with the columns that are no properties and no facts.
func (p *rowParser) envelope(b []byte, fields [][]byte) []byte {
	b = append(b, '{')
	for i, f := range fields {
		if v := bytes.TrimSpace(f); len(v) > 0 && p.columns[i].role != "" {
			b = appendMember(b, p.columns[i].role)
			b = appendText(b, v)
		}
	}
	if p.As == Events && p.Event != "" && p.cell(fields, "event") == "" {
		b = appendText(appendMember(b, "event"), []byte(p.Event))
	}
	if len(b) == 1 {
		return append(b, `"type":""`...)
	}
	return b
}

func appendMember(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendText(b, []byte(name)), ':')
}

// appendCell writes a cell as the JSON value of its type, or as a text of which the gate decides.
func (p *rowParser) appendCell(b []byte, t *charter.Type, cell []byte) []byte {
	if p.comma && (t.Name == charter.TMoney || t.Name == charter.TNumber) { // 1.234 is no number with a point then
		value, doubts, ok := quality.Written(t, string(cell), quality.Setting{Decimals: charter.Comma}, false)
		if !ok || doubts != 0 {
			return appendText(b, cell)
		}
		return append(b, value...)
	}
	v, err := t.ValueText(string(cell))
	if err != nil {
		return appendText(b, cell)
	}
	switch t.Name {
	case charter.TItems:
		if s, ok := v.(string); ok {
			return append(b, s...) // canonical text of items is JSON
		}
	case charter.TBand, charter.TEnum:
		if s, ok := v.(string); ok {
			return appendText(b, []byte(s))
		}
	}
	out, err := json.Marshal(v)
	if err != nil {
		return appendText(b, cell)
	}
	return append(b, out...)
}

// appendText writes a JSON string.
func appendText(b, text []byte) []byte {
	b = append(b, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, `\u00`...)
			b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// events of a CSV file

// eventOf gives the types of the properties of a row's event; nil when the charter does not name it.
func (p *rowParser) eventOf(fields [][]byte) *charter.Event {
	c := p.Gate.parts.Charters().Current()
	if c == nil {
		return nil
	}
	name := p.cell(fields, "event")
	if name == "" {
		name = p.Event
	}
	return c.Events[name]
}

func (p *rowParser) cell(fields [][]byte, role string) string {
	for i := range min(len(fields), len(p.columns)) {
		if p.columns[i].role == role {
			return string(bytes.TrimSpace(fields[i]))
		}
	}
	return ""
}

// eventJSON writes a row as a message. lines, when not nil, are the items of an order under the name of the property.
func (p *rowParser) eventJSON(fields [][]byte, o *order) []byte {
	e := p.eventOf(fields)
	b := append(p.envelope(nil, fields), `,"properties":{`...)
	n := len(b)
	for i, f := range fields {
		c := &p.columns[i]
		v := bytes.TrimSpace(f)
		if len(v) == 0 || c.role != "" || (o != nil && lineColumn(c.name)) {
			continue
		}
		if len(b) > n {
			b = append(b, ',')
		}
		b = appendText(b, []byte(c.name))
		b = append(b, ':')
		if e == nil || e.Properties[c.name] == nil {
			b = append(b, '0') // it falls at the gate: there is no need to copy it
		} else {
			b = p.appendCell(b, &e.Properties[c.name].Type, v)
		}
	}
	if o != nil {
		if len(b) > n {
			b = append(b, ',')
		}
		b = appendText(b, []byte(o.property))
		b = append(append(append(b, `:[`...), o.lines...), ']')
	}
	return append(b, '}', '}')
}

// order gathers the rows of one order: a CSV file has a row for each line, an event holds them all.
type order struct {
	property string
	fields   [][]byte
	key      []byte
	first    int64
	lines    []byte
}

func lineColumn(name string) bool {
	return name == "product_id" || name == "quantity" || name == "price"
}

// gather adds a row to the order before it when all but its line is the same.
func (p *rowParser) gather(fields [][]byte, number int64) string {
	e := p.eventOf(fields)
	property := itemsProperty(e)
	if property == "" {
		p.flush()
		return p.object(p.eventJSON(fields, nil), number)
	}
	key := p.layout.orderKey(nil, fields)
	if p.order == nil || !bytes.Equal(p.order.key, key) {
		p.flush()
		kept := make([][]byte, len(fields))
		for i := range fields {
			kept[i] = bytes.Clone(fields[i])
		}
		p.order = &order{property: property, fields: kept, key: key, first: number}
	}
	o := p.order
	if len(o.lines) > 0 {
		o.lines = append(o.lines, ',')
	}
	o.lines = append(o.lines, '{')
	money, count := charter.Type{Name: charter.TMoney}, charter.Type{Name: charter.TNumber}
	for i, f := range fields {
		if i >= len(p.columns) {
			break
		}
		v := bytes.TrimSpace(f)
		if len(v) == 0 || !lineColumn(p.columns[i].name) {
			continue
		}
		o.lines = appendMember(o.lines, p.columns[i].name)
		switch p.columns[i].name {
		case "price":
			o.lines = p.appendCell(o.lines, &money, v)
		case "quantity":
			o.lines = p.appendCell(o.lines, &count, v)
		default:
			o.lines = appendText(o.lines, v)
		}
	}
	o.lines = append(o.lines, '}')
	return ""
}

// flush makes a message of the order that is gathered.
func (p *rowParser) flush() {
	o := p.order
	if o == nil {
		return
	}
	p.order = nil
	if why := p.object(p.eventJSON(o.fields, o), o.first); why != "" {
		p.block.bad = append(p.block.bad, Problem{o.first, why})
	}
}

// itemsProperty is the one property of an event that holds items, empty when there is none or several.
func itemsProperty(e *charter.Event) string {
	found := ""
	if e != nil {
		for n, pr := range e.Properties {
			if pr.Type.Name == charter.TItems {
				if found != "" {
					return ""
				}
				found = n
			}
		}
	}
	return found
}

// orderKey is what the rows of one order have in common: see orderColumns.
func (l *layout) orderKey(key []byte, fields [][]byte) []byte {
	for i, f := range fields {
		if i >= len(l.key) || !l.key[i] {
			continue
		}
		key = append(append(key, f...), 0)
	}
	return key
}
