package draft

import "strings"

// Commands are the commands that bring the files into a home of the drafted charter, and on to a first decision. They can be given as they stand, but for
// the id of a person at the end.
func Commands(tables []*Table, charter, home string) []string {
	home = shellWord(home)
	out := []string{"rapport init " + home + " --charter " + shellWord(charter)}
	var imports []string
	events, items := false, false
	for _, t := range tables {
		if c := t.has(item); c != nil && (t.kind == orders || t.kind == things) && !items {
			items = t.kind == things || t.has(itemName) != nil
			if items {
				m := []string{pair(c.Name, "id")}
				if n := t.has(itemName); n != nil {
					m = append(m, pair(n.Name, "name"))
				}
				if p := t.has(price); p != nil && t.kind == things {
					m = append(m, pair(p.Name, "price"))
				}
				imports = append(imports, "rapport import --home "+home+" --source files --as items --map "+shellWord(strings.Join(m, ","))+" "+shellWord(t.File))
			}
		}
		if t.kind == things {
			continue
		}
		var m []string
		for _, c := range t.columns {
			to := string(c.role)
			switch {
			case c.role == itemName:
				continue
			case c.role == noRole && t.kind == people && c.fact != "" && c.fact != c.Name:
				to = c.fact
			case c.role == noRole || to == c.Name:
				continue
			}
			m = append(m, pair(c.Name, to))
		}
		if t.has(user) == nil && t.has(anonymous) == nil {
			m = append(m, "#=userId")
		}
		as, event := "people", ""
		switch t.kind {
		case orders, visits:
			as, event = "events", " --event "+shellWord(t.draftedEvents()[0].name)
			events = true
		case named:
			as, events = "events", true
		}
		mapped := ""
		if len(m) > 0 && t.csv {
			mapped = " --map " + shellWord(strings.Join(m, ","))
		}
		imports = append(imports, "rapport import --home "+home+" --source files --as "+as+event+mapped+" "+shellWord(t.File))
	}
	for _, c := range imports {
		out = append(out, c+" --dry-run", c)
	}
	if events {
		out = append(out, "rapport learn --home "+home)
	}
	return append(out, "rapport decide --home "+home+" --person userId=ONE --placement home --explain")
}

// pair is one entry of --map; it is read as CSV, so a name with a comma or a quote is quoted.
func pair(from, to string) string {
	p := from + "=" + to
	if strings.ContainsAny(p, ",\"\n") {
		return `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
	}
	return p
}

// shellWord writes a text as one word of a shell.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%,=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
