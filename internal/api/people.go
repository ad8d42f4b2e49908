package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/fettle-project/fettle/docs/schema"
	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
)

// Public is the permission of the few rows that need nobody to be signed in.
const Public auth.Permission = "public"

// people is the people API.
type people struct {
	surface
	*Appliance
	logins *buckets // by address
}

// People makes the handler of the people API under /api/v1 and of /healthz. Browsers' cross-origin requests that change something are
// refused before anything is looked at; whoever calls is known by a bearer token or the console's cookie.
func People(a *Appliance) http.Handler {
	s := &people{surface: a.surface(), Appliance: a, logins: newBuckets(20, 0.2, 10_000, a.Now)}
	return s.guard(SameOrigin(s.telling(s.mount(s.routes()))))
}

// telling tells whoever looks at a page that somebody may have changed something.
func (s *people) telling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if r.Method != http.MethodGet {
			s.Pulse.Tell()
		}
	})
}

// SameOrigin refuses requests that change something and that a browser sends for another site's page. The console uses it too.
func SameOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fault, status := faultOf(&patch.Error{Kind: patch.Forbidden, What: "another site's page sent this request", Why: "such requests may change nothing here"}, "")
		answer(w, status, fault)
	}))
	return p.Handler(next)
}

const planLimit = 64 << 20

