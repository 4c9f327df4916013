package main

import (
	"strings"
	"testing"
)

const (
	oldMasterKey = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
	newMasterKey = "ffffffffffffffff0000000000000000ffffffffffffffff0000000000000000"
)

// A node that is started with both keys goes on, encrypts anew by itself, and
// needs the old key no more; a stopped one's data is encrypted by the command.
func TestMasterKeyIsRotated(t *testing.T) {
	t.Parallel()
	n := newTestNode(t, "POSTRIDER_MASTER_KEY="+oldMasterKey)
	settings := n.env
	n.start()
	id := n.addEndpoint("https://example.com/hook", "a.>")
	n.terminate()

	with := func(keys ...string) { n.env = append(append([]string{}, settings...), keys...) }
	with("POSTRIDER_MASTER_KEY="+newMasterKey, "POSTRIDER_MASTER_KEY_PREVIOUS="+oldMasterKey)
	n.start()
	if out := n.must("", "endpoint", "secret", id); strings.TrimSpace(out) != faultSecret {
		t.Error("the secret is another one while both keys are set")
	}
	n.await("the node to say that all is done", func() bool { return strings.Contains(n.proc.out.String(), "master_key_previous may be taken out") })
	if out := n.terminate(); !strings.Contains(out, "resealed=1") || strings.Contains(out, faultSecret) || strings.Contains(out, oldMasterKey) {
		t.Errorf("its log:\n%s", out)
	}

	with("POSTRIDER_MASTER_KEY=" + newMasterKey)
	n.start()
	if out := n.must("", "endpoint", "secret", id); strings.TrimSpace(out) != faultSecret {
		t.Error("the secret is another one with the new key alone")
	}
	back := []string{"POSTRIDER_MASTER_KEY=" + oldMasterKey, "POSTRIDER_MASTER_KEY_PREVIOUS=" + newMasterKey}
	rotate := func() (string, int) {
		cmd := command(t.Context(), n.dir, back, "secrets", "rotate", "--dev")
		both, _ := cmd.CombinedOutput()
		return string(both), cmd.ProcessState.ExitCode()
	}
	if out, code := rotate(); code != exitFailed || !strings.Contains(out, "started with both keys it encrypts anew by itself") {
		t.Errorf("beside a node that runs: exit %d, %s", code, out)
	}
	n.terminate()
	for _, want := range []string{"1 endpoint encrypted anew", "0 endpoints encrypted anew"} {
		if out, code := rotate(); code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, %s, want %s", code, out, want)
		}
	}
	with("POSTRIDER_MASTER_KEY=" + oldMasterKey)
	n.start()
	if out := n.must("", "endpoint", "secret", id); strings.TrimSpace(out) != faultSecret {
		t.Error("the secret is another one after the way back")
	}
}
