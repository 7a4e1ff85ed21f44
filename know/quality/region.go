package quality

import "strings"

// Postcodes lead to regions by their beginning. The tables are of areas that change once in a decade; an area that two regions share leads to
// the one with most of its people, with less confidence. The confidences are chosen: nobody counted.
const (
	whole  = 0.97 // the area lies in one region
	shared = 0.75 // a good part of it lies in another
)

// regionOfPostcode infers the region that a postcode is in: the statistical regions of England and the countries beside it, the régions of
// France, the states of the United States.
func regionOfPostcode(postcode string, s Setting) (string, float64) {
	country := s.Country
	if country == "" {
		country = s.Region
	}
	bare := strings.NewReplacer(" ", "", "-", "").Replace(postcode)
	fit := false
	for _, form := range forms[country] {
		fit = fit || fits([]byte(bare), form)
	}
	if !fit {
		return "", 0
	}
	switch country {
	case "GB":
		if r := regionGB(bare); r != "" && r != nowhere {
			if strings.Contains(sharedGB, " "+areaGB(bare)+" ") {
				return r, shared
			}
			return r, whole
		}
	case "FR":
		if r := regionFR(bare); r != "" {
			return r, whole
		}
	case "US":
		if r := regionUS(bare); r != "" {
			return r, whole
		}
	}
	return "", 0
}

// nowhere is where postcodes are that belong to large receivers, not to places.
const nowhere = "nowhere"

// areaGB is the letters that a British postcode begins with.
func areaGB(bare string) string {
	i := 0
	for i < len(bare) && bare[i] >= 'A' && bare[i] <= 'Z' {
		i++
	}
	return bare[:i]
}

func regionGB(bare string) string { return inGB[areaGB(bare)] }

func regionFR(bare string) string {
	if len(bare) != 5 {
		return ""
	}
	if r, ok := inFR[bare[:3]]; ok {
		return r
	}
	return inFR[bare[:2]]
}

func regionUS(bare string) string {
	if len(bare) < 3 {
		return ""
	}
	for i := range inUS {
		if r := &inUS[i]; bare[:3] <= r.last {
			if bare[:3] >= r.first {
				return r.state
			}
			return ""
		}
	}
	return ""
}

// areas turns lines of "region: areas" into a map from area to region.
func areas(lines string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(lines) {
		region, codes, _ := strings.Cut(strings.TrimSpace(line), ": ")
		for _, c := range strings.Fields(codes) {
			out[c] = region
		}
	}
	return out
}

// The postcode areas of the United Kingdom and the islands that share its form, by the first level of its statistical regions.
var inGB = areas(`North East: NE DH SR TS DL
North West: BB BL CA CH CW FY L LA M OL PR SK WA WN
Yorkshire and the Humber: BD DN HD HG HU HX LS S WF YO
East Midlands: DE LE LN NG NN
West Midlands: B CV DY HR ST SY TF WR WS WV
East of England: AL CB CM CO IP LU NR PE SG SS WD
London: BR CR E EC EN HA IG N NW RM SE SM SW TW UB W WC
South East: BN CT DA GU HP KT ME MK OX PO RG RH SL SO TN
South West: BA BH BS DT EX GL PL SN SP TA TQ TR
Wales: CF LD LL NP SA
Scotland: AB DD DG EH FK G HS IV KA KW KY ML PA PH TD ZE
Northern Ireland: BT
Channel Islands: GY JE
Isle of Man: IM
nowhere: BF BX`)

const sharedGB = " CH SY DL PE HP DA EN KT DN S TD SP MK RM IG TW CR SM WD TS "

// The départements of France, by région; overseas by the first three figures.
var inFR = areas(`Auvergne-Rhône-Alpes: 01 03 07 15 26 38 42 43 63 69 73 74
Bourgogne-Franche-Comté: 21 25 39 58 70 71 89 90
Bretagne: 22 29 35 56
Centre-Val de Loire: 18 28 36 37 41 45
Corse: 20
Grand Est: 08 10 51 52 54 55 57 67 68 88
Hauts-de-France: 02 59 60 62 80
Île-de-France: 75 77 78 91 92 93 94 95
Normandie: 14 27 50 61 76
Nouvelle-Aquitaine: 16 17 19 23 24 33 40 47 64 79 86 87
Occitanie: 09 11 12 30 31 32 34 46 48 65 66 81 82
Pays de la Loire: 44 49 53 72 85
Provence-Alpes-Côte d’Azur: 04 05 06 13 83 84
Guadeloupe: 971
Martinique: 972
Guyane: 973
La Réunion: 974
Saint-Pierre-et-Miquelon: 975
Mayotte: 976
Saint-Barthélemy et Saint-Martin: 977
Monaco: 980
Wallis-et-Futuna: 986
Polynésie française: 987
Nouvelle-Calédonie: 988`)

// The first three figures of ZIP codes, by state; military mail is of none.
var inUS = [...]struct{ first, last, state string }{
	{"005", "005", "New York"}, {"006", "007", "Puerto Rico"}, {"008", "008", "US Virgin Islands"}, {"009", "009", "Puerto Rico"},
	{"010", "027", "Massachusetts"}, {"028", "029", "Rhode Island"}, {"030", "038", "New Hampshire"}, {"039", "049", "Maine"}, {"050", "054", "Vermont"},
	{"055", "055", "Massachusetts"}, {"056", "059", "Vermont"}, {"060", "069", "Connecticut"}, {"070", "089", "New Jersey"}, {"090", "098", "Armed Forces"},
	{"100", "149", "New York"}, {"150", "196", "Pennsylvania"}, {"197", "199", "Delaware"}, {"200", "200", "District of Columbia"}, {"201", "201", "Virginia"},
	{"202", "205", "District of Columbia"}, {"206", "219", "Maryland"}, {"220", "246", "Virginia"}, {"247", "268", "West Virginia"}, {"270", "289", "North Carolina"},
	{"290", "299", "South Carolina"}, {"300", "319", "Georgia"}, {"320", "339", "Florida"}, {"340", "340", "Armed Forces"}, {"341", "349", "Florida"},
	{"350", "369", "Alabama"}, {"370", "385", "Tennessee"}, {"386", "397", "Mississippi"}, {"398", "399", "Georgia"}, {"400", "427", "Kentucky"},
	{"430", "459", "Ohio"}, {"460", "479", "Indiana"}, {"480", "499", "Michigan"}, {"500", "528", "Iowa"}, {"530", "549", "Wisconsin"}, {"550", "567", "Minnesota"},
	{"570", "577", "South Dakota"}, {"580", "588", "North Dakota"}, {"590", "599", "Montana"}, {"600", "629", "Illinois"}, {"630", "658", "Missouri"},
	{"660", "679", "Kansas"}, {"680", "693", "Nebraska"}, {"700", "714", "Louisiana"}, {"716", "729", "Arkansas"}, {"730", "732", "Oklahoma"}, {"733", "733", "Texas"},
	{"734", "749", "Oklahoma"}, {"750", "799", "Texas"}, {"800", "816", "Colorado"}, {"820", "831", "Wyoming"}, {"832", "838", "Idaho"}, {"840", "847", "Utah"},
	{"850", "865", "Arizona"}, {"870", "884", "New Mexico"}, {"885", "885", "Texas"}, {"889", "898", "Nevada"}, {"900", "961", "California"}, {"962", "966", "Armed Forces"},
	{"967", "968", "Hawaii"}, {"969", "969", "Guam"}, {"970", "979", "Oregon"}, {"980", "994", "Washington"}, {"995", "999", "Alaska"},
}
