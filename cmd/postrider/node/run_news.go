package node

import (
	"context"
	"sync/atomic"

	"github.com/postrider/postrider/actors/run"
	"github.com/postrider/postrider/transport"
)

// runNews keeps runs, and tells of each that is logged.
type runNews struct {
	run.Records
	each atomic.Pointer[func(*transport.Run)]
}

// watch has each told from now on; it must not block.
func (r *runNews) watch(each func(*transport.Run)) { r.each.Store(&each) }

// LogRun is run.Records'.
func (r *runNews) LogRun(ctx context.Context, logged *transport.Run) error {
	err := r.Records.LogRun(ctx, logged)
	if each := r.each.Load(); err == nil && each != nil {
		(*each)(logged)
	}
	return err
}
