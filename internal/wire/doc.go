// Package wire is the agent protocol as Go types: paths, messages, the signed envelope and the compact snapshot.
// Agent and appliance share it and nothing else of each other.
//
// Transport is HTTP/1.1 or HTTP/2 over TLS 1.3. Bodies are JSON unless a path says otherwise. The machine's identity is its client
// certificate's key and never a field of a message. There is no message that carries a command: see Order for all that an
// appliance may ask.
package wire
