package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/api"
)

// How large the planted world is: PLANTED_DETECTIONS and PLANTED_ALERTS (by
// default small, so that the suite has it); PLANTED_SEED repeats one.
const (
	plantedDetections = 20_000
	plantedAlerts     = 1000
	plantedKills      = 4
	// plantedPatience is what a run of the largest world may take.
	plantedPatience = 3 * time.Minute
	plantedSilence  = 15 * time.Second
)

func plantedSize(t *testing.T, name string, usual uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// Alerts of every mode, with their trucks planted among many others: exactly
// the planted matches arrive at the webhook and in the mailboxes, once; a
// second run sends nothing; and kill -9 in the middle of runs changes none of it.
func TestPlantedMatchesArriveOnce(t *testing.T) {
	t.Parallel()
	seed := plantedSize(t, "PLANTED_SEED", uint64(time.Now().UnixNano()))
	detections := int(plantedSize(t, "PLANTED_DETECTIONS", plantedDetections))
	alerts := int(plantedSize(t, "PLANTED_ALERTS", plantedAlerts))
	copies := min(max(alerts/4/len(plantings), 1), 100)
	t.Logf("%d detections, %d alerts, each of %d plantings %d times, PLANTED_SEED=%d", detections, alerts, len(plantings), copies, seed)
	office, settings := newPostOffice(t)
	p := &plantedRun{testNode: newTestNode(t, append(settings, hardy...)...), world: newPlantedWorld(seed, alerts, copies),
		office: office, box: newInbox(t, "genlogs"), random: rand.New(rand.NewPCG(seed, 3))}
	p.start()
	for i := range plantedCustomers {
		p.must("", "endpoint", "add", "--customer", fmt.Sprintf("c%d", i), "--url", p.box.URL, "--profile", "genlogs", "--secret", waySecret)
	}
	p.timed("alerts loaded over the API", alerts, p.load)

	half := len(p.world.planted) / 2
	p.timed("detections published", detections/2, func() { p.publish(detections/2, half) })
	took := p.timed("detections run", detections/2, func() { p.runAll() })
	p.quiet()
	p.timed("detections published", detections-detections/2, func() { p.publish(detections-detections/2, len(p.world.planted)) })
	p.killed(took)
	p.runAll()
	p.settled()
	p.quiet()
	p.judge()
	if out := p.must("", "audit"); !strings.Contains(out, "adds up") {
		t.Error(out)
	}
	p.terminate()
}

// plantedRun is a planted world at a node, with its receivers.
type plantedRun struct {
	*testNode
	world  *plantedWorld
	office *postOffice
	box    *inbox
	random *rand.Rand
}

func (p *plantedRun) timed(what string, n int, do func()) (took time.Duration) {
	p.t.Helper()
	began := time.Now()
	do()
	took = time.Since(began)
	p.t.Logf("%s: %d in %s, %.0f/s; the node has %s", what, n, took.Round(time.Millisecond), float64(n)/took.Seconds(), p.memory())
	return took
}

// memory is the resident set of the node's process, now and at most.
func (p *plantedRun) memory() string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.proc.cmd.Process.Pid))
	if err != nil {
		return "a size not known here"
	}
	var found []string
	for _, m := range regexp.MustCompile(`Vm(?:RSS|HWM):\s+(\d+) kB`).FindAllSubmatch(status, -1) {
		kib, _ := strconv.Atoi(string(m[1]))
		found = append(found, strconv.Itoa(kib>>10))
	}
	return strings.Join(found, " MiB at most, ") + " MiB now"
}

// load adds the alerts over the API, several at the same time.
func (p *plantedRun) load() {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	defer client.CloseIdleConnections()
	token, next, faults := p.token(), make(chan fieldValues), make(chan error, 32)
	var workers sync.WaitGroup
	for range cap(faults) {
		workers.Go(func() {
			for alert := range next {
				if err := addAlert(client, "http://"+p.http+"/alerts", token, alert.json()); err != nil {
					select {
					case faults <- err:
					default:
					}
				}
			}
		})
	}
	for _, alert := range p.world.alerts {
		next <- alert
	}
	close(next)
	workers.Wait()
	select {
	case err := <-faults:
		p.t.Fatal(err)
	default:
	}
}

func addAlert(client *http.Client, url, token, alert string) error {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(alert))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %d %s %w", alert, resp.StatusCode, text, err)
	}
	return nil
}

