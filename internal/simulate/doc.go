// Package simulate is a fleet that is not there: machines with keys, certificates, facts and snapshots of their own that speak the agent
// protocol to an appliance, with the agent's own code, to find out what the appliance carries.
//
// It owns what the machines look like: their packages are those of the appliance's own catalogs, most machines are near one state, some
// behind and some ahead, and each verdict is what the engine says about the facts that go with it. It refuses to measure on its own
// terms: a snapshot counts when the appliance has acknowledged it.
package simulate
