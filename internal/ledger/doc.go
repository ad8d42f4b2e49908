// Package ledger keeps and reads the account of every machine and every patch: accepted snapshots, what changed between them and by whom,
// and, for every machine and every patch of its OS, one row with its verdict, policy, execution and effect.
//
// It owns the acceptance of snapshots, the attribution of changes, the effects of attempts, explanations and the fleet's status. It refuses
// partial, older and foreign snapshots, and it never drops a row: what left the list closes with a note and stays findable.
package ledger
