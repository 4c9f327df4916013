// Package deploy holds no code of its own: what a node is packaged and watched
// with lies in the folders below, and these tests hold it to what a node has.
package deploy

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each POSTRIDER_ variable in these files is a setting, or its file.
func TestTheVariablesAreSettings(t *testing.T) {
	settings := map[string]bool{}
	_, table, _ := strings.Cut(read(t, "../docs/operations.md"), "<!-- settings: written by make docs -->")
	table, _, _ = strings.Cut(table, "<!-- end of settings -->")
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)`").FindAllStringSubmatch(table, -1) {
		settings["POSTRIDER_"+strings.ToUpper(strings.ReplaceAll(row[1], ".", "_"))] = true
	}
	found := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".go") {
			return err
		}
		for _, name := range regexp.MustCompile(`\bPOSTRIDER_[A-Z_]*[A-Z]\b`).FindAllString(read(t, path), -1) {
			found++
			if !settings[strings.TrimSuffix(name, "_FILE")] && name != "POSTRIDER_IMAGE" {
				t.Errorf("%s names %s, which is no setting", path, name)
			}
		}
		return nil
	})
	if err != nil || found < 10 {
		t.Errorf("%d variables, %v", found, err)
	}
}

// The image is built with the Go that go.mod asks for.
func TestTheImagesGo(t *testing.T) {
	want := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))[1]
	if !strings.Contains(read(t, "docker/Dockerfile"), " golang:"+want+"-") {
		t.Errorf("docker/Dockerfile is not built with Go %s", want)
	}
}

// What the linker sets is there to be set.
func TestTheLinkersVariables(t *testing.T) {
	source := read(t, "../cmd/postrider/version.go")
	for _, path := range []string{"../Makefile", "docker/Dockerfile", "goreleaser.yaml"} {
		names := regexp.MustCompile(`-X main\.(\w+)=`).FindAllStringSubmatch(read(t, path), -1)
		if len(names) != 3 {
			t.Errorf("%s sets %d variables", path, len(names))
		}
		for _, name := range names {
			if !regexp.MustCompile(`(?m)^var .*\b` + name[1] + `\b`).MatchString(source) {
				t.Errorf("%s sets main.%s, which is not there", path, name[1])
			}
		}
	}
}

func TestTheChartsValues(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile("helm/postrider/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(change string) error {
		var values, over map[string]any
		if err := yaml.Unmarshal([]byte(read(t, "helm/postrider/values.yaml")), &values); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(change), &over); err != nil {
			t.Fatal(err)
		}
		for key, value := range over {
			values[key] = value
		}
		b, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(asJSON)
	}
	for _, good := range []string{"", "mode: external\nnats: {url: 'tls://n:4222'}", "settings: {auth: {jwks: 'https://x'}, log: {level: debug}}",
		"secretSettings: {redis.url: redis_url}"} {
		if err := check(good); err != nil {
			t.Errorf("%q is refused: %v", good, err)
		}
	}
	for _, bad := range []string{"mode: three", "settings: {master_key: abc}", "settings: {auth: {secret: abc}}", "settings: {nats: {token: abc}}",
		"unknown: 1", "shutdownSeconds: 0", "nats: {url: 'http://n'}", "persistence: {accessModes: [ReadWriteMany]}", "existingSecret: ''"} {
		if check(bad) == nil {
			t.Errorf("%q is not refused", bad)
		}
	}
}
