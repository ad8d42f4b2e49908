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
		if rapid.Bool().Draw(t, "hostile") { // one of them, so that nothing else has it written by json.Marshal
			hostile := rapid.SampledFrom([]string{`"`, `\`, "<", ">", "&", "\x00", "\x1f", "\x7f", "\xff", "\u2028"}).Draw(t, "text")
			*rapid.SampledFrom([]*string{(*string)(&r.Machine), (*string)(&r.OS), (*string)(&r.Revision), &r.Boot, (*string)(&r.Facts), &r.Agent, &r.Order}).Draw(t, "in") += hostile
		}
		if rapid.IntRange(0, 9).Draw(t, "out of range") == 0 {
			*rapid.SampledFrom([]*time.Time{&r.Started, &r.Ended, &r.Dated}).Draw(t, "then") = time.Unix(1<<40, 0).UTC()
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
