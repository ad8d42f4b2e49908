package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/installer"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// Permissions of the agent table. A machine has no role: what it may do follows from the state of its own row.
const (
	anybody     auth.Permission = "agent:anybody"  // no certificate needed: enrolment
	knownAgent  auth.Permission = "agent:known"    // enrolled, in any state
	activeAgent auth.Permission = "agent:admitted" // enrolled and admitted by a person
)

// AgentOptions bound what agents may ask for. The zero value is replaced by good defaults.
type AgentOptions struct {
	Concurrent int           // requests worked on at once; 64
	Checkin    time.Duration // how long machines stay away between check-ins; 15 min
	PollFor    time.Duration // how long a poll waits; 50 s
	// PayloadRate is how many bytes of payloads a second go out to all machines together; 0: as many as can.
	PayloadRate int64
	EnrolBurst  int // enrolment attempts of one address before it must wait; 30
}

func (o AgentOptions) withDefaults() AgentOptions {
	if o.Concurrent == 0 {
		o.Concurrent = 64
	}
	if o.Checkin == 0 {
		o.Checkin = 15 * time.Minute
	}
	if o.PollFor == 0 {
		o.PollFor = 50 * time.Second
	}
	if o.EnrolBurst == 0 {
		o.EnrolBurst = 30
	}
	return o
}

// agents is the agent listener.
type agents struct {
	surface
	*Appliance
	options  AgentOptions
	gate     *turnstile
	requests *buckets // by machine
	uploads  *buckets // by machine, in bytes
	enrols   *buckets // by address
	blobs    *blobIndex
	paces    paces // of payloads
}

// Agents makes the agent listener's handler: the table in agentRoutes, identity from the client certificate only.
func Agents(a *Appliance, o AgentOptions) http.Handler {
	o = o.withDefaults()
	s := &agents{
		surface: a.surface(), Appliance: a, options: o,
		gate:     &turnstile{size: o.Concurrent},
		requests: newBuckets(240, 4, 250_000, a.Now),
		uploads:  newBuckets(64<<20, 16<<10, 250_000, a.Now),
		enrols:   newBuckets(float64(o.EnrolBurst), 0.5, 10_000, a.Now),
		blobs:    &blobIndex{},
	}
	return s.guard(s.mount(s.routes()))
}

func (s *agents) routes() []Route {
	return []Route{
		{Pattern: wire.PathEnrol, Permission: anybody, Audit: "machine.enrol", Limit: 64 << 10, Class: classCheckin, Handle: s.enrol},
		{Pattern: wire.PathRenew, Permission: activeAgent, Audit: "machine.renew", Limit: 64 << 10, Class: classCheckin, Handle: s.renew},
		{Pattern: wire.PathCheckin, Permission: knownAgent, Audit: "machine.checkin", Limit: 64 << 10, Class: classCheckin, Handle: s.checkin},
		{Pattern: wire.PathPoll, Permission: activeAgent, Class: classPoll, Handle: s.poll},
		{Pattern: wire.PathBlob, Permission: activeAgent, Class: classPayload, Handle: s.blob},
		{Pattern: wire.PathDelta, Permission: activeAgent, Class: classPayload, Handle: s.delta},
		{Pattern: wire.PathRevision, Permission: activeAgent, Class: classCheckin, Handle: s.revision},
		{Pattern: wire.PathInventory, Permission: activeAgent, Audit: "machine.inventory", Limit: uploadLimit, Class: classInventory, Handle: s.inventory},
		{Pattern: wire.PathFacts, Permission: activeAgent, Audit: "machine.facts", Limit: uploadLimit, Class: classInventory, Handle: s.facts},
		{Pattern: wire.PathSnapshot, Permission: activeAgent, Audit: "machine.snapshot", Limit: wire.MaxSnapshot, Class: classResults, Handle: s.snapshot},
		{Pattern: wire.PathFailed, Permission: activeAgent, Audit: "machine.detect-failed", Limit: 64 << 10, Class: classResults, Handle: s.detectFailed},
		{Pattern: wire.PathUpdaters, Permission: activeAgent, Class: classCheckin, Handle: s.updaters},
		{Pattern: wire.PathOrder, Permission: activeAgent, Class: classCheckin, Handle: s.order},
		{Pattern: wire.PathStanding, Permission: activeAgent, Audit: "machine.standing", Limit: 64 << 10, Class: classResults, Handle: s.standing},
		{Pattern: wire.PathShell, Permission: anybody, Class: classPayload, Handle: s.script(installer.Shell)},
		{Pattern: wire.PathPowerShell, Permission: anybody, Class: classPayload, Handle: s.script(installer.PowerShell)},
		{Pattern: wire.PathAgent, Permission: anybody, Class: classPayload, Handle: s.agentProgram},
		{Pattern: wire.PathPackage, Permission: anybody, Class: classPayload, Handle: s.agentProgram},
		{Pattern: wire.PathReboot, Permission: activeAgent, Audit: "machine.reboot", Limit: 64 << 10, Class: classResults, Handle: s.reboot},
		{Pattern: wire.PathResults, Permission: activeAgent, Audit: "machine.results", Limit: 8 << 20, Class: classResults, Handle: s.results},
	}
}

func (s *agents) mount(rows []Route) http.Handler {
	mux := http.NewServeMux()
	for _, row := range rows {
		if row.Permission != "" {
			mux.Handle(row.Pattern, s.serve(row))
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.answerFault(w, r, notAdmitted()) })
	return mux
}

// notAdmitted is the one constant answer to every caller that is not an admitted machine, on every path, known or not.
func notAdmitted() error {
	return &patch.Error{Kind: patch.Forbidden, What: "this machine is not admitted", Do: "An administrator admits machines with `fettle machines admit` or in the console."}
}

