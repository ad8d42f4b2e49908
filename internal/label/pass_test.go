package label

import (
	"maps"
	"reflect"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/phrase"
)

// Who could not be judged is who could not at the last judgement of each; what was given out stays as it is, and is given out again where nothing is different.
func TestExcusesAreThoseOfTheLastJudgement(t *testing.T) {
	excuses := rapid.MapOf(rapid.Uint32Range(0, 20), rapid.SampledFrom([]phrase.Phrase{"", "no inventory", "no ledger"}))
	rapid.Check(t, func(t *rapid.T) {
		was, judged := excuses.Draw(t, "was"), roaring.BitmapOf(rapid.SliceOf(rapid.Uint32Range(0, 20)).Draw(t, "judged")...)
		now := excuses.Draw(t, "now")
		maps.DeleteFunc(now, func(n uint32, _ phrase.Phrase) bool { return !judged.Contains(n) })
		want := map[uint32]phrase.Phrase{}
		for n := range uint32(21) {
			from := was
			if judged.Contains(n) {
				from = now
			}
			if text, ok := from[n]; ok {
				want[n] = text
			}
		}
		given := maps.Clone(was)
		why := excused(was, now, judged)
		if !maps.Equal(why, want) || !maps.Equal(was, given) {
			t.Fatalf("%v, and the former %v became %v, want %v", why, given, was, want)
		}
		if itself := reflect.ValueOf(why).Pointer() == reflect.ValueOf(was).Pointer(); itself != maps.Equal(was, want) {
			t.Fatalf("of %v: the former map itself: %t", why, itself)
		}
	})
}
