package quality

import "strings"

// genderOfName infers what gender somebody of that name most often has. Names say what others chose for a child, not who somebody is: a
// charter that keeps this names each placement where it may be used, and what the person says of themselves takes its place.
// Its list is short, of names that are common in English and French; those that both have are in neither.
func genderOfName(name string, _ Setting) (string, float64) {
	first := ""
	for words := strings.ToLower(name); words != ""; {
		var w string
		w, words, _ = strings.Cut(words, " ")
		w = strings.Trim(w, ".,")
		switch w {
		case "mr", "sir", "herr", "monsieur":
			return "male", 0.98
		case "mrs", "ms", "miss", "mme", "mlle", "frau", "madame":
			return "female", 0.98
		case "dr", "prof", "m", "mx", "":
			continue
		}
		first = w
		break
	}
	first, _, _ = strings.Cut(first, "-") // Jean-Pierre goes by Jean, which is in neither list
	switch {
	case female[first]:
		return "female", 0.9
	case male[first]:
		return "male", 0.9
	}
	return "", 0
}

var female = setOf(`mary patricia jennifer linda elizabeth barbara susan jessica sarah karen nancy lisa margaret betty sandra ashley dorothy kimberly emily
donna michelle carol amanda melissa deborah stephanie rebecca laura helen sharon cynthia kathleen amy angela anna ruth brenda pamela nicole katherine
virginia catherine christine samantha debra janet rachel carolyn emma maria heather diane julie joyce victoria kelly christina joan evelyn lauren judith
olivia megan cheryl martha andrea frances hannah jacqueline ann gloria alice kathryn teresa sara janice julia grace judy beverly denise marilyn amber
danielle brittany diana abigail jane sophia chloe lucy charlotte isla amelia ava mia poppy freya eleanor imogen harriet georgia fiona
marie nathalie isabelle sylvie françoise martine monique nicole valérie valerie sandrine stéphanie céline celine sophie véronique veronique christelle
aurélie aurelie émilie emilie léa lea manon inès jade louise zoé margaux clémence juliette mathilde pauline élodie elodie amélie hélène brigitte
jacqueline jeanne geneviève monique odette simone suzanne yvette thérèse`)

var male = setOf(`james robert john michael david william richard joseph thomas christopher charles daniel matthew anthony mark donald steven paul
andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon
benjamin samuel gregory alexander frank patrick raymond jack dennis jerry tyler aaron jose adam nathan henry douglas zachary peter kyle noah ethan
jeremy walter christian keith roger harry oliver liam luke callum graham nigel trevor colin stuart duncan alistair rhys ian simon martin neil
pierre michel philippe alain patrick nicolas christophe frédéric frederic stéphane laurent julien sébastien sebastien olivier thierry éric pascal
guillaume vincent françois francois bruno gérard gerard bernard jacques henri louis mathieu antoine maxime hugo lucas théo nathan enzo léo gabriel
raphaël arthur jules adrien benoît benoit quentin romain florian yves didier gilles serge marcel rené andré étienne luc`)
