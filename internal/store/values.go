package store

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// bind turns domain values into what both drivers take: times become UTC microseconds (0 for the zero time), text of any named
// type becomes clean text, unsigned numbers are checked to fit.
func bind(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case string:
			out[i] = cleanText(v)
		case patch.MachineID: // as are all named texts; most statements have one
			out[i] = cleanText(string(v))
		case phrase.Phrase:
			out[i] = cleanText(v.Keep())
		case time.Time:
			out[i] = toMicros(v)
		case uint64:
			if v > math.MaxInt64 {
				return nil, patch.Errorf(patch.Invalid, "the number %d is too large to store", v)
			}
			out[i] = int64(v)
		case []string: // these lists are PostgreSQL's alone
			clean := make([]string, len(v))
			for k, text := range v {
				clean[k] = cleanText(text)
			}
			out[i] = clean
		case []int64, [][]byte, []byte, bool, int64, int:
			out[i] = v
		default:
			rv := reflect.ValueOf(a)
			switch rv.Kind() {
			case reflect.String:
				out[i] = cleanText(rv.String())
			case reflect.Uint8:
				out[i] = int64(rv.Uint())
			default:
				return nil, patch.Errorf(patch.Internal, "the database cannot take a %T", a)
			}
		}
	}
	return out, nil
}

// cleanText replaces what PostgreSQL refuses; both engines then hold the same text.
func cleanText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func toMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// stamp scans microseconds into a time.
type stamp struct{ at *time.Time }

// Scan implements sql.Scanner.
func (s stamp) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", src)
	}
	*s.at = fromMicros(n)
	return nil
}

// count scans a number that is never below 0.
type count struct{ n *uint64 }

// Scan implements sql.Scanner.
func (c count) Scan(src any) error {
	n, ok := src.(int64)
	if !ok || n < 0 {
		return fmt.Errorf("a count is stored as %T %v", src, src)
	}
	*c.n = uint64(n)
	return nil
}

// document scans JSON text into a value.
type document struct{ into any }

// Scan implements sql.Scanner.
func (d document) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return json.Unmarshal([]byte(v), d.into)
	case []byte:
		return json.Unmarshal(v, d.into)
	}
	return fmt.Errorf("a JSON document is stored as %T", src)
}

func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", patch.Errorf(patch.Internal, "cannot encode a %T for the database: %w", v, err)
	}
	return string(b), nil
}

// where collects conditions that must all hold, numbering their placeholders.
type where struct {
	engine engine
	conds  []string
	args   []any
}

// add takes a condition with one "?" for its value.
func (w *where) add(cond string, value any) {
	w.args = append(w.args, value)
	w.conds = append(w.conds, strings.Replace(cond, "?", fmt.Sprintf("$%d", len(w.args)), 1))
}

// addFixed takes a condition without a value.
func (w *where) addFixed(cond string) { w.conds = append(w.conds, cond) }

// addOneOf narrows a column to a set of any size, carried as one JSON array: thousands of placeholders are slow on both engines.
func addOneOf[T ~string](w *where, column string, values []T) error {
	clean := make([]string, len(values))
	for i, v := range values {
		clean[i] = cleanText(string(v))
	}
	text, err := toJSON(clean)
	if err != nil {
		return err
	}
	w.add(column+" IN "+strings.Replace(w.engine.jsonItems, "%s", "?", 1), text)
	return nil
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

// page gives LIMIT and OFFSET; SQLite wants a LIMIT before an OFFSET and both take a very large one.
func page(limit, offset int) string {
	if limit <= 0 && offset <= 0 {
		return ""
	}
	if limit <= 0 {
		limit = math.MaxInt32
	}
	return fmt.Sprintf(" LIMIT %d OFFSET %d", limit, max(0, offset))
}
