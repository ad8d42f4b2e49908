// Package sdp owns reading Software Distribution Packages, the format in which vendors publish updates for WSUS and for System Center's
// update publisher: single packages (.sdp), catalogs (XML) and cabinets of either.
//
// Read gives every package with its rules as trees over tests of package item; a Set knows how packages refer to each other
// (prerequisites, detectoids, bundles, supersedence) and makes detect.Entry values of them. The package judges nothing.
//
// The schemas are Microsoft's CorporatePublishing ones of 2005/04: SoftwareDistributionPackage.xsd, Base-, Logical- and
// MsiApplicabilityRules.xsd, WindowsDriver.xsd and patch_applicability.xsd. Every element of them that is a rule is understood.
// A rule that is not (an element of another schema, a query that goes beyond the known part of WQL) makes its package one that is judged
// "error", with the reason; the others are judged. What is not XML, or larger than the limits, is refused as a whole.
package sdp
