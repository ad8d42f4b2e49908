package auth

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// recognised remembers certificates that were proved to be machines' of one CA, by their hash: the proof takes longer than many a request.
// What a certificate is never changes; its dates, and whether the machine is admitted, are judged each time, elsewhere.
type recognised struct {
	mu       sync.RWMutex
	new, old map[[sha256.Size]byte]patch.MachineID
}

// maxRecognised is after how many certificates those that were not seen since as many others are forgotten.
const maxRecognised = 128 << 10

func (r *recognised) find(h [sha256.Size]byte) (patch.MachineID, bool) {
	r.mu.RLock()
	id, ok := r.new[h]
	if ok {
		r.mu.RUnlock()
		return id, true
	}
	id, ok = r.old[h]
	r.mu.RUnlock()
	if ok {
		r.put(h, id)
	}
	return id, ok
}

func (r *recognised) put(h [sha256.Size]byte, id patch.MachineID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.new == nil || len(r.new) >= maxRecognised {
		r.old, r.new = r.new, map[[sha256.Size]byte]patch.MachineID{}
	}
	r.new[h] = id
}

// MachineOf is MachineOf for certificates of this CA; one that was proved before is recognised by all its bytes.
func (ca *CA) MachineOf(cert *x509.Certificate) (patch.MachineID, error) {
	h := sha256.Sum256(cert.Raw)
	if id, ok := ca.known.find(h); ok {
		return id, nil
	}
	id, err := MachineOf(cert, ca.Certificate)
	if err == nil {
		ca.known.put(h, id)
	}
	return id, err
}
