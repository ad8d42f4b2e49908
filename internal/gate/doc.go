// Package gate holds the one predicate of Fettle: a pure function that says, for one machine and one patch at one moment, which
// gates stand between the patch and the machine, which of them are closed, and why.
//
// It owns the order of the gates, their stable names and codes, their sentences, and the resolution of decisions into a policy.
// Plan, deploy, preview, status and explain all ask it; there is no second opinion. It refuses storage, clocks and contexts: all that it
// judges is in the World that it is given.
package gate
