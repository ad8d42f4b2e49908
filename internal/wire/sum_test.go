package wire

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

// A receipt is summed as json.Marshal writes it, whatever it says and whichever fields it has: agents and appliances of all versions agree on that.
func TestAReceiptIsSummedAsJSON(t *testing.T) {
	copied := 0
	rapid.Check(t, func(t *rapid.T) {
		var r patch.Receipt
		texts, times := rapid.StringMatching("[ !#-%'-;=?-Z^-~\\[\\]]{0,40}"), []time.Time{{}, time.Unix(1_700_000_000, 120_000).UTC(), time.Unix(1_700_000_000, 0).UTC()}
		if rapid.IntRange(0, 3).Draw(t, "hostile") == 0 {
			texts = rapid.SampledFrom([]string{"", "debian-12-amd64", `a"b`, `b\c`, "<&>", "a\x00\x1f\x7f", "\xff", "é\u2028", "~ "})
			times = append(times, time.Unix(1<<40, 0).UTC(), time.Unix(-1<<40, 7).UTC())
		}
		v := reflect.ValueOf(&r).Elem()
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			switch f := v.Field(i); f.Interface().(type) {
			case time.Time:
				f.Set(reflect.ValueOf(rapid.SampledFrom(times).Draw(t, name)))
			case int:
				f.SetInt(int64(rapid.Int().Draw(t, name)))
			case uint64:
				f.SetUint(rapid.Uint64().Draw(t, name))
			default:
				f.SetString(texts.Draw(t, name))
			}
		}
		got, ok := receiptJSON(nil, &r)
		if !ok {
			return
		}
		copied++
		if want, err := json.Marshal(r); err != nil || string(got) != string(want) {
			t.Fatalf("%s\n%s (%v)", got, want, err)
		}
	})
	if copied < 20 {
		t.Errorf("%d receipts were copied", copied)
	}
}
