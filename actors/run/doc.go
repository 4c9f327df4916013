// Package run will hold alert runs: the record made before the sweep, the
// sweep over detections, and one consolidated event for all that matched.
//
// It is empty until alerts are built. It will promise that a run that is
// repeated sends nothing twice, and that two runs of a customer do not overlap.
//
// It may import transport, matching and actors.
package run
