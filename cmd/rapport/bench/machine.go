package bench

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine says in one line what the figures of this process are measured on: processor, how many of them Go may use, memory, kernel, Go. What the system does not
// tell is left out.
func Machine() string {
	read := func(file string) string {
		raw, _ := os.ReadFile(file) // where /proc is not there is nothing to say
		return string(raw)
	}
	return machine(read("/proc/cpuinfo"), read("/proc/meminfo"), read("/proc/sys/kernel/osrelease"), runtime.GOMAXPROCS(0))
}

func machine(cpuinfo, meminfo, kernel string, cpus int) string {
	var parts []string
	if model := field(cpuinfo, "model name"); model != "" {
		parts = append(parts, model)
	}
	parts = append(parts, fmt.Sprintf("%d × %s", cpus, runtime.GOARCH))
	if kb, err := strconv.ParseInt(strings.TrimSuffix(field(meminfo, "MemTotal"), " kB"), 10, 64); err == nil {
		parts = append(parts, fmt.Sprintf("%.1f GB", float64(kb)/(1<<20)))
	}
	system := runtime.GOOS
	if kernel = strings.TrimSpace(kernel); kernel != "" {
		system += " " + kernel
	}
	return strings.Join(append(parts, system, runtime.Version()), ", ")
}

// field is the value of the first line "name : value" of a file of /proc.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	return ""
}

// Measured marks each figure with its machine and day.
func Measured(figures []Figure, machine, day string) []Figure {
	for i := range figures {
		figures[i].Machine, figures[i].Date = machine, day
	}
	return figures
}
