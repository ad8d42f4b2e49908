package catalog

import (
	"slices"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// settle makes supersession a forest of statements that can be followed: to listed patches, not to itself, in no circle. It counts
// what it takes out, and tells which patches that are on no list are said to be superseded.
func settle(all []made) (faults patch.CatalogFaults, replaced map[patch.ID]bool) {
	index := make(map[patch.ID]int, len(all))
	for i := range all {
		index[all[i].patch.ID] = i
	}
	replaced = map[patch.ID]bool{}
	edges := make([][]int, len(all))
	for i := range all {
		p := &all[i].patch
		if unclear(&all[i].rule) {
			faults.Unclear++
		}
		kept := p.Supersedes[:0:0]
		slices.Sort(p.Supersedes)
		for _, id := range slices.Compact(p.Supersedes) {
			j, listed := index[id]
			switch {
			case id == p.ID:
				faults.Selves++
			case !listed:
				faults.Dangling++
				replaced[id] = true
			default:
				kept = append(kept, id)
				edges[i] = append(edges[i], j)
			}
		}
		p.Supersedes = kept
	}
	circle := circles(edges)
	for i := range all {
		p := &all[i].patch
		if circle[i] != 0 {
			faults.Cyclic++
		}
		p.Supersedes = slices.DeleteFunc(p.Supersedes, func(id patch.ID) bool { return circle[i] != 0 && circle[index[id]] == circle[i] })
	}
	return faults, replaced
}

// circles numbers the sets of nodes that reach each other, from 1; 0 is a node in no circle. Tarjan's algorithm, without recursion:
// chains are as long as a feed likes.
func circles(edges [][]int) []int {
	const unseen = -1
	n := len(edges)
	order, low, circle, onStack := make([]int, n), make([]int, n), make([]int, n), make([]bool, n)
	for i := range order {
		order[i] = unseen
	}
	type frame struct{ node, next int }
	var stack []int
	var path []frame
	seen, found := 0, 0
	enter := func(v int) {
		order[v], low[v], onStack[v] = seen, seen, true
		seen++
		stack, path = append(stack, v), append(path, frame{node: v})
	}
	for root := range edges {
		if order[root] != unseen {
			continue
		}
		enter(root)
		for len(path) > 0 {
			top := &path[len(path)-1]
			v := top.node
			if top.next < len(edges[v]) {
				w := edges[v][top.next]
				top.next++
				if order[w] == unseen {
					enter(w)
				} else if onStack[w] {
					low[v] = min(low[v], order[w])
				}
				continue
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				low[path[len(path)-1].node] = min(low[path[len(path)-1].node], low[v])
			}
			if low[v] != order[v] {
				continue
			}
			alone := stack[len(stack)-1] == v
			if !alone {
				found++
			}
			for w := unseen; w != v; {
				w, stack = stack[len(stack)-1], stack[:len(stack)-1]
				onStack[w] = false
				if !alone {
					circle[w] = found
				}
			}
		}
	}
	return circle
}

// unclear tells a definition of which some part cannot be understood.
func unclear(d *detect.Definition) bool {
	return d.Unclear != "" || muddy(d.Prerequisite) || muddy(d.Installed)
}

func muddy(e *detect.Expr) bool {
	if e == nil {
		return false
	}
	if e.Op == detect.OpUnclear || e.Op == detect.OpIs && e.Test.Items != nil && e.Test.Items.Unclear != "" {
		return true
	}
	for i := range e.Of {
		if muddy(&e.Of[i]) {
			return true
		}
	}
	return false
}
