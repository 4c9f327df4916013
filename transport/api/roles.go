package api

import (
	"slices"
	"strings"

	"github.com/postrider/postrider/transport"
)

// The roles of tokens. Admin may do everything within its customer; operator
// may do everything for every customer.
const (
	RoleAdmin          = "admin"
	RoleOperator       = "operator"
	RoleCreateEndpoint = "create-alert-webhook-endpoint"
	RoleEditEndpoint   = "edit-alert-webhook-endpoint"
	RoleDeleteEndpoint = "external-api-delete-alert-webhook-endpoint"
	RoleListEndpoints  = "external-api-get-webhook-list"
	RoleTestEndpoint   = "test-alert-webhook-endpoint"
	RolePublishEvents  = "publish-events"
	RoleReplay         = "replay-deliveries"
)

// Roles are all there are, the widest first. A role that is not among them is
// none: a token with nothing else may do what one without any may.
func Roles() []string {
	return []string{RoleAdmin, RoleOperator, RoleCreateEndpoint, RoleEditEndpoint, RoleDeleteEndpoint, RoleListEndpoints, RoleTestEndpoint,
		RolePublishEvents, RoleReplay, RoleCreateAlert, RoleEditAlert, RoleGetAlerts, RoleRunAlerts}
}

// anyRole asks for a role, whichever; readerRoles for one that is not only for
// publishing, as what was published and delivered is shown.
var (
	anyRole     = rolesBut(RoleOperator)
	readerRoles = rolesBut(RoleOperator, RolePublishEvents)
)

func rolesBut(out ...string) []string {
	return slices.DeleteFunc(Roles(), func(role string) bool { return slices.Contains(out, role) })
}

// CheckRoles refuses a role that nothing asks for: a slip of the pen would make
// a token that is refused everywhere. The error is a *transport.FieldError.
func CheckRoles(roles []string) error {
	for _, role := range roles {
		if !slices.Contains(Roles(), role) {
			return &transport.FieldError{Field: "role", Value: role, Message: "there is no such role; give one of " + strings.Join(Roles(), ", ")}
		}
	}
	return nil
}
