package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// examineTimeout bounds each request of an examination.
const examineTimeout = 3 * time.Second

// Examine tells whether Redis keeps what it is given, and how far its clock is
// ahead of now (known is false where it did not tell). It changes nothing but
// the key that Probe sets.
func (r *Redis) Examine(ctx context.Context) (found []transport.Finding, skew time.Duration, known bool) {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	add := func(level, text, remedy string) {
		found = append(found, transport.Finding{Part: "redis", Level: level, Text: text, Remedy: remedy})
	}
	if err := r.Probe(ctx); err != nil {
		add(transport.FindingFail, "takes no writes: "+err.Error(), "check redis.url, and that Redis runs and its user may write; without it event ids are remembered for dedup.local alone, and runs of alerts wait")
		return found, 0, false
	}
	text, err := r.client.Info(ctx).Result()
	if err != nil {
		add(transport.FindingWarn, "reached, and does not tell about itself: "+unavailable(err).Error(), "allow its user INFO to have version, persistence and eviction checked")
	} else {
		found = append(found, examineInfo(infoOf(text))...)
	}
	asked := r.now()
	at, err := r.client.Time(ctx).Result()
	if err != nil {
		return found, 0, false
	}
	return found, at.Sub(asked.Add(r.now().Sub(asked) / 2)), true
}

// infoOf reads the lines of Redis' INFO.
func infoOf(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}

// examineInfo judges what INFO says. What Redis forgets can only mean a second
// delivery or a run repeated over the same detections, never a lost one.
func examineInfo(info map[string]string) []transport.Finding {
	found := []transport.Finding{{Part: "redis", Level: transport.FindingOK, Text: "reached, version " + info["redis_version"]}}
	warn := func(text, remedy string) {
		found = append(found, transport.Finding{Part: "redis", Level: transport.FindingWarn, Text: text, Remedy: remedy})
	}
	switch {
	case info["aof_enabled"] == "1" && info["aof_last_write_status"] == "err":
		warn("cannot write its append-only file", "look at Redis' log and disk")
	case info["rdb_last_bgsave_status"] == "err":
		warn("could not save its last snapshot", "look at Redis' log and disk")
	case info["aof_enabled"] == "0":
		warn("keeps no append-only file: a restart forgets event ids since the last snapshot", "set appendonly yes; until then an id may be delivered a second time after a restart")
	}
	policy := info["maxmemory_policy"]
	switch {
	case info["maxmemory"] == "0" || policy == "noeviction" || policy == "volatile-ttl" || policy == "":
	case strings.HasPrefix(policy, "volatile-"):
		warn(fmt.Sprintf("evicts by %s when it is full: event ids may be forgotten early", policy), "set maxmemory-policy volatile-ttl (the oldest ids leave first) or noeviction")
	default:
		warn(fmt.Sprintf("evicts by %s when it is full: event ids and the cursors of runs may be forgotten", policy), "set maxmemory-policy volatile-ttl or noeviction")
	}
	return found
}
