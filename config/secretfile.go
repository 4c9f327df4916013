package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/v2"
)

// What a setting's name, and its variable's, end in where the value is read
// from a file.
const (
	fileKey = "_file"
	fileEnv = "_FILE"
)

// maxSecretFile bounds a file that holds one value, in bytes.
const maxSecretFile = 64 << 10

// confidential tells whether the setting's value may be, or hold, a secret, so
// that <setting>_file may name a file in its place.
func (f *field) confidential() bool {
	_, address := f.value.Interface().(URL)
	return f.secret || address
}

// Files are the files that values of settings were read from, in no order.
func (c *Config) Files() []string {
	var list []string
	for _, path := range c.files {
		list = append(list, path)
	}
	return list
}

// readFiles puts what <setting>_file names in the setting's place. Of a setting
// and its file the one of the later source holds; one source may give one.
func (c *Config) readFiles(k *koanf.Koanf, list []field) error {
	var problems []error
	for _, f := range list {
		key := f.key + fileKey
		if !f.confidential() || !k.Exists(key) {
			continue
		}
		path := strings.TrimSpace(fmt.Sprint(k.Get(key)))
		k.Delete(key)
		own, file := rank(c.origins[f.key]), rank(c.origins[key])
		switch {
		case path == "":
			continue
		case k.Exists(f.key) && own == file && k.String(f.key) != "":
			problems = append(problems, c.fileProblem(key, "is set beside "+f.key+"; keep one of the two"))
			continue
		case k.Exists(f.key) && own > file:
			continue
		}
		value, err := readValue(path)
		if err == nil {
			err = k.Set(f.key, value)
		}
		if err != nil {
			problems = append(problems, c.fileProblem(key, err.Error()))
			continue
		}
		c.origins[f.key] = Origin{Place: path}
		c.files[f.key] = path
	}
	return errors.Join(problems...)
}

func (c *Config) fileProblem(key, problem string) error {
	return &Error{Key: key, Origin: c.origins[key], Problem: problem}
}

// rank orders sources: settings file, environment, flags.
func rank(o Origin) int {
	switch {
	case o.Place == "":
		return 0
	case o.Place == "a flag":
		return 3
	case strings.HasPrefix(o.Place, Prefix):
		return 2
	}
	return 1
}

// readValue is a file's text without the line breaks at its end.
func readValue(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return "", fmt.Errorf("%.200q cannot be read (%w); name a file that the node's user may read", path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch text := strings.TrimRight(string(b), "\r\n"); {
	case err != nil:
		return "", fmt.Errorf("%.200q cannot be read; name a file that holds the value alone", path)
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("%.200q is larger than %d bytes; name a file that holds the value alone", path, maxSecretFile)
	case text == "":
		return "", fmt.Errorf("%.200q is empty; write the value into it", path)
	case slices.Contains([]byte(text), 0):
		return "", fmt.Errorf("%.200q is no text; write the value into it", path)
	default:
		return text, nil
	}
}
