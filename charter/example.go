package charter

import "embed"

//go:embed examples/*.yaml
var exampleFiles embed.FS

// Example is a complete charter to begin from, by name: "retail" is a grocer's. False when there is none of that name.
func Example(name string) ([]byte, bool) {
	b, err := exampleFiles.ReadFile("examples/" + name + ".yaml")
	return b, err == nil
}

// Examples lists the names of the examples.
func Examples() []string {
	files, err := exampleFiles.ReadDir("examples")
	if err != nil {
		return nil
	}
	var out []string
	for _, f := range files {
		out = append(out, f.Name()[:len(f.Name())-len(".yaml")])
	}
	return out
}
