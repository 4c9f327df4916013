package transport

// Reasons of answers (Answer.Reason); an answer that is Gone has ReasonGone.
const (
	// ReasonStatus: a status that the success policy does not accept.
	ReasonStatus = "status"
	// ReasonRedirect: a 3xx, which is not followed.
	ReasonRedirect = "redirect"
	// ReasonTimeout: the attempt's time was used up before the answer's head came.
	ReasonTimeout = "timeout"
	// ReasonConnect: no connection, or one that broke before the answer's head came.
	ReasonConnect = "connect"
	// ReasonTLS: the handshake failed; Detail says at what.
	ReasonTLS = "tls"
	// ReasonDNS: the name could not be resolved.
	ReasonDNS = "dns"
	// ReasonProtocol: what came back is no HTTP.
	ReasonProtocol = "protocol"
	// ReasonAddressRefused: only addresses that we do not dial.
	ReasonAddressRefused = "address_refused"
	// ReasonProxy: our own proxy failed or refused.
	ReasonProxy = "proxy"
	// ReasonRelay: our own SMTP relay cannot be used.
	ReasonRelay = "relay"
	// ReasonLocal: this machine lacks something: file descriptors, ports, memory.
	ReasonLocal = "local"
	// ReasonAborted: we broke it off.
	ReasonAborted = "aborted"
)