// publish is postrider publish --lines of so many detections.
func (p *plantedRun) publish(n, planted int) {
	p.t.Helper()
	in, out := io.Pipe()
	cmd := command(p.t.Context(), p.dir, []string{"POSTRIDER_NATS_URL="}, "publish", "--lines", "detections.i45.north", "-", "--nats-url", "nats://"+p.nats)
	cmd.Stdin = in
	go func() {
		buffered := bufio.NewWriterSize(out, 1<<20)
		err := p.world.detections(buffered, n, planted)
		if err == nil {
			err = buffered.Flush()
		}
		_ = out.CloseWithError(err)
	}()
	said, err := cmd.CombinedOutput()
	if want := "published " + grouped(uint64(n)); err != nil || strings.TrimSpace(string(said)) != want {
		p.t.Fatalf("%v: %s, want %s", err, said, want)
	}
}

// runAll is alert run --wait of every customer, at the same time; it gives how
// much the runs matched.
func (p *plantedRun) runAll() (matches int) {
	p.t.Helper()
	answers := make([]api.Run, plantedCustomers)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			body := fmt.Sprintf(`{"customer":"c%d","wait":true}`, i)
			for { // 202: not within a minute
				status, text := p.call(http.MethodPost, "/alerts/run", body, &answers[i])
				if status == http.StatusOK {
					return
				}
				if status != http.StatusAccepted {
					p.t.Errorf("running alerts of c%d: %d %s", i, status, text)
					return
				}
			}
		})
	}
	all.Wait()
	for _, a := range answers {
		matches += a.TotalMatches
	}
	return matches
}

// quiet runs once more, which must send nothing.
func (p *plantedRun) quiet() {
	p.t.Helper()
	p.awaitFor(plantedPatience, "nothing to wait any more", func() bool { return strings.Contains(p.must("", "audit", "-o", "json"), `"waiting": 0`) })
	before, _ := p.box.count()
	if matches := p.runAll(); matches > 0 {
		p.t.Errorf("a second run had %d matches", matches)
	}
	if after, _ := p.box.count(); after != before {
		p.t.Errorf("a second run sent %d events", after-before)
	}
}

// killed begins runs and kills the node in the middle of them, again and again.
// whole is how long they take when nobody does.
func (p *plantedRun) killed(whole time.Duration) {
	for range plantedKills {
		for i := range plantedCustomers {
			p.call(http.MethodPost, "/alerts/run", fmt.Sprintf(`{"customer":"c%d"}`, i), nil)
		}
		time.Sleep(time.Duration(p.random.Int64N(int64(whole)))) // the fault's own timing, not a wait for anything
		p.kill()
		p.start()
	}
}

// settled waits until all that is wanted has arrived, or nothing comes any more.
func (p *plantedRun) settled() {
	p.t.Helper()
	best, since := -1, time.Now()
	p.awaitFor(plantedPatience, "all planted matches", func() bool {
		mails, err := p.office.planted()
		if err != nil {
			p.t.Fatal(err)
		}
		arrived, want := len(p.box.reported(p.t)), len(p.world.want)
		for address, n := range p.world.mailed {
			arrived, want = arrived+mails.total[address], want+n
		}
		if arrived > best {
			best, since = arrived, time.Now()
		}
		return arrived >= want || time.Since(since) > plantedSilence
	})
}

// judge compares what arrived with what was planted.
func (p *plantedRun) judge() {
	p.box.verified(p.t)
	opensslAgrees(p.t, p.box)
	reported := p.box.reported(p.t)
	for match, times := range reported {
		if times != 1 || !p.world.want[match] {
			p.t.Errorf("%s was reported in %d events, planted: %t", match, times, p.world.want[match])
		}
	}
	for match := range p.world.want {
		if reported[match] == 0 {
			p.t.Errorf("%s is missing", match)
		}
	}
	mails, err := p.office.planted()
	if err != nil {
		p.t.Fatal(err)
	}
	for address, n := range mails.total {
		if n != p.world.mailed[address] {
			p.t.Errorf("%s was told of %d matches, planted are %d", address, n, p.world.mailed[address])
		}
	}
	for link, times := range mails.links {
		if times != 1 || !strings.Contains(link, "/seen/") {
			p.t.Errorf("%s was mailed %d times", link, times)
		}
	}
	events, deliveries := p.box.count()
	p.t.Logf("%d matches in %d events, %d deliveries; mails to %d addresses with %d links looked at, %d mails repeated; nothing else",
		len(reported), events, deliveries, len(mails.total), len(mails.links), mails.repeated)
}
