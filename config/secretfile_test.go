package config

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func secretIn(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each setting that may hold a secret can be read from a file, by the settings
// file and by the environment.
func TestEverySecretFromAFile(t *testing.T) {
	path := secretIn(t, "rediss://u:topsecret@r:6379\r\n")
	tried := 0
	for _, f := range fields(Default()) {
		if !f.confidential() {
			continue
		}
		tried++
		for _, c := range []struct {
			yaml string
			env  []string
		}{{f.key + "_file: " + path, nil}, {"", []string{f.env() + "_FILE=" + path}}} {
			cfg, err := load(t, c.yaml, c.env, nil)
			if err != nil {
				t.Fatalf("%s: %v", f.key, err)
			}
			for _, g := range fields(cfg) {
				if g.key == f.key && g.value.String() != "rediss://u:topsecret@r:6379" {
					t.Errorf("%s_file: got %q", f.key, g.value.String())
				}
			}
			if !slices.Contains(cfg.Files(), path) {
				t.Errorf("%s_file is not among the files to watch", f.key)
			}
			var printed bytes.Buffer
			if err := cfg.Print(&printed); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(printed.String(), "topsecret") || !strings.Contains(printed.String(), "_file: "+path) {
				t.Errorf("%s: printed as\n%s", f.key, printed.String())
			}
			if _, err := load(t, printed.String(), nil, nil); err != nil {
				t.Errorf("%s: what was printed cannot be read: %v", f.key, err)
			}
		}
	}
	if tried < 9 {
		t.Errorf("only %d settings can be read from files", tried)
	}
}

func TestASecretAndItsFile(t *testing.T) {
	path := secretIn(t, strings.Repeat("f", 64)+"\n")
	given := strings.Repeat("e", 64)
	for _, c := range []struct {
		name, yaml string
		env        []string
		want, err  string
	}{
		{"the environment's file over the settings file's value", "master_key: " + given, []string{"POSTRIDER_MASTER_KEY_FILE=" + path}, strings.Repeat("f", 64), ""},
		{"the environment's value over the settings file's file", "master_key_file: " + path, []string{"POSTRIDER_MASTER_KEY=" + given}, given, ""},
		{"both of one source", "master_key: " + given + "\nmaster_key_file: " + path, nil, "", "master_key_file (postrider.yaml line 2): is set beside master_key; keep one of the two"},
		{"no such file", "master_key_file: /nowhere/key", nil, "", `master_key_file (postrider.yaml line 1): "/nowhere/key" cannot be read (no such file or directory); name a file that the node's user may read`},
		{"an empty file", "", []string{"POSTRIDER_MASTER_KEY_FILE=" + secretIn(t, "\n")}, "", "is empty; write the value into it"},
		{"a large one", "master_key_file: " + secretIn(t, strings.Repeat("x", maxSecretFile+1)), nil, "", "is larger than 65536 bytes"},
		{"a binary one", "master_key_file: " + secretIn(t, "a\x00b"), nil, "", "is no text"},
		{"a folder", "master_key_file: " + t.TempDir(), nil, "", "cannot be read"},
		{"of a setting that is no secret", "http.listen_file: " + path, nil, "", "http.listen_file (postrider.yaml line 1): there is no such setting"},
		{"a file that does not fit", "http.rate: 1\nmaster_key_previous_file: " + secretIn(t, "********"), nil, "", "is a mask from printed settings"},
	} {
		cfg, err := load(t, c.yaml, c.env, nil)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: got %v, want %q", c.name, err, c.err)
			}
			continue
		}
		if err != nil || cfg.MasterKey.Reveal() != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func FuzzSecretFile(f *testing.F) {
	f.Add([]byte("secret\n"))
	f.Add([]byte("\r\n"))
	f.Add([]byte{0xff, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		value, err := readValue(secretIn(t, string(b)))
		if err == nil && (value == "" || !bytes.HasPrefix(b, []byte(value)) || strings.HasSuffix(value, "\n")) {
			t.Errorf("%q was read as %q", b, value)
		}
		if err != nil && len(b) > 20 && strings.Contains(err.Error(), string(b)) {
			t.Errorf("the error shows the value: %v", err)
		}
	})
}
