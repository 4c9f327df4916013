package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// sealedSamples is how many endpoints the master key is tried on.
const sealedSamples = 50

// ExamineKey tries the master keys of o on endpoints that are stored.
func ExamineKey(ctx context.Context, js jetstream.JetStream, o jet.Options) []transport.Finding {
	finding := func(level, text, remedy string) []transport.Finding {
		return []transport.Finding{{Part: "master key", Level: level, Text: text, Remedy: remedy}}
	}
	v, err := jet.NewVault(o.MasterKey, o.PreviousMasterKey)
	if err != nil {
		return nil // the settings' own examination tells
	}
	kv, err := js.KeyValue(ctx, jet.BucketEndpoints)
	if err != nil {
		return nil // nothing is stored yet
	}
	lister, err := kv.ListKeysFiltered(ctx, endpointKeys)
	if err != nil {
		return finding(transport.FindingWarn, "not tried: "+err.Error(), "let Postrider's user read the bucket "+jet.BucketEndpoints)
	}
	var keys []string
	for key := range lister.Keys() {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	keys = keys[:min(len(keys), sealedSamples)]
	for _, key := range keys {
		entry, err := kv.Get(ctx, key)
		var rec endpointRecord
		if err != nil || json.Unmarshal(entry.Value(), &rec) != nil {
			continue
		}
		changed, err := rec.Sealed.reseal(v, customerOf(key), endpointID(key))
		if err != nil {
			return finding(transport.FindingFail, err.Error(), "set POSTRIDER_MASTER_KEY to the key of the nodes that stored it")
		}
		if changed {
			return finding(transport.FindingWarn, "some of what is stored is still sealed with the previous one", "keep POSTRIDER_MASTER_KEY_PREVIOUS set, and run postrider secrets rotate")
		}
	}
	return finding(transport.FindingOK, fmt.Sprintf("opens what is stored (%d endpoints tried)", len(keys)), "")
}
