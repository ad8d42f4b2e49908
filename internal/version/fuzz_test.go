package version

import "testing"

func FuzzOrderDpkg(f *testing.F)    { fuzzOrder(f, Dpkg) }
func FuzzOrderRPM(f *testing.F)     { fuzzOrder(f, RPM) }
func FuzzOrderAPK(f *testing.F)     { fuzzOrder(f, APK) }
func FuzzOrderWindows(f *testing.F) { fuzzOrder(f, Windows) }
func FuzzOrderWinget(f *testing.F)  { fuzzOrder(f, Winget) }
func FuzzOrderSemver(f *testing.F)  { fuzzOrder(f, Semver) }
func FuzzOrderMacOS(f *testing.F)   { fuzzOrder(f, MacOS) }

// Any order must be one: reflexive, antisymmetric, transitive, and the same for every spelling that compares equal.
func fuzzOrder(f *testing.F, scheme Scheme) {
	for _, c := range orders {
		if c.scheme == scheme {
			f.Add(c.a, c.b, "1.0")
			f.Add(c.b, c.a, c.a)
		}
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, err := Compare(scheme, a, b)
		if err != nil {
			return
		}
		if ba, err := Compare(scheme, b, a); err != nil || ba != -ab {
			t.Errorf("%q ? %q is %d, the other way %d, %v", a, b, ab, ba, err)
		}
		if aa, err := Compare(scheme, a, a); err != nil || aa != 0 {
			t.Errorf("%q is not equal to itself: %d, %v", a, aa, err)
		}
		bc, err := Compare(scheme, b, c)
		if err != nil || scheme == APK {
			return // apk orders numbers with leading zeros as text and is no total order across them; so is the tool itself
		}
		ac, _ := Compare(scheme, a, c)
		if ab <= 0 && bc <= 0 && ac > 0 || ab >= 0 && bc >= 0 && ac < 0 {
			t.Errorf("%q, %q, %q: %d %d %d is not transitive", a, b, c, ab, bc, ac)
		}
	})
}
