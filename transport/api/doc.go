// Package api is the HTTP face of a node: REST under /v1, alerts and GenLogs'
// face of webhooks under /alerts, tokens and roles, OpenAPI, health and metrics.
//
// It promises that a customer sees its own things only (another's answer 404,
// as if absent), that secrets leave in the answers to create, rotate and
// reveal alone, that every body has a limit and every unknown field an error
// that names it, that an accepted event is durable before its 202, and that a
// key verifies tokens of one algorithm alone. What it answers is as its OpenAPI
// document says: a test asks every operation.
//
// What it needs of the node it asks for by the small interfaces of Options.
// It may import transport, matching, transport/signature and the catalogue of
// event types; huma, golang-jwt and keyfunc have their only door here.
package api
