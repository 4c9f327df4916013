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
	log, _, err := NewLeveledLogger(w, format, level)
	return log, err
}

// NewLeveledLogger is NewLogger with the level to change later, by SetLevel.
func NewLeveledLogger(w io.Writer, format, level string) (*slog.Logger, *slog.LevelVar, error) {
	least := &slog.LevelVar{}
	if err := SetLevel(least, level); err != nil {
		return nil, nil, err
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "", "text":
		return slog.New(slog.NewTextHandler(w, options)), least, nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), least, nil
	}
	return nil, nil, &transport.FieldError{Field: "log.format", Value: format,
		Message: "not a format; choose text or json"}
}

// SetLevel sets v to the level of that name, as NewLogger takes it.
func SetLevel(v *slog.LevelVar, level string) error {
	switch level {
	case "debug":
		v.Set(slog.LevelDebug)
	case "", "info":
		v.Set(slog.LevelInfo)
	case "warn":
		v.Set(slog.LevelWarn)
	case "error":
		v.Set(slog.LevelError)
	default:
		return &transport.FieldError{Field: "log.level", Value: level,
			Message: "not a level; choose debug, info, warn or error"}
	}
	return nil
}