func (s *people) routes() []Route {
	return []Route{
		{Pattern: "GET /healthz", Permission: Public, Handle: s.health},
		{Pattern: "POST /api/v1/login", Permission: Public, Audit: "login", Limit: 4 << 10, Handle: s.login},
		{Pattern: "POST /api/v1/logout", Permission: auth.Read, Audit: "logout", Handle: s.logout},
		{Pattern: "GET /api/v1/whoami", Permission: auth.Read, Handle: s.whoami},
		{Pattern: "GET /api/v1/openapi.json", Permission: auth.Read, Handle: s.describe},

		{Pattern: "GET /api/v1/status", Permission: auth.Read, Handle: s.status},
		{Pattern: "GET /api/v1/alarms", Permission: auth.Read, Handle: s.listAlarms},
		{Pattern: "GET /api/v1/storage", Permission: auth.Read, Handle: s.storage},
		{Pattern: "GET /api/v1/compliance", Permission: auth.Read, Handle: s.compliance},
		{Pattern: "GET /api/v1/installed", Permission: auth.Read, Handle: s.listInstalled},
		{Pattern: "GET /api/v1/installed/machines", Permission: auth.Read, Handle: s.listInstallations},
		{Pattern: "GET /api/v1/compliance/history", Permission: auth.Read, Handle: s.complianceHistory},
		{Pattern: "GET /api/v1/lint", Permission: auth.Read, Handle: s.lint},
		{Pattern: "GET /api/v1/ineligible", Permission: auth.Read, Handle: s.ineligible},
		{Pattern: "GET /api/v1/explain", Permission: auth.Read, Handle: s.explain},

		{Pattern: "GET /api/v1/machines", Permission: auth.Read, Handle: s.listMachines},
		{Pattern: "GET /api/v1/machines/{machine}", Permission: auth.Read, Handle: s.findMachine},
		{Pattern: "GET /api/v1/machines/{machine}/rows", Permission: auth.Read, Handle: s.machineRows},
		{Pattern: "GET /api/v1/machines/{machine}/receipts", Permission: auth.Read, Handle: s.listReceipts},
		{Pattern: "GET /api/v1/machines/{machine}/as-of", Permission: auth.Read, Handle: s.machineAsOf},
		{Pattern: "GET /api/v1/machines/{machine}/transitions", Permission: auth.Read, Handle: s.listTransitions},
		{Pattern: "GET /api/v1/machines/{machine}/inventory", Permission: auth.Read, Handle: s.findInventory},
		{Pattern: "GET /api/v1/machines/{machine}/facts", Permission: auth.Read, Handle: s.findFacts},
		{Pattern: "GET /api/v1/machines/{machine}/unmanaged", Permission: auth.Read, Handle: s.listUnmanaged},
		{Pattern: "GET /api/v1/machines/{machine}/reconciliation", Permission: auth.Read, Handle: s.reconcile},
		{Pattern: "GET /api/v1/machines/{machine}/updaters", Permission: auth.Read, Handle: s.machineUpdaters},
		{Pattern: "POST /api/v1/machines/{machine}/admit", Permission: auth.ManageMachines, Audit: "machine.admitted", Handle: s.setMachineState(patch.Admitted)},
		{Pattern: "POST /api/v1/machines/{machine}/revoke", Permission: auth.ManageMachines, Audit: "machine.revoked", Handle: s.setMachineState(patch.Revoked)},
		{Pattern: "POST /api/v1/machines/{machine}/detect", Permission: auth.ManageMachines, Audit: "machine.detect", Handle: s.askDetect},

		{Pattern: "GET /api/v1/updaters", Permission: auth.Read, Handle: s.listUpdaters},
		{Pattern: "PUT /api/v1/updaters/{updater}/rulings/{label}", Permission: auth.Deploy, Audit: "updater.put", Handle: s.putRuling},
		{Pattern: "DELETE /api/v1/updaters/{updater}/rulings/{label}", Permission: auth.Deploy, Audit: "updater.remove", Handle: s.removeRuling},

		{Pattern: "GET /api/v1/installation", Permission: auth.Read, Handle: s.installation},
		{Pattern: "GET /api/v1/tokens", Permission: auth.Read, Handle: s.listTokens},
		{Pattern: "POST /api/v1/tokens", Permission: auth.ManageTokens, Audit: "token.put", Handle: s.putToken},
		{Pattern: "DELETE /api/v1/tokens/{token}", Permission: auth.ManageTokens, Audit: "token.remove", Handle: s.removeToken},

		{Pattern: "GET /api/v1/patches", Permission: auth.Read, Handle: s.searchPatches},
		{Pattern: "GET /api/v1/counts", Permission: auth.Read, Handle: s.patchCounts},
		{Pattern: "GET /api/v1/patches/{patch}", Permission: auth.Read, Handle: s.findPatch},
		{Pattern: "GET /api/v1/patches/{patch}/rows", Permission: auth.Read, Handle: s.patchRows},
		{Pattern: "GET /api/v1/patches/{patch}/machines", Permission: auth.Read, Handle: s.patchMachines},
		{Pattern: "GET /api/v1/patches/{patch}/prediction", Permission: auth.Read, Handle: s.predict},
		{Pattern: "GET /api/v1/patches/{patch}/decisions", Permission: auth.Read, Handle: s.decisionHistory},

		{Pattern: "GET /api/v1/labels", Permission: auth.Read, Handle: s.listLabels},
		{Pattern: "POST /api/v1/labels/test", Permission: auth.Read, Audit: "-", Handle: s.testLabel},
		{Pattern: "GET /api/v1/labels/{label}", Permission: auth.Read, Handle: s.findLabel},
		{Pattern: "PUT /api/v1/labels/{label}", Permission: auth.ManageLabels, Audit: "label.put", Handle: s.putLabel},
		{Pattern: "DELETE /api/v1/labels/{label}", Permission: auth.ManageLabels, Audit: "label.remove", Handle: s.removeLabel},

		{Pattern: "GET /api/v1/decisions", Permission: auth.Read, Handle: s.listDecisions},
		{Pattern: "GET /api/v1/decisions/{decision}", Permission: auth.Read, Handle: s.findDecision},
		{Pattern: "POST /api/v1/decisions", Permission: auth.Decide, Audit: "decide", Handle: s.decide},
		{Pattern: "POST /api/v1/decisions/preview", Permission: auth.Read, Audit: "-", Handle: s.preview},

		{Pattern: "GET /api/v1/proposals", Permission: auth.Read, Handle: s.listProposals},
		{Pattern: "GET /api/v1/proposals/{proposal}", Permission: auth.Read, Handle: s.findProposal},
		{Pattern: "POST /api/v1/proposals/{proposal}/confirm", Permission: auth.Decide, Audit: "proposal.confirmed", Handle: s.confirmProposal},
		{Pattern: "POST /api/v1/proposals/{proposal}/reject", Permission: auth.Decide, Audit: "proposal.rejected", Handle: s.rejectProposal},

		{Pattern: "POST /api/v1/what-if", Permission: auth.Read, Audit: "-", Handle: s.whatIf},

		{Pattern: "GET /api/v1/rules", Permission: auth.Read, Handle: s.listRules},
		{Pattern: "PUT /api/v1/rules/{rule}", Permission: auth.Decide, Audit: "rule.put", Handle: s.putRule},
		{Pattern: "DELETE /api/v1/rules/{rule}", Permission: auth.Decide, Audit: "rule.remove", Handle: s.removeRule},
		{Pattern: "POST /api/v1/rules/{rule}/preview", Permission: auth.Read, Audit: "-", Handle: s.previewRule},

		{Pattern: "POST /api/v1/plans", Permission: auth.Read, Audit: "-", Handle: s.makePlan},
		{Pattern: "POST /api/v1/plans/rollback", Permission: auth.Read, Audit: "-", Handle: s.planRollback},
		{Pattern: "GET /api/v1/deployments", Permission: auth.Read, Handle: s.listDeployments},
		{Pattern: "POST /api/v1/deployments", Permission: auth.Deploy, Audit: "deploy.apply", Limit: planLimit, Handle: s.applyPlan},
		{Pattern: "GET /api/v1/deployments/{deployment}", Permission: auth.Read, Handle: s.watchDeployment},
		{Pattern: "GET /api/v1/deployments/{deployment}/explain", Permission: auth.Read, Handle: s.explainDeployment},
		{Pattern: "POST /api/v1/attempts/reset", Permission: auth.Deploy, Audit: "attempts.reset", Handle: s.resetAttempts},
		{Pattern: "POST /api/v1/deployments/{deployment}/halt", Permission: auth.Deploy, Audit: "deploy.halt", Handle: s.haltDeployment},

		{Pattern: "GET /api/v1/rings", Permission: auth.Read, Handle: s.listRings},
		{Pattern: "PUT /api/v1/rings/{ring}", Permission: auth.Deploy, Audit: "ring.put", Handle: s.putRing},
		{Pattern: "DELETE /api/v1/rings/{ring}", Permission: auth.Deploy, Audit: "ring.remove", Handle: s.removeRing},
		{Pattern: "GET /api/v1/rings/{ring}/attempts", Permission: auth.Read, Handle: s.ringAttempts},
		{Pattern: "POST /api/v1/rollouts/halt", Permission: auth.Deploy, Audit: "ring.halt", Handle: s.haltPatch},
		{Pattern: "POST /api/v1/rollouts/resume", Permission: auth.Deploy, Audit: "ring.resume", Handle: s.resumePatch},
		{Pattern: "POST /api/v1/rollouts/pass", Permission: auth.Deploy, Audit: "ring.pass", Handle: s.passPatch},

		{Pattern: "GET /api/v1/schedules", Permission: auth.Read, Handle: s.listSchedules},
		{Pattern: "PUT /api/v1/schedules/{schedule}", Permission: auth.Deploy, Audit: "schedule.put", Handle: s.putSchedule},
		{Pattern: "DELETE /api/v1/schedules/{schedule}", Permission: auth.Deploy, Audit: "schedule.remove", Handle: s.removeSchedule},
		{Pattern: "GET /api/v1/blackouts", Permission: auth.Read, Handle: s.listBlackouts},
		{Pattern: "PUT /api/v1/blackouts/{blackout}", Permission: auth.Deploy, Audit: "blackout.put", Handle: s.putBlackout},
		{Pattern: "DELETE /api/v1/blackouts/{blackout}", Permission: auth.Deploy, Audit: "blackout.remove", Handle: s.removeBlackout},
		{Pattern: "GET /api/v1/calendar", Permission: auth.Read, Handle: s.calendar},

		{Pattern: "GET /api/v1/feeds", Permission: auth.Read, Handle: s.listFeeds},
		{Pattern: "PUT /api/v1/feeds/{feed}", Permission: auth.ManageFeeds, Audit: "feed.put", Handle: s.putFeed},
		{Pattern: "DELETE /api/v1/feeds/{feed}", Permission: auth.ManageFeeds, Audit: "feed.remove", Handle: s.removeFeed},
		{Pattern: "POST /api/v1/sync", Permission: auth.ManageFeeds, Audit: "catalog.sync", Handle: s.startSync},
		{Pattern: "GET /api/v1/changes/{change}", Permission: auth.Read, Handle: s.findChange},
		{Pattern: "GET /api/v1/catalogs", Permission: auth.Read, Handle: s.listCatalogs},
		{Pattern: "GET /api/v1/quarantine", Permission: auth.Read, Handle: s.listQuarantine},
		{Pattern: "GET /api/v1/catalogs/{os}/diff", Permission: auth.Read, Handle: s.diffRevisions},
		{Pattern: "GET /api/v1/catalogs/{os}/revisions", Permission: auth.Read, Handle: s.listRevisions},
		{Pattern: "GET /api/v1/payloads", Permission: auth.Read, Handle: s.listPayloads},

		{Pattern: "GET /api/v1/notify/channels", Permission: auth.ManageNotify, Handle: s.listChannels},
		{Pattern: "PUT /api/v1/notify/channels/{channel}", Permission: auth.ManageNotify, Audit: "channel.put", Limit: 64 << 10, Handle: s.putChannel},
		{Pattern: "DELETE /api/v1/notify/channels/{channel}", Permission: auth.ManageNotify, Audit: "channel.remove", Handle: s.removeChannel},
		{Pattern: "POST /api/v1/notify/channels/{channel}/test", Permission: auth.ManageNotify, Audit: "channel.test", Handle: s.testChannel},
		{Pattern: "GET /api/v1/notify/deliveries", Permission: auth.ManageNotify, Handle: s.listDeliveries},

		{Pattern: "GET /api/v1/users", Permission: auth.ReadAudit, Handle: s.listUsers},
		{Pattern: "PUT /api/v1/users/{user}", Permission: auth.ManageUsers, Audit: "user.put", Handle: s.putUser},
		{Pattern: "GET /api/v1/audit", Permission: auth.ReadAudit, Handle: s.listAudit},
		{Pattern: "GET /api/v1/audit/verify", Permission: auth.ReadAudit, Handle: s.verifyAudit},
	}
}

