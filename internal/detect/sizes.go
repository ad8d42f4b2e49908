package detect

// sizes are what it takes to judge each node of a file that is being opened: how large the tree below it is, written out, and which
// blanks are in it. So a small file can ask for little work only.
type sizes []size

type size struct {
	nodes, depth, names, wants int32
}

// add takes the node that was read last.
func (s *sizes) add(t *trees) {
	n, sum := t.nodes[len(t.nodes)-1], size{nodes: 1}
	refs := t.refs[n.start:n.end]
	switch n.op {
	case OpUnclear:
	case OpIs:
		if int(refs[0]) >= len(t.tests) {
			break // the file is refused
		}
		if row := &t.tests[refs[0]]; row.aboutPackage() {
			sum.names, sum.wants = t.objects[row.object].name+1, row.operand
		}
	default:
		for _, ref := range refs {
			if int(ref) < len(*s) {
				sum.join((*s)[ref])
			}
		}
		sum.depth++
	}
	*s = append(*s, sum)
}

func (s *size) join(o size) {
	s.nodes = min(s.nodes+o.nodes, maxWork+1)
	s.depth, s.names, s.wants = max(s.depth, o.depth), max(s.names, o.names), max(s.wants, o.wants)
}

func (s sizes) of(x *template) size {
	sum := size{nodes: 1}
	sum.join(s[x.roots[0]])
	sum.join(s[x.roots[1]])
	return sum
}

// fits reports whether a template has all blanks that its trees need, and a depth that is possible.
func (s sizes) fits(x *template) bool {
	sum := s.of(x)
	return sum.names <= x.names && sum.wants <= x.wants && sum.depth <= maxDepth+1
}
