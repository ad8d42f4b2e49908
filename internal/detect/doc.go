// Package detect is the detection engine: it judges every definition of a host OS over one machine's facts, and says why.
//
// It is pure: facts and signatures in, verdicts out. It opens no file, knows no clock and never looks at approvals.
package detect
