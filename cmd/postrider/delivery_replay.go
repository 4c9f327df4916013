package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	replaysPath = "/v1/replays"
	// replayLook is how often a replay's progress is asked for.
	replayLook = 500 * time.Millisecond
)

// replayFlags say how a replay by filter goes.
type replayFlags struct {
	rate   float64
	yes    bool
	noWait bool
	cancel string
}

func (f *replayFlags) flags(c *cobra.Command) {
	c.Flags().Float64Var(&f.rate, "rate", 0, "by filter: deliveries a second (default the node's replays.rate)")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "by filter: do not ask")
	c.Flags().BoolVar(&f.noWait, "no-wait", false, "by filter: leave once it has begun, and print its id")
	c.Flags().StringVar(&f.cancel, "cancel", "", "cancel the replay with this id, where it stands")
}

func (a *app) deliveryReplay() *cobra.Command {
	var filter deliveryFilter
	var how replayFlags
	c := &cobra.Command{
		Use:   "replay [ID...]",
		Short: "Make deliveries again, by id or by filter",
		Long: `Gives events to their endpoints again, with the same webhook-id as before,
whatever had become of them; deliveries that have no outcome yet are left out.
By filter it first tells how many there are, and asks; then it shows how far the
node has come. The node goes on when this command ends, or when it is started
again itself.`,
		Example: "  postrider delivery replay 17-6f9619ff-8b86-4d01-b42d-00cf4fc964ff\n" +
			"  postrider delivery replay --endpoint 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --from 2026-01-01T00:00:00Z --status dead_lettered --rate 50\n" +
			"  postrider delivery replay --cancel r-1767323045000000000",
		Args: arguments("[ID...]"),
		RunE: func(c *cobra.Command, args []string) error {
			query, err := filter.query()
			if err != nil {
				return err
			}
			switch {
			case len(args) == 0 && len(query) == 0 && how.cancel == "":
				return usagef("postrider delivery replay needs an ID, or a filter such as --endpoint; see postrider delivery replay --help")
			case len(args) > 0 && len(query) > 0:
				return usagef("give ids or a filter, not both")
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			if err := resolved(c.Context(), cl, endpointResource, query, "endpoint"); err != nil {
				return err
			}
			if len(args) > 0 {
				return a.replayDeliveries(c.Context(), cl, args)
			}
			return a.replayMany(c.Context(), cl, replaysPath, noun{"delivery", "deliveries"}, query, &how)
		},
	}
	filter.flags(c)
	how.flags(c)
	return c
}

func (a *app) replayDeliveries(ctx context.Context, cl *client, ids []string) error {
	p := a.progress("replayed", len(ids))
	for i, given := range ids {
		id, err := resolveDelivery(ctx, cl, given)
		if err != nil {
			p.end()
			return fmt.Errorf("%w%s", err, soFar(i, len(ids)))
		}
		if _, err := cl.call(ctx, http.MethodPost, deliveriesPath+"/"+url.PathEscape(id)+"/replay", nil, nil); err != nil {
			p.end()
			return fmt.Errorf("delivery %s: %w%s", oneLine(id), err, soFar(i, len(ids)))
		}
		p.show(i + 1)
	}
	p.end()
	if a.output == "json" {
		return a.printJSON(map[string]int{"replayed": len(ids)})
	}
	_, err := fmt.Fprintf(a.stdout, "replayed %s\n", grouped(uint64(len(ids))))
	return err
}

// replayJob is a replay as the API shows it.
type replayJob struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Detail   string `json:"detail"`
	Total    uint64 `json:"total"`
	Done     uint64 `json:"done"`
	Replayed uint64 `json:"replayed"`
	Gone     uint64 `json:"gone"`
	Skipped  uint64 `json:"skipped"`
}

// replayMany replays by filter: it counts, asks, begins and follows.
func (a *app) replayMany(ctx context.Context, cl *client, path string, what noun, filter url.Values, how *replayFlags) error {
	if how.cancel != "" {
		return a.cancelReplay(ctx, cl, how.cancel)
	}
	wish := map[string]any{"dry_run": true}
	for name := range filter {
		wish[name] = filter.Get(name)
	}
	if how.rate != 0 {
		wish["rate"] = how.rate
	}
	var answer struct {
		Count  uint64
		Replay replayJob
	}
	if _, err := cl.call(ctx, http.MethodPost, path, wish, &answer); err != nil {
		return err
	}
	if answer.Count == 0 {
		return a.printReplay(&replayJob{State: "done"})
	}
	if err := a.confirm(what.counted(answer.Count)+" will be delivered again", "nothing was replayed", how.yes); err != nil {
		return err
	}
	delete(wish, "dry_run")
	if _, err := cl.call(ctx, http.MethodPost, path, wish, &answer); err != nil {
		return err
	}
	if how.noWait && a.output == "json" {
		return a.printJSON(answer.Replay)
	}
	if how.noWait {
		_, err := fmt.Fprintln(a.stdout, oneLine(answer.Replay.ID))
		return err
	}
	return a.followReplay(ctx, cl, &answer.Replay)
}

// confirm asks on stderr whether to go on; none is the error's beginning where not.
func (a *app) confirm(what, none string, yes bool) error {
	if yes {
		return nil
	}
	fmt.Fprintf(a.stderr, "%s. Go on? [y/N] ", what)
	answer, _ := bufio.NewReader(a.stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New(none + "; answer y, or give --yes")
	}
	return nil
}

// followReplay shows how far a replay has come until it is over.
func (a *app) followReplay(ctx context.Context, cl *client, job *replayJob) error {
	p := a.progress("replayed", int(job.Total))
	defer p.end()
	look := time.NewTicker(replayLook)
	defer look.Stop()
	for job.State == "running" {
		p.show(int(job.Done))
		select {
		case <-look.C:
		case <-ctx.Done():
			p.end()
			return fmt.Errorf("the replay goes on in the node; cancel it with: %s delivery replay --cancel %s", program, job.ID)
		}
		id := job.ID
		if _, err := cl.call(ctx, http.MethodGet, replaysPath+"/"+url.PathEscape(id), nil, job); err != nil && ctx.Err() == nil {
			p.end()
			return fmt.Errorf("replay %s: %w", oneLine(id), err)
		}
	}
	p.end()
	return a.printReplay(job)
}

func (a *app) cancelReplay(ctx context.Context, cl *client, id string) error {
	var job replayJob
	if _, err := cl.call(ctx, http.MethodDelete, replaysPath+"/"+url.PathEscape(id), nil, &job); err != nil {
		return err
	}
	return a.printReplay(&job)
}

// printReplay tells what became of a replay; one that failed is an error.
func (a *app) printReplay(job *replayJob) error {
	if a.output == "json" {
		raw, err := json.Marshal(job)
		if err != nil {
			return err
		}
		if err := a.printJSON(json.RawMessage(raw)); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.stdout, "replayed %s", grouped(job.Replayed))
		for _, more := range []struct {
			n   uint64
			why string
		}{
			{job.Gone, "without their event, which is no longer kept"},
			{job.Skipped, "of endpoints that were removed or disabled"},
			{job.Total - job.Done, "not reached"},
		} {
			if more.n > 0 {
				fmt.Fprintf(a.stdout, ", %s %s", grouped(more.n), more.why)
			}
		}
		fmt.Fprintln(a.stdout)
	}
	if job.State == "failed" {
		return fmt.Errorf("replay %s failed: %s", oneLine(job.ID), oneLine(job.Detail))
	}
	return nil
}
