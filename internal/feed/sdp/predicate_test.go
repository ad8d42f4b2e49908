package sdp

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestOppositesAreOpposite(t *testing.T) {
	for op := item.Equals; op <= item.NotLike; op++ {
		as := item.Int
		switch op {
		case item.CaseInsensitiveEquals, item.CaseInsensitiveNotEqual, item.Like, item.NotLike:
			as = item.String
		case item.BitwiseAnd, item.BitwiseOr, item.PatternMatch, item.SubsetOf, item.SupersetOf: // no rule uses their opposite
			continue
		}
		for _, seen := range []string{"1", "2", "3"} {
			v, _ := item.Compare(op, as, seen, "2")
			contrary, _ := item.Compare(opposite(op), as, seen, "2")
			if v > item.True || contrary != v.Not() {
				t.Errorf("%s %v 2 is %v, and %v is %v", seen, op, v, opposite(op), contrary)
			}
		}
	}
}

// What a condition is multiplied out to has the value that its parts give in three-valued logic.
func TestStatesMeanTheirPredicate(t *testing.T) {
	fields := []string{"a", "b", "c", "d"}
	var draw func(t *rapid.T, depth int) predicate
	draw = func(t *rapid.T, depth int) predicate {
		op := rapid.SampledFrom([]predicateOp{leafOp, andOp, orOp, notOp}).Draw(t, "op")
		if depth == 0 {
			op = leafOp
		}
		switch op {
		case leafOp:
			p, err := compare(rapid.SampledFrom(fields).Draw(t, "field"), rapid.SampledFrom([]item.Operation{item.Equals, item.LessThan, item.GreaterThanOrEqual}).Draw(t, "operation"),
				&wql{kind: 'n', token: fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "value"))})
			if err != nil {
				t.Fatal(err)
			}
			return p
		case notOp:
			return predicate{op: notOp, of: []predicate{draw(t, depth-1)}}
		}
		p := predicate{op: op}
		for range rapid.IntRange(1, 3).Draw(t, "operands") {
			p.of = append(p.of, draw(t, depth-1))
		}
		return p
	}
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t, 3)
		states, ok := p.states()
		if !ok {
			t.Skip("too large")
		}
		var fact patch.Item
		for _, f := range fields {
			switch v := rapid.SampledFrom([]string{"0", "1", "2", "garbage", ""}).Draw(t, f); v {
			case "": // not collected
			default:
				fact.Fields = append(fact.Fields, patch.Field{Name: f, Value: v})
			}
		}
		want := meaning(&p, &fact)
		test := item.Test{Class: "wmiobject", Check: item.AtLeastOne, Operator: item.Or, Object: &item.Object{Class: "wmiobject"}, States: classed(states, "wmiobject")}
		var b item.Builder
		if _, err := b.Test(&test); err != nil {
			t.Fatal(err)
		}
		bytes, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		m, err := item.Decode(bytes)
		if err != nil {
			t.Fatal(err)
		}
		src := item.NewStored([]patch.Collected{{Class: "wmiobject", Flag: patch.FlagComplete, Items: []patch.Item{fact}, Fields: []string{item.Every}}})
		got := item.NewJudge(m, src).Value(t.Context(), 0)
		if got != want && (got <= item.True || want <= item.True) { // of error and unknown either may be stronger
			t.Fatalf("%v, not %v", got, want)
		}
	})
}

// meaning is a predicate's value by the tables of And, Or and Not.
func meaning(p *predicate, fact *patch.Item) item.Value {
	if p.op == leafOp {
		e := p.yes[0][0]
		for _, f := range fact.Fields {
			if f.Name == e.Name {
				v, _ := item.Compare(e.Operation, e.Datatype, f.Value, e.Value)
				return v
			}
		}
		return item.Unknown
	}
	var all item.Tally
	for i := range p.of {
		all.Add(meaning(&p.of[i], fact))
	}
	switch p.op {
	case andOp:
		return all.Join(item.And)
	case orOp:
		return all.Join(item.Or)
	}
	return meaning(&p.of[0], fact).Not()
}
