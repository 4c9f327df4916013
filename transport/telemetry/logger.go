package telemetry

import (
	"io"
	"log/slog"

	"github.com/postrider/postrider/transport"
)

// NewLogger makes a logger that writes to w. format is "text" or "json" (empty:
// text), level "debug", "info", "warn" or "error" (empty: info); anything else
// is a *transport.FieldError for log.format or log.level.
func NewLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var least slog.Level
	switch level {
	case "debug":
		least = slog.LevelDebug
	case "", "info":
		least = slog.LevelInfo
	case "warn":
		least = slog.LevelWarn
	case "error":
		least = slog.LevelError
	default:
		return nil, &transport.FieldError{Field: "log.level", Value: level,
			Message: "not a level; choose debug, info, warn or error"}
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "", "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, &transport.FieldError{Field: "log.format", Value: format,
		Message: "not a format; choose text or json"}
}
