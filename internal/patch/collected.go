package patch

// Collected is what a machine has of one object that definitions name. Its words are those of OVAL's system characteristics.
type Collected struct {
	Class   string `json:"class"`             // "file", "textfilecontent54"
	Key     string `json:"key"`               // the canonical request: see package item
	Flag    Flag   `json:"flag"`              //
	Message string `json:"message,omitempty"` // why it is not complete
	// Fields are the names of the fields that were asked for, sorted; "*" alone: all. An item lacks a field of these because it has
	// none; whether it has others is not known.
	Fields []string `json:"fields,omitempty"`
	Items  []Item   `json:"items,omitempty"` // in a stable order
}

// Flag says how well an object was collected.
type Flag string

// Flags of OVAL's FlagEnumeration.
const (
	FlagComplete      Flag = "complete"
	FlagIncomplete    Flag = "incomplete"
	FlagError         Flag = "error"
	FlagNotExist      Flag = "does not exist"
	FlagNotCollected  Flag = "not collected"
	FlagNotApplicable Flag = "not applicable"
)

// Item is one thing that a machine has.
type Item struct {
	Status Status  `json:"status,omitempty"`
	Fields []Field `json:"fields"` // in the class's order; a name may come several times
}

// Status says whether an item or a field exists; empty: it does.
type Status string

// Statuses of OVAL's StatusEnumeration.
const (
	StatusExists       Status = ""
	StatusError        Status = "error"
	StatusNotExist     Status = "does not exist"
	StatusNotCollected Status = "not collected"
)

// Field is one property of an item.
type Field struct {
	Name   string  `json:"name"`
	Type   string  `json:"type,omitempty"` // OVAL's datatype; empty: "string"
	Status Status  `json:"status,omitempty"`
	Value  string  `json:"value,omitempty"`
	Record []Field `json:"record,omitempty"` // of a record
}
