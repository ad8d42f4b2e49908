package item

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// The tables of OVAL 5.11.1's common schema: how many values are T, F, E, U, NE, NA, and what they give. A cell is a number, "N+",
// "0,1", "odd" or "even".
var operatorTables = map[Operator]string{
	And: `1+ 0 0 0 0 0+ true
		0+ 1+ 0+ 0+ 0+ 0+ false
		0+ 0 1+ 0+ 0+ 0+ error
		0+ 0 0 1+ 0+ 0+ unknown
		0+ 0 0 0 1+ 0+ not evaluated
		0 0 0 0 0 1+ not applicable`,
	One: `1 0+ 0 0 0 0+ true
		2+ 0+ 0+ 0+ 0+ 0+ false
		0 1+ 0 0 0 0+ false
		0,1 0+ 1+ 0+ 0+ 0+ error
		0,1 0+ 0 1+ 0+ 0+ unknown
		0,1 0+ 0 0 1+ 0+ not evaluated
		0 0 0 0 0 1+ not applicable`,
	Or: `1+ 0+ 0+ 0+ 0+ 0+ true
		0 1+ 0 0 0 0+ false
		0 0+ 1+ 0+ 0+ 0+ error
		0 0+ 0 1+ 0+ 0+ unknown
		0 0+ 0 0 1+ 0+ not evaluated
		0 0 0 0 0 1+ not applicable`,
	Xor: `odd 0+ 0 0 0 0+ true
		even 0+ 0 0 0 0+ false
		0+ 0+ 1+ 0+ 0+ 0+ error
		0+ 0+ 0 1+ 0+ 0+ unknown
		0+ 0+ 0 0 1+ 0+ not evaluated`,
}

var checkTables = map[Check]string{
	All:        operatorTables[And],
	AtLeastOne: operatorTables[Or],
	OnlyOne:    operatorTables[One],
	NoneSatisfy: `0 1+ 0 0 0 0+ true
		1+ 0+ 0+ 0+ 0+ 0+ false
		0 0+ 1+ 0+ 0+ 0+ error
		0 0+ 0 1+ 0+ 0+ unknown
		0 0+ 0 0 1+ 0+ not evaluated
		0 0 0 0 0 1+ not applicable`,
}

// EX, DE, ER, NC.
var existenceTables = map[Existence]string{
	AllExist: `1+ 0 0 0 true
		0 0 0 0 false
		0+ 1+ 0+ 0+ false
		0+ 0 1+ 0+ error
		0+ 0 0 1+ unknown`,
	AnyExist: `0+ 0+ 0 0+ true
		1+ 0+ 1+ 0+ true
		0 0+ 1+ 0+ error`,
	AtLeastOneExists: `1+ 0+ 0+ 0+ true
		0 1+ 0 0 false
		0 0+ 1+ 0+ error
		0 0+ 0 1+ unknown`,
	NoneExist: `0 0+ 0 0 true
		1+ 0+ 0+ 0+ false
		0 0+ 1+ 0+ error
		0 0+ 0 1+ unknown`,
	OnlyOneExists: `1 0+ 0 0 true
		2+ 0+ 0+ 0+ false
		0 0+ 0 0 false
		0,1 0+ 1+ 0+ error
		0,1 0+ 0 1+ unknown`,
}

func cellHolds(cell string, n int) bool {
	switch cell {
	case "odd":
		return n%2 == 1
	case "even":
		return n%2 == 0
	case "0,1":
		return n < 2
	}
	var least int
	if _, err := fmt.Sscanf(cell, "%d", &least); err != nil {
		panic(cell)
	}
	return n == least || strings.HasSuffix(cell, "+") && n > least
}

// look finds what a table says of counts. More than one row may hold only where they say the same.
func look(t *testing.T, table string, counts []int) (result string) {
	t.Helper()
	for line := range strings.Lines(table) {
		cells := strings.Fields(line)
		holds := true
		for i, n := range counts {
			holds = holds && cellHolds(cells[i], n)
		}
		if holds {
			said := strings.Join(cells[len(counts):], " ")
			if result != "" && result != said {
				t.Fatalf("the table says %s and %s of %v", result, said, counts)
			}
			result = said
		}
	}
	return result
}

// eachCount runs f on all combinations of n counts up to 3.
func eachCount(n int, f func([]int)) {
	counts := make([]int, n)
	for {
		f(counts)
		i := 0
		for ; i < n && counts[i] == 3; i++ {
			counts[i] = 0
		}
		if i == n {
			return
		}
		counts[i]++
	}
}

func tallyOf(counts []int) Tally {
	return Tally{True: counts[0], False: counts[1], Error: counts[2], Unknown: counts[3], NotEvaluated: counts[4], NotApplicable: counts[5]}
}

