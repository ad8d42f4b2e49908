package probe

// system is what a Linux machine needs to be asked.
type system struct {
	tree  *tree
	root  string
	texts map[string]string // by path
	kept  int
	names map[string]map[string]string // of accounts, by file and number
}

// Open begins to ask the machine whose root directory is root, "/" for the running one. Close it.
func Open(root string) (*Machine, error) {
	t, err := openTree(root)
	if err != nil {
		return nil, err
	}
	return &Machine{system: system{tree: t, root: root}}, nil
}

// Close lets go of what is open.
func (m *Machine) Close() error {
	m.tree.close()
	return nil
}

// begin lets nothing that was seen a moment ago count any more.
func (s *system) begin() { s.tree.lastName = "" }

// class gives what answers for a class of items; nil where nothing does.
func (m *Machine) class(name string) func(*gathering) {
	switch name {
	case "program", "receipt":
		return mac(m.root, name)
	case "family":
		if answers := mac(m.root, name); answers != nil {
			return answers
		}
		return (*gathering).family
	case "file":
		return (*gathering).file
	case "textfilecontent54", "textfilecontent":
		return (*gathering).textfilecontent54
	case "xmlfilecontent":
		return (*gathering).xmlfilecontent
	case "filehash58":
		return (*gathering).filehash58
	case "filehash":
		return (*gathering).filehash
	case "environmentvariable":
		return (*gathering).environmentvariable
	case "environmentvariable58":
		return (*gathering).environmentvariable58
	case "uname":
		return (*gathering).uname
	case "partition":
		return (*gathering).partition
	case "inetlisteningservers":
		return (*gathering).inetlisteningservers
	case "process58", "process":
		return (*gathering).process58
	case "password":
		return (*gathering).password
	case "rpmverifyfile", "rpmverify":
		return (*gathering).rpmverifyfile
	case "runlevel":
		return (*gathering).runlevel
	}
	return nil
}
