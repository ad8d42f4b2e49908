package patch

import "time"

// Role is what a person may do; see auth for the table of permissions.
type Role string

const (
	Admin    Role = "admin"
	Operator Role = "operator" // decides about patches and deploys them; manages neither people nor what the appliance trusts
	Auditor  Role = "auditor"  // reads everything, changes nothing
)

// User is a person who may sign in.
type User struct {
	Name         string    `json:"name"`
	Role         Role      `json:"role"`
	PasswordHash string    `json:"-"` // argon2id, PHC string
	CreatedAt    time.Time `json:"created_at"`
	Disabled     bool      `json:"disabled"`
}

// Caller is who does something, for authorisation and audit. It is made by auth and nowhere else.
type Caller struct {
	Name string // user name; "machine:<id>" for agents; "fettle" for the appliance itself
	Role Role
	From string // remote address, or "local"
	Via  string // "console", "api", "agent", "cli", "appliance"
}

// AuditEntry is one line of the hash-chained audit log. Hash covers all other fields and the previous entry's hash.
type AuditEntry struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	From   string    `json:"from"`
	Via    string    `json:"via"`
	Action string    `json:"action"` // "approve", "machine.admit", …
	Object string    `json:"object"`
	Detail string    `json:"detail,omitempty"` // JSON
	Prev   Hash      `json:"prev"`
	Hash   Hash      `json:"hash"`
}

// AuditFilter narrows SearchAudit; what is zero does not.
type AuditFilter struct {
	From, Until time.Time // the end is exclusive
	Text        string    // within who, action, object and detail, upper and lower case alike
	Limit       int
}

// Token lets a limited number of machines enrol. Only its hash is stored.
type Token struct {
	Name      string    `json:"name"`
	Hash      Hash      `json:"-"`
	Uses      int       `json:"uses"`  // how many machines may still enrol with it
	Admit     bool      `json:"admit"` // machines are admitted at once instead of staying pending
	ExpiresAt time.Time `json:"expires_at"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
}

// Session is one sign-in: a console cookie or a CLI token. Only the secret's hash is stored.
type Session struct {
	Hash      Hash      `json:"-"`
	User      string    `json:"user"`
	Kind      string    `json:"kind"` // "console", "cli"
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	From      string    `json:"from"`
	// IdleUntil ends a session that nobody uses; use moves it, never beyond ExpiresAt.
	IdleUntil time.Time `json:"idle_until"`
}
