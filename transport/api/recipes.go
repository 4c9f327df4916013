package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport/payload"
)

func (s *Server) recipeRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodGet, path: "/v1/recipes", id: "list-recipes",
		summary: "Endpoints for well-known services, with {{name}} where a parameter belongs"}, s.listRecipes)
}

// RecipeList are the recipes there are.
type RecipeList struct {
	Items []payload.Recipe `json:"items"`
}

type recipesAnswer struct{ Body RecipeList }

func (s *Server) listRecipes(context.Context, *struct{}) (*recipesAnswer, error) {
	return &recipesAnswer{Body: RecipeList{Items: payload.Recipes()}}, nil
}
