package host

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/fettle-project/fettle/internal/patch"
)

// OwnUpdater asks Windows Update: in a process of its own, which may hang or fall without doing harm to the agent.
func OwnUpdater() Provider { return updateChild{} }

type updateChild struct{}

// Offers starts this program once more, as the child that speaks with Windows Update, and ends it where it takes too long.
func (updateChild) Offers(ctx context.Context, from Source, cab string) (Offers, error) {
	self, err := os.Executable()
	if err != nil {
		return Offers{}, err
	}
	limited, stop := context.WithTimeout(ctx, offersLimit)
	defer stop()
	args := []string{"wua", string(from)}
	if cab != "" {
		args = append(args, cab)
	}
	out := bounded{max: maxAnswer + 1}
	code, err := runJob(limited, self, args, &out)
	switch {
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return Offers{}, patch.Errorf(patch.Unavailable, "Windows Update did not answer within %s", offersLimit)
	case err != nil:
		return Offers{}, patch.Errorf(patch.Unavailable, "Windows Update cannot be asked: %w", err)
	case code != 0 && len(out.b) == 0:
		return Offers{}, patch.Errorf(patch.Unavailable, "who asked Windows Update ended with exit code %d and without an answer", code)
	}
	return readAnswer(out.b, from)
}

// SpeakToWindowsUpdate is the child: it asks, and prints the answer as JSON.
func SpeakToWindowsUpdate(from Source, cab string, out io.Writer) error {
	return json.NewEncoder(out).Encode(askWindowsUpdate(from, cab))
}
