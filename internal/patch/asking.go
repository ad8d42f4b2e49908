package patch

// Asking is what a package asks of others and what it stands for, as the vendor's index has it (deb-control(5), or rpm's primary.xml).
type Asking struct {
	Payload
	Origin   int      // the index that says so, in RevisionMeta.Origins
	Depends  []string // clauses of Pre-Depends and Depends, of each of which one alternative must be there; of rpm what it requires
	Breaks   []string // of Breaks and Conflicts
	Provides string   // the field, normalised; of rpm one capability a line
	Untold   bool     // of rpm: the index does not tell, and nothing follows from the others being empty
}

// Offer is a patch on the newest list with a package of some name, or one that stands for it.
type Offer struct {
	Patch   ID
	Name    string // the package's own
	Version string // that the name is offered in: the package's own, or what it provides; empty where it provides none
	Op      string // of a virtual one of rpm: in which versions around that
	Virtual bool
	Away    bool // of rpm: the patch takes a package of that name away, as it replaces it
}

// Unmet is what a patch's package asks of a machine that neither the machine nor anything approved for it has. It is foretold from the
// vendor's index and stored facts; the machine itself has not said so.
type Unmet struct {
	By      Payload
	Clause  string           // "libfoo (>= 2.1) | libbar": of this nothing is there; of a breaking one everything that is there is too old
	Breaks  bool             // it is a package that must not stay as it is
	Here    InstalledPackage // what is installed instead; zero where nothing of that name is
	Held    bool             // the machine's administrator holds it (apt-mark hold, or dnf's exclude or versionlock)
	RPM     bool             // the machine is kept with rpm
	Patch   ID               // the patch that would satisfy it; empty where none does
	Policy  Policy           // about that patch, for this machine
	Further *Unmet           // what that patch itself lacks, where it is approved
	Absent  bool             // that patch brings nothing here, as the machine has none of its packages
	Origin  Origin           // the index
}
