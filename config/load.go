package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// DefaultFile is read from the working directory where no file is named and
// it is there.
const DefaultFile = "postrider.yaml"

// Sources are where settings come from, the later over the earlier.
type Sources struct {
	// File is a settings file, which must be there; empty: DefaultFile, if it is.
	File string
	// Environ is the environment as os.Environ gives it.
	Environ []string
	// Flags are the settings given on the command line, by their names
	// ("nats.listen"); only those that were given.
	Flags map[string]any
}

// Origin is where a setting's value came from.
type Origin struct {
	// Place is "postrider.yaml line 3", "POSTRIDER_NATS_LISTEN", "a flag", or
	// empty for the default.
	Place string
}

// Error is a setting that is wrong.
type Error struct {
	Key     string
	Origin  Origin
	Problem string
}

// Error is one line: the setting, where it came from, what to do.
func (e *Error) Error() string {
	if e.Key == "" {
		return e.Origin.Place + ": " + e.Problem
	}
	if e.Origin.Place == "" {
		return e.Key + ": " + e.Problem
	}
	return fmt.Sprintf("%s (%s): %s", e.Key, e.Origin.Place, e.Problem)
}

// Origin tells where the value of a setting ("nats.listen") came from.
func (c *Config) Origin(key string) Origin { return c.origins[key] }

// Default is the settings with nothing set: those of production.
func Default() *Config {
	c := &Config{origins: map[string]Origin{}, files: map[string]string{}}
	for _, f := range fields(c) {
		f.setDefault(false)
	}
	return c
}

// Load reads the settings. Its error joins one *Error for each setting that is
// unknown or cannot be read; Validate then checks what the values mean.
func Load(src Sources) (*Config, error) {
	k, c := koanf.New("."), Default()
	list := fields(c)
	var problems []error
	for _, layer := range []func(*koanf.Koanf, Sources, *Config, []field) error{loadFile, loadEnv, loadFlags} {
		if err := layer(k, src, c, list); err != nil {
			problems = append(problems, err)
		}
	}
	problems = append(problems, c.readFiles(k, list))
	for _, key := range k.Keys() {
		problems = append(problems, unknown(key, k.String(key), c.origins[key], list))
	}
	problems = append(problems, c.assign(k, list))
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return c, nil
}

// assign sets each field that a layer gave, and the dev default of those that
// none gave.
func (c *Config) assign(k *koanf.Koanf, list []field) error {
	var problems []error
	for pass, dev := range []bool{true, false} {
		for _, f := range list {
			if (f.key == "dev") != dev {
				continue
			}
			if !k.Exists(f.key) {
				f.setDefault(pass > 0 && c.Dev)
				continue
			}
			if err := f.assign(fmt.Sprint(k.Get(f.key))); err != nil {
				problems = append(problems, c.problem(&f, k.Get(f.key), err))
			}
		}
	}
	return errors.Join(problems...)
}

// problem words a value that cannot be read; secrets and addresses that may
// hold one are not repeated.
func (c *Config) problem(f *field, value any, err error) error {
	text := fmt.Sprintf("%.80q ", fmt.Sprint(value))
	if _, isURL := f.value.Interface().(URL); f.secret || isURL || strings.Contains(text, Mask) {
		text = "the value "
	}
	return &Error{Key: f.key, Origin: c.origins[f.key], Problem: text + err.Error()}
}

// unknown is nil where key is a setting, or a section with nothing in it.
func unknown(key, value string, o Origin, list []field) error {
	names := make([]string, 0, len(list))
	for _, f := range list {
		names = append(names, f.key)
	}
	if slices.Contains(names, key) {
		return nil
	}
	if slices.Contains(sections(list), key) {
		if value == "" {
			return nil
		}
		return &Error{Key: key, Origin: o, Problem: "is a section; write its settings under it, one a line"}
	}
	problem := "there is no such setting"
	if near := nearest(key, names); near != "" {
		problem += "; did you mean " + near + "?"
	} else {
		problem += "; postrider serve --print-config lists them all"
	}
	return &Error{Key: key, Origin: o, Problem: problem}
}

func loadFile(k *koanf.Koanf, src Sources, c *Config, _ []field) error {
	path := src.File
	if path == "" {
		if _, err := os.Stat(DefaultFile); err != nil {
			return nil
		}
		path = DefaultFile
	}
	p := &fileParser{name: path, lines: map[string]int{}}
	if err := k.Load(file.Provider(path), p); err != nil {
		var wrong *Error
		if errors.As(err, &wrong) || !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return fmt.Errorf("settings file %s is not there; check --config", path)
	}
	for key, line := range p.lines {
		c.origins[key] = Origin{Place: fmt.Sprintf("%s line %d", path, line)}
	}
	return nil
}

func loadEnv(k *koanf.Koanf, src Sources, c *Config, list []field) error {
	keys, names := map[string]string{}, []string{}
	for _, f := range list {
		keys[f.env()] = f.key
		names = append(names, f.env())
		if f.confidential() {
			keys[f.env()+fileEnv] = f.key + fileKey
			names = append(names, f.env()+fileEnv)
		}
	}
	var problems []error
	take := func(name, value string) (string, any) {
		key, known := keys[name]
		if !known {
			if !notASetting(name, value) {
				problems = append(problems, unknownVariable(name, names))
			}
			return "", nil
		}
		c.origins[key] = Origin{Place: name}
		return key, value
	}
	p := env.Provider(".", env.Opt{Prefix: Prefix, TransformFunc: take, EnvironFunc: func() []string { return src.Environ }})
	return errors.Join(k.Load(p, nil), errors.Join(problems...))
}

func unknownVariable(name string, names []string) error {
	problem := "there is no such setting; unset it"
	if near := nearest(name, names); near != "" {
		problem = "there is no such setting; did you mean " + near + "?"
	}
	return &Error{Key: name, Origin: Origin{Place: "environment"}, Problem: problem}
}

// ofCommands are variables of commands that are no settings.
var ofCommands = []string{"TOKEN", "SECRET", "SERVER", "SERVER_CA", "CLIENT_CERT", "CLIENT_KEY"}

// notASetting tells variables that begin as ours do and are not settings: those
// of commands, and what Kubernetes sets for a service named postrider.
func notASetting(name, value string) bool {
	if slices.Contains(ofCommands, strings.TrimPrefix(name, Prefix)) || strings.Contains(name, "_SERVICE_HOST") || strings.Contains(name, "_SERVICE_PORT") {
		return true
	}
	link := strings.HasSuffix(name, "_PORT") || strings.Contains(name, "_PORT_")
	address := strings.Contains(value, "://") || strings.HasSuffix(name, "_PROTO") || strings.HasSuffix(name, "_PORT") || strings.HasSuffix(name, "_ADDR")
	return link && address && (strings.Contains(name, "_TCP") || strings.Contains(name, "_UDP") || strings.Contains(value, "://"))
}

func loadFlags(k *koanf.Koanf, src Sources, c *Config, _ []field) error {
	var problems []error
	for key, value := range src.Flags {
		if list, ok := value.([]string); ok {
			value = strings.Join(list, ",")
		}
		if err := k.Set(key, value); err != nil {
			problems = append(problems, &Error{Key: key, Origin: Origin{Place: "a flag"}, Problem: err.Error()})
		}
		c.origins[key] = Origin{Place: "a flag"}
	}
	return errors.Join(problems...)
}
