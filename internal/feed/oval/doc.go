// Package oval owns reading OVAL 5.11 (https://oval.mitre.org/language/version5.11/): definitions, system characteristics and
// variables, as vendors really publish them.
//
// Read gives a Document: every definition in the document's order, its criteria as a tree over tests of package item. Expressions and
// Entries translate them for package detect. The package judges nothing and looks at no machine.
//
// Real documents break the schema: they lack versions, namespaces and referenced elements, and carry elements that nobody defined.
// What can be understood is read. A definition that uses something that cannot be is kept, with the reason, and spoils no other.
// Only what is no XML at all, has a document type declaration, or is beyond the limits of size is refused as a whole.
package oval
