package detect

import "github.com/fettle-project/fettle/internal/patch"

// Definition tells how to judge one patch. Either Packages is used (the package-set shape) or Prerequisite and Installed.
type Definition struct {
	ID patch.ID
	// Packages are the binary packages that the patch carries for this host OS.
	Packages []PackageRule
	// Prerequisite and Installed are general expressions, used where Packages is empty.
	Prerequisite, Installed *Expr
	// Unclear says why the vendor's definition could not be understood: the patch is kept and judged "error" with this text.
	Unclear string
}

// PackageRule is one binary package at the version the patch brings.
type PackageRule struct {
	Name    string
	Arch    string // "" and the native architecture and "all" are one; another one is a foreign architecture
	Version string
}

// Expr is a node of an expression tree.
type Expr struct {
	Op   Op
	Of   []Expr // operands of And, Or and Not
	Test Test   // for Is
}

// Op is what a node does.
type Op uint8

// Test is one question about one object of the machine.
type Test struct {
	Kind    TestKind
	Name    string
	Arch    string
	Operand string
}

// TestKind is what a test asks.
type TestKind uint8