func (s *people) mount(rows []Route) http.Handler {
	mux := http.NewServeMux()
	for _, row := range rows {
		if row.Permission != "" {
			mux.Handle(row.Pattern, s.serve(row))
		}
	}
	mux.HandleFunc("/", s.nowhere)
	return mux
}

// serve lets a request in: who it is, whether they may, then the handler with a capped body.
func (s *people) serve(row Route) http.Handler {
	limit := row.Limit
	if limit == 0 {
		limit = bodyLimit
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{Request: r, w: w}
		if row.Permission != Public {
			if err := s.enter(row, c); err != nil {
				s.answerFault(w, r, err)
				return
			}
		}
		c.Body = http.MaxBytesReader(w, r.Body, limit)
		if r.Body != http.NoBody { // over HTTP/2 it takes two changes of goroutines
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute)) // a body that trickles in ends here
		}
		s.run(row, c)
	})
}

func (s *people) enter(row Route, c *call) error {
	secret, via := bearer(c.Request)
	caller, err := s.Door.Caller(c.Context(), secret, addressOf(c.Request), via)
	if err != nil {
		return err
	}
	c.caller, c.secret = caller, secret
	return auth.Allow(caller, row.Permission)
}

// bearer finds the session's secret: in the Authorization header, else in the console's cookie.
func bearer(r *http.Request) (secret, via string) {
	if s, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return strings.TrimSpace(s), "api"
	}
	if k, err := r.Cookie(auth.CookieName); err == nil {
		return k.Value, "console"
	}
	return "", "api"
}

// describe gives the OpenAPI document of this API.
func (s *people) describe(*call) (any, error) { return json.RawMessage(schema.API), nil }

// Health is the answer of /healthz.
type Health struct {
	OK bool `json:"ok"`
}

// health says whether the appliance can read its store; load balancers and people ask without signing in, so it says no more.
func (s *people) health(c *call) (any, error) {
	if _, err := s.Store.ListOSes(c.Context()); err != nil {
		return outcome{http.StatusServiceUnavailable, Health{}}, nil
	}
	return Health{OK: true}, nil
}
