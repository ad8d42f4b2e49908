package item

import (
	"context"
	"strconv"

	"github.com/fettle-project/fettle/internal/patch"
)

// set combines the items of the one or two parts of a set.
func (j *Judge) set(ctx context.Context, class string, s *Set) *found {
	var parts []*found
	for i := range s.Sets {
		parts = append(parts, j.set(ctx, class, &s.Sets[i]))
	}
	for _, o := range s.Objects {
		parts = append(parts, j.filter(ctx, j.object(ctx, o), s.Filters))
	}
	switch len(parts) {
	case 1:
		return parts[0]
	case 2:
		return combineSets(class, s.Operator, parts[0], parts[1])
	}
	return newFound(patch.Collected{Class: class, Flag: patch.FlagError, Message: "a set combines one or two parts, not " +
		strconv.Itoa(len(parts))}, nil)
}

// flagOrder is the order of the rows and columns of setFlags.
var flagOrder = [...]patch.Flag{patch.FlagError, patch.FlagComplete, patch.FlagIncomplete, patch.FlagNotExist, patch.FlagNotCollected,
	patch.FlagNotApplicable}

// setFlags are the tables of OVAL's SetOperatorEnumeration: by operator, the second part's flag (row) and the first part's (column).
var setFlags = [...][6]string{
	Union:        {"EEEEEE", "ECICIC", "EIIIII", "ECIDID", "EIIINN", "ECIDNA"},
	Intersection: {"EEEDEE", "ECIDNC", "EIIDNI", "DDDDDD", "ENNDNN", "ECIDNA"},
	Complement:   {"EEEDEE", "ECIDNE", "EEEDNE", "ECIDNE", "ENNDNE", "EEEEEE"},
}

func setFlag(op SetOperator, first, second patch.Flag) patch.Flag {
	const letters = "ECIDNA"
	row, column := 0, 0
	for i, f := range flagOrder {
		if f == first {
			column = i
		}
		if f == second {
			row = i
		}
	}
	for i := range letters {
		if letters[i] == setFlags[op][row][column] {
			return flagOrder[i]
		}
	}
	return patch.FlagError
}

// combineSets joins by content: two items are the same where all of their fields are.
func combineSets(class string, op SetOperator, a, b *found) *found {
	c := patch.Collected{Class: class, Flag: setFlag(op, a.Flag, b.Flag), Message: a.Message, Fields: []string{Every}}
	if c.Message == "" {
		c.Message = b.Message
	}
	if !whole(a) || !whole(b) {
		return newFound(patch.Collected{Class: class, Flag: patch.FlagNotCollected, Message: "the facts lack fields that make items distinct"}, nil)
	}
	other := map[string]bool{}
	for i := range b.Items {
		other[identity(b.Items[i])] = true
	}
	kept := map[string]bool{}
	keep := func(it patch.Item) {
		if id := identity(it); !kept[id] {
			kept[id] = true
			c.Items = append(c.Items, it)
		}
	}
	for _, it := range a.Items {
		if op == Union || other[identity(it)] == (op == Intersection) {
			keep(it)
		}
	}
	if op == Union {
		for _, it := range b.Items {
			keep(it)
		}
	}
	if c.Flag == patch.FlagComplete && len(c.Items) == 0 {
		c.Flag = patch.FlagNotExist
	}
	return newFound(c, nil)
}

// whole reports whether all fields of what was found are there, so that equal items are the same.
func whole(f *found) bool { return len(f.Items) == 0 || wants(f.Fields, Every) }

// identity is an item's content, unambiguously.
func identity(it patch.Item) string {
	b := append([]byte(it.Status), '{')
	return string(appendFields(b, it.Fields))
}

func appendFields(b []byte, fields []patch.Field) []byte {
	for i := range fields {
		x := &fields[i]
		b = strconv.AppendQuote(b, x.Name)
		b = strconv.AppendQuote(b, string(x.Status))
		b = strconv.AppendQuote(b, x.Value)
		if len(x.Record) > 0 {
			b = append(appendFields(append(b, '{'), x.Record), '}')
		}
	}
	return b
}
