package notify

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Guard decides where messages may be sent, by the address that a connection is really made to: whatever a name said when the channel was
// set up, and whatever it resolves to the second time.
type Guard struct {
	// Allow are addresses that the operator's configuration file names: a mail relay on the appliance itself, say.
	Allow []netip.Prefix
	// Resolver finds addresses; nil is the system's.
	Resolver *net.Resolver
}

// inside are addresses that lead to the appliance's own machine or its network segment, or to what clouds tell machines about themselves.
func inside() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/127", "fe80::/10", "ff00::/8", "fd00:ec2::/32", "100.100.100.200/32"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// wrapped are IPv6 addresses that carry an IPv4 address: where, in bytes.
func wrapped(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	for prefix, at := range map[string]int{"64:ff9b::/96": 12, "64:ff9b:1::/48": 12, "2002::/16": 2, "::/96": 12, "::ffff:0:0:0/96": 12} {
		if netip.MustParsePrefix(prefix).Contains(a) {
			return netip.AddrFrom4([4]byte(b[at : at+4])), true
		}
	}
	return a, false
}

func (g Guard) allows(a netip.Addr) bool {
	for _, p := range g.Allow {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// check refuses an address; plain says that nothing is encrypted on the way there.
func (g Guard) check(a netip.Addr, plain bool) error {
	a = a.WithZone("").Unmap()
	if g.allows(a) {
		return nil
	}
	if plain {
		return refused(a, "nothing would be encrypted on the way there", "Use https, or name the address under notify_allow in fettle.toml.")
	}
	candidates := []netip.Addr{a}
	if a.Is6() {
		if v4, ok := wrapped(a); ok {
			candidates = append(candidates, v4)
		}
	}
	for _, c := range candidates {
		for _, p := range inside() {
			if p.Contains(c) {
				return refused(a, "it belongs to the appliance's own machine or network segment", "If it is meant, name it under notify_allow in fettle.toml.")
			}
		}
	}
	return nil
}

func refused(a netip.Addr, why, do phrase.Phrase) error {
	return &patch.Error{Kind: patch.Forbidden, What: phrase.Of("the appliance does not connect to {1} for notifications", a.String()), Why: why, Do: do}
}

const dialTime = 10 * time.Second

// dial connects as the guard allows. It is asked about each address right before the connection is made.
func (g Guard) dial(plain bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: dialTime, Resolver: g.Resolver, ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || network != "tcp4" && network != "tcp6" {
			return &patch.Error{Kind: patch.Forbidden, What: phrase.Of("the appliance does not connect to {1} {2}", network, address)}
		}
		return g.check(to.Addr(), plain)
	}}
	return d.DialContext
}
