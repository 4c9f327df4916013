package email

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// opsData is the data of an ops event. What it does not tell, its words leave open:
// each sentence is true in every state that makes the event.
type opsData map[string]any

// wording is what an ops event is to its reader.
type wording struct {
	title, lead string
	advice      []string
}

var wordings = map[string]func(opsData) wording{
	"ops.endpoint.failing":   failing,
	"ops.endpoint.disabled":  disabled,
	"ops.endpoint.recovered": recovered,
	"ops.deadletter.created": givenUp,
	"ops.run.failed":         runFailed,
	"ops.quota.near":         quotaNear,
	"ops.quota.reached":      quotaReached,
}

func (o opsData) mailbox() bool { return o["kind"] == "email" }

// count is how many dead letters are told of; 1 where that is not said.
func (o opsData) count() int {
	if n, ok := o["count"].(json.Number); ok {
		if count, err := strconv.Atoi(n.String()); err == nil && count > 0 {
			return count
		}
	}
	return 1
}

func (o opsData) several() bool { return o.count() > 1 }

// command is a command of the program about the endpoint.
func (o opsData) command(words string) string {
	if id, ok := o["endpoint"].(string); ok && id != "" {
		return words + " " + line(id, maxValue)
	}
	return words + " ID"
}

func failing(o opsData) wording {
	w := wording{title: fmt.Sprintf("Deliveries to %s are failing", endpointName(o)),
		lead: "Postrider cannot deliver to this endpoint. What is new waits until it can be reached."}
	switch o["retries"] {
	case true:
		w.lead += " What failed is tried again by the endpoint's schedule, and kept as a dead letter when that is used up."
	case false:
		w.lead += " Retries are off: each delivery that fails is kept as a dead letter."
	default:
		w.lead += " What failed is tried again where the endpoint has retries, else it is kept as a dead letter."
	}
	if o.mailbox() {
		w.advice = []string{"Check that the mailbox takes mail: it may be full, or its provider may refuse ours."}
	} else {
		w.advice = []string{"Check that the receiver is up, can be reached from outside, and answers in time with a status that counts as success."}
	}
	w.advice = append(w.advice, "Look at the attempts and what was answered: "+o.command("postrider delivery list --endpoint")+".",
		"If it goes on failing for days, the endpoint will be disabled.")
	return w
}

func disabled(o opsData) wording {
	w := wording{title: fmt.Sprintf("Deliveries to %s have stopped", endpointName(o))}
	const kept = " What waited for it is kept as dead letters; what comes while it is disabled is not sent to it later."
	if o.mailbox() {
		w.lead = "No more mail is sent to this address." + kept
		w.advice = []string{"Correct the address in the alerts that name it (postrider alert edit), or the customer's own (postrider customer edit)."}
	} else {
		w.lead = "No more events are sent to this endpoint." + kept
		w.advice = []string{"Repair the receiver, or correct the endpoint's address."}
	}
	w.advice = append(w.advice, "Once it can take deliveries, enable it: "+o.command("postrider endpoint resume")+".",
		"Then send what waited for it: "+o.command("postrider deadletter replay --endpoint")+".")
	return w
}

func recovered(o opsData) wording {
	return wording{title: fmt.Sprintf("Deliveries to %s go through again", endpointName(o)),
		lead:   "The endpoint takes deliveries again. What waits for it, if anything does, is delivered at a pace that grows.",
		advice: []string{"What was given up meanwhile, if anything was, is not sent by itself: " + o.command("postrider deadletter list --endpoint") + "."}}
}

func givenUp(o opsData) wording {
	w := wording{title: fmt.Sprintf("A delivery to %s was given up", endpointName(o)),
		lead: "Postrider will not try this delivery again. It is kept as a dead letter."}
	if o.several() {
		w.title = fmt.Sprintf("%d deliveries to %s were given up", o.count(), endpointName(o))
		w.lead = "Postrider will not try these deliveries again. Each is kept as a dead letter."
	}
	w.advice = []string{"See why: " + o.command("postrider deadletter list --endpoint") + ".",
		"Once the cause is repaired, replay: " + o.command("postrider deadletter replay --endpoint") + "."}
	return w
}

// quotas are the quotas in words.
var quotas = map[string]string{
	"endpoints": "number of endpoints", "alerts": "number of alerts", "replays": "number of replays at once",
	"events_per_second": "rate of events", "bytes_per_second": "rate of bytes", "requests_per_second": "rate of requests",
	"tests_per_minute": "rate of tests", "filter_time": "time for filters and templates",
}

func (o opsData) quota() string {
	name, _ := o["quota"].(string)
	if words, known := quotas[name]; known {
		return words
	}
	return "quota"
}

const quotaAdvice = "See what is used of each: postrider customer usage. Your operator can give you more."

func quotaNear(o opsData) wording {
	return wording{title: "Your " + o.quota() + " comes near its limit",
		lead:   "Over 80 % of it is used. Nothing is refused yet.",
		advice: []string{quotaAdvice}}
}

func quotaReached(o opsData) wording {
	if o["endpoint"] != nil {
		return wording{title: fmt.Sprintf("The filter or template of %s costs too much time", endpointName(o)),
			lead:   "It is not evaluated for a while. What comes meanwhile is skipped at this endpoint where it is a filter, and waits where it is a template.",
			advice: []string{"Simplify it: " + o.command("postrider endpoint edit") + ".", "Replay what was skipped: " + o.command("postrider delivery replay --status skipped --endpoint") + "."}}
	}
	return wording{title: "Your " + o.quota() + " has reached its limit",
		lead:   "What goes beyond it is not taken until there is room again. What was accepted is delivered.",
		advice: []string{quotaAdvice}}
}

func runFailed(o opsData) wording {
	w := wording{title: "An alert run has failed",
		lead: "A run of your alerts could not be finished yet, so not all of its matches may have been reported. It is tried again, over the same detections, until it succeeds: none is lost.",
		advice: []string{
			"Nothing has to be done for it to go on; a run by hand waits for the same cause.",
			"See what has come of it: postrider run list.",
		}}
	if o["run_id"] == nil || o["run_id"] == "" {
		w.title = "An alert run waits"
		w.lead = "A run of your alerts could not be made yet. It is made as soon as it can be, over all that came since the last one: no detection is lost."
	}
	return w
}
