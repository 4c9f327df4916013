package config

// Changed names the settings whose values differ between two configurations,
// in the order of the settings. Values are not told.
func Changed(a, b *Config) []string {
	var keys []string
	now := fields(b)
	for i, f := range fields(a) {
		if f.plain() != now[i].plain() {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// plain is the value as text, secrets not masked.
func (f *field) plain() string {
	switch v := f.value.Interface().(type) {
	case Secret:
		return v.Reveal()
	case URL:
		return v.Reveal()
	}
	return show(f.value)
}
