package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestExamineInfo(t *testing.T) {
	const good = "redis_version:7.2.4\r\naof_enabled:1\r\naof_last_write_status:ok\r\nrdb_last_bgsave_status:ok\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n"
	for change, want := range map[string]string{
		"":                           "",
		"aof_enabled:0":              "keeps no append-only file: a restart forgets event ids since the last snapshot",
		"aof_last_write_status:err":  "cannot write its append-only file",
		"rdb_last_bgsave_status:err": "could not save its last snapshot",
		"maxmemory:1":                "evicts by allkeys-lru when it is full: event ids and the cursors of runs may be forgotten",
		"maxmemory:1\nmaxmemory_policy:volatile-lru": "evicts by volatile-lru when it is full: event ids may be forgotten early",
		"maxmemory:1\nmaxmemory_policy:volatile-ttl": "",
		"maxmemory:1\nmaxmemory_policy:noeviction":   "",
	} {
		found := examineInfo(infoOf(good + change))
		got := ""
		for _, f := range found[1:] {
			got += f.Text
		}
		if found[0].Level != transport.FindingOK || got != want {
			t.Errorf("%q: got %q, want %q", change, got, want)
		}
	}
}

func TestExamine(t *testing.T) {
	s := startServer(t)
	r, err := NewRedis(s.url(), 0, RedisOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	began := time.Now()
	found, skew, known := r.Examine(context.Background())
	if len(found) != 1 || found[0].Level != transport.FindingOK || !known || skew.Abs() > time.Second+time.Since(began) {
		t.Errorf("%+v, %v, %v", found, skew, known)
	}
	s.kill()
	if found, _, known = r.Examine(context.Background()); len(found) != 1 || found[0].Level != transport.FindingFail || known {
		t.Errorf("%+v, %v", found, known)
	}
}
