// Package item owns what can be asked about a machine beyond its package set, and how answers are judged: objects, states,
// variables and tests over items, in the semantics of OVAL 5.11 (https://oval.mitre.org/language/version5.11/).
//
// An item is one thing that a machine has: a file, a line of a file, a registry value, a process. A definition names an object (which
// items), states (what they must be like) and a check (how many must be so). A Source answers objects: a live machine, a directory,
// stored facts or a system-characteristics file. The package is pure: it opens no file and knows no feed and no verdict.
//
// A Builder gathers tests into bytes; Decode makes a Model of them; a Judge gives each test's Value over a Source, and the Evidence:
// the smallest set of clauses that decided it. Judge.Collect asks everything that a model names, for facts, and Stored answers from them.
//
// The tables of the language (operators, checks, existences, flags of sets and of variables) are law. Where its texts leave room
// OpenSCAP 1.3.7 is followed, and random documents are compared with it. Where OpenSCAP contradicts the tables and texts they win:
//
//   - "at least one" of false and unknown values is unknown, and of false and unevaluated ones not evaluated (OpenSCAP: error)
//   - items that were not collected make an existence unknown (it ignores them); one that does not exist makes "all exist" false, and
//     one that exists makes "none exist" false, errors beside it or not (it says true, and error)
//   - check_existence of an entity counts the fields of its name (it counts all fields of the item)
//   - a field that could not be read is an error, whatever text it holds (it compares the text)
//   - what is no value of its datatype is an error (it reads what it can of booleans, versions and binaries)
//   - no epoch equals epoch 0; bits outside an address's prefix do not count; a wanted value has its entity's or variable's declared
//     datatype, not that of the function that made it
//   - an object whose variable could not be computed has the variable's flag (it does not exist, so "none exist" were true of it), and
//     arithmetic has the flags of its operands (it forgets them)
//   - differences of times are signed, and dates are in their own century
package item
