package ledger

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// A row says of itself, whatever is in it, exactly what json.Marshal says of it: a member that the one forgets, or a text that it does not escape,
// is found here.
func TestRowsAreWrittenAsJSONMarshalWritesThem(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 3000 {
		var row Row
		anything(r, reflect.ValueOf(&row).Elem(), n%4 == 0)
		want, err := json.Marshal(&row)
		if err != nil {
			t.Fatal(err)
		}
		got, err := row.AppendJSON([]byte("before "))
		if err != nil || string(got) != "before "+string(want) {
			t.Fatalf("%v\n%s\nand json.Marshal:\n%s", err, got, want)
		}
	}
	for _, at := range []time.Time{time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 25*3600))} {
		for _, row := range []Row{{Receipt: ReceiptRef{Ended: at}}, {Patch: patch.Patch{Released: at}}, {Closed: &Closing{At: at}}} {
			if _, err := row.AppendJSON(nil); err == nil {
				t.Error("a time that JSON does not have is written", at)
			}
		}
	}
}

// anything fills a value with anything, all of it or each part now and then.
func anything(r *rand.Rand, v reflect.Value, all bool) {
	texts := []string{"", "plain", `a "word`, `back\slash`, "a<b", "a>b", "a&b", "lüa → \u2028\u2029", "\x00\x1f\x7f\t\n", "broken \xff\xc3", "\u007e~"}
	some := func() bool { return all || r.IntN(2) == 0 }
	text := func() string { return texts[r.IntN(len(texts))] }
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		if some() {
			*x = time.Unix(r.Int64N(4e9), r.Int64N(1e9)).In(time.FixedZone("", r.IntN(50_000)/60*60))
		}
		return
	case *phrase.Phrase:
		if some() {
			*x = []phrase.Phrase{phrase.Verbatim(text()), phrase.Of("{1} and {2}", text(), r.IntN(99_999)), phrase.Sentence(phrase.Of("it is {1}", phrase.Verbatim(text()))),
				phrase.Count(r.IntN(3), "{n} patch", "{n} patches"), "verdict\x04unknown", "patched"}[r.IntN(6)]
		}
		return
	case *patch.Verdict:
		*x = patch.Verdict(r.IntN(int(patch.Unknown) + 1))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				anything(r, v.Field(i), all)
			}
		}
	case reflect.String:
		if v.SetString(text()); all && v.String() == "" {
			v.SetString("x")
		}
	case reflect.Slice:
		if some() {
			v.Set(reflect.MakeSlice(v.Type(), r.IntN(3), 3))
		}
		for i := range v.Len() {
			anything(r, v.Index(i), all)
		}
	case reflect.Pointer:
		if some() {
			v.Set(reflect.New(v.Type().Elem()))
			anything(r, v.Elem(), all)
		}
	case reflect.Bool:
		v.SetBool(some())
	case reflect.Int, reflect.Int64:
		v.SetInt(r.Int64() >> r.IntN(63))
	case reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(64))
	case reflect.Float64:
		if some() {
			v.SetFloat(float64(r.IntN(100)) / 10)
		}
	default:
		panic("nothing is known that a " + v.Type().String() + " could be")
	}
}
