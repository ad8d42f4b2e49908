package web

import (
	"html/template"
	"slices"
	tree "text/template/parse"

	"github.com/fettle-project/fettle/internal/phrase"
)

// say gives a phrase in the language, and anything else as it is.
func (w words) say(v any) any {
	if p, ok := v.(phrase.Phrase); ok {
		return w.lang.Say(p)
	}
	return v
}

// saying has every value that a template writes said in the template's language, so that no template needs to ask for it. Functions give
// what they give in that language already.
func saying(t *template.Template) {
	for _, one := range t.Templates() {
		if one.Tree != nil && one.Tree.Root != nil {
			sayNodes(one.Tree, one.Tree.Root.Nodes)
		}
	}
}

func sayNodes(t *tree.Tree, nodes []tree.Node) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *tree.ActionNode:
			sayPipe(t, n.Pipe)
		case *tree.IfNode:
			sayLists(t, n.List, n.ElseList)
		case *tree.WithNode:
			sayLists(t, n.List, n.ElseList)
		case *tree.RangeNode:
			sayLists(t, n.List, n.ElseList)
		case *tree.ListNode:
			sayNodes(t, n.Nodes)
		}
	}
}

func sayLists(t *tree.Tree, lists ...*tree.ListNode) {
	for _, l := range lists {
		if l != nil {
			sayNodes(t, l.Nodes)
		}
	}
}

// passes are the functions that give what they are given, which may be a phrase.
var passes = []string{"index", "or", "and"}

func sayPipe(t *tree.Tree, p *tree.PipeNode) {
	if len(p.Decl) > 0 || len(p.Cmds) != 1 {
		return
	}
	if f, ok := p.Cmds[0].Args[0].(*tree.IdentifierNode); ok && !slices.Contains(passes, f.Ident) {
		return
	}
	say := tree.NewIdentifier("say").SetTree(t).SetPos(p.Pos)
	p.Cmds = append(p.Cmds, &tree.CommandNode{NodeType: tree.NodeCommand, Pos: p.Pos, Args: []tree.Node{say}})
}
