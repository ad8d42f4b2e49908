// Package store owns all SQL of the appliance: tables, migrations, transactions, and what must be true of rows.
// One hand-written text runs on SQLite (embedded, the default) and on PostgreSQL (several appliances behind a load balancer);
// the few places where the engines differ carry a comment.
//
// What it promises:
//   - A call that returned nil is durable: it survives kill -9 and power loss. SQLite runs with WAL and synchronous=FULL,
//     PostgreSQL with synchronous_commit=on.
//   - Each call is one transaction: all of it happened or none.
//   - Whatever a person causes takes a patch.Caller and writes its audit entry in the same transaction. Entries form one hash
//     chain; a second writer waits for the chain's head, so that it never forks.
//   - Methods for machines take the machine's ID, and every statement of theirs names it: a machine reaches its own rows only.
//   - Nothing disappears: patches keep their ordinals, snapshots of a former host OS stay, transitions are kept for ever.
//   - machine × patch is never a table: a machine's verdicts are one packed vector for each host OS.
//
// A failed fsync must not be tried again: the kernel may have dropped the very pages that it could not write, and the next
// fsync would then succeed over a hole. So the first I/O error of a SQLite commit closes Failed, every later write is refused,
// and the program must exit; it reads what is really on the disk when it starts again. PostgreSQL does the same by itself.
//
// It refuses to judge: gates, labels, plans and eligibility belong to the stages. Text from machines and feeds is stored as it
// came, except that bytes which are no UTF-8, and NUL, become U+FFFD, because PostgreSQL would refuse the whole row.
package store
