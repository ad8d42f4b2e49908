package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/auth"
)

func TestEveryRowSaysWhoMayAndWhatIsLogged(t *testing.T) {
	for name, table := range map[string][]Row{"people": PeopleTable(), "agents": AgentTable()} {
		if len(table) == 0 {
			t.Errorf("the %s table is empty", name)
		}
		for _, r := range table {
			if r.Permission == "" {
				t.Errorf("%s: %s %s has no permission", name, r.Method, r.Path)
			}
			if r.Method != http.MethodGet && r.Audit == "" {
				t.Errorf("%s: %s %s changes something without an audit action", name, r.Method, r.Path)
			}
			if r.Method == http.MethodGet && r.Audit != "" {
				t.Errorf("%s: %s %s reads and has an audit action", name, r.Method, r.Path)
			}
		}
	}
}

// Few rows are open to everybody, and each was put here on purpose.
func TestOpenRowsAreTheseOnly(t *testing.T) {
	open := map[string]bool{"GET /healthz": true, "POST /api/v1/login": true, "POST /v1/enrol": true,
		"GET /install.sh": true, "GET /install.ps1": true, "GET /v1/agents/{os}/{arch}": true, "GET /v1/agents/{os}/{arch}/{format}": true}
	for _, r := range append(PeopleTable(), AgentTable()...) {
		if (r.Permission == Public || r.Permission == anybody) != open[r.Method+" "+r.Path] {
			t.Errorf("%s %s has the permission %q", r.Method, r.Path, r.Permission)
		}
	}
}

// What changes something needs more than the right to read.
func TestReadersChangeNothing(t *testing.T) {
	for _, r := range PeopleTable() {
		reading := r.Method == http.MethodGet || r.Audit == "-" || r.Path == "/api/v1/logout" || r.Permission == Public
		if (r.Permission == auth.Read || r.Permission == auth.ReadAudit) && !reading {
			t.Errorf("%s %s changes something and needs only %q", r.Method, r.Path, r.Permission)
		}
	}
}

func TestEveryPathIsUnderTheAPI(t *testing.T) {
	for _, r := range PeopleTable() {
		if !strings.HasPrefix(r.Path, "/api/v1/") && r.Path != "/healthz" {
			t.Errorf("%s is outside /api/v1", r.Path)
		}
	}
}
