package demo

import "strings"

// Tags are what the charter's rules hold on to. A tag says what a thing is or may contain, never who should have it:
//
//	alcohol, tobacco, age-restricted   the law asks for the buyer's age
//	meat, fish, dairy, egg, honey, gelatine   what it is made of, by its kind
//	mixed                              a dish whose kind does not say whether there is meat or fish in it
//	sweets, sugary                     confectionery, cakes, ices; drinks and foods that are mostly sugar
//	baby, pet, baking, cake, birthday, organic, vegetarian, seasonal, fresh, drink
//	not-offered                        the shop sells it but recommends it to nobody: its stock is 0 in the import file
//
// Doubt works for the person: where the source's kind leaves open what is in a thing, the tag is set.

// tagRule sets tags on products whose department, category or type match. Words of one field are alternatives, fields
// that are given must all match; "=" before a word asks for the whole field, otherwise the field must contain it.
type tagRule struct {
	tags                       string
	department, category, kind string // alternatives by "|"
	except                     string // types to leave out
}

var tagRules = []tagRule{
	{tags: "alcohol age-restricted drink", category: "=BEERS/ALES|=DOMESTIC WINE|=IMPORTED WINE|=MISC WINE|=LIQUOR", except: "NON ALCOHOLIC|NON-ALCO|COCKTAIL MIXES-FLUID"},
	{tags: "alcohol age-restricted drink", department: "=SPIRITS", except: "COCKTAIL MIXES-FLUID"},
	{tags: "alcohol age-restricted drink", kind: "=BEERALEMALT LIQUORS|VODKA|WHISKEY|TEQUILA|LIQUEUR|COOKING WINES|RTD COCKTAILS| WINES", except: "NON-ALCO"},
	{tags: "tobacco age-restricted not-offered", category: "=CIGARETTES|=CIGARS|=TOBACCO OTHER"},
	{tags: "age-restricted", kind: "AGE RESTRICTED|=DVD S|LOTTO"},
	{tags: "age-restricted not-offered", category: "=TICKETS", kind: ""},
	{tags: "age-restricted not-offered", kind: "=TICKETS"},
	{tags: "not-offered", department: "=|=FUEL|=COUPON|=CNTRL/STORE SUP|=GM MERCH EXP"},
	{tags: "not-offered", category: "=COUPON|=COUPON/MISC ITEMS|=COUPONS/STORE & MFG|=BOTTLE DEPOSITS|=FUEL|=PROD SUPPLIES|=MEAT SUPPLIES|=DELI SUPPLIES|=CONTINUITIES|=PHARMACY|=LONG DISTANCE CALLING CARDS|PHOTOFINISHING"},
	{tags: "not-offered", kind: "=|SALES TRANS|GIFT CARD|COUPON|KEY RING|EXPENSE|DISCONTINUED|PROMO"},

	{tags: "meat", category: "=BEEF|=PORK|=CHICKEN|=TURKEY|=LAMB|=VEAL|=SMOKED MEATS|=EXOTIC GAME/FOWL|=BACON|=LUNCHMEAT|=HOT DOGS|=DINNER SAUSAGE|=BREAKFAST SAUSAGE/SANDWICHES|=FROZEN MEAT|=FROZEN CHICKEN|=HEAT/SERVE|=DELI MEATS|=CHICKEN/POULTRY|=MEAT - MISC|=MEAT - SHELF STABLE|=RW FRESH PROCESSED MEAT", except: "PASTA: CANNED|NON-MEATS|MICROWAVABLE CUPS|MISC BAG SNACKS|SAUCE MIXES"},
	{tags: "meat", department: "=MEAT", except: "COUPON"},
	{tags: "meat", kind: "W/PORK|MEAT SNACKS|PORK RINDS|BOUILLON|GRAVY|BROTH|MEAT ADDED|MEAT INCLUDED|HOT DOG CHILI|CORN DOGS|PEPPERONI|SAUSAGE|BEEF STEW|JERKY|MEAT - CAN"},
	{tags: "fish", category: "SEAFOOD|=SUSHI|=FROZEN - BOXED(GROCERY)", except: "BREADERS/BTR MIX"},
	{tags: "fish", department: "SEAFOOD", except: "BREADERS/BTR MIX"},
	{tags: "fish", kind: "TUNA|SALMON|SHRIMP|SEAFOOD|HERRING|ANCHOV|OYSTER SAUCE|STEAK & WORCHESTER|CLAM", except: "SALTINE/OYSTER"},
	{tags: "mixed", category: "=SOUP|=FRZN MEAT/MEAT DINNERS|=FROZEN PIZZA|=PREPARED FOOD|=SANDWICHES|=SALADS/DIPS|=PARTY TRAYS|=DINNER MXS:DRY|=PASTA SAUCE|=BEANS - CANNED GLASS & MW|=FRZN BREAKFAST FOODS|=PREPARED/PKGD FOODS|=QUICK SERVICE|=DRY SAUCES/GRAVY|=FROZEN|=HISPANIC|=DRY BN/VEG/POTATO/RICE|=BABY FOODS|=DELI SPECIALTIES (RETAIL PK)|=SNACKS", except: "WAFFLES/PANCAKES|VEGETARIAN|MEAT ALTERNATIVES|FROZEN VEGETABLES|FROZEN ICE CREAM|FROZEN BREAD|DRY BEANS|RICE - DRY|RICE - INSTANT|VARIETY BEANS|SALSA|FROZEN FRUIT"},
	{tags: "mixed", kind: "PASTA: CANNED|MICROWAVABLE CUPS|=MICROWAVE|ENTREE|DINNER|SANDWICHES|LUNCH COMBO|PIZZA|CHILI|BURRITO|EGG ROLL", except: "DINNER ROLLS|ROLLS: DINNER|ICE CREAM SANDWICHES|SANDWICH COOKIES|PEPPERS CHILI"},

	{tags: "dairy", category: "=CHEESE|=CHEESES|=YOGURT|=FLUID MILK PRODUCTS|=BUTTER|=MILK BY-PRODUCTS|=MISC. DAIRY|=ICE CREAM/MILK/SHERBTS|=FRZN NOVELTIES/WTR ICE|=CANNED MILK|=FROZEN PIZZA|=COCOA MIXES|=REFRIGERATED|=MARGARINES", except: "TOFU|SOY|VEGETARIAN|JUICE|TEA SWEETENED|WATER ICE|=EGGS|TORTILLA"},
	{tags: "dairy", kind: "YOGURT|CHEESE|CREAM|BUTTER|MILK|CHOC|PUDDING|CUSTARD|DANISH", except: "PEANUT BUTTER|NUT BUTTER|SOY/RICE MILK|NON-DAIRY|SHAVE|CREAMS AND POW|FACIAL|HAND AND BODY|BUTTERNUT|APPLE BUTTER|MILK BASE TOYS"},
	{tags: "egg", category: "=EGGS|=BAKED SWEET GOODS|=CAKES|=BREAKFAST SWEETS|=SWEET GOODS & SNACKS|=PIES|=BAKING MIXES|=FROZEN PIE/DESSERTS|=COOKIES|=COOKIES/CONES"},
	{tags: "egg", kind: "EGG|SNACK CAKE|MAYO|SALAD DRESSING MAY|NOODLES DRY|MUFFIN|DONUT|WAFFLE|PANCAKE|MERINGUE", except: "EASTER|CHRISTMAS|EGGPLANT"},
	{tags: "honey", kind: "=HONEY"},
	{tags: "gelatine", kind: "GELATIN|MARSHMALLOW|FRUIT SNACKS|=TREATS|JELLY BEAN"},
	{tags: "gelatine", category: "CANDY"},

	{tags: "sweets sugary", category: "CANDY|=COOKIES|=COOKIES/CONES|=CAKES|=BAKED SWEET GOODS|=BREAKFAST SWEETS|=SWEET GOODS & SNACKS|=PIES|=FROZEN PIE/DESSERTS|=ICE CREAM/MILK/SHERBTS|=FRZN NOVELTIES/WTR ICE|=DRY MIX DESSERTS|SNKS/CKYS/CRKR/CNDY|COFFEE SHOP SWEET"},
	{tags: "sweets sugary", kind: "CANDY|CHOCOLATE|COOKIE|FROSTING|BROWNIE|LAYER CAKE MIX|PUDDING|DONUT|SNACK CAKE|MARSHMALLOW|FRUIT SNACKS|TOASTER PASTRIES|CARAMEL|SW GDS|CAKES|PIES:|ICE CREAM|FRUIT PIES|DESSERTS|COCOA|=TREATS|SPECIALTY CAKE|BITS & MORSELS|SWEET ROLLS|PASTRY|=HONEY|CAKE DECORS & ICING", except: "CANDLES|RICE CAKES|PIE SHELLS|DESSERTS & VERMOUTH"},
	{tags: "sugary", category: "=SUGARS/SWEETNERS|=SOFT DRINKS|=PWDR/CRYSTL DRNK MX|=SYRUPS/TOPPINGS|=MOLASSES/SYRUP/PANCAKE MIXS|=ISOTONIC DRINKS|=FRZN JCE CONC/DRNKS|=CANNED JUICES|=REFRGRATD JUICES/DRNKS|=NEW AGE|=COCOA MIXES|=JUICE|=FRUIT - SHELF STABLE", except: "SWEETENERS|UNSWEETENED|DIET|TOMATO JUICE|VEG JUICE"},
	{tags: "sugary", kind: "KIDS CEREAL|PRESERVES|=JELLY|TEA SWEETENED|ENERGY DRINK|FLVRD SWEET|CRANBERRY SAUCE|GRANOLA BARS|CEREAL BARS|PIE FILLING"},
	{tags: "drink", category: "=SOFT DRINKS|=ISOTONIC DRINKS|=CANNED JUICES|=REFRGRATD JUICES/DRNKS|=WATER|WATER - CARB|=JUICE|=COFFEE|=TEAS|=NEW AGE|=NON-DAIRY BEVERAGES|=BEVERAGE|=COCOA MIXES", except: "CREAMER|FILTER"},

	{tags: "cake", category: "=CAKES", except: "CNDLES"},
	{tags: "cake", kind: "FROZEN CAKES|LAYER CAKE MIX|SPECIALTY CAKE|CAKES - OTHER|CAKES: |FROSTING|CAKE DECORS & ICING", except: "CNDLES"},
	{tags: "birthday", kind: "BIRTHDAY|CNDLES|CAKES: ICE CREAM|BALLOONS|PARTY EVERYDAY|CAKES: LAYERS"},
	{tags: "baking", category: "=BAKING|=BAKING MIXES|=BAKING NEEDS|=FLOUR & MEALS|=SUGARS/SWEETNERS|=SPICES & EXTRACTS|=SHORTENING/OIL", except: "CROUTONS|TABLE SALT|SPICES & SEASON|BREADINGS|GRAVY|SALT SUBST|HISPANIC SPICES|COOKING SPRAY"},
	{tags: "baby", category: "BABY|INFANT|=DIAPERS & DISPOSABLES"},
	{tags: "baby", kind: "BABY|INFANT", except: "BABY DOLL"},
	{tags: "not-offered", category: "=INFANT FORMULA"},
	{tags: "pet", category: "=CAT FOOD|=DOG FOODS|=CAT LITTER|=PET CARE SUPPLIES|=BIRD SEED"},
	{tags: "pet", kind: "DOG FOOD|CAT FOOD|DOGFD|CATFD"},
	{tags: "organic", department: "=NUTRITION"},
	{tags: "organic", category: "ORGANIC"},
	{tags: "organic", kind: "ORGANIC"},
	{tags: "vegetarian", kind: "VEGETARIAN|TOFU|MEAT ALTERNATIVES|SOY BEVERAGE|SOY/RICE MILK|MEATLESS"},
	{tags: "seasonal", category: "CHRISTMAS|=EASTER|=HALLOWEEN|=VALENTINE|SEASONAL"},
	{tags: "seasonal", kind: "SEASONAL|HOLIDAY|CHRISTMAS|EGG NOG|EASTER|VALENTINE|HALLOWE"},
	{tags: "fresh", department: "=PRODUCE|=MEAT|=SEAFOOD|=DELI|=PASTRY|=SALAD BAR|=FLORAL|=TRAVEL & LEISURE"},
}

