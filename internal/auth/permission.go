package auth

import (
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Permission is what a route asks of its caller.
type Permission string

// Permissions of people.
const (
	Read           Permission = "read"     // everything but the audit log
	ReadAudit      Permission = "audit"    // who did what, and who may
	Decide         Permission = "decide"   // approve, decline, hold, clear
	Deploy         Permission = "deploy"   // apply and halt
	ManageLabels   Permission = "labels"   // who belongs together
	ManageMachines Permission = "machines" // admit and revoke
	ManageFeeds    Permission = "feeds"    // which vendors are trusted
	ManageTokens   Permission = "tokens"   // who may enrol
	ManageUsers    Permission = "users"    // people and their roles
	ManageNotify   Permission = "notify"   // where the appliance sends what, and with which secrets
)

// Permissions is the whole table: what a role may do. A role that is not in it may do nothing.
func Permissions(role patch.Role) []Permission {
	switch role {
	case patch.Admin:
		return []Permission{Read, ReadAudit, Decide, Deploy, ManageLabels, ManageMachines, ManageFeeds, ManageTokens, ManageUsers, ManageNotify}
	case patch.Operator:
		return []Permission{Read, ReadAudit, Decide, Deploy, ManageLabels}
	case patch.Auditor:
		return []Permission{Read, ReadAudit}
	}
	return nil
}

// Allow gives Forbidden unless the caller's role has the permission.
func Allow(c patch.Caller, p Permission) error {
	if p != "" && slices.Contains(Permissions(c.Role), p) {
		return nil
	}
	return &patch.Error{Kind: patch.Forbidden, What: "you may not do this", Why: phrase.Of("it needs the permission {1}, which the role {2} does not have", string(p), string(c.Role)), Do: "Ask an administrator."}
}

// OnTheBox is the caller of commands that run on the appliance's own machine with access to its files, such as `fettle init`.
func OnTheBox(systemUser string) patch.Caller {
	return patch.Caller{Name: "local:" + systemUser, Role: patch.Admin, From: "local", Via: "cli"}
}
