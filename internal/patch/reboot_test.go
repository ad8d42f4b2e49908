package patch_test

import (
	"encoding/json"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// What is no whole number of minutes is refused where it comes in: none of it may come to mean "at once".
func TestDelaysOfRestarts(t *testing.T) {
	for _, field := range []string{"warn", "snooze", "snoozes", "deadline"} {
		for _, v := range []string{`"15"`, `15.5`, `null`, `1e2`, `true`, `[]`, `{}`, `99999999999999999999`, `""`} {
			var p patch.RebootPolicy
			if err := json.Unmarshal([]byte(`{"mode":"ask","`+field+`":`+v+`}`), &p); err == nil {
				t.Errorf("%s %s became %+v", field, v, p)
			}
		}
		var p patch.RebootPolicy
		if err := json.Unmarshal([]byte(`{"mode":"ask","`+field+`":-1}`), &p); err != nil || patch.KindOf(p.Check()) != patch.Invalid {
			t.Errorf("%s -1: %v, %v", field, err, p.Check())
		}
		if err := json.Unmarshal([]byte(`{"mode":"ask","`+field+`":15}`), &p); err != nil || p.Check() != nil {
			t.Errorf("%s 15: %v, %v", field, err, p.Check())
		}
	}
}
