package item

var operationNames = [...]string{"equals", "not equal", "case insensitive equals", "case insensitive not equal", "greater than",
	"less than", "greater than or equal", "less than or equal", "bitwise and", "bitwise or", "pattern match", "subset of", "superset of", "like", "not like"}

// operationMarks are short and distinct, for keys.
var operationMarks = [...]string{"=", "!=", "=i=", "!i=", ">", "<", ">=", "<=", "&", "|", "~", "<<", ">>", "%=", "!%="}

var datatypeNames = [...]string{"string", "int", "float", "boolean", "binary", "version", "evr_string", "debian_evr_string",
	"ios_version", "ipv4_address", "ipv6_address", "fileset_revision", "record", "datetime", "program_version", "macos_version"}

var checkNames = [...]string{"all", "at least one", "only one", "none satisfy", "none exist"}

var existenceNames = [...]string{"at_least_one_exists", "all_exist", "any_exist", "none_exist", "only_one_exists"}

var operatorNames = [...]string{"AND", "OR", "ONE", "XOR"}

var setOperatorNames = [...]string{"UNION", "INTERSECTION", "COMPLEMENT"}

var functionNames = [...]string{"literal_component", "object_component", "variable_component", "arithmetic", "begin", "concat", "end",
	"escape_regex", "split", "substring", "time_difference", "regex_capture", "count", "unique", "glob_to_regex"}

func name(names []string, n int) string {
	if n < len(names) {
		return names[n]
	}
	return "unknown"
}

func named(names []string, s string) (int, bool) {
	for i, n := range names {
		if n == s {
			return i, true
		}
	}
	return 0, false
}

// String gives OVAL's name.
func (o Operation) String() string { return name(operationNames[:], int(o)) }

// String gives OVAL's name.
func (d Datatype) String() string { return name(datatypeNames[:], int(d)) }

// String gives OVAL's name.
func (c Check) String() string { return name(checkNames[:], int(c)) }

// String gives OVAL's name.
func (e Existence) String() string { return name(existenceNames[:], int(e)) }

// String gives OVAL's name.
func (o Operator) String() string { return name(operatorNames[:], int(o)) }

// String gives OVAL's name.
func (o SetOperator) String() string { return name(setOperatorNames[:], int(o)) }

// String gives OVAL's name of the element.
func (f Function) String() string { return name(functionNames[:], int(f)) }

// OperationNamed is the inverse of Operation.String, for OVAL's own operations.
func OperationNamed(s string) (Operation, bool) {
	n, ok := named(operationNames[:Like], s)
	return Operation(n), ok
}

// DatatypeNamed is the inverse of Datatype.String, for OVAL's own datatypes. "ipv4_address" and the like are OVAL's names.
func DatatypeNamed(s string) (Datatype, bool) {
	n, ok := named(datatypeNames[:DateTime], s)
	return Datatype(n), ok
}

// CheckNamed is the inverse of Check.String; OVAL also writes "none exist" as "none_exist" in early versions.
func CheckNamed(s string) (Check, bool) {
	n, ok := named(checkNames[:], s)
	return Check(n), ok
}

// ExistenceNamed is the inverse of Existence.String.
func ExistenceNamed(s string) (Existence, bool) {
	n, ok := named(existenceNames[:], s)
	return Existence(n), ok
}

// OperatorNamed is the inverse of Operator.String.
func OperatorNamed(s string) (Operator, bool) {
	n, ok := named(operatorNames[:], s)
	return Operator(n), ok
}

// SetOperatorNamed is the inverse of SetOperator.String.
func SetOperatorNamed(s string) (SetOperator, bool) {
	n, ok := named(setOperatorNames[:], s)
	return SetOperator(n), ok
}

// FunctionNamed is the inverse of Function.String.
func FunctionNamed(s string) (Function, bool) {
	n, ok := named(functionNames[:], s)
	return Function(n), ok
}
