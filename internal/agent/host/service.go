package host

import (
	"context"
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// serviceTime bounds the restart of one service.
const serviceTime = 2 * time.Minute

// Services restarts services that run old code.
type Services struct{ Root string }

// Old lists what runs old code now.
func (s Services) Old() []patch.OldCode { return OldCode(s.Root) }

// Restart restarts a service that runs, and leaves one that does not as it is. What it has become is for the caller to look at.
func (s Services) Restart(ctx context.Context, unit string) error {
	if err := patch.CheckRestart(unit); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), serviceTime)
	defer stop()
	out := bounded{max: 4 << 10}
	if err := run(systemctl(ctx, restartArgs(unit)...), &out, nil); err != nil {
		return fmt.Errorf("%s: %w", tidy(string(out.b), 300), err)
	}
	return nil
}