// matches says whether any of the alternatives holds for the field.
func matches(alternatives, field string) bool {
	for _, a := range strings.Split(alternatives, "|") {
		if whole, ok := strings.CutPrefix(a, "="); ok {
			if field == whole {
				return true
			}
		} else if a != "" && strings.Contains(field, a) {
			return true
		}
	}
	return false
}

// tagsOf lists the tags of a product, in the order of the rules, each once.
func tagsOf(p *product) []string {
	var tags []string
	for i := range tagRules {
		r := &tagRules[i]
		if r.department != "" && !matches(r.department, p.department) ||
			r.category != "" && !matches(r.category, p.category) ||
			r.kind != "" && !matches(r.kind, p.kind) ||
			r.except != "" && matches(r.except, p.kind) {
			continue
		}
		for _, t := range strings.Fields(r.tags) {
			if !has(tags, t) {
				tags = append(tags, t)
			}
		}
	}
	return plainTags(p, tags)
}

// plainTags takes back what a word in a type's name brought on by mistake: nothing for animals or for the bathroom is
// food, and what has meat in it is not vegetarian.
func plainTags(p *product, tags []string) []string {
	food := p.department != "DRUG GM" && p.department != "COSMETICS" && p.department != "FLORAL" && p.department != "GARDEN CENTER" ||
		strings.HasPrefix(p.category, "CANDY") || strings.HasPrefix(p.category, "BABY FOOD") || p.category == "INFANT FORMULA" ||
		strings.Contains(p.kind, "CANDY") || strings.Contains(p.kind, "CHOCOL") || strings.Contains(p.kind, "NUTRITIONAL")
	vegetarian := has(tags, "vegetarian")
	kept := tags[:0]
	for _, t := range tags {
		switch t {
		case "meat", "fish", "mixed":
			if !food || vegetarian || has(tags, "pet") {
				continue
			}
		case "dairy", "egg", "honey", "gelatine", "sweets", "sugary", "drink":
			if !food || has(tags, "pet") {
				continue
			}
		}
		kept = append(kept, t)
	}
	return kept
}

func has(list []string, one string) bool {
	for _, s := range list {
		if s == one {
			return true
		}
	}
	return false
}
