//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mountSmall puts a file system of so many MiB under the node's data folder.
func (n *testNode) mountSmall(mib int) {
	n.t.Helper()
	if err := os.MkdirAll(n.data(), 0o700); err != nil {
		n.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", n.data(), "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		n.t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	n.t.Cleanup(func() {
		if n.proc != nil {
			n.kill()
		}
		if err := syscall.Unmount(n.data(), syscall.MNT_DETACH); err != nil {
			n.t.Error(err)
		}
	})
}

func (n *testNode) growMount(mib int) {
	n.t.Helper()
	if err := syscall.Mount("tmpfs", n.data(), "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%dm", mib)); err != nil {
		n.t.Fatal(err)
	}
}

// big is one event of 500 KB by HTTP.
func (n *testNode) big(id, kind string) (status int, text string) {
	n.t.Helper()
	return n.call(http.MethodPost, "/v1/events",
		fmt.Sprintf(`{"customer":"acme","type":"%s.event","id":%q,"data":{"text":%q}}`, kind, id, strings.Repeat("0123456789", 50_000)), nil)
}

// fill publishes until it is refused, and gives the ids that were accepted.
func (n *testNode) fill(prefix, kind string) (accepted []string, refusal string) {
	n.t.Helper()
	for i := 0; ; i++ {
		id := fmt.Sprint(prefix, i)
		status, text := n.big(id, kind)
		switch {
		case status == http.StatusAccepted:
			accepted = append(accepted, id)
		case status == http.StatusServiceUnavailable:
			return accepted, text
		default:
			n.t.Fatalf("publishing %s: %d %s", id, status, text)
		}
	}
}

// The log fills its share of the disk: publishing is refused and says why,
// while what was accepted is delivered, parked and journaled as ever. With a
// larger disk the node takes events again.
func TestAFullLogRefusesPublishingAlone(t *testing.T) {
	t.Parallel()
	n := newTestNode(t, "POSTRIDER_BREAKER_WAIT=1s", "POSTRIDER_BREAKER_MAX_WAIT=2s")
	n.mountSmall(48)
	down := make(chan struct{})
	w := newWitness(t, func(path, _ string, _ int) int {
		select {
		case <-down:
			return http.StatusOK
		default:
			return map[string]int{"/well": http.StatusOK, "/held": http.StatusOK, "/ill": http.StatusInternalServerError}[path]
		}
	})
	n.start()
	n.addEndpoint(w.url+"/well", ">")
	held := n.addEndpoint(w.url+"/held", ">") // what is settled would leave before anything is refused
	n.setPaused(held, true)
	// A tenth of what is published waits for an endpoint that is down.
	n.addEndpoint(w.url+"/ill", "ill.>", strings.Fields(strings.Repeat("1s ", 30))...)
	var ill []string
	for i := range 8 {
		id := fmt.Sprint("ill", i)
		if status, text := n.big(id, "ill"); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, text)
		}
		ill = append(ill, id)
	}
	accepted, refusal := n.fill("well", "well")
	t.Logf("%d events of 500 KB were taken, then: %s", len(ill)+len(accepted), refusal)
	if !strings.Contains(refusal, "share of the disk") {
		t.Errorf("the refusal does not say why: %s", refusal)
	}
	n.await("all that was accepted to arrive", func() bool { return w.missing("/well", accepted)+w.missing("/well", ill) == 0 })
	parked := n.metric("postrider_deferred_total")
	n.await("parking to go on", func() bool { return n.metric("postrider_deferred_total") > parked+4 })
	if failed := n.metric("postrider_journal_errors_total"); failed > 0 {
		t.Errorf("%v batches of the journal failed", failed)
	}
	close(down)
	n.await("what was parked to arrive", func() bool { return w.missing("/ill", ill) == 0 })
	n.setPaused(held, false)
	n.await("what was held to arrive", func() bool { return w.missing("/held", accepted)+w.missing("/held", ill) == 0 })
	if sum := n.settledAudit(); sum.DeadLettered > 0 {
		t.Errorf("the audit says %+v", sum)
	}
	n.terminate()
	n.growMount(80)
	n.start()
	n.setPaused(held, true)
	more, _ := n.fill("more", "well")
	n.setPaused(held, false)
	if len(more) < 20 {
		t.Errorf("a disk of 32 MiB more took %d events of 500 KB", len(more))
	}
	n.await("what came with the larger disk to arrive", func() bool { return w.missing("/well", more)+w.missing("/held", more) == 0 })
	t.Logf("%d more with a larger disk, repeated %d, audit %+v", len(more), w.repeated(t), n.settledAudit())
	n.terminate()
}

// Something else fills the disk to its last byte under load: the node does not
// accept what it cannot keep, says so and leaves, as its server writes no more
// before a restart; with space again it delivers all that was accepted.
func TestADiskFilledByOthersLosesNothing(t *testing.T) {
	t.Parallel()
	n := newTestNode(t, hardy...)
	n.mountSmall(48)
	w := newWitness(t, func(path, id string, nth int) int {
		if nth == 1 && failuresOf(path, id) == 1 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	n.start()
	n.addEndpoint(w.url+"/a", ">", strings.Fields(strings.Repeat("1s ", 30))...)
	var accepted []string
	put := func(id string) (int, string) {
		status, text := n.big(id, "any")
		if status == http.StatusAccepted {
			accepted = append(accepted, id)
		}
		return status, text
	}
	for i := range 10 {
		if status, text := put(fmt.Sprint("before", i)); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, text)
		}
	}
	w.fault()
	filler := n.fillDisk()
	status, text := http.StatusAccepted, ""
	for i := 0; status == http.StatusAccepted; i++ {
		status, text = put(fmt.Sprint("full", i))
	}
	if status != http.StatusServiceUnavailable && status != 0 {
		t.Errorf("on a full disk publishing is answered with %d %s", status, text)
	}
	n.awaitLeft()
	if out, code := n.proc.out.String(), n.proc.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(out, "the node must leave") || !strings.Contains(out, "no space left") {
		t.Errorf("the node left with code %d:\n%s", code, out)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	w.fault()
	n.start()
	if status, text := put("after"); status != http.StatusAccepted {
		t.Errorf("with space again publishing is answered with %d %s", status, text)
	}
	n.await("all that was accepted to arrive", func() bool { return w.missing("/a", accepted) == 0 })
	t.Logf("%d accepted, repeated %d, audit %+v", len(accepted), w.repeated(t), n.settledAudit())
	n.terminate()
}

// fillDisk writes the node's disk full to its last byte, and gives the file to
// remove.
func (n *testNode) fillDisk() (filler string) {
	n.t.Helper()
	filler = filepath.Join(n.data(), "filler")
	f, err := os.Create(filler)
	if err != nil {
		n.t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<16); err == nil; {
		_, err = f.Write(block)
	}
	for block := []byte{0}; ; {
		if _, err := f.Write(block); err != nil {
			return filler
		}
	}
}
