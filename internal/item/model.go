package item

// Operation compares an item's field with a wanted value.
type Operation uint8

// Operations of OVAL's OperationEnumeration. The numbers are part of the signature format.
const (
	Equals Operation = iota
	NotEqual
	CaseInsensitiveEquals
	CaseInsensitiveNotEqual
	GreaterThan
	LessThan
	GreaterThanOrEqual
	LessThanOrEqual
	BitwiseAnd
	BitwiseOr
	PatternMatch
	SubsetOf
	SupersetOf
	// Like and NotLike are not OVAL's: WQL's LIKE and its opposite, which ignore case. See likeness.
	Like
	NotLike
)

// Datatype says how values are compared.
type Datatype uint8

// Datatypes of OVAL's DatatypeEnumeration. The numbers are part of the signature format.
const (
	String Datatype = iota
	Int
	Float
	Boolean
	Binary
	Version
	EVR       // evr_string: epoch:version-release as rpm orders it
	DebianEVR // debian_evr_string
	IOSVersion
	IPv4
	IPv6
	FilesetRevision
	Record
	DateTime // not OVAL's: a moment as CIM writes it, yyyymmddHHMMSS.mmmmmm±UUU, or a date that begins one
	// ProgramVersion is not OVAL's: what publishers of Windows programs write, ordered as Windows' package manager does.
	ProgramVersion
	// MacOSVersion is not OVAL's: a product version of macOS ("13.4.1 (a)") or a build ("22F770820b").
	MacOSVersion
)

// Check says how many of several must satisfy.
type Check uint8

// Checks of OVAL's CheckEnumeration. The numbers are part of the signature format.
const (
	All Check = iota
	AtLeastOne
	OnlyOne
	NoneSatisfy
	NoneExistCheck // deprecated by OVAL: no item may exist, see Test
)

// Existence says how many items must exist.
type Existence uint8

// Existences of OVAL's ExistenceEnumeration. The numbers are part of the signature format.
const (
	AtLeastOneExists Existence = iota
	AllExist
	AnyExist
	NoneExist
	OnlyOneExists
)

// Operator joins several values.
type Operator uint8

// Operators of OVAL's OperatorEnumeration. The numbers are part of the signature format.
const (
	And Operator = iota
	Or
	One
	Xor
)

// Test asks whether the items of an object exist and are in some states.
type Test struct {
	ID        string // the vendor's; empty where it does not matter
	Class     string // OVAL's component name without "_test": "file", "textfilecontent54"
	Existence Existence
	Check     Check    // NoneExistCheck stands for NoneSatisfy and the existence NoneExist
	Operator  Operator // joins the states for one item
	Object    *Object  // nil for tests that have none ("unknown")
	States    []*State
	Comment   string // the vendor's words, for people
	// Unclear says why the test cannot be judged although its class is known; it is then Error.
	Unclear string
}

// Object names items. Either Set or Entities is used.
type Object struct {
	ID        string // kept where system characteristics answer by it
	Class     string // as Test.Class, without "_object"
	Entities  []Entity
	Behaviors []Behavior
	Filters   []Filter
	Set       *Set

	index  int      // among its model's
	fields []string // what is looked at, sorted; see Request.Fields
}

// Behavior is one attribute of an object's behaviors element: "recurse_direction" = "down".
type Behavior struct{ Name, Value string }

// Entity is one wanted field of an object or a state.
type Entity struct {
	Name      string // "path", "evr"
	Operation Operation
	Datatype  Datatype
	Value     string    // the literal; of no meaning where Variable is set
	Variable  *Variable // its values are the wanted ones
	VarCheck  Check     // how many of the variable's values must match
	Nil       bool      // xsi:nil: the entity is there and empty on purpose

	// EntityCheck says how many of an item's fields of this name must match; states only.
	EntityCheck Check
	// Existence is the entity's check_existence; states only.
	Existence Existence
	// Record are the fields of a record entity.
	Record []Entity
}

// State is what items must be like.
type State struct {
	ID       string
	Class    string
	Operator Operator
	Entities []Entity
}

// Filter keeps or drops the items that are in a state.
type Filter struct {
	Exclude bool
	State   *State
}

// SetOperator joins item sets.
type SetOperator uint8

// Set operators. The numbers are part of the signature format.
const (
	Union SetOperator = iota
	Intersection
	Complement
)

// Set combines the items of one or two objects or sets.
type Set struct {
	Operator SetOperator
	Sets     []Set
	Objects  []*Object
	Filters  []Filter
}

// VariableKind says where a variable's values come from.
type VariableKind uint8

// Kinds of variables. The numbers are part of the signature format.
const (
	Constant VariableKind = iota
	External              // values are given from outside; a parser puts them into Values
	Local                 // values are computed by Component
)

// Variable is a named list of values.
type Variable struct {
	ID        string
	Kind      VariableKind
	Datatype  Datatype
	Values    []string
	Component *Component
	// Fault says why an external variable has no usable values: it was not given, or a given one is not allowed.
	Fault string

	index int // among its model's
}

// Function computes a variable's values.
type Function uint8

// Components and functions of OVAL's ComponentGroup and FunctionGroup. The numbers are part of the signature format.
const (
	Literal Function = iota
	ObjectField
	VariableValue
	Arithmetic
	Begin
	Concat
	End
	EscapeRegex
	Split
	Substring
	TimeDifference
	RegexCapture
	Count
	Unique
	GlobToRegex
)

// Component is a node of a local variable's expression.
type Component struct {
	Function Function
	Datatype Datatype    // of a literal
	Text     string      // Literal: the value; Begin, End: the character string; Split: the delimiter; RegexCapture: the pattern; Arithmetic: "add" or "multiply"
	Object   *Object     // ObjectField
	Field    string      // ObjectField: item_field
	Record   string      // ObjectField: record_field
	Variable *Variable   // VariableValue
	Start    int         // Substring: substring_start, from 1
	Length   int         // Substring: substring_length
	Formats  [2]string   // TimeDifference: format_1, format_2
	NoEscape bool        // GlobToRegex: glob_noescape
	Of       []Component // operands
}
