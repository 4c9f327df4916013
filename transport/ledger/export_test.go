package ledger

import "testing"

// StartServer is a real redis-server for tests outside the package.
func StartServer(t testing.TB) *server { return startServer(t) }

func (s *server) URL() string { return s.url() }
func (s *server) Kill()       { s.kill() }
func (s *server) Start()      { s.start() }
