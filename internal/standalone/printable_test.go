package standalone

import (
	"bytes"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestReasonsArePrintable(t *testing.T) {
	for _, v := range []patch.Verdict{patch.NotPatched, patch.Faulty} {
		var b bytes.Buffer
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		writeRow(table, patch.Finding{ID: "apps/x/1", Verdict: v, Reason: patch.Reason{Text: "seen \x1b[2Jgone\r\u009b"}})
		table.Flush()
		if strings.ContainsAny(b.String(), "\x1b\r\u009b") || !strings.Contains(b.String(), "seen ?[2Jgone?") {
			t.Errorf("%v: %q", v, b.String())
		}
	}
}
