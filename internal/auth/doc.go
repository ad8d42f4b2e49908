// Package auth owns who somebody is and what they may do: passwords, sign-ins and back-off, the table of permissions, machines'
// identities, enrolment tokens, the two certificate authorities and the appliance's signing keys.
//
// People and machines never share a way in: the agent listener knows only certificates of the agent CA, the console listener
// only sign-ins, and each shows a certificate of its own CA. A machine's identity is the hash of its public key.
//
// It refuses to store anything but key files: users and sessions go through the small interface that Door declares. Which route
// needs which permission is the route tables' business; whether a machine is pending or revoked is looked up by their middleware.
package auth
