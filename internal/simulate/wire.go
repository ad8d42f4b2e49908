package simulate

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// meter counts bytes on the wire, as the kernel takes and gives them, and what the machines did.
type meter struct {
	sent, got atomic.Int64
	// What was made of orders.
	orders, installed, failed, silent atomic.Int64
}

type metered struct {
	net.Conn
	m *meter
}

func (m *meter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 15 * time.Second}
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &metered{c, m}, nil
}

func (c *metered) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.m.sent.Add(int64(n))
	return n, err
}

func (c *metered) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.m.got.Add(int64(n))
	return n, err
}
