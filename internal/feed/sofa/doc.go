// Package sofa owns reading SOFA's feed of macOS releases (version 2): product versions, builds, vulnerabilities, which of these are
// exploited, and which models a release supports.
//
// Every release becomes a patch of its macOS; the newest release of a newer macOS is an upgrade that the older ones' lists offer to the models
// that can have it. The feed is not Apple's own; it carries no signature.
package sofa
