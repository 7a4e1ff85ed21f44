package collect

import (
	"errors"
	"time"

	"github.com/rapporthq/rapport/person"
)

// The most that is taken at once.
const (
	MaxBody     = 4 << 20  // bytes, after inflating
	MaxMessage  = 32 << 10 // bytes of one message
	MaxMessages = 2500     // of one batch
	maxID       = 500      // bytes of a userId, anonymousId or messageId
	maxName     = 200      // bytes of an event's name
)

// Type is what a message is.
type Type uint8

// The types of messages. Batch is none: it holds others.
const (
	Unknown Type = iota
	Track
	Identify
	Page
	Screen
	Group
	Alias
	BatchOf
)

var typeWords = [...]string{"", "track", "identify", "page", "screen", "group", "alias", "batch"}

func (t Type) String() string { return typeWords[t] }

// ParseType reads the word or the first letter of a type, as paths of the Segment API have them.
func ParseType(s string) (Type, bool) {
	for i, w := range typeWords {
		if i > 0 && (s == w || s == w[:1]) {
			return Type(i), true
		}
	}
	return Unknown, false
}

// Message is one message as it came: envelope read, content still as raw JSON in the bytes that were parsed.
type Message struct {
	Type       Type
	ID         string // messageId, empty when none came
	UserID     string
	Anonymous  string
	Previous   string // of alias
	GroupID    string
	Event      string // the charter's name of the event: of track as sent, of page and screen "Page Viewed", "Screen Viewed"
	Name       string // of page and screen
	Category   string
	timestamp  person.Instant // by the sender's clock; zero when nonsense or missing
	sent       person.Instant
	properties []byte
	traits     []byte
	context    []byte
	consent    []byte // context.consent
	manager    []byte // context.consentManagement
	raw        []byte
	choice     *Spoken     // from a file
	complaint  *Complained // from a file
	flat       bool        // traits are the message itself, without its envelope
	defect     defect
}

// Defect says in a few words what is wrong with the message, empty when nothing is. It never holds content.
func (m *Message) Defect() string { return defectWords[m.defect] }

// Large says whether the message was more than 32 KB.
func (m *Message) Large() bool { return m.defect == tooLarge }

// Batch is what one body held. Its messages point into the body: both live until Accept returned.
type Batch struct {
	WriteKey string
	Messages []Message
	single   bool
	file     bool // the messages come from a file: their times are taken as they stand
	fallback Type // of messages without a type, in a file
	scan     scanner
}

// Single says whether the body was one message and no batch: its defect is then the request's.
func (b *Batch) Single() bool { return b.single }

// Forget lets go of the body and what was read out of it, before a Batch is put aside for reuse.
func (b *Batch) Forget() {
	clear(b.Messages)
	b.Messages, b.WriteKey = b.Messages[:0], ""
	b.scan.data, b.scan.defect = nil, sound
	clear(b.scan.scratch[:cap(b.scan.scratch)])
}

// The faults of a whole body.
var (
	ErrMalformed = errors.New("the body is not a JSON object in the Segment format")
	ErrTooLarge  = errors.New("a batch takes at most 2,500 messages and 4 MB, and each message at most 32 KB")
)

// Parse reads a body of the given type; BatchOf reads a batch. It gives ErrMalformed when the text is no JSON object
// or no batch, ErrTooLarge when it holds too much. A message with a defect stays in its place, marked: the others are
// good. b is reused from call to call.
func (b *Batch) Parse(body []byte, as Type) error {
	b.WriteKey, b.single, b.file = "", as != BatchOf, false
	b.Messages = b.Messages[:0]
	s := &b.scan
	s.data, s.pos, s.defect, s.names = body, 0, sound, s.names[:0]
	if len(body) > MaxBody {
		return ErrTooLarge
	}
	if s.peek() != '{' {
		return ErrMalformed
	}
	var err error
	if b.single {
		b.Messages = append(b.Messages, Message{Type: as})
		err = b.message(&b.Messages[0], as)
	} else {
		err = b.batch()
	}
	if err == nil {
		if s.space(); s.pos != len(body) {
			err = ErrMalformed
		}
	}
	if err != nil {
		if err == errSyntax {
			err = ErrMalformed
		}
		clear(b.Messages)
		b.Messages = b.Messages[:0]
		return err
	}
	return nil
}

