// Package agent is the machine's side of Fettle: enrolment and identity, check-in and long poll, the cache of signed catalog files,
// detect and its snapshot, the journal, and the execution of signed orders.
//
// It decides nothing about policy: it does what an order signed by the approver names, exactly and at most once, after it has
// verified the signature, the vendor's own chain and the machine's own local policy. There is no verb that runs a command; what
// may be executed at all is the fixed table in agent/host. It imports no stage of the server.
package agent
