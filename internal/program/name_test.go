package program

import "testing"

func TestNamesOfPrograms(t *testing.T) {
	for name, want := range map[string]string{
		"Scribbler": "Scribbler", "Scribbler 2.1.0": "Scribbler", "Scribbler v2.1.0 (x64)": "Scribbler", "Scribbler version 2.1": "Scribbler", "Scribbler 2.1 (64-bit)": "Scribbler", "Scribbler-2.1": "Scribbler",
		"Scribbler 2.1 (x64 en-US)": "Scribbler", "Scribbler (current user)": "Scribbler", "Scribbler 2.1-rc1": "Scribbler", "Scribbler x86_64 2.1": "Scribbler", "Scribbler 2": "Scribbler2", "Scribbler 2021": "Scribbler2021",
		"Scribbler Pro 2.1 beta": "ScribblerProbeta", "scrib2.1": "scrib", "S-Box++": "SBox", "7Box 1.2": "7Box", "Scribbler r1200": "Scribbler", "Update for Scribbler (KB123456)": "UpdateforScribblerKB123456",
		"Äther 1.0": "Äther", "1.2.3": "123", "": "", "()": "", "(x64)": "x64",
	} {
		if got := Name(name); got != want {
			t.Errorf("%q is %q, not %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"Maker": "Maker", "Maker, Inc.": "Maker", "Maker Systems GmbH & Co. KG": "MakerSystems", "Maker S.r.l.": "Maker", "Maker FZ-LLC": "MakerFZ", "https://maker.example": "makerexample",
		"Inc.": "Inc", "Limited Run Ltd": "LimitedRun", "": "", "Maker Ltd or its friends": "Maker"} {
		if got := Publisher(name); got != want {
			t.Errorf("%q is %q, not %q", name, got, want)
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add("Scribbler 2.1 (x64 en-US)")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1000 {
			return
		}
		if len(Name(s)) > 3*len(s) || len(Publisher(s)) > 3*len(s) {
			t.Error("it grew")
		}
	})
}
