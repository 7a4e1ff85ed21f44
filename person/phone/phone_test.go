package phone

import (
	"fmt"
	"testing"

	"github.com/nyaruka/phonenumbers"
	_ "github.com/rapporthq/rapport/person/seedtest" // draws the same each time
	"pgregory.net/rapid"

	"github.com/rapporthq/rapport/torture"
)

// library is the answer of libphonenumber alone.
func library(text, region string) (string, bool) {
	n, err := phonenumbers.Parse(text, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

func TestANumberIsWhatTheLibrarySaysInEachCountry(t *testing.T) {
	quickly, all := 0, 0
	for region := range phonenumbers.GetSupportedRegions() {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil {
				continue
			}
			for _, f := range []phonenumbers.PhoneNumberFormat{phonenumbers.E164, phonenumbers.INTERNATIONAL, phonenumbers.NATIONAL} {
				text := phonenumbers.Format(n, f)
				for _, at := range []string{region, "GB", "US", "FR", "IT", "BR", ""} {
					got, ok := E164(text, at)
					want, is := library(text, at)
					if got != want || ok != is {
						t.Errorf("%s in %q: %q, and the library says %q", text, at, got, want)
					}
					all++
					if _, sure := quick(text, at); sure {
						quickly++
					}
				}
			}
		}
	}
	if quickly < all/3 {
		t.Errorf("%d of %d were read without the library: the quick way is not taken", quickly, all)
	}
}

// TestAPrefixThatCouldBePartOfTheNumberIsWhatTheLibrarySays puts digits between the country and the number, as people do with a trunk prefix.
func TestAPrefixThatCouldBePartOfTheNumberIsWhatTheLibrarySays(t *testing.T) {
	for region := range phonenumbers.GetSupportedRegions() {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil {
				continue
			}
			national := phonenumbers.GetNationalSignificantNumber(n)
			for _, before := range []string{"0", "1", "8", "00", "06"} {
				agree(t, fmt.Sprintf("+%d%s%s", n.GetCountryCode(), before, national), region)
				agree(t, before+national, region)
				agree(t, fmt.Sprintf("+%d%s%s", n.GetCountryCode(), before, national[min(len(before), len(national)):]), region)
			}
		}
	}
}

// TestANumberIsWhatTheLibrarySays tries texts near to numbers.
func TestANumberIsWhatTheLibrarySays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(\+|00|0|1|\+44|\+1|\+33|\+39 ?0|\+44 ?\(0\))?[-0-9 ().]{3,14}`).Draw(t, "text")
		at := rapid.SampledFrom([]string{"GB", "IM", "US", "CA", "FR", "DE", "IT", "ES", "BR", "RU", "AU", "IN", "XX", ""}).Draw(t, "region")
		agree(t, text, at)
	})
}

func agree(t interface{ Fatalf(string, ...any) }, text, at string) {
	got, ok := E164(text, at)
	if want, is := library(text, at); got != want || ok != is {
		t.Fatalf("%q in %q: %q %v, and the library says %q %v", text, at, got, ok, want, is)
	}
}

func FuzzANumberIsWhatTheLibrarySays(f *testing.F) {
	for _, s := range []string{"020 7946 0958", "+44 20 7946 0958", "+44 (0)20 7946 0958", "0044 20 7946 0958", "(212) 555-0123", "+39 06 698", "++44", "12", ""} {
		f.Add(s, "GB")
		f.Add(s, "US")
	}
	f.Fuzz(func(t *testing.T, text, at string) {
		if len(text) > 100 || len(at) > 2 {
			return
		}
		agree(t, text, at)
	})
}

func TestAPlainNumberCostsNoMoreThanItsText(t *testing.T) {
	for _, c := range []struct{ text, at string }{{"+442079460958", ""}, {"02079460958", "GB"}, {"+33 6 12 34 56 78", "FR"}, {"(212) 555-2368", "US"}} {
		if _, sure := quick(c.text, c.at); !sure {
			t.Errorf("%s is left to the library", c.text)
		}
		if n := testing.AllocsPerRun(100, func() { E164(c.text, c.at) }); n > 2 && !torture.Raced {
			t.Errorf("%s takes %v allocations", c.text, n)
		}
	}
}

func BenchmarkE164(b *testing.B) {
	for _, c := range []struct{ name, text, at string }{{"plus", "+442079460958", "GB"}, {"national", "020 7946 0958", "GB"}, {"us", "+12125552368", "GB"}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				E164(c.text, c.at)
			}
		})
		b.Run(c.name+"/library", func(b *testing.B) {
			for range b.N {
				library(c.text, c.at)
			}
		})
	}
}
