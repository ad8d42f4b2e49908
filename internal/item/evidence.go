package item

import "context"

// Evidence is the smallest set of clauses that decided a test.
type Evidence []Clause

// Clause is one thing that was expected of one object and what was seen instead or as wanted. All texts are for people and may hold
// foreign bytes; who shows them filters them.
type Clause struct {
	Class    string // of the object
	Key      string // of the request; names the facts that were looked at
	Object   string // what was asked: "/etc/foo.conf line 1 matching ^x"
	Item     string // which item; empty where the clause is about all of them
	Field    string // which field; empty where the clause is about existence
	Expected string // "less than 1200", "exists"
	Seen     string // "1100", "does not exist"
}

func (j *Judge) evidence(ctx context.Context, t *Test) Evidence {
	if t.Object == nil || t.Unclear != "" {
		return Evidence{{Class: t.Class, Expected: "a test that can be judged", Seen: t.Unclear}}
	}
	f := j.object(ctx, t.Object)
	return Evidence{{Class: f.Class, Key: f.Key, Object: f.Key, Expected: t.Existence.String(), Seen: string(f.Flag)}}
}
