package web

import "net/http"

// route is one row of the console's table. A row without a permission does not mount.
type route struct {
	method     string
	path       string
	permission Permission
	handle     func(*visit) error
}

// routes is all that the console answers to.
func (c *console) routes() []route {
	return []route{
		{"GET", "/assets/{file}", Public, c.asset},
		{"GET", "/sign-in", Public, c.signInPage},
		{"POST", "/sign-in", Public, c.signIn},
		{"POST", "/sign-out", Public, c.signOut},

		{"GET", "/{$}", Read, c.home},
		{"GET", "/search", Read, c.search},
		{"GET", "/machines", Read, c.machines},
		{"GET", "/machines/{machine}", Read, c.machine},
		{"POST", "/machines/{machine}/state", ManageMachines, c.setMachineState},
		{"POST", "/machines/{machine}/detect", ManageMachines, c.askDetect},
		{"GET", "/patches", Read, c.patches},
		{"GET", "/patches/{patch...}", Read, c.patch},
		{"GET", "/explain/{machine}/{patch...}", Read, c.explain},
		{"GET", "/explain-label/{label}/{patch...}", Read, c.explainLabel},

		{"GET", "/decide", Read, c.decidePage},
		{"POST", "/decide/preview", Read, c.decidePreview},
		{"POST", "/decide", Decide, c.decide},
		{"GET", "/decided", Read, c.decided},

		{"GET", "/labels", Read, c.labels},
		{"GET", "/labels/{label}", Read, c.label},
		{"POST", "/labels/check", Read, c.checkLabel},
		{"POST", "/labels", ManageLabels, c.putLabel},
		{"POST", "/labels/{label}/remove", ManageLabels, c.removeLabel},

		{"GET", "/deployments", Read, c.deployments},
		{"GET", "/deployments/new", Read, c.newDeployment},
		{"POST", "/deployments", Deploy, c.applyDeployment},
		{"GET", "/deployments/{deployment}", Read, c.deployment},
		{"GET", "/deployments/{deployment}/halt", Deploy, c.haltPage},
		{"POST", "/deployments/{deployment}/halt", Deploy, c.halt},

		{"GET", "/feeds", Read, c.feeds},
		{"POST", "/feeds/sync", ManageFeeds, c.sync},
		{"GET", "/alarms", Read, c.alarms},
		{"GET", "/audit", ReadAudit, c.audit},
		{"GET", "/enrol", Read, c.enrol},
		{"POST", "/enrol", ManageTokens, c.makeToken},
		{"POST", "/enrol/{token}/remove", ManageTokens, c.removeToken},
	}
}

func (c *console) mount(routes []route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		if r.permission == "" {
			continue
		}
		mux.Handle(r.method+" "+r.path, c.serve(r))
	}
	mux.Handle("/", c.serve(route{permission: Public, handle: c.nowhere}))
	return mux
}
