package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

// Dial makes a connection; see net.Dialer.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Guest is a connection to an appliance over which machines enrol. It may be used from many goroutines; its owner calls Close.
type Guest struct {
	token   Token
	conn    *client
	version string
	dial    Dial
}

// NewGuest makes a guest with an enrolment token, as Enrol takes it. version is what its machines say that they run; a nil dial is a plain one.
func NewGuest(server, token, version string, dial Dial) (*Guest, error) {
	t, err := ParseToken(token)
	if err != nil {
		return nil, err
	}
	c, err := newGuest(server, t, Config{Now: time.Now})
	if err != nil {
		return nil, err
	}
	g := &Guest{token: t, conn: c, version: version, dial: dial}
	g.count(c)
	return g, nil
}

func (g *Guest) count(c *client) {
	if g.dial != nil {
		c.over.(*http.Transport).DialContext = g.dial
	}
}

// Close ends the connection.
func (g *Guest) Close() { g.conn.close() }

// Enrol makes a machine with a key of its own out of nothing but a name. Nothing of it is kept on a disk.
func (g *Guest) Enrol(ctx context.Context, hostname string) (*Remote, error) {
	id := &identity{}
	var err error
	if id.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot make a key: %w", err)
	}
	state, err := enrolWith(ctx, g.conn, g.token, hostname, g.version, id)
	if err != nil {
		return nil, err
	}
	if state != patch.Admitted {
		return nil, &patch.Error{Kind: patch.Forbidden, What: phrase.Of("the machine {1} is {2}", hostname, string(state)), Do: "Use a token that admits machines by itself."}
	}
	cfg, err := id.tlsConfig(time.Now, func() time.Time { return time.Time{} })
	if err != nil {
		return nil, err
	}
	c, err := newClient(id.Server, cfg)
	if err != nil {
		return nil, err
	}
	g.count(c)
	return &Remote{id: id, conn: c}, nil
}

// Remote is an agent's side of the protocol without a machine behind it: a load test speaks as agents do because it is their code.
// Its owner calls it from one goroutine at a time, and Close.
type Remote struct {
	id   *identity
	conn *client
}

// ID is the machine that it is.
func (r *Remote) ID() patch.MachineID { return r.id.Machine }

// Close ends the connection; the next call makes a new one, resuming the TLS session.
func (r *Remote) Close() { r.conn.close() }

// Checkin says where the machine is.
func (r *Remote) Checkin(ctx context.Context, in wire.Checkin) (reply wire.CheckinReply, err error) {
	_, err = r.conn.call(ctx, wire.PathCheckin, "", in, &reply)
	return reply, err
}

// Put uploads a document under wire.PathFacts or wire.PathInventory; body is its packed JSON: see Pack.
func (r *Remote) Put(ctx context.Context, path string, h patch.Hash, body []byte) error {
	_, err := r.conn.call(ctx, path, string(h), body, nil)
	return err
}

// Tell sends a snapshot: as what changed since base where the appliance takes that, else whole.
func (r *Remote) Tell(ctx context.Context, base, snap patch.Snapshot) (wire.SnapshotReply, error) {
	return r.conn.tell(ctx, base, snap, func() ([]byte, error) { return wire.EncodeSnapshot(snap) })
}

// Order fetches the order that waits for the machine and verifies it; ok is false where there is none.
func (r *Remote) Order(ctx context.Context) (o wire.Order, ok bool, err error) {
	var e wire.Envelope
	empty, err := r.conn.call(ctx, wire.PathOrder, "", nil, &e)
	if err != nil || empty {
		return o, false, err
	}
	if err := e.Open(ed25519.PublicKey(r.id.ApproverKey), wire.TypeOrder, &o); err != nil {
		return o, false, err
	}
	return o, true, checkOrder(o, r.id.Machine)
}

// Report tells what became of an order's items, and gives the number of the newest result that the appliance has.
func (r *Remote) Report(ctx context.Context, results []wire.Result) (ack uint64, err error) {
	var reply wire.ResultsReply
	_, err = r.conn.call(ctx, wire.PathResults, "", wire.Results{Results: results}, &reply)
	return reply.Ack, err
}

// Ask makes a request that the appliance answers with NotFound after it has seen whose it is, and without looking anything up.
func (r *Remote) Ask(ctx context.Context) error {
	_, err := r.conn.call(ctx, wire.PathBlob, "nothing", nil, nil)
	if patch.KindOf(err) == patch.NotFound {
		return nil
	}
	return err
}

// Catalog fetches and verifies the newest list and signatures of a host OS into dir.
func (r *Remote) Catalog(ctx context.Context, os patch.HostOS, dir string) (meta patch.RevisionMeta, list, signatures []byte, err error) {
	if meta, err = r.conn.revision(ctx, os, r.id, patch.RevisionMeta{}); err != nil {
		return meta, nil, nil, err
	}
	if list, err = r.file(ctx, meta.List, dir); err == nil {
		signatures, err = r.file(ctx, meta.Signatures, dir)
	}
	return meta, list, signatures, err
}

func (r *Remote) file(ctx context.Context, h patch.Hash, dir string) ([]byte, error) {
	path, err := r.conn.fetch(ctx, blob{Hash: h, Limit: maxCatalogFile, Dir: dir})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Pack gives a document's canonical JSON as it travels, and its hash.
func Pack(v any) (patch.Hash, []byte, error) {
	h, b, err := wire.HashJSON(v)
	if err != nil {
		return "", nil, err
	}
	body, err := pack(b)
	return h, body, err
}
