package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload"
)

func addRecipeFlags(c *cobra.Command) {
	names := make([]string, len(payload.Recipes()))
	for i, r := range payload.Recipes() {
		names[i] = r.Name
	}
	c.Flags().String("recipe", "", "begin with the endpoint of a well-known service: "+strings.Join(names, ", "))
	c.Flags().StringArray("set", nil, "what the recipe asks for, NAME=VALUE; repeatable")
}

// withRecipe puts what flags say over what the recipe says, where one is named.
func withRecipe(c *cobra.Command, body map[string]any) (map[string]any, error) {
	name, err := c.Flags().GetString("recipe")
	if err != nil {
		return nil, err
	}
	given, err := c.Flags().GetStringArray("set")
	if err != nil {
		return nil, err
	}
	if name == "" {
		if len(given) > 0 {
			return nil, usagef("--set fills in a recipe; name it with --recipe")
		}
		return body, nil
	}
	r, err := payload.RecipeNamed(name)
	if err != nil {
		return nil, usageOf(err)
	}
	values := map[string]string{}
	for _, pair := range given {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usagef("--set is given as NAME=VALUE, for example api_key=0123")
		}
		values[name] = value
	}
	filled, err := r.Fill(values)
	if err != nil {
		return nil, usageOf(err)
	}
	return over(filled, body), nil
}

// usageOf tells a wrong field by the flag it came from.
func usageOf(err error) error {
	var wrong *transport.FieldError
	if !errors.As(err, &wrong) {
		return err
	}
	if parameter, isSet := strings.CutPrefix(wrong.Field, "set."); isSet {
		return usagef("--set %s: %s", parameter, wrong.Message)
	}
	return usagef("--%s: %s", wrong.Field, wrong.Message)
}

// over puts the fields of top over those of base, section by section; base is changed.
func over(base, top map[string]any) map[string]any {
	for name, v := range top {
		section, isSection := v.(map[string]any)
		below, wasSection := base[name].(map[string]any)
		if isSection && wasSection {
			v = over(below, section)
		}
		base[name] = v
	}
	return base
}
