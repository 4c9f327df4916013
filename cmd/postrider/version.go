package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version, commit and date (RFC 3339, of the commit) are set by the linker (see
// the Makefile); what is not set is read from what Go builds in.
var version, commit, date = "", "", ""

// buildVersion is the version of this binary, for deliveries' User-Agent too.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

// buildCommit is the commit and its date; "unknown" where the build does not tell.
func buildCommit() (hash, at string) {
	hash, at = commit, date
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && hash == "":
				hash = s.Value
			case s.Key == "vcs.time" && at == "":
				at = s.Value
			}
		}
	}
	if hash == "" {
		hash = "unknown"
	}
	if at == "" {
		at = "unknown"
	}
	return hash, at
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit and its date, and Go's version",
		Example: "  postrider version\n  postrider version -o json",
		Args:    arguments(),
		RunE: func(*cobra.Command, []string) error {
			hash, at := buildCommit()
			if a.output == "json" {
				return a.printJSON(map[string]string{"version": buildVersion(), "commit": hash, "date": at,
					"go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
			}
			words := []string{"postrider", buildVersion(), "commit", hash[:min(len(hash), 12)], "of", at,
				runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			_, err := fmt.Fprintln(a.stdout, strings.Join(words, " "))
			return err
		},
	}
}
