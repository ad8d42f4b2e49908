package item

import (
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// What is expected most: that something is there, and that it is not.
const (
	Exists  phrase.Phrase = "exists"
	Nothing phrase.Phrase = "nothing"
)

// Evidence is the smallest set of clauses that decided a test.
type Evidence []Clause

// Clause is one thing that was expected of one object, and what was seen. All texts are for people and may hold foreign bytes; who
// shows them filters them.
type Clause struct {
	Class string // of the object: "file"
	Key   string // of the request: with Class it names the facts that were looked at; empty where there are none
	// Also names more facts, each by class, blank and key: those of a set's parts and those that variables take their values from.
	Also     []string
	Object   string        // what was asked: "/etc/foo.conf line 1 matching ^x"
	Item     string        // which item; empty where there is one, or where the clause is about all of them
	Field    string        // which field; empty where the clause is about existence
	Expected phrase.Phrase // "less than 1200", "exists"
	Seen     phrase.Phrase // "1100", "does not exist"
}

// maxClauses bounds a test's evidence: "all of 10,000 files" is not told file by file.
const maxClauses = 20

// witness gathers the clauses of one test.
type witness struct {
	j        *Judge
	f        *found
	also     []string // of the object
	evidence Evidence
}

func (j *Judge) evidence(ctx context.Context, t *Test, v Value) Evidence {
	switch {
	case t.Unclear != "":
		return Evidence{{Class: t.Class, Expected: "a test that can be understood", Seen: phrase.Verbatim(t.Unclear)}}
	case t.Object == nil:
		return Evidence{{Class: t.Class, Expected: "a test that can be judged", Seen: "a test of what no program can see"}}
	}
	w := &witness{j: j, f: j.object(ctx, t.Object)}
	behind := j.trail()
	behind.behind(ctx, t.Object)
	if v > True && v != NotApplicable { // what one entity leaves open, another one would close
		for _, s := range t.States {
			behind.entities(ctx, s.Entities)
		}
	}
	w.also = behind.names()
	existence, check := t.demands()
	exists := w.f.counts.judgeFlag(w.f.Flag, existence, len(t.States) == 0)
	if exists != True || len(t.States) == 0 || w.f.Flag == patch.FlagNotExist || len(w.f.Items) == 0 {
		w.existence(existence)
		return w.evidence
	}
	values := make([]Value, len(w.f.Items))
	for i := range values {
		values[i] = j.inStates(ctx, t, &w.f.Items[i])
	}
	if v == Unknown && w.f.Flag == patch.FlagIncomplete {
		w.existence(existence)
	}
	for _, i := range deciders(checkOperator(check), values) {
		w.item(ctx, t, &w.f.Items[i])
	}
	return w.evidence
}

// checkOperator is the operator whose deciders are those of a check.
func checkOperator(c Check) Operator {
	switch c {
	case All:
		return And
	case OnlyOne:
		return One
	}
	return Or
}

// deciders are the smallest set of values that make the joined value what it is.
func deciders(op Operator, values []Value) []int {
	var t Tally
	for _, v := range values {
		t.Add(v)
	}
	joined := t.Join(op)
	pick := func(want Value, limit int) (some []int) {
		for i, v := range values {
			if v == want && len(some) < limit {
				some = append(some, i)
			}
		}
		return some
	}
	switch {
	case joined > True && joined != NotApplicable:
		return pick(joined, 1)
	case op == And && joined == False:
		return pick(False, 1)
	case op == Or && joined == True:
		return pick(True, 1)
	case op == One && t[True] > 1:
		return pick(True, 2)
	}
	all := make([]int, 0, len(values))
	for i, v := range values {
		if v != NotApplicable || joined == NotApplicable {
			all = append(all, i)
		}
	}
	return all
}

func (w *witness) add(c Clause) {
	if len(w.evidence) >= maxClauses {
		return
	}
	c.Class, c.Key = w.f.Class, w.f.Key
	c.Also = append(c.Also, w.also...)
	slices.Sort(c.Also)
	c.Also = slices.Compact(c.Also)
	if c.Object = w.f.Class; w.f.asked() != nil {
		c.Object = w.f.asked().String()
	}
	w.evidence = append(w.evidence, c)
}

func (w *witness) existence(e Existence) {
	c := Clause{Expected: [...]phrase.Phrase{Exists, "all of it exists", "whether it exists or not", "does not exist", "exactly one exists"}[e]}
	n := w.f.counts.exists
	switch {
	case w.f.Flag == patch.FlagNotExist || w.f.Flag == patch.FlagComplete && n == 0 && w.f.counts.failed == 0:
		c.Seen = "does not exist"
	case w.f.Flag == patch.FlagComplete && w.f.counts.failed > 0:
		c.Seen = "could not be read"
	case w.f.Flag == patch.FlagComplete && n == 1:
		c.Seen = Exists
	case w.f.Flag == patch.FlagComplete:
		c.Seen = phrase.Of("{1} exist", n)
	default:
		c.Seen = flagged(w.f.Flag)
	}
	if w.f.Message != "" {
		c.Seen = phrase.Of("{1}: {2}", c.Seen, w.f.Message)
	}
	w.add(c)
}

func (w *witness) item(ctx context.Context, t *Test, it *patch.Item) {
	name := ""
	if len(w.f.Items) > 1 {
		name = label(it)
	}
	if it.Status != patch.StatusExists {
		w.add(Clause{Item: name, Expected: Exists, Seen: lacking(it.Status)})
		return
	}
	values := make([]Value, len(t.States))
	for i, s := range t.States {
		values[i] = w.j.state(ctx, s, it)
	}
	for _, i := range deciders(t.Operator, values) {
		s := t.States[i]
		entities := make([]Value, len(s.Entities))
		for k := range s.Entities {
			entities[k] = w.j.entity(ctx, &s.Entities[k], it.Fields)
		}
		if len(entities) == 0 {
			w.add(Clause{Item: name, Expected: "a state that wants something", Seen: "a state with nothing in it"})
		}
		for _, k := range deciders(s.Operator, entities) {
			w.entity(ctx, &s.Entities[k], name, it)
		}
	}
}

func (w *witness) entity(ctx context.Context, e *Entity, item string, it *patch.Item) {
	behind := w.j.trail()
	behind.entities(ctx, []Entity{*e})
	c := Clause{Item: item, Field: e.Name, Expected: w.wanted(ctx, e), Seen: "nothing of that name", Also: behind.names()}
	var seen []phrase.Phrase
	n := 0
	for i := range it.Fields {
		if x := &it.Fields[i]; x.Name == e.Name {
			if n++; n <= maxShown {
				seen = append(seen, w.field(e, x))
			}
		}
	}
	if n > 0 {
		c.Seen = phrase.Join(seen, ", ")
	}
	if n > maxShown {
		c.Seen = phrase.Of("{1}, … ({2} in all)", c.Seen, n)
	}
	w.add(c)
}

// wanted words what an entity wants.
func (w *witness) wanted(ctx context.Context, e *Entity) phrase.Phrase {
	var text phrase.Phrase
	switch {
	case e.Nil:
		return Nothing
	case len(e.Record) > 0:
		var fields []phrase.Phrase
		for i := range e.Record {
			fields = append(fields, phrase.Of("{1} {2}", e.Record[i].Name, w.wanted(ctx, &e.Record[i])))
		}
		text = phrase.Join(fields, ", ")
	case e.Variable != nil:
		l := w.j.variable(ctx, e.Variable)
		if !l.has() {
			return phrase.Of("the values of a variable, which has none: {1}", l.why)
		}
		text = expected(e.Operation, e.datatype(), e.VarCheck, l.texts())
	default:
		text = expected(e.Operation, e.Datatype, All, []string{e.Value})
	}
	switch {
	case e.Existence == NoneExist:
		return Nothing
	case e.EntityCheck == AtLeastOne:
		return phrase.Of("at least one {1}", text)
	case e.EntityCheck == OnlyOne:
		return phrase.Of("only one {1}", text)
	case e.EntityCheck != All:
		return phrase.Of("none {1}", text)
	}
	return text
}

// field words what was seen, and why that could not be compared.
func (w *witness) field(e *Entity, x *patch.Field) phrase.Phrase {
	switch {
	case x.Status != patch.StatusExists:
		return lacking(x.Status)
	case len(x.Record) > 0:
		var fields []string
		for i := range x.Record {
			fields = append(fields, x.Record[i].Name+" "+x.Record[i].Value)
		}
		return phrase.Verbatim(strings.Join(fields, ", "))
	}
	seen := x.Value
	if seen == "" {
		seen = `""`
	}
	if e.Variable == nil && !e.Nil {
		if v, why := w.j.Compare(e.Operation, e.Datatype, x.Value, e.Value); v == Error {
			return phrase.Of("{1} ({2})", seen, why)
		}
	}
	return phrase.Verbatim(seen)
}

// flagged words how well an object was collected.
func flagged(f patch.Flag) phrase.Phrase {
	switch f {
	case patch.FlagComplete:
		return "complete"
	case patch.FlagIncomplete:
		return "incomplete"
	case patch.FlagNotApplicable:
		return "flag\x04not applicable"
	}
	return lacking(patch.Status(f))
}

// lacking words why there is nothing to see of an item or a field.
func lacking(s patch.Status) phrase.Phrase {
	switch s {
	case patch.StatusError:
		return "status\x04error"
	case patch.StatusNotExist:
		return "does not exist"
	case patch.StatusNotCollected:
		return "not collected"
	}
	return phrase.Verbatim(string(s))
}
