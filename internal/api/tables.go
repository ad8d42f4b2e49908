package api

import (
	"strings"

	"github.com/fettle-project/fettle/internal/auth"
)

// Row is one row of a route table as others see it: documentation, tests.
type Row struct {
	Method     string          `json:"method"`
	Path       string          `json:"path"`
	Permission auth.Permission `json:"permission"`
	Audit      string          `json:"audit,omitempty"` // "-": a POST that changes nothing
}

// PeopleTable lists what the people API answers to.
func PeopleTable() []Row { return rowsOfTable((&people{}).routes()) }

// AgentTable lists what the agent listener answers to.
func AgentTable() []Row { return rowsOfTable((&agents{}).routes()) }

func rowsOfTable(routes []Route) []Row {
	var out []Row
	for _, r := range routes {
		method, path, _ := strings.Cut(r.Pattern, " ")
		out = append(out, Row{Method: method, Path: path, Permission: r.Permission, Audit: r.Audit})
	}
	return out
}
