package transport

import (
	"errors"
	"strings"
	"testing"
)

func TestVersionsCoverHardware(t *testing.T) {
	for _, c := range []struct{ hardware, versions string }{
		{"", "v1 v2 v3"},
		{"vertx", "v1 v3"},
		{"mercury", "v2 v3"},
		{"other", ""},
		{"Mercury", ""},
	} {
		for _, version := range []string{"v1", "v2", "v3"} {
			if got := VersionCovers(version, c.hardware); got != strings.Contains(c.versions, version) {
				t.Errorf("%s covers %q: %v", version, c.hardware, got)
			}
		}
	}
}

func TestWhoMixesHardwareSavesV3Alone(t *testing.T) {
	at := func(hardware ...string) *Customer {
		c := &Customer{ID: "acme"}
		for _, h := range hardware {
			c.Locations = append(c.Locations, Location{Hardware: h})
		}
		return c
	}
	for _, c := range []struct {
		name     string
		customer *Customer
		format   string
		refused  string
	}{
		{"nobody", nil, "genea", ""},
		{"no locations", at(), "genea", ""},
		{"one kind", at("mercury", "", "Mercury"), "genea", ""},
		{"two kinds", at("mercury", "vertx"), "genea", "v1 v2"},
		{"two kinds, one unnamed between", at("VertX", "", "mercury"), "genea", "v1 v2"},
		{"another format", at("mercury", "vertx"), "standard", ""},
	} {
		for _, version := range []string{"v1", "v2", "v3"} {
			err := CheckVersion(c.customer, &Endpoint{Format: c.format, Version: version})
			var wrong *FieldError
			switch {
			case !strings.Contains(c.refused, version) && err != nil:
				t.Errorf("%s, %s: %v", c.name, version, err)
			case c.refused != "" && strings.Contains(c.refused, version) &&
				(!errors.As(err, &wrong) || wrong.Field != "version" || wrong.Value != version || !strings.Contains(wrong.Message, "choose v3")):
				t.Errorf("%s, %s: %v; want one of the field version that says v3", c.name, version, err)
			}
		}
	}
}

func TestTheVersionThatNobodyTypedFollowsTheHardware(t *testing.T) {
	for _, c := range []struct{ hardware, want string }{
		{"", "v2"}, {"mercury", "v2"}, {"vertx", "v1"}, {"VertX, ", "v1"}, {"vertx,VERTX", "v1"}, {"mercury,,vertx", "v3"},
	} {
		customer := &Customer{ID: "acme"}
		for h := range strings.SplitSeq(c.hardware, ",") {
			customer.Locations = append(customer.Locations, Location{Hardware: strings.TrimSpace(h)})
		}
		e := Endpoint{Profile: ProfileGenea}
		e.ApplyDefaultsOf(customer)
		if e.Version != c.want || CheckVersion(customer, &e) != nil {
			t.Errorf("%q: %s, want %s (%v)", c.hardware, e.Version, c.want, CheckVersion(customer, &e))
		}
	}
}
