package main

import (
	"context"
	"log/slog"
	"os"
	"runtime"
)

type serveCmd struct {
	Data      string   `default:"${data}" help:"The data directory that fettle init made; default ${data}." placeholder:"DIR"`
	Config    string   `default:"${config}" help:"The system's configuration file; it need not exist; default ${config}." placeholder:"FILE"`
	Store     string   `help:"Where the data is kept: sqlite:///PATH or postgres://…; default: a file in the data directory." placeholder:"URL"`
	Console   string   `help:"Listen here for the console and the API; default :8460." placeholder:"ADDRESS"`
	Agents    string   `help:"Listen here for agents; default :8461." placeholder:"ADDRESS"`
	Host      []string `help:"A name or address under which people and machines reach this appliance; may be repeated."`
	SyncEvery string   `help:"Bring the feeds up to date this often; 0 only on demand; default 1h." placeholder:"SPAN"`
	Checkin   string   `help:"How long machines stay away between check-ins; default 15m." placeholder:"SPAN"`
	LogLevel  string   `enum:"debug,info,warn,error" default:"info" help:"How much to log: ${enum}."`
	LogText   bool     `help:"Log lines for people instead of JSON."`
}

func (serveCmd) Help() string {
	return `Listens twice with TLS 1.3, each with a CA of its own: for people (console and API) and for agents. Started as root it becomes the owner
of the data directory before it opens or listens on anything; it does not run as root.

Examples:
  fettle serve
  fettle serve --data /srv/fettle --console 127.0.0.1:8460 --log-text`
}

// Run is the appliance's life.
func (c serveCmd) Run(ctx context.Context, s *screen) error {
	cfg, err := c.settings()
	if err != nil {
		return err
	}
	if err := dropPrivileges(cfg.Data); err != nil {
		return err
	}
	return serve(ctx, cfg, c.logger(), nil)
}

// settings lays the flags over the files.
func (c serveCmd) settings() (config, error) {
	cfg, err := readConfig(c.Data, c.Config)
	if err != nil {
		return cfg, err
	}
	for _, o := range []struct {
		flag string
		to   *string
	}{{c.Store, &cfg.Store}, {c.Console, &cfg.Console}, {c.Agents, &cfg.Agents}, {c.SyncEvery, &cfg.SyncEveryRaw}, {c.Checkin, &cfg.CheckinRaw}} {
		if o.flag != "" {
			*o.to = o.flag
		}
	}
	if len(c.Host) > 0 {
		cfg.Hosts = c.Host
	}
	return cfg, cfg.check()
}

func (c serveCmd) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo // kong has checked the word
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogText {
		return slog.New(slog.NewTextHandler(os.Stderr, o))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, o))
}

// addresses are where an appliance listens.
type addresses struct{ Console, Agents string }

// elbowRoom is bytes that count as in use and that nothing is written to, so that they are no memory. The collector begins when the heap is twice
// what is in use; with a small fleet that was every few hundred requests, and a seventh of their work.
const elbowRoom = 64 << 20

// serve runs an appliance until ctx ends or something that it cannot do without fails. ready, if given, learns where it listens.
func serve(ctx context.Context, cfg config, log *slog.Logger, ready func(addresses)) error {
	defer runtime.KeepAlive(make([]byte, elbowRoom))
	a, err := openAppliance(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer a.close()
	l, err := a.listen(ctx)
	if err != nil {
		return err
	}
	log.Info("appliance started", slog.String("version", version), slog.String("console", l.at.Console), slog.String("agents", l.at.Agents),
		slog.String("data", cfg.Data), slog.Int("uid", os.Getuid()))
	if ready != nil {
		ready(l.at)
	}
	err = a.run(ctx, l)
	log.Info("appliance stopped")
	return err
}
