package config

import (
	"slices"
	"testing"
)

func TestChanged(t *testing.T) {
	a, b := Default(), Default()
	if changed := Changed(a, b); len(changed) != 0 {
		t.Errorf("the same settings differ in %q", changed)
	}
	a.MasterKey, b.MasterKey = "one", "two" // both are shown as ********
	a.Redis.URL, b.Redis.URL = "redis://u:one@r", "redis://u:two@r"
	b.HTTP.CORSOrigins = []string{"https://a.example"}
	b.Log.Level = "debug"
	if changed, want := Changed(a, b), []string{"master_key", "http.cors_origins", "redis.url", "log.level"}; !slices.Equal(changed, want) {
		t.Errorf("changed are %q, want %q", changed, want)
	}
}
