package main

// webDefects remove the console's controls.
var webDefects = []Defect{
	{Name: "pages have no content security policy", File: "internal/web/console.go",
		Old: "h.Set(\"Content-Security-Policy\", policy)", New: "", Test: "TestEveryAnswerHasThePolicy", In: "./internal/web"},
	{Name: "another site may send the console's forms", File: "internal/web/console.go",
		Old: "headers(guard.Handler(c.mount(c.routes())))", New: "headers(c.mount(c.routes()))", Test: "TestAnotherSiteCannotSendAForm", In: "./internal/web"},
	{Name: "the console asks for no permission", File: "internal/web/visit.go",
		Old: "return auth.Allow(v.caller, p)", New: "return nil", Test: "TestAnAuditorChangesNothing", In: "./internal/web"},
	{Name: "a console row without a permission mounts", File: "internal/web/routes.go",
		Old: "if r.permission == \"\" {", New: "if r.permission == \"x\" {", Test: "TestARouteWithoutAPermissionDoesNotMount", In: "./internal/web"},
	{Name: "text from a machine is written into a page as HTML", File: "internal/web/format.go",
		Old: "\"join\": strings.Join", New: "\"join\": func(s []string, by string) template.HTML { return template.HTML(strings.Join(s, by)) }", Test: "TestEveryPageInEveryState", In: "./internal/web"},
	{Name: "the session cookie follows links from other sites", File: "internal/web/session.go",
		Old: "http.SameSiteStrictMode", New: "http.SameSiteLaxMode", Test: "TestSignIn", In: "./internal/web"},
	{Name: "the session cookie travels without TLS", File: "internal/web/session.go",
		Old: "Secure: true, ", New: "", Test: "TestSignIn", In: "./internal/web"},
	{Name: "signing in leads to another site", File: "internal/web/session.go",
		Old: "strings.HasPrefix(s, \"//\") || ", New: "", Test: "TestSignInLeadsOnlyHome", In: "./internal/web"},
	{Name: "a decision is taken whose consequence nobody saw", File: "internal/web/decide.go",
		Old: "v.get(\"seen\") != p.Seen()", New: "false", Test: "TestNothingIsDecidedUnseen", In: "./internal/web"},
	{Name: "another plan than the one looked at is applied", File: "internal/web/deployments.go",
		Old: "string(p.Plan.Hash) != v.get(\"hash\")", New: "false", Test: "TestApplyRefusesAPlanThatMoved", In: "./internal/web"},
}
