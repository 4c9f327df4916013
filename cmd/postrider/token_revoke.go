package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke TOKEN|JTI",
		Short: "Have the node refuse a token from now on",
		Long: `Revokes a token by its jti claim, through restarts of the node, until it
would have expired. Give the token itself (- reads it from stdin), so that the
node can forget it then, or its jti alone. It needs an operator's token.`,
		Example: "  postrider token revoke - < leaked.jwt\n  postrider token revoke 1b4e28ba-2fa1-41d2-883f-0016d3cca427",
		Args:    arguments("TOKEN|JTI"),
		RunE: func(c *cobra.Command, args []string) error {
			given := args[0]
			if given == "-" {
				b, err := readAtMost(a.stdin, "stdin", 64<<10)
				if err != nil {
					return err
				}
				given = strings.TrimSpace(string(b))
			}
			body, err := revocation(given)
			if err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			var answer struct {
				JTI string `json:"jti"`
			}
			if _, err := cl.call(c.Context(), http.MethodPost, "/v1/tokens/revoke", body, &answer); err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(answer)
			}
			_, err = fmt.Fprintf(a.stdout, "revoked %s\n", oneLine(answer.JTI))
			return err
		},
	}
}

// revocation reads what there is to revoke off a token, unverified, or takes a
// jti as it is. What was given is not repeated: it may be a token.
func revocation(given string) (map[string]string, error) {
	parts := strings.Split(given, ".")
	if len(parts) != 3 {
		return map[string]string{"jti": given}, nil
	}
	var claims struct {
		JTI string      `json:"jti"`
		Exp json.Number `json:"exp"`
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil {
		return nil, usagef("this is neither a token nor a jti")
	}
	if claims.JTI == "" {
		return nil, usagef("the token has no jti claim, by which tokens are revoked; change auth.secret, or have its issuer change its key")
	}
	body := map[string]string{"jti": claims.JTI}
	if exp, err := claims.Exp.Float64(); err == nil && exp > 0 && exp < 1e11 {
		body["exp"] = time.Unix(int64(exp)+1, 0).UTC().Format(time.RFC3339)
	}
	return body, nil
}