func (b *Batch) batch() error {
	s := &b.scan
	var sent person.Instant
	var consent, manager []byte
	found := false
	err := s.object(0, func(name []byte, depth int) error {
		switch string(name) {
		case "batch":
			if s.peek() != '[' || found {
				return ErrMalformed
			}
			found = true
			outer := s.defect
			err := s.array(depth, func(int) error {
				if len(b.Messages) == MaxMessages {
					return ErrTooLarge
				}
				b.Messages = append(b.Messages, Message{})
				s.defect = sound
				return b.message(&b.Messages[len(b.Messages)-1], Unknown)
			})
			s.defect = outer
			return err
		case "writeKey":
			return s.id(&b.WriteKey, maxID)
		case "sentAt":
			return s.instant(&sent)
		case "context":
			_, err := s.contextOf(depth, &consent, &manager)
			return err
		}
		_, err := s.value(depth)
		return err
	})
	if err != nil {
		return err
	}
	if !found || s.defect != sound {
		return ErrMalformed
	}
	for i := range b.Messages {
		m := &b.Messages[i]
		if m.sent == 0 {
			m.sent = sent
		}
		if m.consent == nil && m.manager == nil {
			m.consent, m.manager = consent, manager
		}
	}
	return nil
}

// message reads one message; what is wrong with it is marked on it. An error means that the text is no JSON.
func (b *Batch) message(m *Message, as Type) error {
	s := &b.scan
	start := s.pos
	if s.peek() != '{' {
		m.defect = wrongShape
		_, err := s.value(0)
		return err
	}
	var original person.Instant
	err := s.object(0, func(name []byte, depth int) error {
		var err error
		switch string(name) {
		case "type":
			err = s.kind(&m.Type)
		case "event":
			err = s.id(&m.Event, maxName)
		case "name":
			err = s.id(&m.Name, MaxMessage)
		case "category":
			err = s.id(&m.Category, MaxMessage)
		case "messageId":
			err = s.id(&m.ID, maxID)
		case "userId":
			err = s.id(&m.UserID, maxID)
		case "anonymousId":
			err = s.id(&m.Anonymous, maxID)
		case "previousId":
			err = s.id(&m.Previous, maxID)
		case "groupId":
			err = s.id(&m.GroupID, maxID)
		case "writeKey":
			if as == Unknown {
				_, err = s.value(depth)
			} else {
				err = s.id(&b.WriteKey, maxID)
			}
		case "timestamp":
			if err = s.instant(&m.timestamp); b.file && m.timestamp == 0 {
				s.flaw(noTime)
			}
		case "at":
			if !b.file {
				_, err = s.value(depth)
			} else if err = s.instant(&m.timestamp); m.timestamp == 0 {
				s.flaw(noTime)
			}
		case "originalTimestamp":
			err = s.instant(&original)
		case "sentAt":
			err = s.instant(&m.sent)
		case "properties":
			m.properties, err = s.shaped('{', depth)
		case "traits":
			m.traits, err = s.shaped('{', depth)
		case "context":
			m.context, err = s.contextOf(depth, &m.consent, &m.manager)
		default:
			_, err = s.value(depth)
		}
		return err
	})
	if err != nil {
		return err
	}
	m.raw = s.data[start:s.pos]
	switch {
	case b.file:
		m.sent = 0 // when it was sent says nothing about when it is imported
		if m.timestamp == 0 {
			m.timestamp = original
		}
		if m.Type == Unknown {
			m.Type = b.fallback
		}
	case original != 0:
		m.timestamp = original
	}
	if as != Unknown {
		m.Type = as
	}
	m.defect = s.defect
	if len(m.raw) > MaxMessage {
		m.defect = tooLarge
	}
	if m.defect == sound {
		m.complete()
	}
	return nil
}

// complete names the event and marks what a message must have and has not.
func (m *Message) complete() {
	switch m.Type {
	case Track:
	case Page:
		m.Event = "Page Viewed"
	case Screen:
		m.Event = "Screen Viewed"
	default:
		m.Event = ""
	}
	switch {
	case m.Type == Unknown || m.Type == BatchOf,
		m.UserID == "" && m.Anonymous == "",
		m.Type == Track && m.Event == "",
		m.Type == Group && m.GroupID == "",
		m.Type == Alias && (m.Previous == "" || m.UserID == ""):
		m.defect = missing
	}
}

