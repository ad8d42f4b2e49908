package probe

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// socket is one line of /proc/net/tcp, udp, tcp6 or udp6.
type socket struct {
	protocol       string
	local, foreign netip.AddrPort
	user, inode    string
}

// inetlisteningservers answers for sockets that others can send to: listening ones of TCP, and those of UDP that are bound to nobody.
// OpenSCAP gives connections too, which are no servers.
func (g *gathering) inetlisteningservers() {
	if !g.running() {
		return
	}
	var owners map[string]string
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, err := g.m.tree.read("/proc/net/"+table, maxTable)
		if err != nil && !gone(err) {
			g.miss("cannot read /proc/net/" + table + ": " + err.Error())
		}
		for l := range strings.Lines(string(b)) {
			s, ok := parseSocket(strings.TrimSuffix(table, "6"), l)
			if !ok || !g.is(g.entity("protocol"), s.protocol) || !g.is(g.entity("local_address"), s.local.Addr().String()) ||
				!g.is(g.entity("local_port"), strconv.Itoa(int(s.local.Port()))) {
				continue
			}
			if owners == nil && (g.r.Wants("pid") || g.r.Wants("program_name")) {
				owners = g.m.socketOwners()
			}
			g.add(g.socketFields(&s, owners[s.inode])...)
		}
	}
}

func (g *gathering) socketFields(s *socket, pid string) []patch.Field {
	port := func(n uint16) string { return strconv.Itoa(int(n)) }
	f := []patch.Field{text("protocol", s.protocol), text("local_address", s.local.Addr().String()), typed("local_port", "int", port(s.local.Port()))}
	more := []patch.Field{text("local_full_address", full(s.local))}
	if p, ok := g.m.readProcess(pid); ok && pid != "" {
		more = append(more, text("program_name", p.name))
	}
	more = append(more, text("foreign_address", s.foreign.Addr().String()), typed("foreign_port", "int", port(s.foreign.Port())),
		text("foreign_full_address", full(s.foreign)))
	if pid != "" {
		more = append(more, typed("pid", "int", pid))
	}
	return append(f, g.wanted(append(more, typed("user_id", "int", s.user))...)...)
}

func full(a netip.AddrPort) string { return a.Addr().String() + ":" + strconv.Itoa(int(a.Port())) }

// parseSocket reads a line; ok is false for a headline and for sockets of connections.
func parseSocket(protocol, l string) (s socket, ok bool) {
	w := strings.Fields(l)
	if len(w) < 10 || protocol == "tcp" && w[3] != "0A" || protocol == "udp" && w[3] != "07" {
		return s, false
	}
	local, ok := parseAddress(w[1])
	foreign, also := parseAddress(w[2])
	return socket{protocol: protocol, local: local, foreign: foreign, user: w[7], inode: w[9]}, ok && also && isNumber(w[7])
}

// parseAddress reads "0100007F:0016": words in the machine's byte order, and a port.
func parseAddress(s string) (a netip.AddrPort, ok bool) {
	host, port, found := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	n, failed := strconv.ParseUint(port, 16, 16)
	if !found || err != nil || failed != nil || len(b) != 4 && len(b) != 16 {
		return a, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	addr, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr, uint16(n)), ok
}

// socketOwners says which process has a socket, by the socket's inode.
func (m *Machine) socketOwners() map[string]string {
	owners := map[string]string{}
	for _, pid := range m.processes() {
		list, err := m.tree.list("/proc/" + pid + "/fd")
		if err != nil {
			continue
		}
		for _, e := range list {
			if to, err := os.Readlink("/proc/" + pid + "/fd/" + e.name); err == nil && strings.HasPrefix(to, "socket:[") {
				owners[strings.Trim(to, "socket:[]")] = pid
			}
		}
	}
	return owners
}
