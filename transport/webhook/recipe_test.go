package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload"
)

const geneaDocument = `{"uuid":"5fd0","event_type":"ACCESS","event_action":"SEQUR_ACCESS_GRANTED","event_message":"Access <Granted> & \"more\"",
	"location":{"name":"Genea"},"controller":{"name":"00:0F:E5"},"actor":{"user_name":"Ada"}}`

// service is the other side of a recipe, as its documentation has it: what it
// takes, and what it answers.
type service struct {
	values map[string]string
	path   string
	header map[string]string
	status int
	answer string
	takes  func(d document)
}

// document is a body with what is wrong with it.
type document struct {
	body   any
	faults *[]string
}

func (d document) wrong(format string, args ...any) {
	*d.faults = append(*d.faults, fmt.Sprintf("%.200s", fmt.Sprintf(format, args...)))
}

func (d document) at(keys ...any) document {
	v := d.body
	for _, key := range keys {
		switch k := key.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[k]
		case int:
			list, _ := v.([]any)
			if k >= len(list) {
				return document{nil, d.faults}
			}
			v = list[k]
		}
	}
	return document{v, d.faults}
}

func (d document) text(most int, keys ...any) {
	if s, is := d.at(keys...).body.(string); !is || s == "" || len([]rune(s)) > most {
		d.wrong("%v is %v, no text of at most %d", keys, d.at(keys...).body, most)
	}
}

func (d document) oneOf(words string, keys ...any) {
	s, _ := d.at(keys...).body.(string)
	if s == "" || !strings.Contains(" "+words+" ", " "+s+" ") {
		d.wrong("%v is %v, none of %s", keys, d.at(keys...).body, words)
	}
}

func (d document) number(keys ...any) {
	if n, is := d.at(keys...).body.(float64); !is || n != float64(int64(n)) {
		d.wrong("%v is %v, no whole number", keys, d.at(keys...).body)
	}
}

func (d document) object(keys ...any) {
	if _, is := d.at(keys...).body.(map[string]any); !is {
		d.wrong("%v is %v, no object", keys, d.at(keys...).body)
	}
}

func (d document) texts(keys ...any) {
	switch v := d.at(keys...).body.(type) {
	case []any:
		for i := range v {
			d.text(1000, append(keys, i)...)
		}
	case map[string]any:
		for key := range v {
			d.text(8000, append(keys, key)...)
		}
	default:
		d.wrong("%v is %v, no list or object of texts", keys, v)
	}
}

// only wants no other keys.
func (d document) only(names string) {
	object, _ := d.body.(map[string]any)
	for key := range object {
		if !strings.Contains(" "+names+" ", " "+key+" ") {
			d.wrong("%s is not of this service", key)
		}
	}
}

var services = map[string]service{
	"datadog-logs": {values: map[string]string{"api_key": "k3y"}, path: "/api/v2/logs", header: map[string]string{"DD-API-KEY": "k3y"},
		status: 202, answer: `{}`, takes: func(d document) {
			if list, is := d.body.([]any); !is || len(list) == 0 || len(list) > 1000 {
				d.wrong("no list of logs")
			}
			log := d.at(0)
			log.text(1<<20, "message")
			for _, key := range []string{"ddsource", "ddtags", "hostname", "service"} {
				log.text(200, key)
			}
			if tags, _ := log.at("ddtags").body.(string); !strings.Contains(tags, "customer:acme,type:") {
				d.wrong("tags %s", tags)
			}
		}},
	"datadog-events": {values: map[string]string{"api_key": "k3y"}, path: "/api/v1/events", header: map[string]string{"DD-API-KEY": "k3y"},
		status: 202, answer: `{"status":"ok"}`, takes: func(d document) {
			d.only("title text tags alert_type aggregation_key date_happened source_type_name host priority")
			d.text(500, "title")
			d.text(4000, "text")
			d.texts("tags")
			d.oneOf("error warning info success user_update recommendation snapshot", "alert_type")
			d.text(100, "aggregation_key")
			d.number("date_happened")
		}},
	"slack": {values: map[string]string{"url": "https://hooks.slack.com/services/T0/B0/x"}, path: "/services/T0/B0/x",
		status: 200, answer: `ok`, takes: func(d document) {
			d.only("text blocks attachments thread_ts mrkdwn")
			d.text(40000, "text")
			if s, _ := d.at("text").body.(string); strings.Contains(s, "<G") || strings.Contains(s, "& ") {
				d.wrong("not escaped: %s", s)
			}
		}},
	"teams": {values: map[string]string{"url": "https://prod-01.westus.logic.azure.com/workflows/1/invoke?sig=x"}, path: "/workflows/1/invoke?sig=x",
		status: 202, takes: func(d document) {
			d.oneOf("message", "type")
			card := d.at("attachments", 0)
			card.oneOf("application/vnd.microsoft.card.adaptive", "contentType")
			card.oneOf("AdaptiveCard", "content", "type")
			card.oneOf("1.0 1.1 1.2 1.3 1.4 1.5", "content", "version")
			card.oneOf("TextBlock", "content", "body", 0, "type")
			card.text(4000, "content", "body", 0, "text")
			for i := range 3 {
				card.text(100, "content", "body", 1, "facts", i, "title")
				card.text(1000, "content", "body", 1, "facts", i, "value")
			}
		}},
	"pagerduty": {values: map[string]string{"routing_key": strings.Repeat("a1", 16)}, path: "/v2/enqueue",
		status: 202, answer: `{"status":"success","message":"Event processed","dedup_key":"x"}`, takes: func(d document) {
			d.only("routing_key event_action dedup_key payload images links client client_url")
			d.text(32, "routing_key")
			d.oneOf("trigger acknowledge resolve", "event_action")
			d.text(255, "dedup_key")
			d.text(1024, "payload", "summary")
			d.text(1000, "payload", "source")
			d.oneOf("critical warning error info", "payload", "severity")
			d.object("payload", "custom_details")
			if at, _ := d.at("payload", "timestamp").body.(string); at != "" {
				if _, err := time.Parse(time.RFC3339, at); err != nil {
					d.wrong("timestamp %s", at)
				}
			}
		}},
	"splunk-hec": {values: map[string]string{"host": "http-inputs-acme.splunkcloud.com", "token": "t0ken"}, path: "/services/collector/event",
		header: map[string]string{"Authorization": "Splunk t0ken"}, status: 200, answer: `{"text":"Success","code":0}`, takes: func(d document) {
			d.only("time host source sourcetype index event fields")
			d.number("time")
			d.object("event")
			d.texts("fields")
			for _, key := range []string{"host", "source", "sourcetype"} {
				d.text(200, key)
			}
		}},
	"opsgenie": {values: map[string]string{"api_key": "k3y"}, path: "/v2/alerts", header: map[string]string{"Authorization": "GenieKey k3y"},
		status: 202, answer: `{"result":"Request will be processed","took":0.3,"requestId":"x"}`, takes: func(d document) {
			d.only("message alias description responders visibleTo actions tags details entity source priority user note")
			d.text(130, "message")
			d.text(512, "alias")
			d.text(15000, "description")
			d.oneOf("P1 P2 P3 P4 P5", "priority")
			d.texts("tags")
			d.texts("details")
		}},
}

