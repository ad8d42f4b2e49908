package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestNumbersStayWithTheirUnits(t *testing.T) {
	for in, want := range map[string]string{
		`<p>in 101 ms, 7.4 MB of 90 %; 4 h 0 min</p>`:                              `<p>in 101_ms, 7.4_MB of 90_%; 4_h 0_min</p>`,
		`<p title="5 s">5 systems, 3 hosts and 2 Machines</p>`:                     `<p title="5 s">5 systems, 3 hosts and 2 Machines</p>`,
		`<b>3</b> s <p>x s, 1 s`:                                                   `<b>3</b> s <p>x s, 1_s`,
		`<pre class="cmd">every 5 min</pre> 5 min <code>5 h</code> 5 h`:            `<pre class="cmd">every 5 min</pre> 5_min <code>5 h</code> 5_h`,
		`<textarea name="x">5 s</textarea><option>5 s</option><time>5 s</time>5 s`: `<textarea name="x">5 s</textarea><option>5 s</option><time>5 s</time>5_s`,
		`5 s<time`: `5_s<time`, `<pre>5 s`: `<pre>5_s`, ``: ``, `5 `: `5 `,
	} {
		if got := strings.ReplaceAll(string(together([]byte(in))), "\u00a0", "_"); got != want {
			t.Errorf("%s becomes %s", in, got)
		}
	}
	w := fleet()
	page := raw(w.open(t), http.MethodGet, explainURL(w.machines[0].ID, w.patches[1].Patch.ID), nil).Body.String()
	if !strings.Contains(page, "in 21\u00a0ms") || strings.Contains(page, "in 21 ms") {
		t.Error("a page breaks a line between a number and its unit")
	}
}
