package node

import (
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload"
)

// compileFilter and viewForFilters give the shard what it needs of CEL.
func compileFilter(source string) (func(view any) (bool, error), error) {
	f, err := payload.NewFilter(source)
	if err != nil {
		return nil, err
	}
	return func(view any) (bool, error) { return f.Match(view.(*payload.View)) }, nil
}

// spentOnFilters is what a view has cost.
func spentOnFilters(view any) time.Duration { return view.(*payload.View).Spent() }

func viewForFilters(ev *transport.Event) any { return payload.NewView(ev) }