// what says what counts give, where no row holds what is said in the comments of Join: only "not applicable" counts for XOR, and nothing
// at all, which is unknown.
func what(t *testing.T, table string, counts []int) string {
	t.Helper()
	only := true
	for _, n := range counts[:5] {
		only = only && n == 0
	}
	switch {
	case only && counts[5] > 0:
		return "not applicable"
	case only:
		return "unknown"
	}
	return look(t, table, counts)
}

func TestOperatorsGiveWhatTheTablesSay(t *testing.T) {
	for op, table := range operatorTables {
		eachCount(6, func(counts []int) {
			tally := tallyOf(counts)
			if got, want := tally.Join(op).String(), what(t, table, counts); got != want {
				t.Fatalf("%s of %v is %q, the table says %q", op, counts, got, want)
			}
		})
	}
}

func TestChecksGiveWhatTheTablesSay(t *testing.T) {
	for check, table := range checkTables {
		eachCount(6, func(counts []int) {
			tally := tallyOf(counts)
			if got, want := tally.Check(check).String(), what(t, table, counts); got != want {
				t.Fatalf("%s of %v is %q, the table says %q", check, counts, got, want)
			}
			if check == NoneSatisfy && tally.Check(NoneExistCheck) != tally.Check(check) {
				t.Fatalf("none exist differs from none satisfy at %v", counts)
			}
		})
	}
}

func TestExistencesGiveWhatTheTablesSay(t *testing.T) {
	for e, table := range existenceTables {
		eachCount(4, func(counts []int) {
			s := statuses{exists: counts[0], missing: counts[1], failed: counts[2], untried: counts[3]}
			want := look(t, table, counts)
			if want == "" && e == AtLeastOneExists {
				want = "false" // of nothing at all
			}
			if got := s.judge(e).String(); got != want {
				t.Fatalf("%s of %v is %q, the table says %q", e, counts, got, want)
			}
		})
	}
}

// How a collected object's flag decides, whatever its items: by existence in the order at least one, all, any, none, only one.
func TestFlagsDecideExistence(t *testing.T) {
	for flag, want := range map[patch.Flag]string{
		patch.FlagError:         "error error true error error",
		patch.FlagNotExist:      "false false true true false",
		patch.FlagNotCollected:  "unknown unknown true unknown unknown",
		patch.FlagNotApplicable: "not_applicable not_applicable true not_applicable not_applicable",
		patch.FlagIncomplete:    "unknown unknown true unknown unknown",
		patch.FlagComplete:      "false false true true false",
		"nonsense":              "error error true error error",
	} {
		for e, v := range strings.Fields(want) {
			var none statuses
			if got := none.judgeFlag(flag, Existence(e), true).String(); got != strings.ReplaceAll(v, "_", " ") {
				t.Errorf("%s of a %s object is %s, want %s", Existence(e), flag, got, v)
			}
		}
	}
	some := statuses{exists: 2, missing: 1}
	for e, want := range []Value{True, Unknown, True, False, False} {
		if got := some.judgeFlag(patch.FlagIncomplete, Existence(e), false); got != want {
			t.Errorf("%s of an incomplete object with two items is %s, want %s", Existence(e), got, want)
		}
	}
}

func TestSetFlagsAreThoseOfTheTables(t *testing.T) {
	for op, table := range map[SetOperator]string{
		Union:        "E E E E E E|E C I C I C|E I I I I I|E C I DNE I DNE|E I I I NC NC|E C I DNE NC NA",
		Intersection: "E E E DNE E E|E C I DNE NC C|E I I DNE NC I|DNE DNE DNE DNE DNE DNE|E NC NC DNE NC NC|E C I DNE NC NA",
		Complement:   "E E E DNE E E|E C I DNE NC E|E E E DNE NC E|E C I DNE NC E|E NC NC DNE NC E|E E E E E E",
	} {
		names := map[string]patch.Flag{"E": patch.FlagError, "C": patch.FlagComplete, "I": patch.FlagIncomplete, "DNE": patch.FlagNotExist,
			"NC": patch.FlagNotCollected, "NA": patch.FlagNotApplicable}
		order := []string{"E", "C", "I", "DNE", "NC", "NA"}
		for row, line := range strings.Split(table, "|") {
			for column, cell := range strings.Fields(line) {
				if got := setFlag(op, names[order[column]], names[order[row]]); got != names[cell] {
					t.Errorf("%s of %s and %s is %s, want %s", op, order[column], order[row], got, cell)
				}
			}
		}
	}
}

func TestNotLeavesDoubt(t *testing.T) {
	for v, want := range map[Value]Value{True: False, False: True, Unknown: Unknown, Error: Error, NotEvaluated: NotEvaluated,
		NotApplicable: NotApplicable} {
		if got := v.Not(); got != want {
			t.Errorf("not %s is %s", v, got)
		}
	}
}