// serve lets a request in: identity, then rate, then room, then the handler with a capped body.
func (s *agents) serve(row Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{Request: r, w: w}
		if err := s.admit(row, c); err != nil {
			s.answerFault(w, r, err)
			return
		}
		leave, err := s.gate.enter(row.Class)
		if err != nil {
			s.answerFault(w, r, err)
			return
		}
		defer leave()
		limit := row.Limit
		if limit == 0 {
			limit = bodyLimit
		}
		c.Body = http.MaxBytesReader(w, r.Body, limit)
		if row.Class != classPayload && r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute)) // a body that trickles in ends here
		}
		s.run(row, c)
	})
}

func (s *agents) admit(row Route, c *call) error {
	if row.Permission == anybody {
		return s.enrols.take(addressOf(c.Request), 1)
	}
	m, expired, err := s.identify(c.Request)
	if err != nil {
		return err
	}
	if expired && row.Pattern != wire.PathRenew {
		return &patch.Error{Kind: patch.Unauthenticated, What: "this machine's certificate is not of this time", Do: "The agent renews it with the same key."}
	}
	if row.Permission != knownAgent && m.State != patch.Admitted {
		return notAdmitted()
	}
	if err := s.requests.take(string(m.ID), 1); err != nil {
		return err
	}
	if n := c.ContentLength + int64(len(c.URL.RawQuery)); n > 0 {
		if err := s.uploads.take(string(m.ID), float64(n)); err != nil {
			return err
		}
	}
	c.machine = m
	c.caller = patch.Caller{Name: "machine:" + string(m.ID), From: addressOf(c.Request), Via: "agent"}
	return nil
}

// renewGrace is how long after its certificate ended a machine may still renew it: laptops lie in drawers. Admission is looked up at
// every request, so an old certificate opens nothing to a machine that was revoked meanwhile.
const renewGrace = 180 * 24 * time.Hour

// identify finds the machine whose key made this connection. The handshake has proved that the peer holds the key. A certificate that was made while this
// appliance's clock was ahead is good for the same as one that has ended: to be renewed.
func (s *agents) identify(r *http.Request) (m patch.Machine, expired bool, err error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return m, false, notAdmitted()
	}
	cert, now := r.TLS.PeerCertificates[0], s.Now()
	id, err := s.Issuer.MachineOf(cert)
	if err != nil || now.After(cert.NotAfter.Add(renewGrace)) {
		return m, false, notAdmitted()
	}
	m, err = s.Store.FindMachine(r.Context(), id)
	if patch.KindOf(err) == patch.NotFound {
		return m, false, notAdmitted()
	}
	return m, now.After(cert.NotAfter) || now.Before(cert.NotBefore), err
}

// poll waits until the machine is wanted.
// poll answers when there is something for the machine. A machine that this process has not seen yet may have been called by the one before.
func (s *agents) poll(c *call) (any, error) {
	if !s.Hub.Known(c.machine.ID) {
		if waits, err := s.Deploy.HasOrder(c.Context(), c.machine.ID); err != nil || waits {
			return wire.PollReply{Wake: waits}, err
		}
	}
	wait := s.options.PollFor - time.Duration(float64(s.options.PollFor)*0.1*s.random())
	ctx, cancel := context.WithTimeout(c.Context(), wait)
	defer cancel()
	return wire.PollReply{Wake: s.Hub.Wait(ctx, c.machine.ID)}, nil
}

func (s *agents) revision(c *call) (any, error) {
	_, envelope, err := s.Store.NewestRevision(c.Context(), patch.HostOS(c.PathValue("os")))
	if err != nil {
		return nil, err
	}
	return json.RawMessage(envelope), nil
}

// rebootAgain is when a machine that may not reboot asks again, in seconds.
const rebootAgain = 60

// reboot says whether the machine may reboot now. The machine's own policy and window are its own business.
func (s *agents) reboot(c *call) (any, error) {
	in, err := decodeAgent[wire.RebootRequest](c)
	if err != nil {
		return nil, err
	}
	if text, never, err := s.Deploy.MayRestart(c.Context(), c.machine.ID, plainName(in.Order)); err != nil || text != "" {
		return wire.RebootReply{Text: text, RetryAfter: rebootAgain, Stop: never}, err
	}
	leave, err := s.Rings.MayReboot(c.Context(), c.machine.ID, plainName(in.Boot))
	if err != nil || leave.Text != "" {
		return wire.RebootReply{Text: leave.Text, RetryAfter: int(leave.Again / time.Second)}, err
	}
	s.log.InfoContext(c.Context(), "reboot granted", slog.String("machine", string(c.machine.ID)))
	return wire.RebootReply{Granted: true, Until: leave.Until}, nil
}

// standing says what of an order that the machine holds was taken back.
func (s *agents) standing(c *call) (any, error) {
	in, err := decodeAgent[wire.Standing](c)
	if err != nil {
		return nil, err
	}
	withdrawn, err := s.Deploy.Standing(c.Context(), c.machine.ID, plainName(in.Order))
	if err != nil {
		return nil, err
	}
	off, err := s.Deploy.CalledOff(c.Context(), c.machine.ID, plainName(in.Order))
	return wire.StandingReply{Withdrawn: withdrawn, CalledOff: off, Now: s.Now().UTC()}, err
}

func (s *agents) order(c *call) (any, error) {
	e, some, err := s.Deploy.OrderFor(c.Context(), c.machine.ID)
	if err != nil || !some {
		return nil, err
	}
	s.log.InfoContext(c.Context(), "order handed out", slog.String("machine", string(c.machine.ID)))
	s.Pulse.Beat(patch.TopicDeployments)
	return e, nil
}
