package api

// Limits are bounds that may change while the node runs; what they mean stands
// at the fields of Options with these names.
type Limits struct {
	Rate  float64
	Burst int
	Tests TestQuota
}

// SetLimits puts these in place of those before, from the next request on.
func (s *Server) SetLimits(l Limits) {
	s.tokens.limiter.set(l.Rate, l.Burst)
	s.tests.set(l.Tests)
}
