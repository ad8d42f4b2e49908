package host

import (
	"net"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// readNetwork lists the interfaces that are up, loopback apart, of the running machine. Link-local addresses are left out: they follow
// from the interface and change nothing.
func readNetwork(root string) []patch.Interface {
	out := []patch.Interface{}
	if !live(root) {
		return out
	}
	all, err := net.Interfaces()
	if err != nil {
		return out
	}
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		one := patch.Interface{Name: tidy(i.Name, 40), MAC: i.HardwareAddr.String(), Addresses: []string{}}
		addresses, _ := i.Addrs()
		for _, a := range addresses {
			if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
				one.Addresses = append(one.Addresses, ip.String())
			}
		}
		slices.Sort(one.Addresses)
		out = append(out, one)
	}
	return out
}
