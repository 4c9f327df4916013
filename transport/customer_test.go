package transport

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func TestCustomers(t *testing.T) {
	full := func(change func(*Customer)) *Customer {
		c := &Customer{ID: "acme", CustomerID: 123, Name: "Acme", Email: "ops@example.com", TimeZone: "America/Chicago",
			Locations: []Location{{UUID: "a", Name: "Main", Hardware: "vertx"}, {UUID: "b"}},
			Schedules: map[string]string{"normal": "0 6 * * mon-fri", "hot": "*/5 * * * *"}}
		change(c)
		return c
	}
	for _, good := range []*Customer{full(func(*Customer) {}), {ID: "a"}, {ID: "a", TimeZone: "UTC"}} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, c := range []struct {
		change      func(*Customer)
		field, word string
	}{
		{func(c *Customer) { c.ID = "a b" }, "id", "not an id"},
		{func(c *Customer) { c.CustomerID = -1 }, "customer_id", "out of range"},
		{func(c *Customer) { c.CustomerID = 1 << 53 }, "customer_id", "give 1 to 9007199254740991"},
		{func(c *Customer) { c.Name = "a\x00" }, "name", "control character"},
		{func(c *Customer) { c.Email = "ops" }, "email", "not one plain mail address"},
		{func(c *Customer) { c.TimeZone = "Mars/Olympus" }, "time_zone", "not a time zone of the IANA database; give a name such as America/Chicago"},
		{func(c *Customer) { c.TimeZone = "Local" }, "time_zone", "not a time zone"},
		{func(c *Customer) { c.TimeZone = "../../etc/passwd" }, "time_zone", "not a time zone"},
		{func(c *Customer) { c.Locations = make([]Location, MaxLocations+1) }, "locations", "10001; at most 10000"},
		{func(c *Customer) { c.Locations[1].UUID = "" }, "locations[1].uuid", "missing"},
		{func(c *Customer) { c.Locations[1].UUID = "a" }, "locations[1].uuid", "there twice"},
		{func(c *Customer) { c.Locations[0].Hardware = "VertX" }, "locations[0].hardware", "choose vertx or mercury"},
		{func(c *Customer) { c.Locations[0].Name = strings.Repeat("a", 201) }, "locations[0].name", "at most 200"},
		{func(c *Customer) { c.Schedules["live"] = "* * * * *" }, "schedules.live", "give normal or hot"},
	} {
		refused(t, full(c.change).Validate(), c.field, c.word)
	}
}

func TestWhatACustomerDoesNotSay(t *testing.T) {
	var none *Customer
	own := &Customer{TimeZone: "Asia/Tokyo", Schedules: map[string]string{"hot": "0 * * * *"}}
	for _, c := range []struct {
		got, want any
	}{
		{none.Schedule("normal"), "0 7 * * *"}, {none.Schedule("hot"), "*/15 * * * *"}, {none.Schedule("live"), ""},
		{own.Schedule("normal"), "0 7 * * *"}, {own.Schedule("hot"), "0 * * * *"},
		{none.Zone(), time.UTC}, {(&Customer{}).Zone(), time.UTC}, {(&Customer{TimeZone: "No/Where"}).Zone(), time.UTC},
		{own.Zone().String(), "Asia/Tokyo"},
	} {
		if c.got != c.want {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}
