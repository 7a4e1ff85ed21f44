package collect

import (
	"strings"

	"github.com/rapporthq/rapport/charter"
	"github.com/rapporthq/rapport/trust/consent"
)

// said is what a message's consent object answers to one purpose.
type said struct {
	purpose string
	answer  consent.Answer
}

// answers reads the consent objects of a message: Segment's context.consent.categoryPreferences and RudderStack's
// context.consentManagement. Without any there are no answers. With one, every purpose to which the source's
// consent-categories lead is answered: a category that is missing, or not plainly true, is a no, and so is a purpose
// of which one category says no. The slice is appended to dst.
func (m *Message) answers(dst []said, src *charter.Source, k *sketch) []said {
	if m.consent == nil && m.manager == nil {
		return dst
	}
	from := len(dst)
	if m.consent != nil {
		prefs := k.at(m.consent, []string{"categoryPreferences"})
		granted := map[string]bool{}
		if len(prefs) > 0 && prefs[0] == '{' {
			k.each(prefs, func(name string, v []byte) { granted[strings.ToLower(name)] = string(v) == "true" })
		}
		dst = put(dst, from, src, granted)
	}
	if m.manager != nil {
		granted := map[string]bool{}
		k.list(k.at(m.manager, []string{"allowedConsentIds"}), func(id string) { granted[strings.ToLower(id)] = true })
		k.list(k.at(m.manager, []string{"deniedConsentIds"}), func(id string) { granted[strings.ToLower(id)] = false })
		dst = put(dst, from, src, granted)
	}
	return dst
}

func put(dst []said, from int, src *charter.Source, granted map[string]bool) []said {
next:
	for category, purpose := range src.ConsentCategories {
		answer := consent.No
		if granted[strings.ToLower(category)] {
			answer = consent.Yes
		}
		for i := from; i < len(dst); i++ {
			if dst[i].purpose == purpose {
				if answer == consent.No {
					dst[i].answer = consent.No
				}
				continue next
			}
		}
		dst = append(dst, said{purpose, answer})
	}
	return dst
}

// each calls f with every member of a checked object.
func (k *sketch) each(raw []byte, f func(name string, value []byte)) {
	s := &k.scan
	s.data, s.pos, s.defect, s.names = raw, 0, sound, s.names[:0]
	_ = s.object(0, func(name []byte, depth int) error {
		n := string(name)
		v, err := s.value(depth)
		if err == nil {
			f(n, v)
		}
		return err
	})
}

// list calls f with every text of a checked list; what is no text is passed over.
func (k *sketch) list(raw []byte, f func(string)) {
	if len(raw) == 0 || raw[0] != '[' {
		return
	}
	s := &k.scan
	s.data, s.pos, s.defect, s.names = raw, 0, sound, s.names[:0]
	_ = s.array(0, func(depth int) error {
		if s.peek() == '"' {
			t, err := s.str()
			if err == nil {
				f(string(s.bytes(t)))
			}
			return err
		}
		_, err := s.value(depth)
		return err
	})
}
