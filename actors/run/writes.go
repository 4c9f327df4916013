package run

import "sync"

// writesAtOnce is how many runs are written at the same time.
const writesAtOnce = 16

// writes bounds what is written at the same time.
type writes struct{ atOnce int }

// each calls do for 0 to n-1, some at the same time, and gives their errors.
func (w *writes) each(n int, do func(i int) error) []error {
	errs := make([]error, n)
	running := make(chan struct{}, w.atOnce)
	var all sync.WaitGroup
	for i := range n {
		running <- struct{}{}
		all.Go(func() {
			errs[i] = do(i)
			<-running
		})
	}
	all.Wait()
	return errs
}
