package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// claimAddress gives a loopback address that nobody listens on, and a claim that keeps other appliances of the lab off it until it is
// closed or this process ends, whether or not anything listens meanwhile. The wanted port comes first, then others outside the
// kernel's own choices, so that no outgoing connection takes the port of an appliance that is being restarted.
func claimAddress(wanted int) (string, net.Listener, error) {
	const lowest, span = 20000, 10000
	first := rand.IntN(span)
	for i := range span + 1 {
		port := wanted
		if i > 0 {
			port = lowest + (first+i)%span
		}
		address := fmt.Sprintf("127.0.0.1:%d", port)
		claim, err := net.Listen("unix", "@fettle-lab-"+address) // an abstract name: it ends with its process and belongs to one network namespace, as ports do
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp4", address)
		if err == nil {
			return address, claim, l.Close()
		}
		_ = claim.Close()
	}
	return "", nil, errors.New("no free port on the loopback")
}
