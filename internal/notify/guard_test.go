package notify

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestGuard(t *testing.T) {
	g := Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32"), netip.MustParsePrefix("10.1.0.0/16")}}
	for text, want := range map[string][2]bool{ // over TLS, in the clear
		"93.184.216.34": {true, false}, "10.2.3.4": {true, false}, "192.168.1.1": {true, false}, "2606:2800:220:1::1": {true, false}, "fd12::1": {true, false},
		"10.1.2.3": {true, true}, "127.0.0.9": {true, true}, "::ffff:127.0.0.9": {true, true},
		"127.0.0.1": {}, "127.255.255.254": {}, "0.0.0.0": {}, "0.1.2.3": {}, "169.254.169.254": {}, "224.0.0.1": {}, "255.255.255.255": {}, "100.100.100.200": {},
		"::1": {}, "::": {}, "fe80::1": {}, "fe80::1%eth0": {}, "ff02::1": {}, "fd00:ec2::254": {},
		"::ffff:127.0.0.1": {}, "::127.0.0.1": {}, "64:ff9b::7f00:1": {}, "64:ff9b::a9fe:a9fe": {}, "2002:7f00:1::": {}, "2002:a9fe:a9fe::1": {}, "::ffff:0:7f00:1": {},
	} {
		a := netip.MustParseAddr(text)
		for i, plain := range []bool{false, true} {
			err := g.check(a, plain)
			if (err == nil) != want[i] {
				t.Errorf("%s, in the clear %v: %v", text, plain, err)
			}
			if err != nil && patch.KindOf(err) != patch.Forbidden {
				t.Errorf("%s: %v is not a refusal", text, err)
			}
		}
	}
}

// Whatever a name resolves to, and however an address is written, nothing inside the appliance's machine is reached.
func TestGuardedDial(t *testing.T) {
	var hits atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	g := Guard{Resolver: rebinding(t)}
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "0", "2130706433", "127.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "[::]", "rebound.example.org"} {
		for _, plain := range []bool{false, true} {
			client := poster(g, nil, plain)
			res, err := client.Get("http://" + host + ":" + port + "/")
			if err == nil {
				res.Body.Close()
				t.Errorf("%s is reached", host)
			}
			client.CloseIdleConnections()
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

// rebinding resolves every name to this machine, as a name server that changed its mind after a check would.
func rebinding(t *testing.T) *net.Resolver {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = c.WriteTo(out, from)
			}
		}
	}()
	t.Cleanup(func() { c.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

// The resolver of the test above must really resolve: refused is what it gives, not the name.
func TestRebindingIsSeenByTheGuard(t *testing.T) {
	g := Guard{Resolver: rebinding(t)}
	_, err := g.dial(false)(t.Context(), "tcp", "rebound.example.org:443")
	if err == nil || !strings.Contains(err.Error(), "does not connect to 127.0.0.1") {
		t.Errorf("dialling says %v", err)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("a\x1b[31mb\r\nc\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := plain(s)
		if strings.ContainsAny(got, "\r\n\t\x1b\x00") || len(got) > maxText+len("…") || !strings.HasPrefix(got+"…", got) {
			t.Errorf("%q became %q", s, got)
		}
	})
}
