// Package updater is about patch services other than Fettle: what people want of them, machine by machine, and whether machines comply.
//
// It owns the rulings (adopt, alert, take over), the one that counts for a machine, the signed word that tells its agent what to keep off, and
// the alarms about what is on against a ruling. It refuses to say how a service is turned off: agents know that by a table of their own.
package updater
