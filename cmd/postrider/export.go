package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/manifest"
)

func (a *app) exportCommand() *cobra.Command {
	var customer string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write endpoints, alerts and customers as documents for apply",
		Long: `Writes customers, endpoints and alerts as YAML documents (-o json: JSON, one a
line) that apply reads. It holds no secret: secrets and header values stand as
references to environment variables, which apply asks for where it makes an
endpoint anew. Mailboxes are not written: they are made from alerts.`,
		Example: "  postrider export --customer acme > acme.yaml\n  postrider export -o json\n  postrider export | postrider apply -f - --dry-run",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			w := manifest.NewWriter(a.stdout, a.output == "json")
			for _, kind := range manifest.Kinds {
				list, err := listThings(c.Context(), cl, kind, customer)
				if err != nil {
					return err
				}
				if kind == manifest.Customer && customer != "" && len(list) == 0 {
					return fmt.Errorf("customer %s not found; postrider customer list shows those there are", oneLine(customer))
				}
				for _, o := range list {
					if err := w.Write(kind, o); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&customer, "customer", "", "this customer's only")
	return c
}
