package node

import (
	"path/filepath"

	deliverylog "github.com/postrider/postrider/transport/log"
)

// openDeliveries begins to follow the journal for the delivery log.
func (n *Node) openDeliveries() error {
	var err error
	if n.redactor, err = deliverylog.NewRedactor(n.cfg.Log.Redact); err != nil {
		return err
	}
	n.deliveries = deliverylog.Open(deliverylog.Options{
		Source: n.store.Attempts, Dir: filepath.Join(n.cfg.Data, "deliveries"), MaxAttempts: n.cfg.Log.MaxAttempts,
		Keep: n.cfg.Attempts.Keep, Now: n.now, Logger: n.log,
	})
	return nil
}

// closeDeliveries ends it. Without its snapshot the next start reads the
// journal again: no fault to end with.
func (n *Node) closeDeliveries() {
	if n.deliveries == nil {
		return
	}
	if err := n.deliveries.Close(); err != nil {
		n.log.Warn("the delivery log's snapshot was not written; the next start reads the journal", "error", err)
	}
}
