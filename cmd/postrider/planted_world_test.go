package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"

	"github.com/postrider/postrider/matching"
)

const plantedCustomers = 5

// plantedWorld is alerts, of which some have their trucks planted among many
// others, and which matches that makes. No other alert has a match.
type plantedWorld struct {
	alerts []fieldValues
	// planted are the documents that matter, each to stand somewhere among the
	// detections; want is the matches of all, by alert's name and result_url.
	planted [][]byte
	want    map[string]bool
	// mailed counts the matches that each address is to hear of.
	mailed map[string]int
	trucks *matching.Generator
	random *rand.Rand
}

// newPlantedWorld has so many alerts, each kind of planting among them copies times.
func newPlantedWorld(seed uint64, alerts, copies int) *plantedWorld {
	w := &plantedWorld{want: map[string]bool{}, mailed: map[string]int{}, trucks: matching.NewGenerator(seed), random: rand.New(rand.NewPCG(seed, 2))}
	for i := range copies {
		for k := range plantings {
			w.plant(&plantings[k], i*len(plantings)+k)
		}
	}
	others := matching.NewGenerator(seed + 1)
	for serial := len(w.alerts); serial < alerts; serial++ {
		w.alerts = append(w.alerts, unseen(others, serial))
	}
	w.random.Shuffle(len(w.alerts), func(i, j int) { w.alerts[i], w.alerts[j] = w.alerts[j], w.alerts[i] })
	w.random.Shuffle(len(w.planted), func(i, j int) { w.planted[i], w.planted[j] = w.planted[j], w.planted[i] })
	return w
}

// addressed gives an alert its customer, type and addresses.
func addressed(alert fieldValues, name string, serial int) fieldValues {
	customer := fmt.Sprintf("c%d", serial%plantedCustomers)
	alert["customer"], alert["alert_name"] = customer, name
	alert["alert_type"] = []string{"normal", "hot", "live"}[serial/plantedCustomers%3]
	alert["email"] = fmt.Sprintf("fleet%d@%s.example", serial%4, customer)
	alert["cc_emails"] = []string{"boss@" + customer + ".example"}
	return alert
}

func (w *plantedWorld) plant(p *planting, serial int) {
	name := fmt.Sprintf("%s %d", p.name, serial)
	alert := addressed(p.alert.of(serial), name, serial)
	w.alerts = append(w.alerts, alert)
	for kind, list := range map[string][]fieldValues{"seen": p.seen, "missed": p.missed} {
		for i, values := range list {
			url := fmt.Sprintf("https://example.com/%d/%s/%d", serial, kind, i)
			d := w.trucks.Detection()
			w.planted = append(w.planted, values.of(serial).over(&d, url))
			if kind == "seen" {
				w.want[name+" "+url] = true
				w.mailed[alert["email"].(string)]++
				w.mailed[alert["cc_emails"].([]string)[0]]++
			}
		}
	}
}

// unseen is an alert like others, for a truck that no camera ever sees.
func unseen(g *matching.Generator, serial int) fieldValues {
	a := g.Alert("", []matching.Kind{matching.Exact, matching.Exact, matching.Lookalike, matching.Wildcard,
		matching.OneDifference, matching.TwoDifferences, matching.DeepSearch}[serial%7])
	alert := fieldValues{"lookalikes": a.Lookalikes, "max_differences": a.MaxDifferences, "location_state": a.LocationState, "deep_search": a.DeepSearch}
	for name, number := range map[string]string{"license_plate": a.LicensePlate, "trailer_number": a.TrailerNumber, "cab_number": a.CabNumber} {
		if number != "" {
			alert[name] = "ZZZZZZZZ" + number
		}
	}
	for name, number := range map[string]string{"usdot_number": a.USDOTNumber, "mc_number": a.MCNumber} {
		if number != "" {
			alert[name] = "7" + number // a digit longer than any that is seen
		}
	}
	if a.VIN != "" {
		alert["vin"] = "9" + a.VIN[1:]
	}
	return addressed(alert, "unseen "+strconv.Itoa(serial), serial)
}

// detections writes so many documents, a line each, the next of the planted
// ones among them.
func (w *plantedWorld) detections(out io.Writer, n, planted int) error {
	var line []byte
	for left := n; left > 0; left-- {
		if planted > 0 && w.random.IntN(left) < planted {
			line, planted = append(line[:0], w.planted[0]...), planted-1
			w.planted = w.planted[1:]
		} else {
			d := w.trucks.Detection()
			line = d.AppendJSON(line[:0])
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func (v fieldValues) json() string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
