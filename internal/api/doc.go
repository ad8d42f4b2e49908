// Package api is the appliance's HTTP surface: two route tables as data (people, machines), the one table from error kind to
// HTTP status, limits, the wake-up hub of the agents' long poll, and the client that the command line uses.
//
// A handler decodes, calls one stage and encodes. The package decides nothing about patches, holds no SQL and starts no program.
// A row without a permission does not mount; an unknown path, an unknown caller and a machine that is not admitted get an answer
// before any stage is reached.
package api
