package jet

// ShutServerDown ends the embedded server beside its connection.
func (c *Conn) ShutServerDown() { c.embedded.srv.Shutdown() }
