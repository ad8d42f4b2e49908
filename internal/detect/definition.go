package detect

import (
	"strings"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// Definition tells how to judge one patch. Exactly one of three shapes is used: Unclear where it is not empty, else Packages
// where there are any, else the trees.
type Definition struct {
	ID patch.ID
	// Packages are the binary packages that the patch carries for this host OS, in any order. See PackageSet for what they mean.
	Packages []PackageRule
	// Prerequisite and Installed are general trees. No prerequisite is one that always holds; no installed tree is "error".
	Prerequisite, Installed *Expr
	// Unclear says why the vendor's definition could not be understood: the patch is kept and judged "error" with this text.
	Unclear string
}

// PackageRule is one binary package at the version the patch brings.
type PackageRule struct {
	Name    string
	Arch    string // empty, "all" and the host's own architecture are one and the same; anything else is a foreign architecture
	Version string
	// Module is the rpm module stream that the fix is for ("nodejs:18"); empty: it is for packages of no module.
	Module string
}

// Op is what a node of a tree does.
type Op uint8

// Operators. The numbers are part of the file format.
const (
	OpAnd     Op = 1
	OpOr      Op = 2
	OpNot     Op = 3
	OpIs      Op = 4 // the node's Test
	OpUnclear Op = 5 // always "error", with Expr.Text as the reason
)

// Expr is a node of a tree. An And of nothing is true, an Or of nothing is false.
type Expr struct {
	Op   Op
	Of   []Expr
	Test Test
	Text string
}

// TestKind is what a test asks.
type TestKind uint8

// Kinds of tests. The numbers are part of the file format.
const (
	// TestInstalled: the package is there, configured or not. Removed with configuration files left is not there.
	TestInstalled TestKind = 1
	// TestVersion: it is there, at Operand or newer. "error" where either version is no version.
	TestVersion TestKind = 2
	// TestHeld: it is there and the administrator holds it.
	TestHeld TestKind = 3
	// TestState: it is not there, or it is there in the state Operand ("installed"). "error" where it is broken.
	TestState TestKind = 4
	// TestItems: Test.Items decides.
	TestItems TestKind = 5
)

// Test is one question about one package, or about items. Arch is as in PackageRule.
type Test struct {
	Kind    TestKind
	Name    string
	Arch    string
	Operand string
	Items   *item.Test // TestItems
}

// And is true where all of its operands are.
func And(of ...Expr) Expr { return Expr{Op: OpAnd, Of: of} }

// Or is true where one of its operands is.
func Or(of ...Expr) Expr { return Expr{Op: OpOr, Of: of} }

// Not turns true and false round and leaves error and unknown.
func Not(e Expr) Expr { return Expr{Op: OpNot, Of: []Expr{e}} }

// Is asks one test.
func Is(t Test) Expr { return Expr{Op: OpIs, Test: t} }

// PackageSet spells out what a set of package rules means:
//
//	prerequisite: every one that is there is in order (else "error"), one is there, and the older ones are not all held;
//	installed:    every one that is there has the rule's version or a newer one.
//
// So a patch is needed if one package is older, whatever else is or is not installed; packages that are not installed are none of
// its business; a package that the administrator holds back is never counted as older.
func PackageSet(rules []PackageRule) (prerequisite, installed Expr) {
	var there, orderly, current, movable []Expr
	for _, r := range rules {
		is := func(k TestKind, operand string) Expr {
			return Is(Test{Kind: k, Name: r.Name, Arch: r.Arch, Operand: operand})
		}
		absent, reached := Not(is(TestInstalled, "")), is(TestVersion, r.Version)
		there = append(there, is(TestInstalled, ""))
		orderly = append(orderly, is(TestState, string(patch.Installed)), Or(absent, reached, Not(reached)))
		current = append(current, Or(absent, reached))
		movable = append(movable, And(is(TestInstalled, ""), Not(reached), Not(is(TestHeld, ""))))
	}
	prerequisite = And(And(orderly...), Or(there...), Or(And(current...), Or(movable...), Not(And(orderly...))))
	return prerequisite, And(current...)
}

// foreign reports whether a rule's architecture is another one than the host's own.
func foreign(os patch.HostOS, arch string) bool {
	native := string(os[strings.LastIndexByte(string(os), '-')+1:])
	return arch != "" && arch != "all" && arch != native
}
