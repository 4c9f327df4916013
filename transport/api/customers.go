package api

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/cron"
)

// Customers keeps customers. What it returns is shared and is not changed here.
type Customers interface {
	Customer(id string) (*transport.Customer, bool)
	Customers() []*transport.Customer
	// CreateCustomer stores a new one, and fails with transport.ErrConflict
	// where there is one of that id. It and PutCustomer set CustomerID, where
	// that is 0, and Revision, and return when the change is in effect.
	CreateCustomer(ctx context.Context, c *transport.Customer) error
	// PutCustomer replaces the state of c.Revision.
	PutCustomer(ctx context.Context, c *transport.Customer) error
}

// CustomerInput is what a caller may say about a customer.
type CustomerInput struct {
	ID         string               `json:"id" doc:"1 to 64 of A-Z a-z 0-9 _ -, as in its events' subjects. Create only"`
	CustomerID int64                `json:"customer_id" doc:"Its number, in GenLogs payloads; if left out, the id or name where that is a number, else one is made. For operators"`
	Name       string               `json:"name" doc:"At most 200 characters"`
	Email      string               `json:"email" doc:"Gets mail when endpoints fail, deliveries are given up, or runs fail"`
	TimeZone   string               `json:"time_zone" doc:"Of the IANA database, such as America/Chicago; default UTC"`
	Locations  []transport.Location `json:"locations" doc:"Sites, with their hardware: vertx or mercury"`
	Schedules  CustomerSchedules    `json:"schedules" doc:"When alerts run, in time_zone"`
	Quotas     map[string]float64   `json:"quotas" doc:"Bounds of its own in place of the settings quota.*, by name such as endpoints or events_per_second; 0 is no bound. For operators"`
}

// CustomerSchedules are cron expressions of five fields.
type CustomerSchedules struct {
	Normal string `json:"normal,omitempty" doc:"Default 0 7 * * *"`
	Hot    string `json:"hot,omitempty" doc:"Default */15 * * * *"`
}

// ShownCustomer is a customer as answers show it; what is of this moment where
// that was asked for.
type ShownCustomer struct {
	transport.Customer
	NextRuns map[string]time.Time `json:"next_runs,omitempty" doc:"With now: when its alerts run next by the clock, by type"`
	Use      []transport.QuotaUse `json:"use,omitempty" doc:"With now: what it uses of each quota, as GET /v1/usage tells"`
}

// CustomerList is a page of customers; without next_cursor it is the last.
type CustomerList struct {
	Items      []*ShownCustomer `json:"items"`
	NextCursor string           `json:"next_cursor,omitempty"`
}

type (
	customersQuery struct {
		Page
		Q   string `query:"q" maxLength:"200" doc:"Those that have each of these words in their id, name, number or e-mail address"`
		Now bool   `query:"now" doc:"Tell what holds at this moment too: next_runs and use"`
	}
	customerAnswer struct {
		Status int
		ETag   string `header:"ETag"`
		Body   *ShownCustomer
	}
	customerID struct {
		ID  string `path:"id" doc:"The customer's id"`
		Now bool   `query:"now" doc:"Tell what holds at this moment too: next_runs and use"`
	}
	customerListAnswer struct{ Body CustomerList }
)

func (s *Server) customerRoutes(h huma.API) {
	const all, one = "/v1/customers", "/v1/customers/{id}"
	input := reflect.TypeFor[CustomerInput]()
	handle(s, h, route{method: http.MethodGet, path: all, id: "list-customers",
		summary: "List customers: one's own, for operators all"}, s.listCustomers)
	handle(s, h, route{method: http.MethodPost, path: all, id: "create-customer", operator: true,
		summary: "Create a customer (one also comes to be with its first endpoint or alert)", body: input, status: http.StatusCreated}, s.createCustomer)
	handle(s, h, route{method: http.MethodGet, path: one, id: "show-customer",
		summary: "Show a customer"}, s.showCustomer)
	handle(s, h, route{method: http.MethodPatch, path: one, id: "edit-customer", roles: adminRoles,
		summary: "Change a customer by JSON merge patch; null brings a default back", body: input}, s.editCustomer)
}

// zoneOf is the time zone in which a customer's days begin.
func (s *Server) zoneOf(customer string) *time.Location {
	c, _ := s.Customers.Customer(customer)
	return c.Zone()
}

// shownCustomer is a customer with what holds where it says nothing.
func shownCustomer(c *transport.Customer) *ShownCustomer {
	shown := &ShownCustomer{Customer: *c}
	shown.TimeZone = cmp.Or(c.TimeZone, "UTC")
	shown.Schedules = map[string]string{}
	for _, alertType := range []string{matching.AlertNormal, matching.AlertHot} {
		shown.Schedules[alertType] = c.Schedule(alertType)
	}
	if shown.Locations == nil {
		shown.Locations = []transport.Location{}
	}
	return shown
}