// TestRecipesAreTakenByTheirServices sends each recipe's deliveries to a
// receiver that looks at them as the service does.
func TestRecipesAreTakenByTheirServices(t *testing.T) {
	long := fmt.Sprintf(`{"event_message":%q}`, strings.Repeat("ä very long one ", 3000))
	for i := range payload.Recipes() {
		r := &payload.Recipes()[i]
		t.Run(r.Name, func(t *testing.T) {
			s := services[r.Name]
			if s.takes == nil {
				t.Fatal("no such service is known")
			}
			if s.status != r.Answers {
				t.Errorf("the recipe says that %d is answered", r.Answers)
			}
			for typ, doc := range map[string]string{"access.granted": geneaDocument, "door.forced_open": `{}`, "audit.card.created": long} {
				var faults []string
				srv := serve(t, func(w http.ResponseWriter, req *http.Request) {
					faults = s.look(req)
					w.WriteHeader(s.status)
					_, _ = io.WriteString(w, s.answer)
				})
				target, err := newSender(t).Prepare(s.endpoint(t, r, srv.URL))
				if err != nil {
					t.Fatal(err)
				}
				defer target.Close()
				ev := newEvent()
				ev.Type, ev.Data = typ, []byte(doc)
				want(t, target.Send(context.Background(), ev, 1), transport.Delivered, "")
				if len(faults) > 0 {
					t.Errorf("%s: %q", typ, faults)
				}
			}
		})
	}
}

// endpoint is the recipe's, with the receiver in place of the service's host.
func (s *service) endpoint(t *testing.T, r *payload.Recipe, receiver string) *transport.Endpoint {
	t.Helper()
	filled, err := r.Fill(s.values)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(filled)
	if err != nil {
		t.Fatal(err)
	}
	ep := &transport.Endpoint{Customer: "acme"}
	if err := json.Unmarshal(raw, ep); err != nil {
		t.Fatal(err)
	}
	ep.ApplyDefaults()
	u, err := url.Parse(ep.URL)
	if err != nil {
		t.Fatal(err)
	}
	ep.URL = receiver + u.RequestURI()
	return ep
}

func (s *service) look(req *http.Request) (faults []string) {
	raw, err := io.ReadAll(req.Body)
	d := document{faults: &faults}
	if err := json.Unmarshal(raw, &d.body); err != nil {
		d.wrong("not JSON: %v", err)
	}
	s.takes(d)
	if err != nil || req.Method != http.MethodPost || req.RequestURI != s.path || req.Header.Get("Content-Type") != "application/json" {
		d.wrong("%s %s %s, %v", req.Method, req.RequestURI, req.Header.Get("Content-Type"), err)
	}
	for name, value := range s.header {
		if req.Header.Get(name) != value {
			d.wrong("%s is %q", name, req.Header.Get(name))
		}
	}
	return faults
}
