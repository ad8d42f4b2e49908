package web

import (
	"net/http"

	"github.com/fettle-project/fettle/internal/auth"
)

// route is one row of the console's table. A row without a permission does not mount.
type route struct {
	method     string
	path       string
	permission auth.Permission
	handle     func(*visit) error
}

// routes is all that the console answers to.
func (c *console) routes() []route {
	return []route{
		{"GET", "/assets/{file}", Public, c.asset},
		{"GET", "/sign-in", Public, c.signInPage},
		{"POST", "/sign-in", Public, c.signIn},
		{"POST", "/sign-out", Public, c.signOut},
		{"POST", "/language", Public, c.setLanguage},

		{"GET", "/{$}", auth.Read, c.home},
		{"GET", "/live", auth.Read, c.live},
		{"GET", "/search", auth.Read, c.search},
		{"GET", "/machines", auth.Read, c.machines},
		{"POST", "/machines/act", auth.ManageMachines, c.machinesAct},
		{"POST", "/views/{page}", auth.Read, c.keepView},
		{"POST", "/views/{page}/remove", auth.Read, c.forgetView},
		{"GET", "/machines/{machine}", auth.Read, c.machine},
		{"POST", "/machines/{machine}/state", auth.ManageMachines, c.setMachineState},
		{"GET", "/machines/{machine}/why", auth.Read, c.whyHere},
		{"POST", "/machines/{machine}/alone", auth.ManageLabels, c.alone},
		{"POST", "/machines/{machine}/detect", auth.ManageMachines, c.askDetect},
		{"GET", "/patches", auth.Read, c.patches},
		{"GET", "/patches/{patch...}", auth.Read, c.patch},
		{"GET", "/ineligible", auth.Read, c.ineligible},
		{"GET", "/explain/{machine}/{patch...}", auth.Read, c.explain},
		{"GET", "/explain-label/{label}/{patch...}", auth.Read, c.explainLabel},

		{"GET", "/decide", auth.Read, c.decidePage},
		{"POST", "/decide/preview", auth.Read, c.decidePreview},
		{"GET", "/decide/pairs", auth.Read, c.pairs},
		{"POST", "/decide/pairs", auth.Read, c.askPairs},
		{"POST", "/decide", auth.Decide, c.decide},
		{"GET", "/decided", auth.Read, c.decided},
		{"GET", "/proposals", auth.Read, c.proposals},
		{"POST", "/proposals/{proposal}", auth.Decide, c.answerProposal},
		{"POST", "/what-if", auth.Read, c.whatIf},

		{"GET", "/labels", auth.Read, c.labels},
		{"GET", "/labels/{label}", auth.Read, c.label},
		{"POST", "/labels/check", auth.Read, c.checkLabel},
		{"POST", "/labels", auth.ManageLabels, c.putLabel},
		{"POST", "/labels/{label}/add", auth.ManageLabels, c.addToLabel},
		{"POST", "/labels/{label}/remove", auth.ManageLabels, c.removeLabel},

		{"GET", "/rules", auth.Read, c.rules},
		{"POST", "/rules/check", auth.Read, c.checkRule},
		{"POST", "/rules", auth.Decide, c.putRule},
		{"POST", "/rules/{rule}/remove", auth.Decide, c.removeRule},

		{"GET", "/updaters", auth.Read, c.updaters},
		{"POST", "/updaters", auth.Deploy, c.putRuling},
		{"POST", "/updaters/release", auth.Deploy, c.releaseRuling},

		{"GET", "/calendar", auth.Read, c.calendar},
		{"POST", "/calendar", auth.Deploy, c.putSchedule},
		{"POST", "/calendar/{schedule}/pause", auth.Deploy, c.pauseSchedule},
		{"POST", "/calendar/{schedule}/remove", auth.Deploy, c.removeSchedule},

		{"GET", "/blackouts", auth.Read, c.blackouts},
		{"POST", "/blackouts", auth.Deploy, c.putBlackout},
		{"POST", "/blackouts/{blackout}/remove", auth.Deploy, c.removeBlackout},

		{"GET", "/reports", auth.Read, c.reports},
		{"GET", "/reports/installed", auth.Read, c.installed},
		{"GET", "/reports/installed.csv", auth.Read, c.exportInstalled},
		{"GET", "/reports/exposure", auth.Read, c.exposure},
		{"GET", "/reports/{file}", auth.Read, c.export},
		{"GET", "/checks", auth.Read, c.checks},

		{"GET", "/deployments", auth.Read, c.deployments},
		{"GET", "/rings", auth.Read, c.rings},
		{"GET", "/rings/decide", auth.Read, c.rolloutPage},
		{"POST", "/rings/decide", auth.Deploy, c.decideRollout},
		{"POST", "/attempts/reset", auth.Deploy, c.resetAttempts},
		{"GET", "/deployments/new", auth.Read, c.newDeployment},
		{"POST", "/deployments", auth.Deploy, c.applyDeployment},
		{"GET", "/rollback", auth.Read, c.rollbackPage},
		{"POST", "/rollback", auth.Deploy, c.rollBack},
		{"GET", "/restart", auth.Read, c.restartPage},
		{"POST", "/restart", auth.Deploy, c.restartMachines},
		{"GET", "/deployments/{deployment}", auth.Read, c.deployment},
		{"GET", "/deployments/{deployment}/halt", auth.Deploy, c.haltPage},
		{"POST", "/deployments/{deployment}/halt", auth.Deploy, c.halt},

		{"GET", "/feeds", auth.Read, c.feeds},
		{"GET", "/catalogs/{os}", auth.Read, c.diff},
		{"POST", "/feeds/sync", auth.ManageFeeds, c.sync},
		{"GET", "/alarms", auth.Read, c.alarms},
		{"GET", "/audit", auth.ReadAudit, c.audit},
		{"GET", "/start", auth.Read, c.start},
		{"POST", "/start/feeds", auth.ManageFeeds, c.startFeeds},
		{"POST", "/start/token", auth.ManageTokens, c.startToken},
		{"GET", "/settings", auth.ManageUsers, c.settings},
		{"POST", "/settings/people", auth.ManageUsers, c.putPerson},
		{"POST", "/settings/channels", auth.ManageNotify, c.putChannel},
		{"POST", "/settings/channels/{channel}/test", auth.ManageNotify, c.testChannel},
		{"POST", "/settings/channels/{channel}/remove", auth.ManageNotify, c.removeChannel},
		{"GET", "/enrol", auth.Read, c.enrol},
		{"POST", "/enrol", auth.ManageTokens, c.makeToken},
		{"POST", "/enrol/{token}/remove", auth.ManageTokens, c.removeToken},
	}
}

// Pages are the patterns of all that can be looked at, without what pages load and listen to: whoever goes through every page learns of a new one here.
func Pages() []string {
	var out []string
	for _, r := range (*console)(nil).routes() {
		if r.method == http.MethodGet && r.path != "/assets/{file}" && r.path != "/live" {
			out = append(out, r.method+" "+r.path)
		}
	}
	return out
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
