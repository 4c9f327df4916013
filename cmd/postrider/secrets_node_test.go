package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	oldMasterKey = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
	newMasterKey = "ffffffffffffffff0000000000000000ffffffffffffffff0000000000000000"
)

// The key is changed in its files while the node runs, which delivers meanwhile.
func TestMasterKeyIsRotatedWhileItRuns(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	file := func(name, key string) string {
		path := filepath.Join(n.dir, name)
		if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	settings := append(n.env, "POSTRIDER_MASTER_KEY_FILE="+file("key", oldMasterKey))
	n.env = append(settings, "POSTRIDER_MASTER_KEY_PREVIOUS_FILE="+file("previous", strings.Repeat("ab", 32)))
	w := newWitness(t, always200)
	n.start()
	id := n.addEndpoint(w.url+"/a", ">")
	said := func(text string) func() bool {
		return func() bool { return strings.Contains(n.proc.out.String(), text) }
	}
	file("key", newMasterKey)
	n.await("it to say that the old key is not named", said("master_key was not taken in"))
	n.delivers(w, "old")
	file("previous", oldMasterKey)
	n.await("the key to be taken in", said("master_key was taken in"))
	n.await("all to be sealed anew", said("resealed=1"))
	n.delivers(w, "new")
	another := n.addEndpoint(w.url+"/b", ">")
	if out := n.terminate(); strings.Contains(out, newMasterKey) || strings.Contains(out, oldMasterKey) {
		t.Errorf("its log:\n%s", out)
	}
	n.env = settings // with the new key alone
	n.start()
	for _, id := range []string{id, another} {
		if out := n.must("", "endpoint", "secret", id); strings.TrimSpace(out) != faultSecret {
			t.Error("the secret is another one with the new key alone")
		}
	}
	n.terminate()
}

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