// id reads a name or an identifier: a text, or a number as senders without types write them. Null is as if it were
// not there.
func (s *scanner) id(to *string, most int) error {
	switch c := s.peek(); {
	case c == '"':
		t, err := s.str()
		if err != nil {
			return err
		}
		if v := s.bytes(t); len(v) <= most {
			*to = string(v)
		} else {
			s.flaw(wrongShape)
		}
		return nil
	case c == '-' || (c >= '0' && c <= '9'):
		start := s.pos
		if err := s.number(); err != nil {
			return err
		}
		*to = string(s.data[start:s.pos])
		return nil
	case c == 'n':
		return s.literal("null")
	}
	s.flaw(wrongShape)
	_, err := s.value(1)
	return err
}

func (s *scanner) kind(to *Type) error {
	var word string
	if err := s.id(&word, MaxMessage); err != nil {
		return err
	}
	if t, ok := ParseType(word); ok && len(word) > 1 {
		*to = t
	}
	return nil
}

// instant reads a time; what is no time, or no believable one, leaves zero.
func (s *scanner) instant(to *person.Instant) error {
	if s.peek() != '"' {
		_, err := s.value(1)
		return err
	}
	t, err := s.str()
	if err != nil {
		return err
	}
	*to = readTime(s.bytes(t))
	return nil
}

// shaped passes over a value that must begin so; null is as if it were not there.
func (s *scanner) shaped(first byte, depth int) ([]byte, error) {
	c := s.peek()
	v, err := s.value(depth)
	switch {
	case err != nil || c == first:
		return v, err
	case c != 'n':
		s.flaw(wrongShape)
	}
	return nil, nil
}

func (s *scanner) contextOf(depth int, consent, manager *[]byte) ([]byte, error) {
	if s.peek() != '{' {
		return s.shaped('{', depth)
	}
	start := s.pos
	err := s.object(depth, func(name []byte, depth int) error {
		var err error
		switch string(name) {
		case "consent":
			*consent, err = s.shaped('{', depth)
		case "consentManagement":
			*manager, err = s.shaped('{', depth)
		default:
			_, err = s.value(depth)
		}
		return err
	})
	return s.data[start:s.pos], err
}

// The years outside of which a sender's clock is nonsense.
const firstYear, lastYear = 1995, 2099

// readTime reads a time as senders write them; zero when it is none or not believable. A time without a zone is UTC.
func readTime(b []byte) person.Instant {
	if len(b) < 10 || len(b) > 40 {
		return 0
	}
	if i, ok := plainTime(b); ok {
		return i
	}
	s := string(b)
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			if y := t.UTC().Year(); y < firstYear || y > lastYear {
				return 0
			}
			return person.At(t)
		}
	}
	return 0
}

// plainTime reads 2006-01-02T15:04:05.000Z, which nearly every sender writes, several times faster than time.Parse.
func plainTime(b []byte) (person.Instant, bool) {
	if len(b) < 20 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return 0, false
	}
	year, month, day := two(b[0:])*100+two(b[2:]), two(b[5:]), two(b[8:])
	hour, minute, second := two(b[11:]), two(b[14:]), two(b[17:])
	if year < firstYear || year > lastYear || month < 1 || month > 12 || day < 1 || day > 28 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, false // the 29th and later are left to time.Parse, which knows the months
	}
	micros := 0
	if frac := b[19 : len(b)-1]; len(frac) > 0 {
		if frac[0] != '.' || len(frac) < 2 || len(frac) > 7 {
			return 0, false
		}
		scale := 100000
		for _, c := range frac[1:] {
			if c < '0' || c > '9' {
				return 0, false
			}
			micros += int(c-'0') * scale
			scale /= 10
		}
	}
	return person.At(time.Date(year, time.Month(month), day, hour, minute, second, micros*1000, time.UTC)), true
}

func two(b []byte) int {
	if b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9' {
		return -10000
	}
	return int(b[0]-'0')*10 + int(b[1]-'0')
}

// when is the time of a message by the server's clock: received − (sent − timestamp). What is nonsense, or would lie
// in the future, is the time of receipt.
func (m *Message) when(received person.Instant) person.Instant {
	t := m.timestamp
	if t == 0 {
		return received
	}
	if m.sent != 0 {
		t = received - (m.sent - t)
	}
	if t > received || t.Time().Year() < firstYear {
		return received
	}
	return t
}
