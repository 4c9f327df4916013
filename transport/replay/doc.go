// Package replay runs replays of many deliveries: it notes what there is to
// replay, gives it to delivery again at a bounded pace, oldest first, and tells
// how far it has come.
//
// It promises that a replay is fixed when it is asked for (what is replayed
// later does not grow it), can be cancelled between any two steps, and goes on
// where it stood after a restart. Before each step it notes how far the step
// goes; what a step that a crash broke off had already parked is found in
// DEFERRED or the delivery log, and is not parked twice. Every pair of a replay
// has the same replay number, so the journal counts it once whatever happens.
//
// It keeps nothing itself: jet does, through Records and Parker. It may import
// transport, and transport/payload for the filters of endpoints.
package replay
