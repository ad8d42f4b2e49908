package catalog

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Whatever two texts are, the recipe gives exactly the new one, also where texts repeat themselves.
func TestRecipesGiveTheNewForm(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 400 {
		old := make([]byte, r.IntN(3000))
		letters := 1 + r.IntN(4)
		for i := range old {
			old[i] = byte('a' + r.IntN(letters))
		}
		plain := bytes.Clone(old)
		for range r.IntN(12) {
			at := r.IntN(len(plain) + 1)
			switch r.IntN(4) {
			case 0:
				plain = append(plain[:at:at], append([]byte("new and different"), plain[at:]...)...)
			case 1:
				plain = append(plain[:at:at], plain[min(len(plain), at+r.IntN(40)):]...)
			case 2:
				if at < len(plain) {
					plain[at] = 'z'
				}
			case 3:
				plain = append(plain[at:len(plain):len(plain)], plain[:at]...)
			}
		}
		recipe := makeRecipe(old, plain)
		if got, ok := followRecipe(old, recipe, len(plain)); !ok || !bytes.Equal(got, plain) {
			t.Fatalf("%q → %q: %v %q", old, plain, ok, got)
		}
	}
}

func TestHostileRecipes(t *testing.T) {
	old := []byte("0123456789")
	for name, recipe := range map[string][]byte{
		"nothing": {}, "nothing to do, for ever": {0, 0, 0, 0, 0, 0}, "own bytes that are not there": {5, 'a'}, "more than the size": {0, 10, 0},
		"a copy from before the old form": {0, 5, 1}, "a copy from beyond it": {0, 5, 12}, "a copy from far beyond": {0, 5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"more after the end": {0, 5, 0, 0},
	} {
		if plain, ok := followRecipe(old, recipe, 5); ok {
			t.Errorf("%s gives %q", name, plain)
		}
	}
}

func FuzzFollowRecipe(f *testing.F) {
	old, plain := []byte("the quick brown fox jumps over the lazy dog, the quick brown fox"), []byte("the quick red fox jumps over the lazy dog, and the quick brown fox")
	f.Add(makeRecipe(old, plain), len(plain))
	f.Fuzz(func(t *testing.T, recipe []byte, size int) {
		if size < 0 || size > 1<<20 {
			return
		}
		if got, ok := followRecipe(old, recipe, size); ok && len(got) != size {
			t.Errorf("%d bytes instead of %d", len(got), size)
		}
	})
}