// customerNow is shownCustomer with what holds at this moment.
func (s *Server) customerNow(c *transport.Customer) *ShownCustomer {
	shown := shownCustomer(c)
	if s.Alerts != nil {
		shown.NextRuns = map[string]time.Time{}
		for alertType, expression := range shown.Schedules {
			if next, due := cron.Next(expression, s.Now().In(c.Zone())); due {
				shown.NextRuns[alertType] = next.UTC()
			}
		}
	}
	if s.Quotas != nil {
		shown.Use = s.useOf(c.ID)
	}
	return shown
}

func (s *Server) createCustomer(ctx context.Context, _ *struct{}) (*customerAnswer, error) {
	object, err := parseObject(bodyOf(ctx))
	if err != nil {
		return nil, err
	}
	c, err := customerOf(object)
	if err != nil {
		return nil, err
	}
	if _, there := s.Customers.Customer(c.ID); there {
		return nil, newError(http.StatusConflict, "Customer "+c.ID+" is there already: change it by PATCH /v1/customers/"+c.ID)
	}
	if err := s.Customers.CreateCustomer(ctx, c); err != nil {
		return nil, err
	}
	s.notedCustomer(ctx, didCreate, nil, c)
	return answerCustomer(http.StatusCreated, c), nil
}

func answerCustomer(status int, c *transport.Customer) *customerAnswer {
	return &customerAnswer{Status: status, ETag: etag(c.Revision), Body: shownCustomer(c)}
}

// customerOf makes a customer of its JSON, and checks it.
func customerOf(object map[string]any) (*transport.Customer, error) {
	var in CustomerInput
	if err := assign(object, &in); err != nil {
		return nil, err
	}
	c := &transport.Customer{ID: in.ID, CustomerID: in.CustomerID, Name: in.Name, Email: in.Email, TimeZone: in.TimeZone,
		Locations: in.Locations, Quotas: in.Quotas}
	for alertType, expression := range map[string]string{matching.AlertNormal: in.Schedules.Normal, matching.AlertHot: in.Schedules.Hot} {
		if expression == "" {
			continue
		}
		if err := cron.Check("schedules."+alertType, expression); err != nil {
			return nil, err
		}
		if c.Schedules == nil {
			c.Schedules = map[string]string{}
		}
		c.Schedules[alertType] = expression
	}
	if c.Email != "" {
		var err error
		if c.Email, err = transport.CheckAddress("email", c.Email); err != nil {
			return nil, err
		}
	}
	return c, c.Validate()
}

// findCustomer gives a customer that the caller may see.
func (s *Server) findCustomer(ctx context.Context, id string) (*transport.Customer, error) {
	c, there := s.Customers.Customer(id)
	if !there || !callerOf(ctx).sees(id) {
		return nil, notFound("Customer", id)
	}
	return c, nil
}

func (s *Server) showCustomer(ctx context.Context, in *customerID) (*customerAnswer, error) {
	c, err := s.findCustomer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	answer := answerCustomer(http.StatusOK, c)
	if in.Now {
		answer.Body = s.customerNow(c)
	}
	return answer, nil
}

func (s *Server) editCustomer(ctx context.Context, in *customerEdit) (*customerAnswer, error) {
	old, err := s.findCustomer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := checkMatch(in.IfMatch, old.Revision); err != nil {
		return nil, err
	}
	patch, err := parseObject(bodyOf(ctx))
	if err != nil {
		return nil, err
	}
	base, err := objectOf(old)
	if err != nil {
		return nil, err
	}
	kept := []string{"id", "customer_id", "quotas"}
	if callerOf(ctx).operator() {
		kept = kept[:1]
	}
	if err := keepSame(patch, base, kept...); err != nil {
		return nil, err
	}
	c, err := customerOf(merge(base, patch))
	if err != nil {
		return nil, err
	}
	c.Revision = old.Revision
	if c.CustomerID == 0 {
		c.CustomerID = old.CustomerID
	}
	if in.DryRun {
		return answerCustomer(http.StatusOK, c), nil
	}
	if err := s.Customers.PutCustomer(ctx, c); err != nil {
		return nil, err
	}
	s.notedCustomer(ctx, didEdit, old, c)
	return answerCustomer(http.StatusOK, c), nil
}

// listCustomers goes by id.
func (s *Server) listCustomers(ctx context.Context, in *customersQuery) (*customerListAnswer, error) {
	after, err := in.after(listOfCustomers)
	if err != nil {
		return nil, err
	}
	who := callerOf(ctx)
	words := strings.Fields(strings.ToLower(in.Q))
	var found []*transport.Customer
	for _, c := range s.Customers.Customers() {
		if c.ID > after && who.sees(c.ID) && hasAll(words, c.ID, c.Name, strconv.FormatInt(c.CustomerID, 10), c.Email) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b *transport.Customer) int { return cmp.Compare(a.ID, b.ID) })
	out := &customerListAnswer{}
	show := shownCustomer
	if in.Now {
		show = s.customerNow
	}
	out.Body.Items, out.Body.NextCursor = pageOf(listOfCustomers, found, in.Limit, func(c *transport.Customer) string { return c.ID }, show)
	return out, nil
}
