package config

import (
	"reflect"
	"slices"
	"strings"
)

// Prefix begins the name of every environment variable that is a setting.
const Prefix = "POSTRIDER_"

// field is one setting of a Config.
type field struct {
	key     string // nats.listen
	help    string
	def     string // as text
	dev     string // with --dev, where hasDev
	hasDev  bool
	oneof   []string
	value   reflect.Value
	secret  bool
	section string // help of the section it is in; empty at the top
}

func (f *field) env() string { return envName(f.key) }

func envName(key string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// fields lists c's settings in the order of the struct.
func fields(c *Config) []field {
	return appendFields(nil, reflect.ValueOf(c).Elem(), "", "")
}

func appendFields(list []field, v reflect.Value, prefix, section string) []field {
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		name := sf.Tag.Get("koanf")
		if name == "" {
			continue
		}
		if sf.Type.Kind() == reflect.Struct {
			list = appendFields(list, v.Field(i), prefix+name+".", sf.Tag.Get("help"))
			continue
		}
		f := field{key: prefix + name, help: sf.Tag.Get("help"), value: v.Field(i), section: section}
		f.def = sf.Tag.Get("default")
		f.dev, f.hasDev = sf.Tag.Lookup("dev")
		if s := sf.Tag.Get("oneof"); s != "" {
			f.oneof = strings.Split(s, ",")
		}
		_, f.secret = f.value.Interface().(Secret)
		list = append(list, f)
	}
	return list
}

// assign parses text, as it came from a file, a variable or a flag.
func (f *field) assign(text string) error {
	if f.value.Kind() != reflect.Slice {
		return set(f.value, text)
	}
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return setList(f.value, parts)
}

func (f *field) setDefault(dev bool) {
	text := f.def
	if dev && f.hasDev {
		text = f.dev
	}
	if err := f.assign(text); err != nil {
		panic("config: the default of " + f.key + " " + err.Error())
	}
}

// nearest is the name among names that an unknown one was most likely meant
// to be, or empty where none is near.
func nearest(unknown string, names []string) string {
	best, at := "", 1+len(unknown)/3
	for _, name := range names {
		d := distance(unknown, name)
		if d < at {
			best, at = name, d
		}
	}
	if best != "" {
		return best
	}
	last := unknown[strings.LastIndexAny(unknown, "._")+1:]
	i := slices.IndexFunc(names, func(n string) bool { return last != "" && n[strings.LastIndexAny(n, "._")+1:] == last })
	if i < 0 {
		return ""
	}
	return names[i]
}

// distance is how many characters must be put in, taken out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
