package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestAListIsWrittenAsJSONIs(t *testing.T) {
	row := ledger.Row{MachineName: `<a> & "items":null`, Patch: patch.Patch{Title: "é\u2028\n"}}
	decided := Decided{Items: []patch.Decision{{Label: "all"}}, Total: 1, Proposal: &patch.Proposal{Label: "all"}}
	many := make([]ledger.Row, manyItems)
	many[7] = row
	for _, v := range []any{
		List[ledger.Row]{Items: many, Total: 7}, Rows{Items: many, Summary: ledger.Summary{Total: 4, Sentence: "a, b"}, Total: 2},
		List[ledger.Row]{Items: []ledger.Row{}, Total: 7}, List[ledger.Row]{Items: []ledger.Row{row}, Total: 7}, List[ledger.Row]{Items: []ledger.Row{row, {}, row}, Total: 3}, List[int]{},
		Rows{Items: []ledger.Row{}, Total: 1}, Rows{Items: []ledger.Row{row, row}, Summary: ledger.Summary{Total: 4, Sentence: "a, b"}, Total: 2}, decided,
	} {
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got := httptest.NewRecorder()
		answer(got, http.StatusOK, v)
		if text := strings.TrimSuffix(got.Body.String(), "\n"); text != string(want) {
			t.Errorf("%s\n%s", text, want)
		}
	}
}
