package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"

	"github.com/postrider/postrider/config"
)

// hints are the flags that commands shown to be copied need to reach this node.
type hints struct {
	// api is for commands that speak to the API, publish for publish.
	api, publish string
}

// nodeHints tells them for a node whose API is at url and whose producers
// connect to nats ("": there is no listener). A server that asks who one is is
// not shown with its password: publishing by HTTP needs none of it.
func nodeHints(cfg *config.Config, configFile, url, nats string) hints {
	var common, server string
	if configFile != "" {
		common += " --config " + shellWord(configFile)
	}
	if cfg.Data != defaultData {
		common += " --data " + shellWord(cfg.Data)
	}
	if url != defaultServer {
		server = " --server " + url
	}
	h := hints{api: common + server}
	n := &cfg.NATS
	switch {
	case nats == "" || n.Credentials != "" || n.User != "" || n.Token != "" || strings.Contains(n.URL.Reveal(), "@"):
		h.publish = " --http" + h.api
	case nats != defaultNATS:
		h.publish = " --nats-url " + nats
	}
	return h
}

// shellWord is a word that a shell reads as s.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// greet tells where the node, its page and its NATS are (empty: there is none), and on a development node what to do next.
func (a *app) greet(cfg *config.Config, api, page, nats string, log *slog.Logger) {
	if !cfg.Dev {
		log.Info("serving", slog.String("version", buildVersion()), slog.String("api", api), slog.String("nats", nats))
		return
	}
	h := nodeHints(cfg, a.configFile, api, nats)
	if nats == "" {
		nats = "no listener (nats.listen is empty)"
	}
	fmt.Fprintf(a.stdout, `Postrider %[1]s, a development node
  page   %[8]s
  API    %[2]s   (its description: %[2]s/docs)
  NATS   %[3]s
  data   %[4]s   (token for the API: admin.token)

Next, in another terminal:
  %[5]s listen --secret 0123456789abcdef
and in a third:
  %[5]s endpoint add --customer acme --url http://127.0.0.1:9000/hook --secret 0123456789abcdef%[6]s
  echo '{"hello":"world"}' | %[5]s publish events.acme.greeting.sent%[7]s

`, buildVersion(), api, nats, cfg.Data, program, h.api, h.publish, cmp.Or(page, "none (web.enabled is false)"))
}
