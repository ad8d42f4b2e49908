package item

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// Request is an object whose variables have been resolved: what a Source is asked for.
type Request struct {
	ID        string // of the object, for sources that answer by it; no part of the key
	Class     string
	Entities  []Wanted
	Behaviors []Behavior
	// Fields are the names of the fields that some test looks at, sorted; or Every alone, where items are compared with each other. A
	// source need not give others, and gives no field that changes without meaning (access times) unless it is named here.
	Fields []string
	// Once says that the answer is used up before the next request: a source may give room to it that it takes again.
	Once bool

	key string // kept where it is known
}

// Wanted is one entity of a Request: an item's field must compare with Values as Operation and Check say.
type Wanted struct {
	Name      string
	Operation Operation
	Datatype  Datatype
	Values    []string
	Check     Check // how many of Values must match; All where there is one
	Nil       bool
}

// Source answers requests. It always answers: what could not be read is a Collected with the flag "error" and a message, a class that
// it does not know one with the flag "not collected". It need not fill in Class, Key and Fields.
type Source interface {
	Probe(ctx context.Context, r Request) patch.Collected
}

// Looker is a Source that can be asked for one file of the class file without a request: most objects are that. It answers as it answers the
// request whose path and filename equal dir and name; not ok where it cannot.
type Looker interface {
	Look(ctx context.Context, dir, name string, fields []string) (c patch.Collected, ok bool)
}

// oneFile gives directory and name where an object is one file.
func (o *Object) oneFile() (dir, name string, ok bool) {
	if o.Class != "file" || len(o.Entities) != 2 || len(o.Behaviors) > 0 || !o.Entities[0].is("path") || !o.Entities[1].is("filename") {
		return "", "", false
	}
	return o.Entities[0].Value, o.Entities[1].Value, true
}

// is reports whether an entity equals a literal text.
func (e *Entity) is(name string) bool {
	return e.Name == name && e.Operation == Equals && e.Datatype == String && e.Variable == nil && !e.Nil
}
