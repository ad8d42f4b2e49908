package detect

import (
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
	Name string
	// Arch is the package's architecture. "all", "noarch" and the host's own are one and the same, as a package may change between
	// them; anything else is that architecture alone. Empty is the host's own, and with rpm every one that is installed.
	Arch    string
	Version string
	// Module is the rpm module stream that the fix is for ("nodejs:18"); empty: it is for packages of no module; "*": of any stream
	// or none, for sources that do not say; "*:*": of any stream, for sources that say no more than that the packages are a module's.
	Module string
	// From says where the package comes from; nil where no machine's policy could ask.
	From *Provenance
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
	OpOne     Op = 6 // exactly one operand is true
	OpXor     Op = 7 // an odd number of operands is true
	OpApplies Op = 8 // its operand, but false is not applicable: OVAL's applicability_check
)

// Expr is a node of a tree. An And of nothing is true, any other join of nothing is false.
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
	// TestMovable: it is there, older than Operand, and not held. "error" where either version is no version, or its state has no name.
	TestMovable TestKind = 6
	// testInfo: an item test about a package, in the short form of the file.
	testInfo TestKind = 7
)

// Test is one question about one package, or about items. Arch and Module are as in PackageRule. Where several architectures are meant,
// TestVersion and TestState ask about every one that is there, and the others whether there is one.
type Test struct {
	Kind    TestKind
	Name    string
	Arch    string
	Module  string
	Operand string
	Items   *item.Test // TestItems
}

// And is true where all of its operands are.
func And(of ...Expr) Expr { return Expr{Op: OpAnd, Of: of} }

// Or is true where one of its operands is.
func Or(of ...Expr) Expr { return Expr{Op: OpOr, Of: of} }

// Not turns true and false round and leaves other values.
func Not(e Expr) Expr { return Expr{Op: OpNot, Of: []Expr{e}} }

// Is asks one test.
func Is(t Test) Expr { return Expr{Op: OpIs, Test: t} }

// PackageSet spells out what a set of package rules means:
//
//	prerequisite: the versions can be compared (else "error"), one is there, and the older ones are not all held;
//	              unless an older one is not held, every one that is there is in order (else "error");
//	installed:    every one that is there has the rule's version or a newer one.
//
// So a patch is needed if one package is older, whatever else is or is not installed, and also where it was left half-way: the patch can be
// installed over it. Packages that are not installed are none of its business; a package that the administrator holds back is never counted as older.
func PackageSet(rules []PackageRule) (prerequisite, installed Expr) {
	var there, readable, orderly, current, movable []Expr
	for _, r := range rules {
		is := func(k TestKind, operand string) Expr {
			return Is(Test{Kind: k, Name: r.Name, Arch: r.Arch, Module: streamOf(r.Module, r.Version), Operand: operand})
		}
		absent, reached := Not(is(TestInstalled, "")), is(TestVersion, r.Version)
		there = append(there, is(TestInstalled, ""))
		readable = append(readable, Or(absent, reached, Not(reached)))
		orderly = append(orderly, is(TestState, string(patch.Installed)))
		current = append(current, Or(absent, reached))
		movable = append(movable, is(TestMovable, r.Version))
	}
	sound := And(And(readable...), And(orderly...))
	prerequisite = And(And(readable...), Or(there...), Or(Or(movable...), sound), Or(And(current...), Or(movable...), Not(sound)))
	return prerequisite, And(current...)
}
