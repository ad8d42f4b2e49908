package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestReportsAreExported(t *testing.T) {
	h := hostile(fleet(), 0).open(t)
	for name, begins := range map[string]string{"compliance.xlsx": "PK\x03\x04", "compliance.csv": "label,at,machines", "exposure.csv": "label,at,severity", "compliance.json": "[{"} {
		got := ask(h, http.MethodGet, "/reports/"+name, nil)
		if got.Code != http.StatusOK || !strings.HasPrefix(got.Body.String(), begins) || got.Header().Get("Content-Disposition") != `attachment; filename="`+name+`"` {
			t.Errorf("%s: %d, %.60q, %s", name, got.Code, got.Body.String(), got.Header().Get("Content-Disposition"))
		}
	}
	for _, name := range []string{"nothing", "..%2f..%2fetc%2fpasswd", "compliance.xlsx%00"} {
		if got := ask(h, http.MethodGet, "/reports/"+name, nil); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
}
