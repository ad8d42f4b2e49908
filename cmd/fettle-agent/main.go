// Command fettle-agent is the agent: one small program on every machine. It also detects and explains with no server at all.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/fettle-project/fettle/internal/agent"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := agent.New(agent.Config{}).Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "fettle-agent:", err)
		os.Exit(3)
	}
}
