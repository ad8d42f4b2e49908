package web

// Permission is what a route asks of the person who calls it.
type Permission string

// Permissions of the console's routes. Public asks for nobody to be signed in.
const (
	Public         Permission = "public"
	Read           Permission = "read"
	Decide         Permission = "decide"
	Deploy         Permission = "deploy"
	ManageMachines Permission = "machines"
	ManageLabels   Permission = "labels"
	ManageTokens   Permission = "tokens"
	ManageFeeds    Permission = "feeds"
	ReadAudit      Permission = "audit"
)
