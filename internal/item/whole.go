package item

import (
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Whole reports classes that are asked for whole, once, and never by name: a machine has few items of them, and definitions that come
// later can then be judged over the same facts. They are not OVAL's. docs/facts.md lists their fields.
func Whole(class string) bool {
	switch class {
	case "windows", "macos", "program", "hotfix", "msiproduct", "msipatch", "folder", "device", "receipt":
		return true
	}
	return false
}

// Ours reports classes that are not OVAL's: those of Whole, and others of Windows that are asked for by name.
func Ours(class string) bool {
	switch class {
	case "wmiobject", "registrysubkeys", "systemmetric", "msifeature", "msicomponent", "clusterresource", "installhistory", "genericquery":
		return true
	}
	return Whole(class)
}

// entire is everything that a machine has of a class, and answers for what is asked of it by name.
type entire struct {
	patch.Collected
	compare Comparer
	by      map[string]map[string][]int32 // entity → lower-case ASCII value → items, in order; those that lack it or are not ASCII under other
}

const other = "\x00"

// answer gives the items that are as a request wants them. An item that cannot be compared makes the answer incomplete.
func (w *entire) answer(r *Request) patch.Collected {
	c := patch.Collected{Class: r.Class, Key: r.Key(), Flag: w.Flag, Message: w.Message, Fields: w.Fields}
	if w.Flag != patch.FlagComplete && w.Flag != patch.FlagIncomplete {
		return c
	}
	for _, i := range w.candidates(r) {
		switch w.wanted(r, &w.Items[i]) {
		case True:
			c.Items = append(c.Items, w.Items[i])
		case False:
		default:
			c.Flag, c.Message = patch.FlagIncomplete, "some items cannot be compared"
		}
	}
	if c.Flag == patch.FlagComplete && len(c.Items) == 0 {
		c.Flag = patch.FlagNotExist
	}
	return c
}

// wanted is whether an item is what a request asks for. A behavior that is a field, as the registry's windows_view is, must be so.
func (w *entire) wanted(r *Request, it *patch.Item) Value {
	var all Tally
	for i := range r.Entities {
		e := &r.Entities[i]
		f := fieldOf(it, e.Name)
		switch {
		case e.Nil:
			all.Add(Truth(f == nil || f.Status == patch.StatusNotExist || f.Value == ""))
		case f == nil:
			all.Add(Unknown)
		case f.Status == patch.StatusNotExist:
			all.Add(False)
		case f.Status != patch.StatusExists:
			all.Add(Error)
		default:
			all.Add(w.compare.Matches(w.folded(e), f.Value))
		}
	}
	for _, b := range r.Behaviors {
		if f := fieldOf(it, b.Name); f != nil {
			all.Add(Truth(f.Value == b.Value))
		}
	}
	if all == (Tally{}) {
		return True
	}
	return all.Join(And)
}

// folded is a wanted value as Windows looks it up, in any case: names in its registry and paths with its separator.
func (w *entire) folded(e *Wanted) *Wanted {
	if e.Operation != Equals || w.Class != "registry" && w.Class != "registrysubkeys" && !(w.Class == "file" && len(e.Values) == 1 && strings.Contains(e.Values[0], `\`)) {
		return e
	}
	any := *e
	any.Operation = CaseInsensitiveEquals
	return &any
}

func fieldOf(it *patch.Item, name string) *patch.Field {
	for i := range it.Fields {
		if it.Fields[i].Name == name {
			return &it.Fields[i]
		}
	}
	return nil
}

// candidates gives the items among which all that a request wants are, in order: those with the value of the entity that leaves the fewest.
func (w *entire) candidates(r *Request) []int32 {
	var fewest []int32
	narrowed := false
	for i := range r.Entities {
		e := &r.Entities[i]
		if e.Datatype != String || e.Nil || len(e.Values) != 1 || e.Operation != Equals && e.Operation != CaseInsensitiveEquals || !ascii(e.Values[0]) {
			continue
		}
		by := w.index(e.Name)
		some := by[strings.ToLower(e.Values[0])]
		if rest := by[other]; len(rest) > 0 {
			some = slices.Concat(some, rest)
			slices.Sort(some)
		}
		if !narrowed || len(some) < len(fewest) {
			fewest, narrowed = some, true
		}
	}
	if narrowed {
		return fewest
	}
	all := make([]int32, len(w.Items))
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

func (w *entire) index(entity string) map[string][]int32 {
	if by, ok := w.by[entity]; ok {
		return by
	}
	by := make(map[string][]int32, len(w.Items))
	for i := range w.Items {
		value := other
		if f := fieldOf(&w.Items[i], entity); f != nil && f.Status == patch.StatusExists && ascii(f.Value) {
			value = strings.ToLower(f.Value)
		}
		by[value] = append(by[value], int32(i))
	}
	if w.by == nil {
		w.by = map[string]map[string][]int32{}
	}
	w.by[entity] = by
	return by
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == 0 {
			return false
		}
	}
	return true
}
