package transport

// Levels of a Finding.
const (
	FindingOK = "ok"
	// FindingWarn: it works, and will not in a case that is named.
	FindingWarn = "warn"
	// FindingFail: a node does not work with it.
	FindingFail = "fail"
)

// Finding is what an examination of one part says.
type Finding struct {
	Part  string `json:"part"`
	Level string `json:"level"`
	// Text is what was found; Remedy, empty where all is well, what to do.
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}
